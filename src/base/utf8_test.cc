#include "base/utf8.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(Utf8, ValidTextIsAccepted) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("Ünïcödé 漢字 🙂"));
  EXPECT_TRUE(IsUtf8("\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, TheFirstBadByteIsNamed) { EXPECT_EQ(Utf8ValidPrefix("abc\xFFxyz"), 3u); }

TEST(Utf8, OverlongSurrogateAndTooHighAreRefused) {
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));
}

TEST(Utf8, ATruncatedSequenceIsRefused) { EXPECT_FALSE(IsUtf8("\xE6\xBC")); }

TEST(Utf8, DecodingWalksCodePoints) {
  const std::string_view text = "é🙂";
  size_t offset = 0;
  EXPECT_EQ(NextCodePoint(text, offset), U'é');
  EXPECT_EQ(NextCodePoint(text, offset), U'🙂');
  EXPECT_EQ(offset, text.size());
}

TEST(Utf8, DecodingABadByteMovesOn) {
  size_t offset = 0;
  EXPECT_EQ(NextCodePoint("\xFF", offset), char32_t{0xFFFD});
  EXPECT_EQ(offset, 1u);
}

}  // namespace
}  // namespace rhizome
