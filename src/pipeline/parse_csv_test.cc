#include "pipeline/parse_csv.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace rhizome::pipeline {
namespace {

struct Outcome {
  Status status;
  std::vector<Document> documents;
  std::vector<Status> errors;
};

Outcome Read(std::string text, size_t piece = 1000, ParseOptions options = {}) {
  Outcome outcome;
  const ByteSource bytes = [text, piece, at = size_t{0}]() mutable -> Result<std::string> {
    std::string next = text.substr(std::min(at, text.size()), piece);
    at += next.size();
    return next;
  };
  outcome.status = ParseCsv(bytes, "f.csv", options, [&](Result<Document> document) {
    if (document.ok()) {
      outcome.documents.push_back(std::move(document).value());
    } else {
      outcome.errors.push_back(document.status());
    }
    return Status::Ok();
  });
  return outcome;
}

TEST(ParseCsv, ReadsColumnsByName) {
  const Outcome read = Read("ID,Title,Text,Year,Zip\n1,T,body,2020,01234\n");
  ASSERT_EQ(read.documents.size(), 1u);
  const Document& document = read.documents[0];
  EXPECT_EQ(document.id, "1");
  EXPECT_EQ(document.title, "T");
  EXPECT_EQ(document.text, "body");
  EXPECT_EQ(document.source, "f.csv");
  EXPECT_EQ(boost::json::serialize(document.metadata), R"({"Year":2020,"Zip":"01234"})");
}

TEST(ParseCsv, ReadsQuotesDelimitersAndLineBreaksInsideFields) {
  for (const size_t piece : {1, 2, 3, 1000}) {
    const Outcome read = Read("id,text\r\na,\"one, \"\"two\"\"\r\nthree\"\r\nb,5\" pipe\r\n\"c\",\"\"", piece);
    ASSERT_TRUE(read.status.ok()) << read.status.ToString();
    ASSERT_EQ(read.documents.size(), 3u);
    EXPECT_EQ(read.documents[0].text, "one, \"two\"\nthree");
    EXPECT_EQ(read.documents[1].text, "5\" pipe");
    EXPECT_EQ(read.documents[2].id, "c");
    EXPECT_EQ(read.documents[2].text, "");
  }
}

TEST(ParseCsv, PrintsARowWithoutTextColumn) {
  const Outcome read = Read("id,name,size\n1,oak,12.5\n");
  EXPECT_EQ(read.documents[0].text, "name: oak\nsize: 12.5\n");
}

TEST(ParseCsv, KnowsNumbersThatWriteBackTheSame) {
  const Outcome read = Read("text,a,b,c,d,e,f,g\nx,-1,0.50,1e5,+1,1.,12345678901234567890,-0\n");
  EXPECT_EQ(read.documents[0].metadata.at("a").as_int64(), -1);
  EXPECT_EQ(read.documents[0].metadata.at("b").as_double(), 0.5);
  for (const char* text : {"c", "d", "e", "f"}) EXPECT_TRUE(read.documents[0].metadata.at(text).is_string()) << text;
}

TEST(ParseCsv, FindsSemicolonsAndTabs) {
  EXPECT_EQ(Read("id;text\n1;a,b\n").documents[0].text, "a,b");
  EXPECT_EQ(Read("id\ttext\n1\ta;b\n").documents[0].text, "a;b");
}

TEST(ParseCsv, DropsTheByteOrderMark) { EXPECT_EQ(Read("\xEF\xBB\xBFid,text\n1,a\n", 2).documents[0].id, "1"); }

TEST(ParseCsv, DerivesAnIdWhereThereIsNone) {
  EXPECT_EQ(Read("text\na\n").documents[0].id, DeriveRecordId("f.csv", "", "a"));
}

TEST(ParseCsv, PassesOverEmptyLinesAndFillsShortRows) {
  const Outcome read = Read("id,text,more\n\n1,a\n\n\n2,b,c\n");
  ASSERT_EQ(read.documents.size(), 2u);
  EXPECT_TRUE(read.documents[0].metadata.empty());
}

TEST(ParseCsv, NamesTheLineOfABadRecordAndGoesOn) {
  const Outcome read = Read("id,text\n1,\"a\nb\"\n2,b,c,d\n3,\xFF\n4,d\n");
  EXPECT_TRUE(read.status.ok());
  ASSERT_EQ(read.errors.size(), 2u);
  EXPECT_EQ(read.errors[0].message(), "line 4: 4 fields, but the header names 2 columns");
  EXPECT_EQ(read.errors[1].message(), "line 5: byte 0 (0xFF) is not valid UTF-8");
  EXPECT_EQ(read.errors[1].field(), "text");
  EXPECT_EQ(read.documents.size(), 2u);
}

TEST(ParseCsv, NamesTheLineOfAQuoteNeverClosed) {
  EXPECT_EQ(Read("id,text\n1,a\n2,\"b\nc\n").status.message(), "line 3: a quote is never closed");
}

TEST(ParseCsv, RefusesTextBehindAClosingQuote) {
  EXPECT_EQ(Read("id,text\n1,\"a\"b\n").status.message(), "line 2: text behind a closing quote");
}

TEST(ParseCsv, RefusesHeadersThatAreNone) {
  EXPECT_EQ(Read("").status.field(), "header");
  EXPECT_EQ(Read("a,b,A\n").status.message(), "line 1: two columns are called \"A\"");
  EXPECT_EQ(Read("a,\xFF\n").status.field(), "header");
}

TEST(ParseCsv, BoundsColumnsAndRecords) {
  EXPECT_EQ(Read(std::string(2000, ',') + "\n").status.code(), Code::kTooLarge);
  EXPECT_EQ(Read("id,text\n1,\"" + std::string(300, 'a'), 50, {.document_len_max = 100}).status.message(),
            "line 2: a record longer than 100 bytes");
}

}  // namespace
}  // namespace rhizome::pipeline
