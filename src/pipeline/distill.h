// Distill: a StaticModel out of MiniLM. Every piece of the vocabulary goes through the transformer alone, as a text of
// one piece; the vectors' principal components are kept, each divided by a power of its spread, so that no few of them
// say everything; and frequent pieces count less: a/(a + p), p after Zipf's law by the place in the vocabulary, which
// is sorted by frequency (Arora, Liang, Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", ICLR 2017;
// Mu, Viswanath, "All-but-the-Top", ICLR 2018, for why the first components must not rule).
//
// Deterministic up to the arithmetic of the machine. About a minute of one core.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"
#include "pipeline/minilm.h"
#include "pipeline/static_model.h"

namespace rhizome::pipeline {

struct DistillOptions {
  uint32_t dimension = 256;  // at most the transformer's
  double flattening =
      0.35;                 // the power of a component's variance that it is divided by; 0: as they are, 0.5: all alike
  double frequency = 1e-5;  // a: pieces that are more frequent count less in proportion
};

// `progress` is told pieces done and pieces in all, now and then, on this thread. Errors: InvalidArgument names the
// option; those of the transformer.
Result<StaticModel> Distill(MiniLm& teacher, const DistillOptions& options,
                            const std::function<void(size_t, size_t)>& progress);

// The part that needs no transformer: `vectors` are the pieces', all of one length. InvalidArgument: fewer than two, or
// fewer components than asked for.
Result<StaticModel> ReduceToStatic(const std::vector<std::vector<float>>& vectors, std::string vocabulary,
                                   const DistillOptions& options);

}  // namespace rhizome::pipeline
