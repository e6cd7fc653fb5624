#include "blob/s3_wire.h"

#include <gtest/gtest.h>

namespace rhizome::blob {
namespace {

std::string Listing(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"a>b\">" + inside +
         "<IsTruncated>false</IsTruncated></ListBucketResult>";
}
std::string Entry(const std::string& key, const std::string& size = "7") {
  return "<Contents><Key>" + key + "</Key><LastModified>x</LastModified><Owner><ID/></Owner><Size>" + size +
         "</Size></Contents>";
}
bool Refused(const std::string& xml) { return ParseS3Listing(xml).status().code() == Code::kCorruption; }

TEST(S3Wire, AListingIsRead) {
  const auto listing = ParseS3Listing(Listing("<Name>b</Name><KeyCount/>" + Entry("a/b") + Entry("c", "0"))).value();
  EXPECT_EQ(listing.objects, (std::vector<ObjectInfo>{{"a/b", 7}, {"c", 0}}));
  EXPECT_FALSE(listing.truncated);
}

TEST(S3Wire, KeysAreDecodedAsTheServerSaysTheyAreEncoded) {
  const std::string key = Entry("a%2Fb+c&amp;&#39;&#x22;");
  EXPECT_EQ(ParseS3Listing(Listing(key)).value().objects[0].name, "a%2Fb+c&'\"");
  EXPECT_EQ(ParseS3Listing(Listing(key + "<EncodingType>url</EncodingType>")).value().objects[0].name, "a/b c&'\"");
}

TEST(S3Wire, WhatIsNoListingIsCorruption) {
  EXPECT_TRUE(Refused(""));
  EXPECT_TRUE(Refused("hello"));
  EXPECT_TRUE(Refused("<Error></Error>"));
  EXPECT_TRUE(Refused("<ListBucketResult>"));
  EXPECT_TRUE(Refused("<ListBucketResult></ListBucketResult>"));  // does not say whether there is more
  EXPECT_TRUE(Refused("<!DOCTYPE x><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"));
  EXPECT_TRUE(Refused("<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>"));
  EXPECT_TRUE(Refused(Listing("<Contents><Key>a</Key></Contents>")));
  EXPECT_TRUE(Refused(Listing("<Contents><Size>1</Size></Contents>")));
  EXPECT_TRUE(Refused(Listing(Entry("a", "-1"))));
  EXPECT_TRUE(Refused(Listing(Entry("a", "99999999999999999999"))));
  EXPECT_TRUE(Refused(Listing(Entry("&unknown;"))));
  EXPECT_TRUE(Refused(Listing(Entry("&#999;"))));
  EXPECT_TRUE(Refused(Listing(Entry("&amp"))));
  EXPECT_TRUE(Refused(Listing(Entry("%4") + "<EncodingType>url</EncodingType>")));
}

TEST(S3Wire, EveryCutOfAListingIsRefused) {
  const std::string whole = Listing(Entry("a") + Entry("b"));
  for (size_t length = 0; length + 1 < whole.size(); ++length) EXPECT_TRUE(Refused(whole.substr(0, length))) << length;
}

TEST(S3Wire, NestingTakesNoStack) {
  std::string deep = "<ListBucketResult>";
  for (int i = 0; i < 300'000; ++i) deep += "<a>";
  EXPECT_TRUE(Refused(deep));
}

TEST(S3Wire, AnErrorsCodeIsReadIfItIsPlain) {
  EXPECT_EQ(ParseS3ErrorCode("<?xml?><Error><Code>NoSuchKey</Code><Message>m</Message></Error>"), "NoSuchKey");
  EXPECT_EQ(ParseS3ErrorCode("<Error><Code>a b</Code></Error>"), "");
  EXPECT_EQ(ParseS3ErrorCode("<Error><Code>" + std::string(65, 'a') + "</Code></Error>"), "");
  EXPECT_EQ(ParseS3ErrorCode("<html>"), "");
  EXPECT_EQ(ParseS3ErrorCode(""), "");
}

TEST(S3Wire, PercentEncodingGoesBothWays) {
  EXPECT_EQ(PercentEncode("a/b c-_.~\xff"), "a%2Fb%20c-_.~%FF");
  EXPECT_EQ(PercentDecode("a%2Fb%20c%ff"), "a/b c\xff");
  EXPECT_EQ(PercentDecode("%zz"), std::nullopt);
  EXPECT_EQ(PercentDecode("%2"), std::nullopt);
}

}  // namespace
}  // namespace rhizome::blob
