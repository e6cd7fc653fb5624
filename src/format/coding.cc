#include "format/coding.h"

namespace rhizome::format {

void PutVarint(std::string& out, uint64_t value) {
  char buffer[kVarintLengthMax];
  size_t length = 0;
  while (value >= 0x80) {
    buffer[length++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[length++] = static_cast<char>(value);
  out.append(buffer, length);
}

void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

size_t VarintLength(uint64_t value) { return value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 6) / 7; }

bool Decoder::Varint(uint64_t& value, uint64_t max) {
  uint64_t read = 0;
  for (size_t i = 0; i < kVarintLengthMax; ++i) {
    uint8_t byte = 0;
    if (!U8(byte)) return false;
    if (i == kVarintLengthMax - 1 && byte > 1) return Fail();  // would pass 64 bits
    read |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0 && i > 0) return Fail();  // a shorter form exists
    if (read > max) return Fail();
    value = read;
    return true;
  }
  return Fail();
}

bool Decoder::Bytes(std::string_view& bytes, uint64_t length_max) {
  uint64_t length = 0;
  if (!Varint(length, length_max)) return false;
  if (length > remaining()) return Fail();
  return Raw(bytes, static_cast<size_t>(length));
}

bool Decoder::Bytes(std::string& bytes, uint64_t length_max) {
  std::string_view view;
  if (!Bytes(view, length_max)) return false;
  bytes.assign(view);
  return true;
}

bool Decoder::Raw(std::string_view& bytes, size_t length) {
  if (!Has(length)) return false;
  bytes = input_.substr(offset_, length);
  offset_ += length;
  return true;
}

bool Decoder::Skip(size_t length) {
  std::string_view ignored;
  return Raw(ignored, length);
}

bool Decoder::Count(uint64_t& count, size_t item_length_min) {
  uint64_t read = 0;
  if (!Varint(read)) return false;
  if (item_length_min > 0 && read > remaining() / item_length_min) return Fail();
  count = read;
  return true;
}

Status Decoder::Failure(std::string_view what) const {
  return Status::Corruption(std::string(what) + ": malformed at byte " + std::to_string(offset_) + " of " +
                            std::to_string(input_.size()));
}

Status Decoder::Finish(std::string_view what) const {
  if (failed_) return Failure(what);
  if (remaining() > 0) {
    return Status::Corruption(std::string(what) + ": " + std::to_string(remaining()) + " bytes too many");
  }
  return Status::Ok();
}

}  // namespace rhizome::format
