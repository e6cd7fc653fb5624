// Coding: the primitive encodings every Rhizome byte format is made of (docs/formats/coding.md).
//
// Integers and floats are little-endian and of fixed size, so a field's offset is known; varints (7 bits per byte,
// lowest first, at most 10 bytes, shortest form only) are for counts and lengths. A string is its varint length
// and its bytes. One value has exactly one encoding, so equal values have equal bytes and equal checksums.
//
// Writers append to a std::string and cannot fail. Decoder reads untrusted bytes: it never reads past the end,
// never allocates, and once a read has failed every later one fails too, so a whole record is decoded with one
// check at the end. Thread-safety: as a std::string; views handed out live as long as the input.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::format {

static_assert(std::endian::native == std::endian::little, "formats are little-endian and stored as they lie in memory");

inline constexpr size_t kVarintLengthMax = 10;

// Fixed-size value at `from`; the caller has checked that sizeof(T) bytes are there.
template <typename T>
T LoadFixed(const char* from) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void StoreFixed(char* to, T value) {
  static_assert(std::is_arithmetic_v<T>);
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
void PutFixed(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

inline void PutU8(std::string& out, uint8_t value) { PutFixed(out, value); }
inline void PutU16(std::string& out, uint16_t value) { PutFixed(out, value); }
inline void PutU32(std::string& out, uint32_t value) { PutFixed(out, value); }
inline void PutU64(std::string& out, uint64_t value) { PutFixed(out, value); }
inline void PutI64(std::string& out, int64_t value) { PutFixed(out, value); }
inline void PutFloat(std::string& out, float value) { PutFixed(out, value); }
inline void PutDouble(std::string& out, double value) { PutFixed(out, value); }
void PutVarint(std::string& out, uint64_t value);
// Varint length, then the bytes.
void PutBytes(std::string& out, std::string_view bytes);

// Bytes PutVarint appends for `value`, 1..10.
size_t VarintLength(uint64_t value);

// A cursor over untrusted bytes. Each read moves past what it read and says whether it was there.
class Decoder {
 public:
  explicit Decoder(std::string_view input) : input_(input) {}

  template <typename T>
  [[nodiscard]] bool Fixed(T& value) {
    if (!Has(sizeof(T))) return false;
    value = LoadFixed<T>(input_.data() + offset_);
    offset_ += sizeof(T);
    return true;
  }
  [[nodiscard]] bool U8(uint8_t& value) { return Fixed(value); }
  [[nodiscard]] bool U16(uint16_t& value) { return Fixed(value); }
  [[nodiscard]] bool U32(uint32_t& value) { return Fixed(value); }
  [[nodiscard]] bool U64(uint64_t& value) { return Fixed(value); }
  [[nodiscard]] bool I64(int64_t& value) { return Fixed(value); }
  [[nodiscard]] bool Float(float& value) { return Fixed(value); }
  [[nodiscard]] bool Double(double& value) { return Fixed(value); }
  // Refuses a value above `max`, a longer form than needed, and overflow.
  [[nodiscard]] bool Varint(uint64_t& value, uint64_t max = UINT64_MAX);
  // What PutBytes wrote, refusing more than `length_max` bytes; the view points into the input.
  [[nodiscard]] bool Bytes(std::string_view& bytes, uint64_t length_max = UINT64_MAX);
  [[nodiscard]] bool Bytes(std::string& bytes, uint64_t length_max = UINT64_MAX);
  // Exactly `length` bytes without a length before them.
  [[nodiscard]] bool Raw(std::string_view& bytes, size_t length);
  [[nodiscard]] bool Skip(size_t length);
  // A count of items to follow, each at least `item_length_min` bytes: refuses a count the remaining input cannot
  // hold, so that reserving for it is safe.
  [[nodiscard]] bool Count(uint64_t& count, size_t item_length_min);

  bool failed() const { return failed_; }
  size_t offset() const { return offset_; }
  size_t remaining() const { return input_.size() - offset_; }
  std::string_view rest() const { return input_.substr(offset_); }

  // Corruption naming `what` and the offset reached; for a caller whose read failed or whose value was absurd.
  Status Failure(std::string_view what) const;
  // OK when every read succeeded and nothing is left over.
  Status Finish(std::string_view what) const;

 private:
  bool Has(size_t length) {
    if (failed_ || remaining() < length) failed_ = true;
    return !failed_;
  }
  bool Fail() {
    failed_ = true;
    return false;
  }

  std::string_view input_;
  size_t offset_ = 0;
  bool failed_ = false;
};

}  // namespace rhizome::format
