#include "pipeline/document.h"

#include <gtest/gtest.h>

namespace rhizome::pipeline {
namespace {

TEST(DocumentContentHash, IgnoresWhiteSpaceAndComposition) {
  EXPECT_EQ(DocumentContentHash("T", "caf\u00e9 au lait"), DocumentContentHash(" T\n", "cafe\u0301  au\n\tlait "));
}

TEST(DocumentContentHash, TellsTitleFromText) {
  EXPECT_NE(DocumentContentHash("a", "bc"), DocumentContentHash("ab", "c"));
  EXPECT_NE(DocumentContentHash("a", ""), DocumentContentHash("", "a"));
}

TEST(DocumentContentHash, StaysWhatItWas) {
  const auto [high, low] = DocumentContentHash("Title", "Some text.");
  EXPECT_EQ(high, 14066423850226894699ULL);
  EXPECT_EQ(low, 17698113428779035631ULL);
}

TEST(DeriveDocumentId, FollowsTheSourceWhenThereIsOne) {
  EXPECT_EQ(DeriveDocumentId("a.txt", "", "one"), DeriveDocumentId("a.txt", "", "two"));
  EXPECT_NE(DeriveDocumentId("a.txt", "", "one"), DeriveDocumentId("b.txt", "", "one"));
}

TEST(DeriveDocumentId, FollowsTheContentWithoutSource) {
  EXPECT_EQ(DeriveDocumentId("", "t", "one"), DeriveDocumentId("", "t", " one"));
  EXPECT_NE(DeriveDocumentId("", "t", "one"), DeriveDocumentId("", "t", "two"));
}

TEST(DeriveRecordId, NeedsSourceAndContent) {
  EXPECT_NE(DeriveRecordId("a", "", "one"), DeriveRecordId("b", "", "one"));
  EXPECT_NE(DeriveRecordId("a", "", "one"), DeriveRecordId("a", "", "two"));
  EXPECT_NE(DeriveRecordId("a", "", "one"), DeriveDocumentId("a", "", "one"));
}

}  // namespace
}  // namespace rhizome::pipeline
