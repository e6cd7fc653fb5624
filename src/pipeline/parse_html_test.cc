#include "pipeline/parse_html.h"

#include <gtest/gtest.h>

#include "pipeline/html_guard.h"

namespace rhizome::pipeline {
namespace {

Document Read(std::string_view html) { return ParseHtml(html, {}).value(); }

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ParseHtml, ReadsTitleTextAndMeta) {
  const Document document = Read(
      "<!doctype html><html lang=en><head><title> On\nRoots </title><meta name=Description content='what it is'>"
      "<style>p{}</style></head><body><h1>Roots</h1><p>They <b>grow</b>.</p></body></html>");
  EXPECT_EQ(document.title, "On Roots");
  EXPECT_EQ(document.text, "Roots\n\nThey grow.");
  EXPECT_EQ(document.metadata.at("language").as_string(), "en");
  EXPECT_EQ(document.metadata.at("description").as_string(), "what it is");
  EXPECT_EQ(document.format, Format::kHtml);
}

TEST(ParseHtml, TakesTheFirstHeadingForATitleWhenThereIsNone) {
  EXPECT_EQ(Read("<h1>One <i>two</i></h1><h1>Three</h1>").title, "One two");
}

TEST(ParseHtml, DropsScriptsStylesAndTemplates) {
  EXPECT_EQ(Read("a<script>if (1<2) x('<p>no')</script><style>b{}</style><template>c</template><noscript>n</noscript>"
                 "<svg><title>s</title><text>t</text></svg>d<!-- e -->f")
                .text,
            "adf");
}

TEST(ParseHtml, BreaksLinesAtBlocks) {
  EXPECT_EQ(Read("<div>a</div><div>b<br>c</div><ul><li>d<li>e</ul><p>f<p>g").text, "a\nb\nc\n\nd\ne\n\nf\n\ng");
}

TEST(ParseHtml, KeepsCellsApart) {
  EXPECT_EQ(Read("<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table>").text, "a b\n1 2");
}

TEST(ParseHtml, DecodesEntities) {
  EXPECT_EQ(Read("&lt;a&gt; &amp; caf&eacute; &#x1F331; &nosuch;").text, "<a> & caf\u00e9 \U0001F331 &nosuch;");
}

TEST(ParseHtml, KeepsPreformattedText) { EXPECT_EQ(Read("<pre>a\n  b\n</pre>c").text, "a\n  b\n\nc"); }

TEST(ParseHtml, ReadsTheDeclaredCharset) {
  EXPECT_EQ(Read("<meta charset='iso-8859-1'>caf\xE9 \x80").text, "caf\u00e9 \u20ac");
  EXPECT_EQ(Read("<META http-equiv=content-type content=\"text/html; charset=Shift_JIS\">\x93\xFA").text, "\u65e5");
  EXPECT_EQ(Read(std::string_view("\xFF\xFE<\0b\0>\0a\0\xE9\0", 12)).text, "a\u00e9");
}

TEST(ParseHtml, TakesUndeclaredBytesForWindows1252) { EXPECT_EQ(Read("<p>caf\xE9").text, "caf\u00e9"); }

TEST(ParseHtml, RefusesBrokenUtf8WhereItIsDeclared) {
  const Status status = ParseHtml("<meta charset=utf-8>caf\xE9!", {}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message(), "byte 23 (0xE9) is not valid UTF-8");
}

TEST(ParseHtml, RefusesAnUnknownCharset) {
  EXPECT_EQ(ParseHtml("<meta charset=klingon>\xE9", {}).status().field(), "charset");
}

TEST(ParseHtml, RefusesDepthBombs) {
  for (const std::string_view bomb :
       {"<div>", "<b>", "<div><marquee></div>", "<ul><li>", "<table><tr><td>", "<svg><desc></svg><b>",
        "<object></div><div>", "<a-b>", "<li><dd>", "<rt>", "<optgroup>"}) {
    EXPECT_EQ(ParseHtml(Repeat(bomb, 100'000), {}).status().code(), Code::kTooLarge) << bomb;
  }
}

TEST(ParseHtml, ReadsLongFlatPages) {
  EXPECT_TRUE(
      ParseHtml(Repeat("<p>a<a name=x><ul><li>b<li>c</ul><dl><dt>d<dd>e</dl><br><img src=x><div>f</div>", 20'000), {})
          .ok());
}

TEST(ParseHtml, RefusesTagsWithHundredsOfAttributes) {
  std::string tag = "<a";
  for (int i = 0; i < 300; ++i) tag += " a" + std::to_string(i);
  EXPECT_EQ(ParseHtml(tag + ">", {}).status().code(), Code::kTooLarge);
}

TEST(ParseHtml, BoundsTreesThatGrowQuadratically) {
  std::string page;
  for (int i = 0; i < 20'000; ++i) page += "<div><b id=" + std::to_string(i) + ">x</div>";
  EXPECT_EQ(ParseHtml(page, {}).status().code(), Code::kTooLarge);
}

TEST(HtmlTree, IsFreedWhenTheBudgetIsSpent) {
  HtmlTree tree;  // the leak checker watches
  EXPECT_EQ(HtmlTree::Parse("<p>a<p>b<p>c", 2000, &tree).code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::pipeline
