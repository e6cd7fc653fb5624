// WireReader: the fields of one protobuf message, read where they lie.
//
// For the two formats whose pace is set by reading them (remote write 1.0 and 2.0); the others use generated code. It
// takes any bytes, never reads past their end, never allocates, and once a read has failed every later one fails.
// Groups, which no format of ours has, are a failure. Views point into the input. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/coding.h"

namespace rhizome::ingest {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class WireReader {
 public:
  WireReader() = default;
  explicit WireReader(std::string_view message) : begin_(message.data()), at_(begin_), end_(begin_ + message.size()) {}

  // Reads the next field's tag. False at the end, and after a failure.
  bool Next() {
    if (at_ == end_ || failed_) return false;
    if (static_cast<uint8_t>(*at_) < 0x80) {
      tag_ = static_cast<uint8_t>(*at_++);
    } else {
      uint64_t tag = 0;
      if (!Varint(tag) || tag > UINT32_MAX) return Fail();
      tag_ = static_cast<uint32_t>(tag);
    }
    return tag_ >= 8 || Fail();  // there is no field 0
  }
  // Of the field whose tag was read.
  uint32_t tag() const { return tag_; }
  static constexpr uint32_t Tag(uint32_t field, WireType type) { return field << 3 | static_cast<uint32_t>(type); }

  [[nodiscard]] bool Varint(uint64_t& value) {
    if (failed_ || at_ == end_) return Fail();
    const auto first = static_cast<uint8_t>(*at_);
    if (first < 0x80) {
      value = first;
      ++at_;
      return true;
    }
    uint64_t read = 0;
    for (int shift = 0; shift < 70 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      read |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        value = read;
        return true;
      }
    }
    return Fail();
  }
  [[nodiscard]] bool Bytes(std::string_view& bytes) {
    uint64_t length = 0;
    if (!Varint(length) || length > static_cast<uint64_t>(end_ - at_)) return Fail();
    bytes = std::string_view(at_, length);
    at_ += length;
    return true;
  }
  template <typename T>
  [[nodiscard]] bool Fixed(T& value) {
    if (failed_ || static_cast<size_t>(end_ - at_) < sizeof(T)) return Fail();
    value = format::LoadFixed<T>(at_);
    at_ += sizeof(T);
    return true;
  }
  // Past the value of the field whose tag was read.
  [[nodiscard]] bool Skip() {
    uint64_t number = 0;
    std::string_view bytes;
    uint32_t half = 0;
    switch (static_cast<WireType>(tag_ & 7)) {
      case WireType::kVarint: return Varint(number);
      case WireType::kFixed64: return Fixed(number);
      case WireType::kBytes: return Bytes(bytes);
      case WireType::kFixed32: return Fixed(half);
      default: return Fail();
    }
  }

  bool failed() const { return failed_; }
  bool AtEnd() const { return at_ == end_ && !failed_; }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

 private:
  bool Fail() {
    failed_ = true;
    return false;
  }

  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t tag_ = 0;
  bool failed_ = false;
};

}  // namespace rhizome::ingest
