// MiniLm: the local embedder, all-MiniLM-L6-v2 in this process through OpenVINO.
//
// Texts become tokens (pipeline/wordpiece.h), at most 256 as the model's own configuration says; tokens become
// batches of like length across all callers (pipeline/minilm_batches.h); batches run on every core. A call with a
// few short texts, a search query say, takes a lane of its own and does not wait behind an ingest.
//
// Thread-safe. Memory: about 230 MiB resident in 16 bits and 300 in 32 with both lanes, 90 of them the mapped weights
// file, and a bounded number of waiting sequences: Embed blocks while the queue is full.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "pipeline/embedder.h"
#include "pipeline/minilm_batches.h"
#include "pipeline/minilm_graph.h"
#include "pipeline/wordpiece.h"

namespace rhizome::pipeline {

class MiniLmLane;

struct MiniLmOptions {
  std::string model_dir;  // holds model.safetensors and vocab.txt; empty: FindModelFolder()
  Precision precision = Precision::kAuto;
  size_t threads = 0;  // 0: every core this process may use
  BatchLimits batch;
};

constexpr size_t kMiniLmTokensMax = 256;

// Where the model is when nobody says: $RHIZOME_MODEL_DIR, else next to the program or above it (a build folder's
// `venv`, an installation's `share/rhizome/minilm`). Error: NotFound, naming what to set.
Result<std::string> FindModelFolder();

class MiniLm final : public Embedder {
 public:
  // Loads and compiles; takes well under a second. Errors: NotFound, Corruption, IoError, Internal.
  static Result<std::unique_ptr<MiniLm>> Open(const MiniLmOptions& options);
  // Waits for calls in progress; none may start any more.
  ~MiniLm() override;

  std::string_view name() const override { return "all-MiniLM-L6-v2"; }
  uint32_t dimension() const override;
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override;

  // Texts that are tokens already, first and last piece included; each of 1 to kMiniLmTokensMax.
  Result<std::vector<std::vector<float>>> EmbedTokens(std::vector<std::vector<int32_t>> texts);
  const WordPiece& tokenizer() const { return tokenizer_; }

  // What the processor computes in: "bf16", "f16" or "f32".
  const std::string& precision() const { return precision_; }
  size_t threads() const { return threads_; }

 private:
  MiniLm(WordPiece tokenizer, size_t threads);

  // Constant after Open.
  const WordPiece tokenizer_;
  const size_t threads_;
  std::string precision_;
  std::unique_ptr<MiniLmLane> bulk_;
  std::unique_ptr<MiniLmLane> quick_;
};

}  // namespace rhizome::pipeline
