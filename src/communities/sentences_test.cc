#include "communities/sentences.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "format/entity_name.h"

namespace rhizome::communities {
namespace {

std::vector<std::string> Sentences(const std::string& text) {
  extract::Tokenizer tokenizer;
  std::vector<std::string> sentences;
  for (const Range& range : SentencesOf(text, tokenizer)) sentences.push_back(text.substr(range.begin, range.length));
  return sentences;
}

TEST(Sentences, AreThoseOfTheText) {
  EXPECT_EQ(Sentences("Marie Curie was born in Warsaw.  She lived in Paris for long!"),
            (std::vector<std::string>{"Marie Curie was born in Warsaw.", "She lived in Paris for long!"}));
}

TEST(Sentences, ShortAndLongOnesAreLeftOut) {
  const std::string wordy(kSentenceBytesMax, 'x');
  EXPECT_EQ(Sentences("Yes. Marie Curie was born in Warsaw. The " + wordy + " ends."),
            std::vector<std::string>{"Marie Curie was born in Warsaw."});
}

TEST(Sentences, OfATextWithoutOneTheBeginningStands) {
  EXPECT_EQ(Sentences("  Warsaw."), std::vector<std::string>{"Warsaw."});
  EXPECT_TRUE(Sentences("").empty());
  EXPECT_TRUE(Sentences(" \n\t").empty());
}

TEST(Sentences, ACutNeverHalvesACharacter) {
  std::string text = "a";
  while (text.size() < 2 * kSentenceBytesMax) text += "ж";
  const auto cut = Sentences(text);
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_LE(cut[0].size(), kSentenceBytesMax);
  EXPECT_TRUE(IsUtf8(cut[0]));
}

TEST(Sentences, OtherScriptsHaveSentences) {
  EXPECT_EQ(Sentences("玛丽·居里出生于华沙，是一位物理学家。她在巴黎生活了很多年。").size(), 2u);
  EXPECT_EQ(Sentences("Мария Кюри родилась в Варшаве. Она жила в Париже.").size(), 2u);
}

TEST(Sentences, ANameIsSpokenOfAsWordsOfItsOwn) {
  EXPECT_TRUE(Speaks("marie curie was born in warsaw.", "warsaw"));
  EXPECT_TRUE(Speaks("warsaw", "warsaw"));
  EXPECT_FALSE(Speaks("the warsawer", "warsaw"));
  EXPECT_FALSE(Speaks("prewarsaw", "warsaw"));
  EXPECT_TRUE(Speaks("unwarsaw and warsaw", "warsaw"));
  EXPECT_TRUE(Speaks("white blood cells", "white blood cell"));
  EXPECT_FALSE(Speaks("warsaw", ""));
  EXPECT_FALSE(Speaks("", "warsaw"));
}

TEST(Sentences, ANameInAScriptWithoutSpacesMayStandAnywhere) {
  EXPECT_TRUE(Speaks(format::EntityName("玛丽·居里出生于华沙，是"), format::EntityName("华沙")));
}

TEST(Sentences, ThosePickedSpeakOfMost) {
  const std::vector<double> weights = {1, 0.5, 0.4};
  const std::vector<Candidate> candidates = {{{1}}, {{0}}, {{1, 2}}, {{0}}};
  EXPECT_EQ(PickCovering(candidates, weights, 3), (std::vector<size_t>{1, 2}));
  EXPECT_EQ(PickCovering(candidates, weights, 1), std::vector<size_t>{1});
  EXPECT_TRUE(PickCovering({}, weights, 3).empty());
}

}  // namespace
}  // namespace rhizome::communities
