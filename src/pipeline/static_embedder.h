// StaticEmbedder: the fast embedder. A text's vector is the sum of its word pieces' vectors in a StaticModel, scaled to
// length 1: some hundred times as fast as the transformer it was distilled from, and worse at telling what a sentence
// means (docs/embedding.md has both figures). For bulk ingest, and beside a text index.
//
// Thread-safe; a call runs on its caller's thread.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "pipeline/embedder.h"
#include "pipeline/static_model.h"
#include "pipeline/wordpiece.h"

namespace rhizome::pipeline {

class StaticEmbedder final : public Embedder {
 public:
  static constexpr size_t kTokensMax = 512;  // of a text; what is behind is cut

  // InvalidArgument: a vocabulary without the special pieces.
  static Result<std::unique_ptr<StaticEmbedder>> Open(StaticModel model);

  std::string_view name() const override { return model_.name; }
  uint32_t dimension() const override { return model_.dimension; }
  // Never fails. A text without a known piece gets the vector of the piece that begins every text.
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override;

 private:
  StaticEmbedder(StaticModel model, WordPiece tokenizer) : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}
  std::vector<float> VectorOf(const std::vector<int32_t>& tokens) const;

  // Constant after Open.
  const StaticModel model_;
  const WordPiece tokenizer_;
};

}  // namespace rhizome::pipeline
