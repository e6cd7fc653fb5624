#include "ruler/rule_texts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/scratch_testing.h"

namespace rhizome::ruler {
namespace {

class RuleTextsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  ScratchFolder folder_;
};

TEST_F(RuleTextsTest, PatternsNameFilesAndEachIsReadOnce) {
  const std::string a = Write("a.yml", "groups: []"), b = Write("b.yml", "groups:"), c = Write("c.txt", "");
  const auto texts = ReadRuleTexts({folder_.path() + "/*.yml", a}).value();
  EXPECT_EQ(texts, (RuleTexts{{a, "groups: []"}, {b, "groups:"}}));
  EXPECT_TRUE(ReadRuleTexts({folder_.path() + "/*.json"}).value().empty());
}

TEST_F(RuleTextsTest, LinksAreFollowed) {
  const std::string path = Write("a", "groups: []");
  std::filesystem::create_symlink(path, folder_.path() + "/link");
  EXPECT_EQ(ReadRuleTexts({folder_.path() + "/link"}).value().size(), 1u);
}

TEST_F(RuleTextsTest, WhatIsNotThereOrNoFileIsSaid) {
  const Status missing = ReadRuleTexts({folder_.path() + "/none.yml"}).status();
  EXPECT_EQ(missing.field(), "rule_files");
  EXPECT_NE(missing.message().find("none.yml: there is no such file"), std::string_view::npos);
  EXPECT_EQ(ReadRuleTexts({folder_.path()}).status().code(), Code::kInvalidArgument);
  const std::string large = Write("large", "");
  std::filesystem::resize_file(large, (8 << 20) + 1);
  EXPECT_NE(ReadRuleTexts({large}).status().message().find("8 MiB"), std::string_view::npos);
}

TEST_F(RuleTextsTest, AMistakeNamesFileFieldAndLine) {
  const Status status =
      ParseRuleTexts({{"x.yml", "groups:\n- name: a\n  rules:\n  - record: r\n    expr: sum(\n"}}).status();
  EXPECT_EQ(status.field(), "rule_files");
  EXPECT_TRUE(status.message().starts_with("x.yml: groups[0].rules[0].expr: line 5")) << status.message();
}

TEST_F(RuleTextsTest, GroupsComeInTheOrderOfTheirNames) {
  const auto groups = ParseRuleTexts({{"x", "groups: [{name: b}, {name: a}]"}}).value()[0].groups;
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].name, "a");
  EXPECT_EQ(groups[1].name, "b");
}

}  // namespace
}  // namespace rhizome::ruler
