#include "format/entity_name.h"

#include "base/utf8.h"

namespace rhizome::format {
namespace {

struct Case {
  std::string_view surface, name;
};

class EntityNameTable : public testing::TestWithParam<Case> {};

TEST_P(EntityNameTable, Becomes) { EXPECT_EQ(EntityName(GetParam().surface), GetParam().name); }

constexpr Case kCases[] = {{"Ada Lovelace", "ada lovelace"},
                           {"  Ada \t\n Lovelace ", "ada lovelace"},
                           {"\"The Waste Land\",", "the waste land"},
                           {"(Mercury)", "mercury"},
                           {"STRASSE", "strasse"},
                           {"Straße", "strasse"},
                           {"Ｒｈｉｚｏｍｅ", "rhizome"},
                           {"ﬁnch", "finch"},
                           {"C#", "c#"},
                           {"C++", "c++"},
                           {"AT&T", "at&t"},
                           {"U.S.", "u.s"},
                           {"O\u2019Brien", "o'brien"},
                           {"Jean\u2010Luc", "jean-luc"},
                           {"«Война и мир»", "война и мир"},
                           {"東京", "東京"},
                           {"“東京”", "東京"},
                           {"soft\u00ADhyphen", "softhyphen"},
                           {"!!!", "!!!"},
                           {"", ""},
                           {" \t ", ""},
                           {"\u00A0non\u00A0breaking\u00A0", "non breaking"},
                           {"Cafe\u0301", "café"}};

INSTANTIATE_TEST_SUITE_P(EntityName, EntityNameTable, testing::ValuesIn(kCases));

TEST(EntityName, IsIdempotent) {
  for (const std::string_view surface :
       {"\"A. B.\"", "ĲSSEL", "  (x) y ", "…", "#1", "İstanbul", "a\u0300\u0301", "( )"}) {
    const std::string once = EntityName(surface);
    EXPECT_EQ(EntityName(once), once) << surface;
  }
}

TEST(EntityName, BadBytesBecomeReplacementCharacters) {
  EXPECT_TRUE(IsUtf8(EntityName("ab\xFF\xC3")));
  EXPECT_TRUE(EntityName("ab\xFF").starts_with("ab"));
}

TEST(EntityName, LongNamesAreCutBetweenCharacters) {
  std::string long_name;
  for (int i = 0; i < 100'000; ++i) long_name += "é";
  const std::string name = EntityName(long_name);
  EXPECT_LE(name.size(), kEntityNameBytesMax);
  EXPECT_GT(name.size(), kEntityNameBytesMax - 4);
  EXPECT_TRUE(IsUtf8(name));
  EXPECT_EQ(EntityName(name), name);
}

}  // namespace
}  // namespace rhizome::format
