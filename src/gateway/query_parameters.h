// What routes take behind the question mark: parameters, each known and at most once, and places in pages.
//
// Errors name a parameter as "query.NAME". Not thread-safe; a request belongs to one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "gateway/http_message.h"

namespace rhizome::gateway {

class Parameters {
 public:
  // Of a request that outlives it. InvalidArgument for a parameter that is not `known`.
  static Result<Parameters> Read(const Request& request, std::initializer_list<std::string_view> known);
  std::optional<std::string> Text(std::string_view name) const;
  Result<std::optional<int64_t>> Number(std::string_view name, int64_t least, int64_t most) const;

 private:
  explicit Parameters(const NamedValues& query) : query_(query) {}
  const NamedValues& query_;
};

// A field of what was asked becomes the parameter it came from.
Status NamedAsQuery(const Status& status);

// Where a page ended, as bytes of an engine's and as a client hands it back: base64url (RFC 4648, section 5).
std::string EncodePlace(const std::string& bytes);
// InvalidArgument (field "query.after").
Result<std::string> DecodePlace(std::string text);

}  // namespace rhizome::gateway
