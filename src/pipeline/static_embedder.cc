#include "pipeline/static_embedder.h"

#include <cmath>

namespace rhizome::pipeline {

Result<std::unique_ptr<StaticEmbedder>> StaticEmbedder::Open(StaticModel model) {
  ASSIGN_OR_RETURN(WordPiece tokenizer, WordPiece::Parse(model.vocabulary));
  return std::unique_ptr<StaticEmbedder>(new StaticEmbedder(std::move(model), std::move(tokenizer)));
}

Result<std::vector<std::vector<float>>> StaticEmbedder::Embed(std::span<const std::string> texts) {
  std::vector<std::vector<float>> vectors;
  vectors.reserve(texts.size());
  for (const std::string& text : texts) vectors.push_back(VectorOf(tokenizer_.Encode(text, kTokensMax)));
  return vectors;
}

// Sums are exact: 512 codes of 16 bits stay far below 32 bits.
std::vector<float> StaticEmbedder::VectorOf(const std::vector<int32_t>& tokens) const {
  const size_t dimension = model_.dimension;
  std::vector<int32_t> sum(dimension, 0);
  const auto add = [&](int32_t token) {
    const int16_t* const row = model_.row(static_cast<size_t>(token)).data();
    for (size_t i = 0; i < dimension; ++i) sum[i] += row[i];
  };
  // The first and the last piece are those that begin and end every text, and say nothing of this one.
  for (size_t i = 1; i + 1 < tokens.size(); ++i) add(tokens[i]);
  double square = 0;
  for (const int32_t x : sum) square += static_cast<double>(x) * x;
  if (square == 0) {
    add(tokens.front());
    for (const int32_t x : sum) square += static_cast<double>(x) * x;
  }
  std::vector<float> vector(dimension, 0);
  if (square == 0) {
    vector[0] = 1;  // a model of zeros
    return vector;
  }
  const double factor = 1 / std::sqrt(square);
  for (size_t i = 0; i < dimension; ++i) vector[i] = static_cast<float>(sum[i] * factor);
  return vector;
}

}  // namespace rhizome::pipeline
