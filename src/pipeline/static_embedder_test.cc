#include "pipeline/static_embedder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rhizome::pipeline {
namespace {

enum Tiny { kPad, kUnk, kCls, kSep, kMask, kLog, kShard, kAgainst, kPieces };

StaticModel Tiny() {
  StaticModel model;
  model.vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlog\nshard\nagainst\n";
  model.dimension = 2;
  model.codes.assign(2 * kPieces, 0);
  const auto set = [&model](int piece, int16_t x, int16_t y) {
    model.codes[2 * piece] = x;
    model.codes[2 * piece + 1] = y;
  };
  set(kCls, 0, 50);
  set(kSep, 3000, 3000);
  set(kLog, 400, 0);
  set(kShard, 0, 300);
  set(kAgainst, -400, 0);
  model.name = StaticModelName(model);
  return model;
}

std::vector<float> VectorOf(const std::string& text, StaticModel model = Tiny()) {
  const auto embedder = StaticEmbedder::Open(std::move(model));
  return (*embedder)->Embed(std::span(&text, 1)).value()[0];
}

TEST(StaticEmbedder, TextIsTheSumOfItsPiecesAtLengthOne) {
  EXPECT_EQ(VectorOf("log"), (std::vector<float>{1, 0}));
  EXPECT_EQ(VectorOf("Shard, log"), (std::vector<float>{0.8f, 0.6f}));
}

TEST(StaticEmbedder, TextWithoutKnownPiecesStillHasAVector) {
  EXPECT_EQ(VectorOf(""), (std::vector<float>{0, 1}));
  EXPECT_EQ(VectorOf("log against"), (std::vector<float>{0, 1}));
}

TEST(StaticEmbedder, ModelOfZerosGivesUnitVectorsAllTheSame) {
  StaticModel zeros = Tiny();
  zeros.codes.assign(zeros.codes.size(), 0);
  EXPECT_EQ(VectorOf("log", zeros), (std::vector<float>{1, 0}));
}

TEST(StaticEmbedder, LongestTextsAndGreatestCodesDoNotOverflow) {
  StaticModel model = Tiny();
  for (int16_t& code : model.codes) code = INT16_MIN;
  std::string text;
  for (int i = 0; i < 2'000; ++i) text += "log ";
  EXPECT_NEAR(VectorOf(text, model)[0], -std::sqrt(0.5f), 1e-6);
}

TEST(StaticEmbedder, VocabularyWithoutTheSpecialPiecesIsRefused) {
  StaticModel model = Tiny();
  model.vocabulary = "a\nb\nc\nd\ne\nf\ng\nh\n";
  EXPECT_EQ(StaticEmbedder::Open(std::move(model)).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace rhizome::pipeline
