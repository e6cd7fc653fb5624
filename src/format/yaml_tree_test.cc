#include "format/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

using testing::HasSubstr;

std::string Refused(std::string_view text) {
  const auto tree = ParseYaml(text);
  return tree.ok() ? "accepted" : std::string(tree.status().message());
}

TEST(ParseYaml, MapsListsAndTextsKeepTheirLines) {
  const YamlPtr root = ParseYaml("a: 1\nb:\n- x\n- 'y z'\nc: {d: \"e\\n\"}\n").value();
  EXPECT_EQ(root->Find("a")->text, "1");
  ASSERT_EQ(root->Find("b")->items.size(), 2u);
  EXPECT_EQ(root->Find("b")->items[1]->text, "y z");
  EXPECT_EQ(root->Find("b")->items[1]->line, 4u);
  EXPECT_EQ(root->Find("c")->Find("d")->text, "e\n");
  EXPECT_EQ(root->Find("none"), nullptr);
}

TEST(ParseYaml, BlockTextsKeepTheirLineBreaks) {
  EXPECT_EQ(ParseYaml("a: |\n  x\n  y\n").value()->Find("a")->text, "x\ny\n");
  EXPECT_EQ(ParseYaml("a: >-\n  x\n  y\n").value()->Find("a")->text, "x y");
}

TEST(ParseYaml, NothingIsEmptyUnlessItIsQuoted) {
  const YamlPtr root = ParseYaml("a: ~\nb: null\nc: \"~\"\nd:\n").value();
  EXPECT_EQ(root->Find("a")->text, "");
  EXPECT_EQ(root->Find("b")->text, "");
  EXPECT_EQ(root->Find("c")->text, "~");
  EXPECT_EQ(root->Find("d")->text, "");
}

TEST(ParseYaml, AnEmptyFileHasNoTree) {
  EXPECT_EQ(ParseYaml("").value(), nullptr);
  EXPECT_EQ(ParseYaml("# nothing\n").value(), nullptr);
}

TEST(ParseYaml, AnAliasStandsForItsAnchor) {
  const YamlPtr root = ParseYaml("a: &x {b: c}\nd: *x\n").value();
  EXPECT_EQ(root->Find("d")->Find("b")->text, "c");
}

TEST(ParseYaml, WhatIsNoTreeOfTextsIsRefused) {
  EXPECT_THAT(Refused("a: [1\nb: 2"), HasSubstr("line 2: "));
  EXPECT_THAT(Refused("a: 1\na: 2\n"), HasSubstr("line 2: the key \"a\" comes twice"));
  EXPECT_THAT(Refused("a: 1\n---\nb: 1\n"), HasSubstr("a second document"));
  EXPECT_THAT(Refused("a: !!binary aGk=\n"), HasSubstr("the tag tag:yaml.org,2002:binary is not known here"));
  EXPECT_THAT(Refused("{[a]: b}\n"), HasSubstr("a key that is no text"));
  EXPECT_THAT(Refused("a: *x\n"), HasSubstr("line 1: "));
  EXPECT_THAT(Refused("a: &x [*x]\n"), HasSubstr("line 1: "));
  EXPECT_THAT(Refused("a: \xff\n"), HasSubstr("line "));
}

TEST(ParseYaml, DepthIsBounded) {
  EXPECT_EQ(Refused(std::string(30, '[') + std::string(30, ']')), "accepted");
  EXPECT_THAT(Refused(std::string(100'000, '[')), HasSubstr("nested too deep"));
}

TEST(ParseYaml, AliasesCannotBlowItUp) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k > 0 ? ", " : "") + last;
    bomb += "]\n";
  }
  EXPECT_EQ(ParseYaml(bomb).status().code(), Code::kTooLarge);
  std::string long_text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 100; ++i) long_text += "*a, ";
  EXPECT_EQ(ParseYaml(long_text + "*a]\n").status().code(), Code::kTooLarge);
  EXPECT_EQ(ParseYaml(std::string(kYamlBytesMax + 1, ' ')).status().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::format
