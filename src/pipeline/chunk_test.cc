#include "pipeline/chunk.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

std::vector<std::string> Cut(std::string_view text, const ChunkSettings& settings = {}) {
  std::vector<std::string> texts;
  const Result<std::vector<Chunk>> chunks = ChunkText(text, settings);
  for (const Chunk& chunk : *chunks) texts.push_back(chunk.text);
  return texts;
}

std::string Words(std::string_view word, size_t count, std::string_view between = " ") {
  std::string out;
  for (size_t i = 0; i < count; ++i) out.append(word).append(std::to_string(i)).append(between);
  return out;
}

// What chunk.h promises of every text.
void ExpectInvariants(const std::string& text, const ChunkSettings& settings) {
  const std::vector<Chunk> chunks = ChunkText(text, settings).value();
  size_t covered = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const Chunk& chunk = chunks[i];
    ASSERT_LT(chunk.begin, chunk.end);
    ASSERT_EQ(chunk.text, text.substr(chunk.begin, chunk.end - chunk.begin));
    ASSERT_TRUE(IsUtf8(chunk.text));
    ASSERT_EQ(TrimWhiteSpace(chunk.text), chunk.text);
    ASSERT_LE(EstimateTokens(chunk.text), settings.size_tokens);
    if (i > 0) {
      ASSERT_GT(chunk.begin, chunks[i - 1].begin);
      ASSERT_GT(chunk.end, chunks[i - 1].end);
    }
    if (chunk.begin > covered) {
      ASSERT_EQ(EstimateTokens(text.substr(covered, chunk.begin - covered)), 0u);
    }
    covered = chunk.end;
  }
  ASSERT_EQ(EstimateTokens(text.substr(covered)), 0u);
}

TEST(ChunkText, LeavesAShortTextWhole) {
  EXPECT_EQ(Cut("  One sentence. Another one.\n"), std::vector<std::string>{"One sentence. Another one."});
}

TEST(ChunkText, YieldsNothingForWhiteSpace) {
  EXPECT_TRUE(Cut("").empty());
  EXPECT_TRUE(Cut(" \n\u00a0\t ").empty());
}

TEST(ChunkText, PacksWholeSentences) {
  const auto chunks = Cut("One two three four five six seven. Eight nine ten eleven twelve thirteen. Fourteen!",
                          {.size_tokens = 16, .overlap_tokens = 0});
  EXPECT_EQ(chunks, (std::vector<std::string>{
                        "One two three four five six seven. Eight nine ten eleven twelve thirteen.", "Fourteen!"}));
}

TEST(ChunkText, RepeatsLastSentencesThatFitTheOverlap) {
  const auto chunks = Cut("Aa bb cc dd ee ff gg hh ii. Short one. Jj kk ll mm nn oo pp qq rr.",
                          {.size_tokens = 16, .overlap_tokens = 4});
  EXPECT_EQ(chunks, (std::vector<std::string>{"Aa bb cc dd ee ff gg hh ii. Short one.",
                                              "Short one. Jj kk ll mm nn oo pp qq rr."}));
}

TEST(ChunkText, TakesAWrappedLineForOneSentence) {
  const auto chunks = Cut("The quick brown fox jumps over\nthe lazy dog again and again.\n\nNext paragraph here.",
                          {.size_tokens = 16, .overlap_tokens = 0});
  EXPECT_EQ(chunks, (std::vector<std::string>{"The quick brown fox jumps over\nthe lazy dog again and again.",
                                              "Next paragraph here."}));
}

TEST(ChunkText, CutsALongSentenceAtWords) {
  const auto chunks = Cut(Words("w", 50), {.size_tokens = 16, .overlap_tokens = 0});
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_TRUE(chunks[0].ends_with(" w15"));
  EXPECT_TRUE(chunks[1].starts_with("w16 "));
}

TEST(ChunkText, CutsALongWordAtCodePoints) {
  std::string word;
  for (int i = 0; i < 100; ++i) word += "\u6f22";  // three bytes each, no space anywhere
  const auto chunks = Cut(word, {.size_tokens = 16, .overlap_tokens = 0});
  ASSERT_EQ(chunks.size(), 7u);
  EXPECT_EQ(chunks[0].size(), 48u);
}

TEST(ChunkText, CutsFixedTokensWithOverlap) {
  const auto chunks = Cut(Words("w", 40), {.strategy = "tokens", .size_tokens = 16, .overlap_tokens = 4});
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_TRUE(chunks[0].starts_with("w0 ") && chunks[0].ends_with(" w15"));
  EXPECT_TRUE(chunks[1].starts_with("w12 ") && chunks[1].ends_with(" w27"));
  EXPECT_TRUE(chunks[2].starts_with("w24 ") && chunks[2].ends_with(" w39"));
}

TEST(ChunkText, UsesTheCounterItIsGiven) {
  const TokenCounter bytes = [](std::string_view text) { return TrimWhiteSpace(text).size(); };
  const auto chunks =
      ChunkText("aaaa bbbb cccc dddd eeee", {.strategy = "tokens", .size_tokens = 16, .overlap_tokens = 0}, bytes)
          .value();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[1].text, "eeee");
}

TEST(ChunkText, BoundsBytesWhateverTheCounterSays) {
  const TokenCounter one = [](std::string_view) { return size_t{1}; };
  const Result<std::vector<Chunk>> chunks = ChunkText(std::string(100'000, 'a'), {}, one);
  for (const Chunk& chunk : *chunks) {
    EXPECT_LE(chunk.text.size(), 65u * 200);
  }
}

TEST(ChunkText, KeepsItsPromisesOnRandomTexts) {
  const std::vector<std::string> alphabet = {"a",          "Bc",     "word", " ",     " ",      "\n",
                                             "\n\n",       ". ",     "! ",   "?",     "\u00e9", "\u6f22",
                                             "\U0001F331", "\u00a0", "\t",   "e.g. ", "1,000 ", "averyveryverylongword",
                                             "\u3002"};
  std::mt19937 random(20240501);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    const size_t length = random() % 600;
    for (size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    ChunkSettings settings{.strategy = round % 2 == 0 ? "sentences" : "tokens",
                           .size_tokens = 16 + uint32_t(random() % 60)};
    settings.overlap_tokens = static_cast<uint32_t>(random() % ((settings.size_tokens + 1) / 2));
    if (settings.overlap_tokens * 2 >= settings.size_tokens) settings.overlap_tokens = 0;
    ASSERT_NO_FATAL_FAILURE(ExpectInvariants(text, settings)) << "round " << round;
  }
}

TEST(ChunkText, EndsOnHugeOddTexts) {
  for (const std::string& text :
       {std::string(200'000, ' '), std::string(200'000, 'a'), Words("x", 20'000, "\n"), std::string(100'000, '.')}) {
    ASSERT_NO_FATAL_FAILURE(ExpectInvariants(text, {}));
  }
}

TEST(ChunkText, RefusesBadUtf8) { EXPECT_EQ(ChunkText("ab\xFF", {}).status().message(), "byte 2 is not valid UTF-8"); }

TEST(ValidateChunkSettings, NamesTheField) {
  EXPECT_EQ(ValidateChunkSettings({.strategy = "pages"}).field(), "strategy");
  EXPECT_EQ(ValidateChunkSettings({.size_tokens = 15}).field(), "size_tokens");
  EXPECT_EQ(ValidateChunkSettings({.size_tokens = 2001}).field(), "size_tokens");
  EXPECT_EQ(ValidateChunkSettings({.size_tokens = 60, .overlap_tokens = 30}).field(), "overlap_tokens");
  EXPECT_EQ(ValidateChunkSettings({.overlap_tokens = 0x8000'0000}).field(), "overlap_tokens");
  EXPECT_TRUE(ValidateChunkSettings({}).ok());
}

TEST(EstimateTokens, CountsWordsMarksAndIdeographs) {
  EXPECT_EQ(EstimateTokens("Hello, world!"), 4u);
  EXPECT_EQ(EstimateTokens("internationalisation"), 3u);
  EXPECT_EQ(EstimateTokens("\u65e5\u672c\u8a9e"), 3u);
  EXPECT_EQ(EstimateTokens(" \n"), 0u);
}

TEST(ChunkForEmbedding, PutsTheTitleFirst) {
  EXPECT_EQ(ChunkForEmbedding("T", "c"), "T\nc");
  EXPECT_EQ(ChunkForEmbedding("", "c"), "c");
}

}  // namespace
}  // namespace rhizome::pipeline
