// MiniLmLane: one compiled model with its own workers and its own bounded queue.
//
// Callers put sequences in and wait; each worker takes the next batch and runs it on one OpenVINO stream, so as
// many batches run at once as there are workers. Thread-safe. What a sequence points to belongs to the caller
// and lives until Wait returns.
#pragma once

#include <memory>
#include <openvino/openvino.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "pipeline/minilm_batches.h"

namespace rhizome::pipeline {

// One caller's progress; the lane's mutex guards it.
struct EmbedCall {
  size_t unfinished = 0;
  Status status;  // the first failure
  CondVar finished;
};

class MiniLmLane {
 public:
  struct Options {
    size_t workers = 1;
    size_t sequences_max = 4096;  // waiting at once; callers block above it
    BatchLimits batch;
  };

  // `model` is compiled with one stream for each worker. Error: Internal.
  static Result<std::unique_ptr<MiniLmLane>> Start(ov::CompiledModel model, const Options& options);
  // Waits for the batches that run. No call may be in progress.
  ~MiniLmLane();
  MiniLmLane(const MiniLmLane&) = delete;
  MiniLmLane& operator=(const MiniLmLane&) = delete;

  // The element type the model computes in: "bf16", "f16" or "f32".
  Result<std::string> Precision() const;
  // Queues sequences of one call, blocking while the queue is full. Any number of times, then Wait once, always.
  void Add(EmbedCall& call, std::vector<Sequence> sequences) EXCLUDES(mutex_);
  // Returns when every vector of the call is there; after a failure, when none of its batches runs any more.
  Status Wait(EmbedCall& call) EXCLUDES(mutex_);

 private:
  MiniLmLane(ov::CompiledModel model, const Options& options)
      : options_(options), model_(std::move(model)), queue_(options.batch) {}

  void Work(ov::InferRequest request) EXCLUDES(mutex_);
  std::vector<Sequence> NextBatch() EXCLUDES(mutex_);
  void Finish(const std::vector<Sequence>& batch, const Status& status) EXCLUDES(mutex_);

  // Constant after Start.
  const Options options_;
  ov::CompiledModel model_;
  std::vector<std::thread> workers_;

  Mutex mutex_;
  CondVar work_;   // something waits, or the lane stops
  CondVar space_;  // the queue has room
  SequenceQueue queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
};

// Lays a batch out as the graph's two inputs, padded with token 0 under mask 0, and returns their shape. The
// benchmark drives OpenVINO with the same inputs.
ov::Shape FillInputs(const std::vector<Sequence>& batch, std::vector<int32_t>& tokens, std::vector<float>& mask);

}  // namespace rhizome::pipeline
