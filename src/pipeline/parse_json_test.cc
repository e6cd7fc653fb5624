#include "pipeline/parse_json.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "pipeline/lines.h"

namespace rhizome::pipeline {
namespace {

struct Seen {
  std::vector<Document> documents;
  std::vector<Status> errors;
  DocumentSink sink = [this](Result<Document> document) {
    if (document.ok()) {
      documents.push_back(std::move(document).value());
    } else {
      errors.push_back(document.status());
    }
    return Status::Ok();
  };
};

// Hands out `text` a few bytes at a time, as a slow file would.
ByteSource InPieces(std::string text, size_t piece) {
  return [text = std::move(text), piece, at = size_t{0}]() mutable -> Result<std::string> {
    std::string next = text.substr(std::min(at, text.size()), piece);
    at += next.size();
    return next;
  };
}

Document ReadOne(std::string_view json) {
  Seen seen;
  EXPECT_TRUE(ParseJson(json, "f.json", {}, seen.sink).ok());
  EXPECT_EQ(seen.documents.size(), 1u);
  return seen.documents.empty() ? Document() : seen.documents[0];
}

Status ReadError(std::string_view json, ParseOptions options = {}) {
  Seen seen;
  const Status status = ParseJson(json, "f.json", options, seen.sink);
  return seen.errors.empty() ? status : seen.errors[0];
}

TEST(ParseJson, ReadsAnObjectAsADocument) {
  const Document document =
      ReadOne(R"({"id": 7, "title": "T", "text": "body", "year": 2020, "metadata": {"a": [1], "year": 1}})");
  EXPECT_EQ(document.id, "7");
  EXPECT_EQ(document.title, "T");
  EXPECT_EQ(document.text, "body");
  EXPECT_EQ(document.source, "f.json");
  EXPECT_EQ(boost::json::serialize(document.metadata), R"({"year":2020,"a":[1]})");
}

TEST(ParseJson, TakesTheFirstTextFieldThereIs) {
  EXPECT_EQ(ReadOne(R"({"description": "d", "body": "b"})").text, "b");
  EXPECT_EQ(ReadOne(R"({"_id": "x", "description": "d"})").text, "d");
  EXPECT_EQ(ReadOne(R"({"_id": "x", "description": "d"})").id, "x");
}

TEST(ParseJson, PrintsAnObjectWithoutText) {
  const Document document = ReadOne(R"({"a": {"b": [1, "c", {}]}})");
  EXPECT_EQ(document.text, "{\n  \"a\": {\n    \"b\": [\n      1,\n      \"c\",\n      {}\n    ]\n  }\n}");
  EXPECT_TRUE(document.metadata.contains("a"));
}

TEST(ParseJson, ReadsAnArrayOfObjects) {
  Seen seen;
  ASSERT_TRUE(ParseJson(R"([{"text": "a"}, {"text": "b", "id": "i"}])", "f", {}, seen.sink).ok());
  ASSERT_EQ(seen.documents.size(), 2u);
  EXPECT_EQ(seen.documents[0].id, DeriveRecordId("f", "", "a"));
  EXPECT_EQ(seen.documents[1].id, "i");
}

TEST(ParseJson, PrintsAnythingElse) {
  EXPECT_EQ(ReadOne("[1, {}]").text, "[\n  1,\n  {}\n]");
  EXPECT_EQ(ReadOne("\xEF\xBB\xBF 12 ").text, "12");
}

TEST(ParseJson, NamesTheFieldAtFault) {
  EXPECT_EQ(ReadError(R"({"title": 3, "text": ""})").field(), "title");
  EXPECT_EQ(ReadError(R"({"text": {}})").field(), "text");
  EXPECT_EQ(ReadError(R"({"id": 1.5, "text": ""})").field(), "id");
  EXPECT_EQ(ReadError(R"({"text": "a\u0000b"})").message(), "byte 1 is NUL: this is not text");
  EXPECT_TRUE(ReadError(R"([{"text": ""}, {"title": []}])").message().starts_with("[1]"));
}

TEST(ParseJson, SaysWhereItBreaks) {
  EXPECT_TRUE(ReadError("{\"a\": tru}").message().starts_with("not JSON at byte "));
  EXPECT_EQ(ReadError("{\"a\": ").message(), "JSON ends in the middle of a value");
  EXPECT_EQ(ReadError("").message(), "JSON ends in the middle of a value");
  EXPECT_EQ(ReadError("{} {}").message(), "not JSON at byte 3: more follows the value");
  EXPECT_EQ(ReadError("{\"a\": \"\xFF\"}").message(), "byte 7 (0xFF) is not valid UTF-8");
}

TEST(ParseJson, BoundsDepthAndSize) {
  EXPECT_EQ(ReadError(std::string(1000, '[') + std::string(1000, ']')).message(), "JSON nests deeper than 64");
  EXPECT_EQ(ReadError("[1234567890]", {.json_len_max = 5}).code(), Code::kTooLarge);
}

TEST(ParseJsonLines, ReadsEachLine) {
  for (const size_t piece : {1, 7, 1000}) {
    Seen seen;
    const auto bytes = InPieces("\xEF\xBB\xBF{\"id\":\"a\",\"text\":\"1\"}\r\n\n{\"id\":\"b\",\"text\":\"2\"}", piece);
    ASSERT_TRUE(ParseJsonLines(bytes, "s", {}, seen.sink).ok());
    ASSERT_EQ(seen.documents.size(), 2u);
    EXPECT_TRUE(seen.errors.empty());
    EXPECT_EQ(seen.documents[1].id, "b");
    EXPECT_EQ(seen.documents[1].format, Format::kJsonLines);
  }
}

TEST(ParseJsonLines, NamesTheBadLineAndGoesOn) {
  Seen seen;
  ASSERT_TRUE(
      ParseJsonLines(InPieces("{\"text\":\"1\"}\n\n[]\n{\"text\":2}\n{\"text\":\"3\"}\n", 5), "s", {}, seen.sink).ok());
  EXPECT_EQ(seen.documents.size(), 2u);
  ASSERT_EQ(seen.errors.size(), 2u);
  EXPECT_EQ(seen.errors[0].message(), "line 3: must be a JSON object");
  EXPECT_EQ(seen.errors[1].message(), "line 4: must be a string");
  EXPECT_EQ(seen.errors[1].field(), "text");
}

TEST(ParseJsonLines, PassesOverALineThatIsTooLong) {
  Seen seen;
  const std::string text = "{\"text\":\"" + std::string(500, 'a') + "\"}\n{\"text\":\"b\"}\n";
  for (const size_t piece : {3, 64, 10'000}) {
    seen.documents.clear();
    seen.errors.clear();
    ASSERT_TRUE(ParseJsonLines(InPieces(text, piece), "s", {.document_len_max = 100}, seen.sink).ok());
    ASSERT_EQ(seen.errors.size(), 1u);
    EXPECT_EQ(seen.errors[0].code(), Code::kTooLarge);
    EXPECT_EQ(seen.errors[0].message(), "line 1: longer than 100 bytes");
    ASSERT_EQ(seen.documents.size(), 1u);
    EXPECT_EQ(seen.documents[0].text, "b");
  }
}

TEST(ParseJsonLines, StopsWhenTheSinkSaysSo) {
  int calls = 0;
  const Status status = ParseJsonLines(InPieces("{}\n{}\n", 100), "s", {}, [&](Result<Document>) {
    ++calls;
    return Status::Cancelled("enough");
  });
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(ParseJsonLines, HandsOnAReadFailure) {
  Seen seen;
  const ByteSource broken = []() -> Result<std::string> { return Status::IoError("unplugged"); };
  EXPECT_EQ(ParseJsonLines(broken, "s", {}, seen.sink).code(), Code::kIoError);
}

}  // namespace
}  // namespace rhizome::pipeline
