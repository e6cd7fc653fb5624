#include "gateway/target.h"

#include <gtest/gtest.h>

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::string> Segments(std::string_view raw) {
  auto target = ParseTarget(raw);
  EXPECT_TRUE(target.ok()) << target.status().ToString();
  return target.ok() ? target->segments : std::vector<std::string>{"(refused)"};
}

TEST(Target, SplitsThePathAndDecodesOnce) {
  EXPECT_THAT(Segments("/"), IsEmpty());
  EXPECT_THAT(Segments("/collections/my%2Dnotes"), ElementsAre("collections", "my-notes"));
  EXPECT_THAT(Segments("/a/%2525"), ElementsAre("a", "%25"));
  EXPECT_THAT(Segments("/a/b+c"), ElementsAre("a", "b+c"));
}

TEST(Target, AbsoluteFormIsAccepted) {
  EXPECT_THAT(Segments("http://example.org:8000/health"), ElementsAre("health"));
  EXPECT_THAT(Segments("http://example.org"), IsEmpty());
}

TEST(Target, TraversalIsRefusedPlainAndEncoded) {
  for (const char* raw :
       {"/collections/..", "/collections/.", "/../etc/passwd", "/collections/%2e%2e", "/collections/%2E.",
        "/collections/..%2fetc", "/collections/a%2Fb", "/collections/a%5cb", "/collections/..\\etc",
        "/collections/a%00b", "/collections/%0a", "//etc", "/collections/", "/collections//x"}) {
    const auto target = ParseTarget(raw);
    ASSERT_FALSE(target.ok()) << raw;
    EXPECT_EQ(target.status().code(), Code::kInvalidArgument) << raw;
    EXPECT_EQ(target.status().field(), "path") << raw;
  }
}

TEST(Target, BadEncodingIsRefused) {
  for (const char* raw : {"/%", "/%2", "/%zz", "/a%f", "/%ff", "/%c0%af", "/a?%=1", "/a?x=%f", "/a?x=%ff"}) {
    EXPECT_FALSE(ParseTarget(raw).ok()) << raw;
  }
}

TEST(Target, OtherFormsAreRefused) {
  for (const char* raw : {"", "*", "example.org:443", "collections", "ftp://example.org/x", "/a#b"}) {
    EXPECT_FALSE(ParseTarget(raw).ok()) << raw;
  }
  EXPECT_FALSE(ParseTarget("/" + std::string(kTargetLengthMax, 'a')).ok());
}

TEST(Target, QueryFieldsAreDecoded) {
  const auto target = ParseTarget("/a?limit=10&q=two+words%21&&flag");
  ASSERT_TRUE(target.ok());
  EXPECT_THAT(target->query, ElementsAre(Pair("limit", "10"), Pair("q", "two words!"), Pair("flag", "")));
}

TEST(Target, ARepeatedQueryFieldIsRefusedByName) { EXPECT_EQ(ParseTarget("/a?x=1&x=2").status().field(), "query.x"); }

TEST(Target, AListMayBeRepeated) {
  const NamedValues fields = ParseTarget("/a?x%5B%5D=1&x[]=2&y=3").value().query;
  EXPECT_EQ(fields, (NamedValues{{"x[]", "1"}, {"x[]", "2"}, {"y", "3"}}));
}

TEST(Target, FormFieldsComeBehindWhatThereIs) {
  NamedValues fields{{"a", "1"}};
  ASSERT_TRUE(ParseFields("b=x+y&c[]=%26", fields).ok());
  EXPECT_EQ(fields, (NamedValues{{"a", "1"}, {"b", "x y"}, {"c[]", "&"}}));
  EXPECT_EQ(ParseFields("a=2", fields).field(), "query.a");
}

TEST(Target, TooManyQueryFieldsAreRefused) {
  std::string raw = "/a?";
  for (size_t i = 0; i <= kQueryFieldsMax; ++i) raw += "f" + std::to_string(i) + "&";
  EXPECT_EQ(ParseTarget(raw).status().field(), "query");
}

TEST(Target, CollectionNamesAreShortAndPlain) {
  EXPECT_TRUE(IsCollectionName("Notes_2024-a"));
  EXPECT_TRUE(IsCollectionName(std::string(128, 'a')));
  for (const std::string& name : {std::string(), std::string(129, 'a'), std::string("a.b"), std::string("a b"),
                                  std::string("\xC3\xA9"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(IsCollectionName(name)) << name;
  }
}

}  // namespace
}  // namespace rhizome::gateway
