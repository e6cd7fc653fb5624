#include "extract/tokens.h"

namespace rhizome::extract {
namespace {

std::vector<std::string> Surfaces(std::string_view text) {
  Tokenizer tokenizer;
  tokenizer.Run(text);
  std::vector<std::string> surfaces;
  for (const Token& token : tokenizer.tokens()) surfaces.emplace_back(tokenizer.Surface(token));
  return surfaces;
}

std::vector<std::string> Sentences(std::string_view text) {
  Tokenizer tokenizer;
  tokenizer.Run(text);
  std::vector<std::string> sentences;
  for (const Sentence& sentence : tokenizer.sentences()) {
    const uint32_t begin = tokenizer.tokens()[sentence.first].begin;
    sentences.emplace_back(text.substr(begin, tokenizer.tokens()[sentence.last - 1].end - begin));
  }
  return sentences;
}

struct Case {
  std::string_view text;
  std::vector<std::string> parts;
};

class Tokens : public testing::TestWithParam<Case> {};
TEST_P(Tokens, AreCut) { EXPECT_EQ(Surfaces(GetParam().text), GetParam().parts); }

const Case kTokens[] = {
    {"", {}},
    {"one two", {"one", "two"}},
    {"O'Brien isn't here", {"O'Brien", "isn't", "here"}},
    {"Einstein's", {"Einstein", "'s"}},
    {"Einstein\u2019s", {"Einstein", "\u2019s"}},
    {"U.S. law", {"U.S.", "law"}},
    {"J.R.R. Tolkien", {"J.R.R.", "Tolkien"}},
    {"AT&T, B & C", {"AT&T", ",", "B", "&", "C"}},
    {"Jean-Luc IL-6 p53", {"Jean-Luc", "IL-6", "p53"}},
    {"1,000.5 1990s 3rd", {"1,000.5", "1990s", "3rd"}},
    {"5-HT and 3T3", {"5-HT", "and", "3T3"}},
    {"a (b).", {"a", "(", "b", ")", "."}},
    {"Ada\xFF\xFEko", {"Ada", "\xFF", "\xFE", "ko"}},
    {"東京は日本の首都です", {"東京", "は", "日本", "の", "首都", "です"}},
    {"Ελλάδα Россия", {"Ελλάδα", "Россия"}},
};
INSTANTIATE_TEST_SUITE_P(Tokenizer, Tokens, testing::ValuesIn(kTokens));

class SentenceEnds : public testing::TestWithParam<Case> {};
TEST_P(SentenceEnds, AreFound) { EXPECT_EQ(Sentences(GetParam().text), GetParam().parts); }

const Case kSentences[] = {
    {"One ends. Two ends! Three?", {"One ends.", "Two ends!", "Three?"}},
    {"Dr. Smith met Mr. Brown. They spoke.", {"Dr. Smith met Mr. Brown.", "They spoke."}},
    {"By J. Smith of Acme Inc. and others.", {"By J. Smith of Acme Inc. and others."}},
    {"He joined Acme Inc. The firm grew.", {"He joined Acme Inc.", "The firm grew."}},
    {"It weighs 3.5 kg. It is old.", {"It weighs 3.5 kg.", "It is old."}},
    {"He said \"Go.\" She went.", {"He said \"Go.\"", "She went."}},
    {"Heading\n\nText of it", {"Heading", "Text of it"}},
    {"line one\nline two", {"line one\nline two"}},
    {"東京です。京都です。", {"東京です。", "京都です。"}},
    {"approx. five", {"approx. five"}},
};
INSTANTIATE_TEST_SUITE_P(Tokenizer, SentenceEnds, testing::ValuesIn(kSentences));

uint8_t ShapeOf(std::string_view word) {
  Tokenizer tokenizer;
  tokenizer.Run(word);
  return tokenizer.tokens().at(0).shape & static_cast<uint8_t>(~kSpaceBefore);
}

TEST(Tokenizer, ShapesTellCapitals) {
  EXPECT_EQ(ShapeOf("word"), 0);
  EXPECT_EQ(ShapeOf("Word"), kCapital);
  EXPECT_EQ(ShapeOf("WHO"), kCapital | kAllCaps | kInnerCap);
  EXPECT_EQ(ShapeOf("mRNA"), kInnerCap);
  EXPECT_EQ(ShapeOf("p53"), kInnerCap);
  EXPECT_EQ(ShapeOf("Москва"), kCapital);
  EXPECT_EQ(ShapeOf("東京"), kUncased);
  EXPECT_EQ(ShapeOf("ירושלים"), kUncased);
}

TEST(Tokenizer, LongSentencesAreCut) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "word ";
  Tokenizer tokenizer;
  tokenizer.Run(text);
  for (const Sentence& sentence : tokenizer.sentences()) EXPECT_LE(sentence.last - sentence.first, kSentenceTokensMax);
  EXPECT_EQ(tokenizer.sentences().size(), 5u);
}

TEST(Tokenizer, EverySentenceCoversItsTokens) {
  Tokenizer tokenizer;
  tokenizer.Run("One. Two (three). \"Four.\" Five\n\nsix.");
  uint32_t next = 0;
  for (size_t s = 0; s < tokenizer.sentences().size(); ++s) {
    EXPECT_EQ(tokenizer.sentences()[s].first, next);
    next = tokenizer.sentences()[s].last;
    for (uint32_t i = tokenizer.sentences()[s].first; i < next; ++i) EXPECT_EQ(tokenizer.tokens()[i].sentence, s);
  }
  EXPECT_EQ(next, tokenizer.tokens().size());
}

TEST(Tokenizer, MemoryIsReusedBetweenTexts) {
  Tokenizer tokenizer;
  tokenizer.Run("A long first text. With sentences.");
  tokenizer.Run("Short");
  EXPECT_EQ(tokenizer.tokens().size(), 1u);
  EXPECT_EQ(tokenizer.sentences().size(), 1u);
  EXPECT_EQ(tokenizer.Lower(tokenizer.tokens()[0]), "short");
}

}  // namespace
}  // namespace rhizome::extract
