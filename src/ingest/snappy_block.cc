#include "ingest/snappy_block.h"

#include <fmt/format.h>
#include <snappy.h>

namespace rhizome::ingest {

Result<std::string_view> SnappyBlock::Undo(std::string_view body, const Limits& limits) {
  RETURN_IF_ERROR(CheckBodySize(body, limits));
  size_t length = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &length)) {
    return Malformed("body", "not a snappy block (the block format without frames): it begins with no length");
  }
  if (length > limits.decoded_bytes_max) {
    return Status::TooLarge("body", fmt::format("{} bytes when decompressed, more than {}: send less at a time", length,
                                                limits.decoded_bytes_max));
  }
  // The element that expands most is a copy of 64 bytes, which takes 3.
  if (length > body.size() * 22) {
    return Malformed("body",
                     fmt::format("a snappy block of {} bytes cannot hold the {} it declares", body.size(), length));
  }
  if (length > capacity_ || (capacity_ > (1 << 20) && length < capacity_ / 64)) {  // nor is a giant's memory kept
    buffer_.reset();
    capacity_ = length + length / 4;
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (!snappy::RawUncompress(body.data(), body.size(), buffer_.get())) {
    return Malformed("body", "not a snappy block (the block format without frames), or not as long as it declares");
  }
  return std::string_view(buffer_.get(), length);
}

}  // namespace rhizome::ingest
