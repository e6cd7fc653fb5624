#include "pipeline/parse.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_testing.h"

namespace rhizome::pipeline {
namespace {

TEST(DetectFormat, GoesByTheNameFirst) {
  EXPECT_EQ(DetectFormat("a/b.MD", "{}"), Format::kMarkdown);
  EXPECT_EQ(DetectFormat("x.html", "plain"), Format::kHtml);
  EXPECT_EQ(DetectFormat("x.tsv", ""), Format::kCsv);
  EXPECT_EQ(DetectFormat("x.ndjson", ""), Format::kJsonLines);
  EXPECT_EQ(DetectFormat("x.pdf", ""), Format::kPdf);
}

TEST(DetectFormat, GoesByTheFirstBytesOtherwise) {
  EXPECT_EQ(DetectFormat("-", "%PDF-1.7\n"), Format::kPdf);
  EXPECT_EQ(DetectFormat("", "\n <!DOCTYPE HTML><p>"), Format::kHtml);
  EXPECT_EQ(DetectFormat("README", "{\"a\": 1}\n{\"a\": 2}\n"), Format::kJsonLines);
  EXPECT_EQ(DetectFormat("", "{\n \"a\": 1}"), Format::kJson);
  EXPECT_EQ(DetectFormat("", "{x} is a set"), Format::kText);
  EXPECT_EQ(DetectFormat("notes", "Dear all,"), Format::kText);
}

TEST(FormatOfName, KnowsWhatItDoesNotRead) {
  EXPECT_EQ(FormatOfName("cat.png"), std::nullopt);
  EXPECT_EQ(FormatOfName(".txt"), std::nullopt);
}

TEST(Parse, ReadsPlainText) {
  const auto documents = Parse("dir/a.txt", "one\r\ntwo").value();
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(documents[0].text, "one\ntwo");
  EXPECT_EQ(documents[0].source, "dir/a.txt");
  EXPECT_EQ(documents[0].title, "");
}

TEST(Parse, GivesStandardInputNoSource) { EXPECT_EQ(Parse("-", "text").value()[0].source, ""); }

TEST(Parse, RepairsPlainTextWhenAsked) {
  EXPECT_EQ(Parse("a.txt", "caf\xE9").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Parse("a.txt", "caf\xE9", {.repair_utf8 = true}).value()[0].text, "caf\uFFFD");
}

TEST(Parse, BoundsTheSize) {
  EXPECT_EQ(Parse("a.txt", "12345678901", {.document_len_max = 10}).status().code(), Code::kTooLarge);
}

TEST(Parse, FailsAtTheFirstBadRecord) {
  EXPECT_EQ(Parse("a.jsonl", "{\"text\":\"a\"}\n{\"text\":1}\n").status().message(), "line 2: must be a string");
}

TEST(Parse, ReadsEveryFormat) {
  EXPECT_EQ(Parse("a.md", "# T\nx").value()[0].title, "T");
  EXPECT_EQ(Parse("a.html", "<title>T</title>x").value()[0].title, "T");
  EXPECT_EQ(Parse("a.json", "{\"title\":\"T\"}").value()[0].title, "T");
  EXPECT_EQ(Parse("a.csv", "title\nT\nU\n").value()[1].title, "U");
}

TEST(ParseFile, ReadsPiecewise) {
  const ScratchFolder folder;
  const std::string path = folder.File("documents.jsonl");
  std::ofstream(path) << "{\"id\":\"a\",\"text\":\"" << std::string(3 << 20, 'x')
                      << "\"}\n{\"id\":\"b\",\"text\":\"y\"}\n";
  std::vector<std::string> ids;
  const Status status = ParseFile(path, {}, [&](Result<Document> document) {
    ids.push_back(document.value().id);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(ids, (std::vector<std::string>{"a", "b"}));
}

TEST(ParseFile, SaysWhenThereIsNone) {
  EXPECT_EQ(ParseFile("/nowhere/at/all", {}, [](Result<Document>) { return Status::Ok(); }).code(), Code::kNotFound);
}

}  // namespace
}  // namespace rhizome::pipeline
