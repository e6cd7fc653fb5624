#include "engines/series/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "base/hash.h"
#include "engines/series/mixed_data_testing.h"
#include "format/coding.h"

namespace rhizome::series {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

Samples Regular(std::vector<double> values) {
  Samples samples;
  for (const double value : values) {
    samples.times.push_back(kStart + kIntervalMs * static_cast<int64_t>(samples.size()));
    samples.values.push_back(value);
  }
  return samples;
}

std::string Encoded(const Samples& samples) {
  ChunkEncoder encoder;
  std::string chunk;
  encoder.Encode(samples.times, samples.values, chunk);
  return chunk;
}

// Values by their bits: NaN equals itself, -0 is not 0.
std::vector<uint64_t> BitsOf(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

void ExpectSame(const Samples& a, const Samples& b) {
  EXPECT_EQ(a.times, b.times);
  EXPECT_EQ(BitsOf(a.values), BitsOf(b.values));
}

void ExpectComesBack(const Samples& samples) {
  const std::string chunk = Encoded(samples);
  Samples decoded;
  const Status status = DecodeChunk(chunk, decoded);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ExpectSame(decoded, samples);
  const auto info = ReadChunkInfo(chunk);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->count, samples.size());
  EXPECT_EQ(info->min_time, samples.times.front());
  EXPECT_EQ(info->max_time, samples.times.back());
}

double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

// The chunk with a checksum that fits what it now holds.
std::string Sealed(std::string chunk) {
  if (chunk.size() < 6) return chunk;
  const auto checksum =
      static_cast<uint32_t>(Checksum(std::string_view(chunk).substr(6), format::LoadFixed<uint16_t>(chunk.data())));
  format::StoreFixed(chunk.data() + 2, checksum);
  return chunk;
}

std::vector<double> Specials() {
  using Limits = std::numeric_limits<double>;
  return {0.0,
          -0.0,
          1.0,
          -1.0,
          Limits::infinity(),
          -Limits::infinity(),
          Limits::quiet_NaN(),
          -Limits::quiet_NaN(),
          FromBits(kStaleMarkerBits),
          FromBits(0x7ff0000000000001),
          FromBits(0xfff8000000000123),
          Limits::max(),
          Limits::lowest(),
          Limits::min(),
          Limits::denorm_min(),
          -Limits::denorm_min(),
          0.1,
          -0.1,
          0.3,
          1e15,
          1e22,
          1e300,
          1e-300,
          9007199254740993.0,
          2251799813685247.0,
          2251799813685248.0,
          -2251799813685248.0,
          123456.789};
}

TEST(Chunk, EveryKindOfMixedDataComesBackAtEveryLength) {
  for (int kind = 0; kind < kKinds; ++kind) {
    for (const size_t count : {1, 2, 3, 5, 8, 9, 127, 128, 129, 130, 257, 480, 2000}) {
      SCOPED_TRACE(testing::Message() << NameOf(static_cast<Kind>(kind)) << " " << count);
      ExpectComesBack(MakeSamples(static_cast<Kind>(kind), count, count));
    }
  }
  ExpectComesBack(MakeSamples(Kind::kCounter, 1, kChunkSamplesMax));
}

TEST(Chunk, SpecialValuesComeBackAloneAndInPairs) {
  for (const double a : Specials()) {
    ExpectComesBack(Regular({a}));
    for (const double b : Specials()) ExpectComesBack(Regular({a, b, a, a, b}));
  }
}

TEST(Chunk, SpecialValuesComeBackAmongDecimals) {
  for (const double special : Specials()) {
    for (const size_t at : {0, 1, 64, 199}) {
      Samples samples = MakeSamples(Kind::kTwoDecimals, at, 200);
      samples.values[at] = special;
      ExpectComesBack(samples);
    }
  }
}

TEST(Chunk, AnyBitsComeBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    Samples samples;
    auto time = static_cast<int64_t>(random());
    const size_t count = 1 + random() % 300;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t step = 1 + (random() >> (random() % 64));
      if (time > INT64_MAX - static_cast<int64_t>(step >> 1) - 1) break;
      time += static_cast<int64_t>(step >> 1) + 1;
      samples.times.push_back(time);
      samples.values.push_back(FromBits(random() << (random() % 64)));
    }
    if (samples.size() > 0) ExpectComesBack(samples);
  }
}

TEST(Chunk, TheWidestTimesComeBack) {
  Samples samples;
  samples.times = {INT64_MIN, -1, 0, 1, INT64_MAX};
  samples.values = {1, 2, 3, 4, 5};
  ExpectComesBack(samples);
}

TEST(Chunk, GapsCounterResetsAndOutliersComeBack) {
  Samples samples = MakeSamples(Kind::kCounter, 3, 600);
  for (size_t i = 200; i < 600; ++i) samples.times[i] += 3'600'000;
  for (size_t i = 300; i < 600; ++i) samples.values[i] -= samples.values[300];
  samples.values[450] = 1e14;
  ExpectComesBack(samples);
}

TEST(Chunk, DecimalsAreStoredAsIntegers) {
  Samples coarse = Regular({});
  Samples fine = Regular({});
  for (int i = 0; i < 480; ++i) {
    coarse.times.push_back(kStart + i * kIntervalMs);
    fine.times.push_back(kStart + i * kIntervalMs);
    coarse.values.push_back(i * 7 % 100);
    fine.values.push_back((i * 7 % 100) / 100.0);
  }
  EXPECT_LE(Encoded(fine).size(), Encoded(coarse).size() + 8);
}

TEST(Chunk, AFewStaleMarkersCostLittle) {
  Samples samples = MakeSamples(Kind::kCounter, 5, 480);
  const size_t without = Encoded(samples).size();
  samples.values[100] = samples.values[101] = FromBits(kStaleMarkerBits);
  ExpectComesBack(samples);
  EXPECT_LT(Encoded(samples).size(), without + 60);
}

TEST(Chunk, NanosecondCountersAreDifferencesOfTheirBits) {
  Samples samples;
  for (int i = 0; i < 480; ++i) {
    samples.times.push_back(kStart + i * kIntervalMs);
    samples.values.push_back(1.7e18 + 15e9 * i);
  }
  ExpectComesBack(samples);
  EXPECT_LT(Encoded(samples).size(), 480u);
}

TEST(Chunk, RegularConstantSamplesTakeLessThanAByteInTen) {
  EXPECT_LT(Encoded(Regular(std::vector<double>(480, 3.5))).size(), 48u);
}

TEST(Chunk, MixedDataKeepsItsSize) {
  size_t bytes = 0;
  size_t full_precision = 0;
  for (uint64_t series = 0; series < 50; ++series) {
    const size_t size = Encoded(MakeSamples(KindOf(series), series, 480)).size();
    bytes += size;
    if (KindOf(series) == Kind::kFullPrecision) full_precision += size;
  }
  EXPECT_LT(static_cast<double>(bytes) / (50 * 480), 1.5);
  EXPECT_LT(static_cast<double>(full_precision) / (5 * 480), 6.3);
}

TEST(Chunk, DecodingAppends) {
  const Samples first = MakeSamples(Kind::kBytes, 1, 100);
  Samples all;
  ASSERT_TRUE(DecodeChunk(Encoded(first), all).ok());
  ASSERT_TRUE(DecodeChunk(Encoded(first), all).ok());
  EXPECT_EQ(all.size(), 200u);
}

TEST(Chunk, EveryTruncationAndBitFlipIsFound) {
  const std::string whole = Encoded(MakeSamples(Kind::kTwoDecimals, 1, 150));
  Samples decoded = Regular({1, 2});
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(DecodeChunk(std::string_view(whole).substr(0, length), decoded).code(), Code::kCorruption) << length;
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(DecodeChunk(flipped, decoded).code(), Code::kCorruption) << bit;
  }
  EXPECT_EQ(DecodeChunk(whole + "x", decoded).code(), Code::kCorruption);
  ExpectSame(decoded, Regular({1, 2}));
}

TEST(Chunk, AWrongChunkWithARightChecksumIsRefusedOrHoldsAscendingTimes) {
  int refused = 0;
  for (int kind = 0; kind < kKinds; ++kind) {
    const std::string whole = Encoded(MakeSamples(static_cast<Kind>(kind), 1, 200));
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const uint8_t change : {0x01, 0x10, 0x40, 0x80, 0xff}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ change);
        Samples decoded;
        const Status status = DecodeChunk(Sealed(changed), decoded);
        refused += !status.ok();
        if (!status.ok()) {
          EXPECT_EQ(status.code(), Code::kCorruption);
          EXPECT_EQ(decoded.size(), 0u);
        }
        for (size_t i = 1; i < decoded.size(); ++i) ASSERT_LT(decoded.times[i - 1], decoded.times[i]);
        ASSERT_LE(decoded.size(), kChunkSamplesMax);
      }
    }
    for (size_t length = 6; length < whole.size(); ++length) {
      Samples decoded;
      EXPECT_EQ(DecodeChunk(Sealed(whole.substr(0, length)), decoded).code(), Code::kCorruption) << length;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Chunk, AnotherFormatIsNamed) {
  std::string chunk = Encoded(Regular({1}));
  chunk[0] = 9;
  Samples decoded;
  EXPECT_THAT(std::string(DecodeChunk(chunk, decoded).message()), testing::HasSubstr("format 9"));
  EXPECT_EQ(ReadChunkInfo(chunk).status().code(), Code::kCorruption);
}

TEST(Chunk, ACountThatIsTooLargeIsRefusedBeforeMemoryIsTaken) {
  std::string chunk("\x01\x00\x00\x00\x00\x00", 6);
  format::PutVarint(chunk, kChunkSamplesMax + 1);
  format::PutVarint(chunk, 0);
  format::PutVarint(chunk, uint64_t{1} << 40);
  Samples decoded;
  EXPECT_EQ(DecodeChunk(Sealed(chunk), decoded).code(), Code::kCorruption);
}

Samples GoldenSamples(const std::string& name) {
  if (name == "chunk_bits_v1.bin") return Regular(Specials());
  Samples samples;
  for (int i = 0; i < 300; ++i) {
    samples.times.push_back(kStart + i * kIntervalMs + (i % 50 == 7 ? 321 : 0));
    samples.values.push_back(std::round((20 + i * i % 977) * 10.0) / 1000);
  }
  samples.values[42] = FromBits(kStaleMarkerBits);
  return samples;
}

// The golden files are what blocks written by this version hold; they may never change meaning.
TEST(Chunk, GoldenFilesStillDecode) {
  for (const std::string name : {"chunk_decimal_v1.bin", "chunk_bits_v1.bin"}) {
    std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/series/testdata/" + name, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << name;
    std::stringstream bytes;
    bytes << file.rdbuf();
    Samples decoded;
    ASSERT_TRUE(DecodeChunk(bytes.str(), decoded).ok()) << name;
    ExpectSame(decoded, GoldenSamples(name));
    EXPECT_EQ(Encoded(GoldenSamples(name)), bytes.str()) << name << " is not what this version writes";
  }
}

}  // namespace
}  // namespace rhizome::series
