#include "pipeline/parse_markdown.h"

#include <gtest/gtest.h>

namespace rhizome::pipeline {
namespace {

Document Read(std::string_view markdown) { return ParseMarkdown(markdown, {}).value(); }

TEST(ParseMarkdown, TakesTheTitleFromTheFirstHeading) {
  const Document document = Read("Intro.\n\n## The *first* `one`\n\n# Second\n");
  EXPECT_EQ(document.title, "The first one");
  EXPECT_EQ(document.text, "Intro.\n\nThe first one\n\nSecond");
  EXPECT_EQ(document.format, Format::kMarkdown);
}

TEST(ParseMarkdown, DropsMarkupAndKeepsWords) {
  EXPECT_EQ(Read("Some **bold** and [a link](http://x.org) and ![a cat](cat.png).\n").text,
            "Some bold and a link and a cat.");
}

TEST(ParseMarkdown, PutsItemsOnLines) {
  EXPECT_EQ(Read("Before:\n\n- one\n- two\n  1. deep\n\nAfter\n").text, "Before:\n\none\ntwo\n\ndeep\n\nAfter");
}

TEST(ParseMarkdown, JoinsWrappedLines) { EXPECT_EQ(Read("one\ntwo  \nthree\n").text, "one two\nthree"); }

TEST(ParseMarkdown, KeepsCodeAsItStands) {
  EXPECT_EQ(Read("Run:\n\n```sh\nif x; then\n  y\nfi\n```\n").text, "Run:\n\nif x; then\n  y\nfi");
}

TEST(ParseMarkdown, ReadsHtmlBlocksAsText) {
  EXPECT_EQ(Read("a\n\n<div>in<br>side<script>bad()</script></div>\n\nb <i>c</i>\n").text, "a\n\nin\nside\n\nb c");
}

TEST(ParseMarkdown, ReadsFrontMatter) {
  const Document document = Read("---\ntitle: \"On Roots\"\ntags: a, b\n---\n# Heading\ntext\n");
  EXPECT_EQ(document.title, "On Roots");
  EXPECT_EQ(document.metadata.at("tags").as_string(), "a, b");
  EXPECT_FALSE(document.metadata.contains("title"));
  EXPECT_EQ(document.text, "Heading\n\ntext");
}

TEST(ParseMarkdown, TakesARuleForARule) {
  EXPECT_EQ(Read("---\nno keys here\n---\ntext\n").metadata.size(), 0u);
  EXPECT_EQ(Read("---\nkey: never closed\n").metadata.size(), 0u);
}

TEST(ParseMarkdown, NamesTheBadByte) {
  EXPECT_EQ(ParseMarkdown("# ok\n\xC0", {}).status().message(), "byte 5 (0xC0) is not valid UTF-8");
}

TEST(ParseMarkdown, StandsDeepNesting) {
  EXPECT_TRUE(ParseMarkdown(std::string(20'000, '>'), {}).ok());
  EXPECT_TRUE(ParseMarkdown(std::string(50'000, '['), {}).ok());
  std::string lists;
  for (int i = 0; i < 300; ++i) lists += std::string(2 * i, ' ') + "- a\n";
  EXPECT_TRUE(ParseMarkdown(lists, {}).ok());
}

}  // namespace
}  // namespace rhizome::pipeline
