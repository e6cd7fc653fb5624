// SnappyBlock: undoes the snappy block format, in memory that is kept from one body to the next.
//
// The length that a body declares is believed only within the limits, and only as far as that many compressed bytes can
// expand at all; memory is taken after both have been seen. One thread.
#pragma once

#include <memory>
#include <string_view>

#include "ingest/taken.h"

namespace rhizome::ingest {

class SnappyBlock {
 public:
  // The bytes behind `body`, valid until the next call. TooLarge beyond the limits; InvalidArgument, field "body", for
  // what is no snappy block or not as long as it says.
  Result<std::string_view> Undo(std::string_view body, const Limits& limits);

 private:
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
};

}  // namespace rhizome::ingest
