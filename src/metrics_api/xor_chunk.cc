#include "metrics_api/xor_chunk.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace rhizome::metrics_api {
namespace {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  // The lowest `count` bits, the highest of them first.
  void Bits(uint64_t bits, int count) {
    while (count > 0) {
      if (free_ == 0) {
        out_ += '\0';
        free_ = 8;
      }
      const int now = std::min(count, free_);
      const uint64_t part = (bits >> (count - now)) & ((uint64_t{1} << now) - 1);
      out_.back() = static_cast<char>(static_cast<uint8_t>(out_.back()) | part << (free_ - now));
      free_ -= now;
      count -= now;
    }
  }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Bits(value | 0x80, 8);
    Bits(value, 8);
  }

 private:
  std::string& out_;
  int free_ = 0;  // bits in the last byte
};

uint64_t ZigZag(int64_t value) { return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63); }

bool Fits(int64_t value, int bits) {
  return value >= -((int64_t{1} << (bits - 1)) - 1) && value <= int64_t{1} << (bits - 1);
}

void WriteDeltaOfDelta(int64_t value, BitWriter& writer) {
  const auto bits = static_cast<uint64_t>(value);
  if (value == 0) return writer.Bits(0, 1);
  if (Fits(value, 14)) {
    writer.Bits(0b10, 2);
    writer.Bits(bits, 14);
  } else if (Fits(value, 17)) {
    writer.Bits(0b110, 3);
    writer.Bits(bits, 17);
  } else if (Fits(value, 20)) {
    writer.Bits(0b1110, 4);
    writer.Bits(bits, 20);
  } else {
    writer.Bits(0b1111, 4);
    writer.Bits(bits, 64);
  }
}

class ValueWriter {
 public:
  ValueWriter(uint64_t first, BitWriter& writer) : last_(first), writer_(writer) {}

  void Write(uint64_t value) {
    const uint64_t changed = value ^ last_;
    last_ = value;
    if (changed == 0) return writer_.Bits(0, 1);
    writer_.Bits(1, 1);
    const int leading = std::min(std::countl_zero(changed), 31), trailing = std::countr_zero(changed);
    if (leading_ >= 0 && leading >= leading_ && trailing >= trailing_) {
      writer_.Bits(0, 1);
    } else {
      leading_ = leading;
      trailing_ = trailing;
      writer_.Bits(1, 1);
      writer_.Bits(static_cast<uint64_t>(leading), 5);
      writer_.Bits(static_cast<uint64_t>(64 - leading - trailing), 6);  // 64 is written as 0
    }
    writer_.Bits(changed >> trailing_, 64 - leading_ - trailing_);
  }

 private:
  uint64_t last_;
  BitWriter& writer_;
  int leading_ = -1;  // no window yet
  int trailing_ = 0;
};

}  // namespace

void AppendXorChunk(std::span<const int64_t> times_ms, std::span<const double> values, std::string& out) {
  const size_t count = times_ms.size();
  CHECK(count == values.size() && count <= UINT16_MAX);
  out += static_cast<char>(count >> 8);
  out += static_cast<char>(count);
  if (count == 0) return;
  BitWriter writer(out);
  writer.Varint(ZigZag(times_ms[0]));
  writer.Bits(std::bit_cast<uint64_t>(values[0]), 64);
  ValueWriter value_writer(std::bit_cast<uint64_t>(values[0]), writer);
  uint64_t last_delta = 0;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t delta = static_cast<uint64_t>(times_ms[i]) - static_cast<uint64_t>(times_ms[i - 1]);
    if (i == 1) {
      writer.Varint(delta);
    } else {
      WriteDeltaOfDelta(static_cast<int64_t>(delta - last_delta), writer);
    }
    last_delta = delta;
    value_writer.Write(std::bit_cast<uint64_t>(values[i]));
  }
}

}  // namespace rhizome::metrics_api
