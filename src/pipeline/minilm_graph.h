// The MiniLM-L6-v2 transformer as an OpenVINO graph, built from its weights.
//
// Six BERT encoder layers of width 384 with 12 heads (Devlin et al., NAACL 2019, section 3; Wang et al., "MiniLM",
// NeurIPS 2020), then the mean over the tokens of each sequence (Reimers & Gurevych, "Sentence-BERT", EMNLP
// 2019, section 3). Inputs, both [batch, length] of any size up to 512 tokens: 0 = token numbers (int32), 1 = mask
// (float32, 1 for a token, 0 for padding). Output [batch, 384]: means, not yet of unit length: the caller
// normalises in 32 bits, so that a graph run in 16 bits still gives vectors of length 1.
#pragma once

#include <memory>
#include <string_view>

#include "base/status.h"
#include "pipeline/minilm_weights.h"

namespace ov {
class CompiledModel;
class Model;
}  // namespace ov

namespace rhizome::pipeline {

constexpr size_t kMiniLmDimension = 384;

enum class Precision {
  kAuto,  // bfloat16 (or float16) where the processor computes in it, 32 bits elsewhere
  kF32,
  kBf16,
};

// "auto", "f32" or "bf16". Error: InvalidArgument on `precision`.
Result<Precision> ParsePrecision(std::string_view name);

// The graph keeps `weights` alive. Errors: Corruption for weights of another model, Internal from OpenVINO.
Result<std::shared_ptr<ov::Model>> BuildMiniLm(const std::shared_ptr<MiniLmWeights>& weights);

// Ready to run `streams` batches at once on as many threads. Error: Internal.
Result<std::shared_ptr<ov::CompiledModel>> CompileMiniLm(const std::shared_ptr<ov::Model>& graph, Precision precision,
                                                         size_t streams);

}  // namespace rhizome::pipeline
