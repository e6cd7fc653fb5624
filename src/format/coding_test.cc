#include "format/coding.h"

#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

TEST(Coding, FixedIntegersAreLittleEndian) {
  std::string out;
  PutU8(out, 0x01);
  PutU16(out, 0x0302);
  PutU32(out, 0x07060504);
  PutU64(out, 0x0f0e0d0c0b0a0908);
  EXPECT_EQ(out, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
}

TEST(Coding, EveryKindRoundTrips) {
  std::string out;
  PutU8(out, 200);
  PutU16(out, 60000);
  PutU32(out, 4'000'000'000);
  PutU64(out, UINT64_MAX);
  PutI64(out, INT64_MIN);
  PutFloat(out, -1.5f);
  PutDouble(out, 1e300);
  PutVarint(out, 300);
  PutBytes(out, "abc");
  Decoder decoder(out);
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64, varint;
  int64_t i64;
  float f;
  double d;
  std::string bytes;
  ASSERT_TRUE(decoder.U8(u8) && decoder.U16(u16) && decoder.U32(u32) && decoder.U64(u64) && decoder.I64(i64) &&
              decoder.Float(f) && decoder.Double(d) && decoder.Varint(varint) && decoder.Bytes(bytes));
  EXPECT_TRUE(decoder.Finish("test").ok());
  EXPECT_EQ(u8, 200);
  EXPECT_EQ(u16, 60000);
  EXPECT_EQ(u32, 4'000'000'000);
  EXPECT_EQ(u64, UINT64_MAX);
  EXPECT_EQ(i64, INT64_MIN);
  EXPECT_EQ(f, -1.5f);
  EXPECT_EQ(d, 1e300);
  EXPECT_EQ(varint, 300u);
  EXPECT_EQ(bytes, "abc");
}

TEST(Coding, VarintRoundTripsAtEveryLength) {
  for (int bits = 0; bits <= 64; ++bits) {
    for (uint64_t delta : {0, 1}) {
      const uint64_t value = (bits == 64 ? 0 : uint64_t{1} << bits) - delta;
      std::string out;
      PutVarint(out, value);
      EXPECT_EQ(out.size(), VarintLength(value)) << value;
      Decoder decoder(out);
      uint64_t read = 0;
      ASSERT_TRUE(decoder.Varint(read)) << value;
      EXPECT_EQ(read, value);
      EXPECT_EQ(decoder.remaining(), 0u);
    }
  }
}

TEST(Coding, OverlongVarintIsRefused) {
  Decoder decoder(std::string_view("\x80\x00", 2));
  uint64_t value;
  EXPECT_FALSE(decoder.Varint(value));
}

TEST(Coding, VarintPast64BitsIsRefused) {
  Decoder decoder("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  uint64_t value;
  EXPECT_FALSE(decoder.Varint(value));
  Decoder longer("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01");
  EXPECT_FALSE(longer.Varint(value));
}

TEST(Coding, VarintAboveTheCallersBoundIsRefused) {
  std::string out;
  PutVarint(out, 101);
  uint64_t value;
  EXPECT_FALSE(Decoder(out).Varint(value, 100));
  EXPECT_TRUE(Decoder(out).Varint(value, 101));
}

TEST(Coding, EveryTruncationFailsAndStaysFailed) {
  std::string out;
  PutU32(out, 7);
  PutBytes(out, "payload");
  PutU64(out, 9);
  for (size_t length = 0; length < out.size(); ++length) {
    Decoder decoder(std::string_view(out).substr(0, length));
    uint32_t a;
    std::string_view b;
    uint64_t c;
    uint8_t more;
    EXPECT_FALSE(decoder.U32(a) && decoder.Bytes(b) && decoder.U64(c)) << length;
    EXPECT_FALSE(decoder.U8(more));
    EXPECT_EQ(decoder.Finish("test").code(), Code::kCorruption);
  }
}

TEST(Coding, StringLongerThanTheInputIsRefused) {
  std::string out;
  PutVarint(out, UINT64_MAX);
  out += "abc";
  Decoder decoder(out);
  std::string_view bytes;
  EXPECT_FALSE(decoder.Bytes(bytes));
}

TEST(Coding, StringAboveTheCallersBoundIsRefused) {
  std::string out;
  PutBytes(out, "four");
  std::string_view bytes;
  EXPECT_FALSE(Decoder(out).Bytes(bytes, 3));
}

TEST(Coding, CountThatCannotFitIsRefused) {
  std::string out;
  PutVarint(out, 3);
  out += "12345678";
  uint64_t count;
  EXPECT_TRUE(Decoder(out).Count(count, 2));
  EXPECT_FALSE(Decoder(out).Count(count, 3));
}

TEST(Coding, LeftoverBytesAreReported) {
  Decoder decoder("ab");
  uint8_t value;
  ASSERT_TRUE(decoder.U8(value));
  EXPECT_EQ(decoder.Finish("pair").ToString(), "corruption: pair: 1 bytes too many");
}

TEST(Coding, RawAndSkipMoveExactly) {
  Decoder decoder("abcdef");
  std::string_view bytes;
  ASSERT_TRUE(decoder.Raw(bytes, 2) && decoder.Skip(3));
  EXPECT_EQ(bytes, "ab");
  EXPECT_EQ(decoder.rest(), "f");
  EXPECT_FALSE(decoder.Skip(2));
}

}  // namespace
}  // namespace rhizome::format
