#include "engines/vector/analyzer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::vector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Terms(std::string_view text, AnalyzerOptions options = {"none", false}) {
  auto analyzer = Analyzer::Create(options);
  EXPECT_TRUE(analyzer.ok());
  TermBuffer buffer;
  (*analyzer)->Analyze(text, buffer);
  std::vector<std::string> terms;
  for (size_t i = 0; i < buffer.size(); ++i) terms.emplace_back(buffer[i]);
  return terms;
}

TEST(Analyzer, SplitsAtEverythingThatIsNoLetterOrDigit) {
  EXPECT_THAT(Terms("Fine-needle foo_bar(x) C++ 3D"), ElementsAre("fine", "needle", "foo", "bar", "x", "c", "3d"));
}

TEST(Analyzer, KeepsApostrophesInWordsAndSeparatorsInNumbers) {
  EXPECT_THAT(Terms("don't 'quoted' 3,000.5 v1.2. e.g. a,1"),
              ElementsAre("don't", "quoted", "3,000.5", "v1.2", "e", "g", "a", "1"));
  EXPECT_THAT(Terms("don\u2019t"), ElementsAre("don't"));
}

TEST(Analyzer, StemsInTheChosenLanguage) {
  EXPECT_THAT(Terms("Converting conversions", {"english", false}), ElementsAre("convert", "convers"));
  EXPECT_THAT(Terms("H\u00e4user", {"german", false}), ElementsAre("haus"));
}

TEST(Analyzer, FoldsCaseAndAccents) {
  EXPECT_THAT(Terms("CAF\u00c9 cafe\u0301 Stra\u00dfe \u0141\u00f3d\u017a \u00c6on \ufb01ne"),
              ElementsAre("cafe", "cafe", "strasse", "lodz", "aeon", "fine"));
}

TEST(Analyzer, KeepsTheVowelsOfIndicScripts) {
  EXPECT_THAT(Terms("\u0939\u093f\u0928\u094d\u0926\u0940"), ElementsAre("\u0939\u093f\u0928\u094d\u0926\u0940"));
}

TEST(Analyzer, PairsCharactersOfUnspacedScripts) {
  EXPECT_THAT(Terms("\u6771\u4eac\u90fd"), ElementsAre("\u6771\u4eac", "\u4eac\u90fd"));
  EXPECT_THAT(Terms("\u6771"), ElementsAre("\u6771"));
  EXPECT_THAT(Terms("PDF\u5909\u63db tool"), ElementsAre("pdf", "\u5909\u63db", "tool"));
  EXPECT_THAT(Terms("\u30b5\u30fc\u30d0"), ElementsAre("\u30b5\u30fc", "\u30fc\u30d0"));
}

TEST(Analyzer, DropsStopWordsOnlyWhenAsked) {
  EXPECT_THAT(Terms("The cat", {"english", true}), ElementsAre("cat"));
  EXPECT_THAT(Terms("The cat", {"english", false}), ElementsAre("the", "cat"));
}

TEST(Analyzer, CutsLongWordsBetweenCharacters) {
  const auto terms = Terms(std::string(254, 'a') + "\u0431\u0431");
  ASSERT_EQ(terms.size(), 1u);
  EXPECT_EQ(terms[0], std::string(254, 'a'));
}

TEST(Analyzer, InvalidUtf8Separates) {
  EXPECT_THAT(Terms("ab\xff\xfe"
                    "cd\xc3"),
              ElementsAre("ab", "cd"));
  EXPECT_THAT(Terms("\x80\x80"), IsEmpty());
}

TEST(Analyzer, EmptyAndPunctuationHaveNoTerms) {
  EXPECT_THAT(Terms(""), IsEmpty());
  EXPECT_THAT(Terms("... '' -- \xf0\x9f\x98\x80"), IsEmpty());
}

TEST(Analyzer, KnowsItsLanguages) {
  const auto languages = Analyzer::Languages();
  EXPECT_THAT(languages, testing::IsSupersetOf({"english", "french", "none", "russian"}));
  for (const std::string& language : languages) EXPECT_TRUE(Analyzer::Create({language, false}).ok()) << language;
  const auto unknown = Analyzer::Create({"klingon", false});
  EXPECT_EQ(unknown.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(unknown.status().field(), "language");
}

TEST(Analyzer, RemembersWordsWithoutMixingThem) {
  auto analyzer = Analyzer::Create({});
  ASSERT_TRUE(analyzer.ok());
  for (int round = 0; round < 2; ++round) {
    TermBuffer buffer;
    (*analyzer)->Analyze("running runs ran", buffer);
    ASSERT_EQ(buffer.size(), 3u);
    EXPECT_EQ(buffer[0], "run");
    EXPECT_EQ(buffer[1], "run");
    EXPECT_EQ(buffer[2], "ran");
  }
}

}  // namespace
}  // namespace rhizome::vector
