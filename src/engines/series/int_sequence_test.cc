#include "engines/series/int_sequence.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "engines/series/int_block.h"

namespace rhizome::series {
namespace {

using Integers = std::vector<uint64_t>;

std::string Encoded(Integers integers) {
  std::string out;
  PutSequence(integers, out);
  return out;
}

bool Decode(const std::string& bytes, uint64_t first, size_t count, Integers& to) {
  format::Decoder in(bytes);
  SequenceReader reader;
  if (!reader.Start(in, first, count)) return false;
  while (to.size() < count) {
    std::span<const uint64_t> block;
    if (!reader.Next(in, block)) return false;
    to.insert(to.end(), block.begin(), block.end());
  }
  return in.remaining() == 0;
}

void ExpectComesBack(const Integers& integers) {
  Integers decoded;
  ASSERT_TRUE(Decode(Encoded(integers), integers[0], integers.size(), decoded));
  EXPECT_EQ(decoded, integers);
}

// count integers with the n-th from `of`.
template <typename F>
Integers Make(size_t count, F of) {
  Integers integers;
  for (size_t i = 0; i < count; ++i) integers.push_back(static_cast<uint64_t>(of(i)));
  return integers;
}

TEST(IntSequence, LinesTakeAFewBytes) {
  const Integers line = Make(1000, [](size_t i) { return 5 + 15'000 * i; });
  ExpectComesBack(line);
  EXPECT_LT(Encoded(line).size(), 32u);
}

TEST(IntSequence, FallingAndNegativeLinesTakeAFewBytes) {
  const Integers line = Make(1000, [](size_t i) { return -77 - 3 * static_cast<int64_t>(i); });
  ExpectComesBack(line);
  EXPECT_LT(Encoded(line).size(), 32u);
}

TEST(IntSequence, ParabolasTakeAFewBytes) {
  const Integers parabola = Make(1000, [](size_t i) { return 3 * i * i + 7 * i; });
  ExpectComesBack(parabola);
  EXPECT_LT(Encoded(parabola).size(), 48u);
}

TEST(IntSequence, NoiseAroundALevelTakesTheBitsOfTheNoise) {
  std::mt19937_64 random(1);
  const Integers noise = Make(1024, [&](size_t) { return 1'000'000 + random() % 16; });
  ExpectComesBack(noise);
  EXPECT_LT(Encoded(noise).size(), 1024u * 4 / 8 + 64);
}

TEST(IntSequence, CommonTrailingZerosAreFree) {
  std::mt19937_64 random(1);
  const Integers pages = Make(1024, [&](size_t) { return 4096 * (random() % 16); });
  ExpectComesBack(pages);
  EXPECT_LT(Encoded(pages).size(), 1024u * 4 / 8 + 64);
}

TEST(IntSequence, RareOutliersCostOnlyThemselves) {
  const Integers spiked = Make(1024, [](size_t i) { return i % 100 == 50 ? uint64_t{1} << 40 : 9; });
  ExpectComesBack(spiked);
  EXPECT_LT(Encoded(spiked).size(), 250u);
}

TEST(IntSequence, EveryWidthAndLengthComesBack) {
  std::mt19937_64 random(3);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t count : {1, 2, 3, 64, 127, 128, 129, 130, 300}) {
      SCOPED_TRACE(testing::Message() << width << " bits, " << count);
      ExpectComesBack(Make(count, [&](size_t) { return width == 0 ? 0 : random() >> (64 - width); }));
      // Half of them the same; a few much wider.
      ExpectComesBack(Make(count, [&](size_t) { return width == 0 || random() % 2 ? 7 : random() >> (64 - width); }));
      ExpectComesBack(Make(count, [&](size_t) { return random() % 20 ? 7 + random() % 4 : random() << (width % 64); }));
    }
  }
}

TEST(IntSequence, DifferencesThatOverflowComeBack) {
  ExpectComesBack(Make(300, [](size_t i) { return i % 2 ? INT64_MIN : INT64_MAX; }));
  ExpectComesBack(Make(300, [](size_t i) { return i * 0x9e3779b97f4a7c15; }));
}

TEST(IntBlock, EveryTruncationIsRefused) {
  std::mt19937_64 random(5);
  for (int kind = 0; kind < 3; ++kind) {
    Integers integers = Make(100, [&](size_t i) {
      if (kind == 0) return 100 + random() % 64;
      if (kind == 1) return i % 40 != 7 ? 8 + random() % 4 : random() >> 20;
      return random() % 2 ? uint64_t{5} : random() >> 30;
    });
    const Integers wanted = integers;
    std::string bytes;
    PutBlock(integers, bytes);
    EXPECT_EQ(static_cast<uint8_t>(bytes[0]) >> 6, kind);
    Integers got(100);
    for (size_t length = 0; length < bytes.size(); ++length) {
      format::Decoder in(std::string_view(bytes).substr(0, length));
      EXPECT_FALSE(GetBlock(in, got)) << length;
    }
    format::Decoder in(bytes);
    ASSERT_TRUE(GetBlock(in, got));
    EXPECT_EQ(got, wanted);
  }
}

TEST(IntBlock, KindsAndWidthsThatAreNoneAreRefused) {
  Integers got(4);
  const auto refused = [&](std::string bytes) {
    bytes.append(64, 0);
    format::Decoder in(bytes);
    return !GetBlock(in, got);
  };
  EXPECT_TRUE(refused({static_cast<char>(0xc0)}));           // no such kind
  EXPECT_TRUE(refused({59}));                                // no such width
  EXPECT_TRUE(refused({0x40 | 58, 0, 0, 0}));                // patched, and nothing to patch
  EXPECT_TRUE(refused({0x40 | 2, 0, 5, 1}));                 // more patches than integers
  EXPECT_TRUE(refused({0x40 | 2, 0, 1, 58}));                // patches of a width that is none
  EXPECT_TRUE(refused({0x40 | 0, 0, 2, 1, 1, 1, 3}));        // a position twice
  EXPECT_TRUE(refused({0x40 | 0, 0, 1, 1, 4, 1}));           // a position behind the last
  EXPECT_TRUE(refused({static_cast<char>(0x80), 0, 0x1f}));  // more kept than there are
  EXPECT_FALSE(refused({0x40 | 0, 0, 1, 1, 3, 1}));
}

}  // namespace
}  // namespace rhizome::series
