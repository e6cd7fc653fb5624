// JsonDocument: a request body parsed strictly, once, into one block of memory that goes as a whole.
//
// Accepted is RFC 8259 JSON and nothing more. Refused with InvalidArgument, naming the byte and, where there is
// one, the key: trailing bytes, comments, nesting deeper than 64, the same key twice in one object, bad UTF-8 and
// lone surrogates, numbers a double cannot hold (1e999). Integers are exact from -2^63 to 2^64-1; other numbers
// are the nearest double. kTooLarge for more than 8,388,608 values, which bounds memory to about 16 bytes × that.
//
// Any bytes are safe input. Thread-safe to read.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "base/status.h"

namespace rhizome::gateway {

inline constexpr size_t kJsonDepthMax = 64;
inline constexpr size_t kJsonValuesMax = size_t{8} << 20;

class JsonDocument {
 public:
  static Result<JsonDocument> Parse(std::string_view text);

  // Lives as long as the document.
  const boost::json::value& root() const { return root_; }

 private:
  explicit JsonDocument(boost::json::value root) : root_(std::move(root)) {}
  boost::json::value root_;
};

}  // namespace rhizome::gateway
