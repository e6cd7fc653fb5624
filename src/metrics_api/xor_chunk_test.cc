#include "metrics_api/xor_chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace rhizome::metrics_api {
namespace {

// Reads a chunk back, written from the format and not from the writer.
class Reader {
 public:
  explicit Reader(const std::string& chunk) : chunk_(chunk) {}

  std::vector<std::pair<int64_t, uint64_t>> All() {
    const uint64_t count = Bits(16);
    std::vector<std::pair<int64_t, uint64_t>> samples;
    int64_t time_ms = 0;
    uint64_t value = 0, delta = 0;
    for (uint64_t i = 0; i < count; ++i) {
      if (i == 0) {
        const uint64_t zigzag = Varint();
        time_ms = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
        value = Bits(64);
      } else {
        delta = i == 1 ? Varint() : delta + DeltaOfDelta();
        time_ms = static_cast<int64_t>(static_cast<uint64_t>(time_ms) + delta);
        value ^= Changed();
      }
      samples.emplace_back(time_ms, value);
    }
    EXPECT_LT(chunk_.size() * 8 - at_, 8u);
    return samples;
  }

 private:
  uint64_t Bits(int count) {
    uint64_t bits = 0;
    for (int i = 0; i < count; ++i, ++at_) {
      bits = bits << 1 | (static_cast<uint8_t>(chunk_.at(at_ / 8)) >> (7 - at_ % 8) & 1);
    }
    return bits;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint64_t byte = Bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  uint64_t DeltaOfDelta() {
    int ones = 0;
    while (ones < 4 && Bits(1) == 1) ++ones;
    if (ones == 0) return 0;
    if (ones == 4) return Bits(64);
    const int width = ones == 1 ? 14 : ones == 2 ? 17 : 20;
    uint64_t bits = Bits(width);
    if (bits > uint64_t{1} << (width - 1)) bits -= uint64_t{1} << width;
    return bits;
  }
  uint64_t Changed() {
    if (Bits(1) == 0) return 0;
    if (Bits(1) == 1) {
      leading_ = static_cast<int>(Bits(5));
      significant_ = static_cast<int>(Bits(6));
      if (significant_ == 0) significant_ = 64;
    }
    return Bits(significant_) << (64 - leading_ - significant_);
  }

  const std::string& chunk_;
  size_t at_ = 0;
  int leading_ = 0;
  int significant_ = 0;
};

void ExpectKept(const std::vector<int64_t>& times_ms, const std::vector<double>& values) {
  std::string chunk;
  AppendXorChunk(times_ms, values, chunk);
  const auto samples = Reader(chunk).All();
  ASSERT_EQ(samples.size(), times_ms.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].first, times_ms[i]) << i;
    EXPECT_EQ(samples[i].second, std::bit_cast<uint64_t>(values[i])) << i;
  }
}

TEST(XorChunk, AnEmptyOneIsItsCount) {
  std::string chunk = "x";
  AppendXorChunk({}, {}, chunk);
  EXPECT_EQ(chunk, std::string("x\0\0", 3));
}

TEST(XorChunk, TwoSamplesAreTheseBytes) {
  std::string chunk;
  AppendXorChunk(std::vector<int64_t>{1, 16}, std::vector<double>{1, 1}, chunk);
  EXPECT_EQ(chunk, std::string("\x00\x02\x02\x3f\xf0\x00\x00\x00\x00\x00\x00\x0f\x00", 13));
}

TEST(XorChunk, EveryClassOfDeltasIsKept) {
  std::vector<int64_t> times_ms = {-5, 0};
  for (const int64_t step : {1, 8'192, 8'191, -8'191, -8'192, 65'536, -65'535, 65'537, 524'288, -524'287, 524'289}) {
    const int64_t delta = times_ms.back() - times_ms[times_ms.size() - 2];
    if (delta + step <= 0) times_ms.push_back(times_ms.back() + 10'000'000);
    times_ms.push_back(times_ms.back() + (times_ms.back() - times_ms[times_ms.size() - 2]) + step);
  }
  times_ms.push_back(std::numeric_limits<int64_t>::max() / 2);
  ExpectKept(times_ms, std::vector<double>(times_ms.size(), 1));
}

TEST(XorChunk, ValuesAreKeptBitForBit) {
  const std::vector<double> values = {0.0,
                                      -0.0,
                                      1,
                                      1,
                                      1.5,
                                      NAN,
                                      std::bit_cast<double>(0x7ff0000000000002),
                                      INFINITY,
                                      5e-324,
                                      std::bit_cast<double>(~uint64_t{0}),
                                      0.0,
                                      1e300};
  std::vector<int64_t> times_ms;
  for (size_t i = 0; i < values.size(); ++i) times_ms.push_back(static_cast<int64_t>(i) * 15'000);
  ExpectKept(times_ms, values);
}

TEST(XorChunk, RandomSamplesAreKept) {
  std::mt19937_64 random(11);
  for (int run = 0; run < 300; ++run) {
    std::vector<int64_t> times_ms;
    std::vector<double> values;
    int64_t time_ms = static_cast<int64_t>(random() >> 20);
    for (uint64_t i = random() % 300; i > 0; --i) {
      time_ms += 1 + static_cast<int64_t>(random() >> (40 + random() % 24));
      times_ms.push_back(time_ms);
      values.push_back(run % 2 == 0 ? std::bit_cast<double>(random()) : static_cast<double>(random() % 1'000));
    }
    ExpectKept(times_ms, values);
  }
}

}  // namespace
}  // namespace rhizome::metrics_api
