#include "gateway/content_encoding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace rhizome::gateway {
namespace {

std::string Gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Noise(size_t bytes) {
  std::mt19937 random(7);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

constexpr InflateBounds kBounds{1 << 20, 200};

TEST(InflateGzip, GivesBackWhatWasCompressed) {
  for (const std::string& plain : {std::string(), std::string("{\"a\":1}"), Noise(300'000), std::string(60'000, 'x')}) {
    auto out = InflateGzip(Gzip(plain), kBounds);
    ASSERT_TRUE(out.ok()) << out.status().ToString();
    EXPECT_EQ(*out, plain);
  }
}

TEST(InflateGzip, ABombIsRefusedByRatio) {
  const std::string bomb = Gzip(std::string(900'000, 'x'));
  EXPECT_EQ(InflateGzip(bomb, kBounds).status().code(), Code::kTooLarge);
}

TEST(InflateGzip, TheSizeBoundHolds) {
  EXPECT_EQ(InflateGzip(Gzip(Noise(300'000)), {200'000, 200}).status().code(), Code::kTooLarge);
}

TEST(InflateGzip, EveryTruncationIsRefused) {
  const std::string whole = Gzip("{\"a\":[1,2,3]}");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(InflateGzip(whole.substr(0, length), kBounds).status().code(), Code::kInvalidArgument) << length;
  }
}

TEST(InflateGzip, OtherBytesAreRefused) {
  EXPECT_FALSE(InflateGzip("{\"a\":1}", kBounds).ok());
  EXPECT_FALSE(InflateGzip(Gzip("a") + "tail", kBounds).ok());
  EXPECT_FALSE(InflateGzip(Gzip("a") + Gzip("b"), kBounds).ok());
}

}  // namespace
}  // namespace rhizome::gateway
