#include "pipeline/plain_text.h"

#include <gtest/gtest.h>

namespace rhizome::pipeline {
namespace {

TEST(CleanText, DropsTheByteOrderMarkAndCarriageReturns) {
  EXPECT_EQ(CleanText("\xEF\xBB\xBF"
                      "a\r\nb\rc\n",
                      "text")
                .value(),
            "a\nb\nc\n");
}

TEST(CleanText, NamesTheFirstBadByte) {
  const Status status = CleanText("abc\xFF", "text").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "text");
  EXPECT_EQ(status.message(), "byte 3 (0xFF) is not valid UTF-8");
}

TEST(CleanText, RefusesNul) {
  EXPECT_EQ(CleanText(std::string_view("a\0b", 3), "text").status().message(), "byte 1 is NUL: this is not text");
  EXPECT_FALSE(CleanText(std::string_view("a\0b", 3), "text", /*repair=*/true).ok());
}

TEST(CleanText, RepairsWhenAsked) {
  EXPECT_EQ(CleanText("a\xFF\xC3z", "text", /*repair=*/true).value(), "a\uFFFD\uFFFDz");
}

TEST(FromCharset, Converts) {
  EXPECT_EQ(FromCharset("caf\xE9", "windows-1252", 100).value(), "caf\u00e9");
  EXPECT_EQ(FromCharset("\x93\xFA\x96\x7B", "shift_jis", 100).value(), "\u65e5\u672c");
}

TEST(FromCharset, ConvertsMoreThanOneBuffer) {
  EXPECT_EQ(FromCharset(std::string(50'000, '\xE9'), "iso-8859-1", 200'000)->size(), 100'000u);
}

TEST(FromCharset, RefusesWhatItDoesNotKnow) { EXPECT_EQ(FromCharset("a", "klingon", 100).status().field(), "charset"); }

TEST(FromCharset, BoundsItsOutput) {
  EXPECT_EQ(FromCharset(std::string(5000, 'a'), "iso-8859-1", 4000).status().code(), Code::kTooLarge);
}

TEST(TextBuilder, CollapsesSpaceInsideALine) {
  TextBuilder text;
  text.Flow("  one \n two");
  text.Flow(" three");
  text.Flow("!");
  EXPECT_EQ(text.Take(), "one two three!");
}

TEST(TextBuilder, SeparatesLinesAndBlocks) {
  TextBuilder text;
  text.Block();
  text.Flow("one ");
  text.Line();
  text.Line();
  text.Flow(" two");
  text.Block();
  text.Block();
  text.Line();
  text.Flow("three");
  text.Block();
  EXPECT_EQ(text.Take(), "one\ntwo\n\nthree");
}

TEST(TextBuilder, KeepsPreformattedLines) {
  TextBuilder text;
  text.Verbatim("if x:\n    y\n\n\n\nz\n");
  EXPECT_EQ(text.Take(), "if x:\n    y\n\nz");
}

}  // namespace
}  // namespace rhizome::pipeline
