#include "pipeline/piece_trie.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rhizome::pipeline {
namespace {

TEST(PieceTrie, TheLongestPieceWins) {
  PieceTrie trie;
  trie.Add("un", 1);
  trie.Add("unhappy", 2);
  trie.Add("u", 3);
  EXPECT_EQ(trie.Longest("unhappyness").id, 2);
  EXPECT_EQ(trie.Longest("unhappx").length, 2U);
  EXPECT_EQ(trie.Longest("u").id, 3);
}

TEST(PieceTrie, NothingMatchesWhatNoPieceBegins) {
  PieceTrie trie;
  trie.Add("ab", 1);
  EXPECT_EQ(trie.Longest("a").length, 0U);
  EXPECT_EQ(trie.Longest("").length, 0U);
  EXPECT_EQ(PieceTrie().Longest("a").id, -1);
}

TEST(PieceTrie, TheFirstIdOfAPieceStays) {
  PieceTrie trie;
  trie.Add("ab", 1);
  trie.Add("ab", 2);
  EXPECT_EQ(trie.Longest("ab").id, 1);
}

TEST(PieceTrie, ManyPiecesAreFoundAsByTryingEachLength) {
  std::mt19937 random(3);
  std::vector<std::string> pieces;
  PieceTrie trie;
  for (int i = 0; i < 20'000; ++i) {
    std::string piece;
    for (size_t n = 1 + random() % 6; n > 0; --n) piece += static_cast<char>(random() % 12 + 250);
    trie.Add(piece, i);
    pieces.push_back(piece);
  }
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (int n = 0; n < 8; ++n) text += static_cast<char>(random() % 12 + 250);
    size_t longest = 0;
    for (const std::string& piece : pieces) {
      if (text.starts_with(piece)) longest = std::max(longest, piece.size());
    }
    EXPECT_EQ(trie.Longest(text).length, longest);
  }
}

}  // namespace
}  // namespace rhizome::pipeline
