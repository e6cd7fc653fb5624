#include "format/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBytesMax = 1 << 20;

Yaml Read(std::string_view text) {
  auto read = Yaml::Parse(text, kBytesMax);
  EXPECT_TRUE(read.ok()) << read.status().ToString();
  return read.ok() ? *read : Yaml();
}

std::string RefusalOf(std::string_view text) {
  const auto read = Yaml::Parse(text, kBytesMax);
  if (read.ok()) return "accepted";
  EXPECT_EQ(read.status().code(), Code::kInvalidArgument);
  return std::string(read.status().field()) + ": " + std::string(read.status().message());
}

TEST(Yaml, ReadsMappingsSequencesAndScalarsWithTheirLines) {
  const Yaml root = Read("# c\nlist:\n  - one\n  - {a: 1, b: 'x: y'}\ntext: |\n  two\n  lines\n");
  ASSERT_EQ(root.kind, Yaml::Kind::kMapping);
  const Yaml* list = root.Find("list");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0].text, "one");
  EXPECT_EQ(list->items[0].line, 3u);
  EXPECT_FALSE(list->items[0].quoted);
  EXPECT_EQ(list->items[1].Find("b")->text, "x: y");
  EXPECT_TRUE(list->items[1].Find("b")->quoted);
  EXPECT_EQ(root.Find("text")->text, "two\nlines\n");
  EXPECT_EQ(root.Find("absent"), nullptr);
}

TEST(Yaml, ReadsJson) {
  const Yaml root = Read("{\"a\": [1, \"two\", {\"b\": null}]}");
  EXPECT_EQ(root.Find("a")->items[1].text, "two");
  EXPECT_TRUE(root.Find("a")->items[2].Find("b")->is_null());
}

TEST(Yaml, NothingAndNullAreNullAndQuotesMakeThemText) {
  EXPECT_TRUE(Read("").is_null());
  EXPECT_TRUE(Read("# only a comment\n").is_null());
  EXPECT_TRUE(Read("a:").Find("a")->is_null());
  EXPECT_TRUE(Read("a: ~").Find("a")->is_null());
  EXPECT_FALSE(Read("a: ''").Find("a")->is_null());
  EXPECT_FALSE(Read("a: []").Find("a")->is_null());
}

TEST(Yaml, RefusesWhatIsNotOnePlainDocumentWithTheLine) {
  EXPECT_THAT(RefusalOf("a: 1\n b: 2\n"), HasSubstr("line 2"));
  EXPECT_THAT(RefusalOf("a: [1\n"), HasSubstr("line "));
  EXPECT_THAT(RefusalOf("a: 1\nb: 2\na: 3\n"), HasSubstr("line 3: key \"a\" is given twice"));
  EXPECT_THAT(RefusalOf("a: &x 1\nb: *x\n"), HasSubstr("anchors and aliases are not supported"));
  EXPECT_THAT(RefusalOf("a: *x\n"), HasSubstr("anchors and aliases are not supported"));
  EXPECT_THAT(RefusalOf("a: !!str 1\n"), HasSubstr("tags are not supported"));
  EXPECT_THAT(RefusalOf("[a]: 1\n"), HasSubstr("a key that is no word"));
  EXPECT_THAT(RefusalOf("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_THAT(RefusalOf("a: \xff\n"), HasSubstr("line "));
  EXPECT_THAT(RefusalOf(std::string(200, '[') + std::string(200, ']')), HasSubstr("nested too deeply"));
  EXPECT_EQ(Yaml::Parse("abc", 2).status().code(), Code::kTooLarge);
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(RefusalOf(many), HasSubstr("too many keys"));
}

}  // namespace
}  // namespace rhizome::format
