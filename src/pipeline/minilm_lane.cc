#include "pipeline/minilm_lane.h"

#include <algorithm>
#include <cmath>

#include "pipeline/minilm_graph.h"

namespace rhizome::pipeline {
namespace {

bool CopyUnitLength(const float* from, std::vector<float>& to) {
  double square = 0;
  for (size_t i = 0; i < kMiniLmDimension; ++i) square += static_cast<double>(from[i]) * from[i];
  const double norm = std::sqrt(square);
  if (!std::isfinite(norm) || norm == 0) return false;
  to.resize(kMiniLmDimension);
  for (size_t i = 0; i < kMiniLmDimension; ++i) to[i] = static_cast<float>(from[i] / norm);
  return true;
}

// Buffers are a worker's own and keep their size from batch to batch.
struct Buffers {
  std::vector<int32_t> tokens;
  std::vector<float> mask;
};

Status RunBatch(ov::InferRequest& request, const std::vector<Sequence>& batch, Buffers& buffers) {
  try {
    const ov::Shape shape = FillInputs(batch, buffers.tokens, buffers.mask);
    request.set_input_tensor(0, ov::Tensor(ov::element::i32, shape, buffers.tokens.data()));
    request.set_input_tensor(1, ov::Tensor(ov::element::f32, shape, buffers.mask.data()));
    request.start_async();
    request.wait();
    const ov::Tensor output = request.get_output_tensor(0);
    if (output.get_shape() != ov::Shape{batch.size(), kMiniLmDimension}) {
      return Status::Internal("the embedding model answered in another shape");
    }
    const float* means = output.data<const float>();
    for (size_t row = 0; row < batch.size(); ++row) {
      if (!CopyUnitLength(means + row * kMiniLmDimension, *batch[row].vector)) {
        return Status::Internal("the embedding model answered with a vector that has no direction");
      }
    }
    return Status::Ok();
  } catch (const std::exception& error) {
    return Status::Internal(std::string("running the embedding model: ") + error.what());
  }
}

}  // namespace

ov::Shape FillInputs(const std::vector<Sequence>& batch, std::vector<int32_t>& tokens, std::vector<float>& mask) {
  const size_t length = PaddedLength(batch.front().tokens.size());
  tokens.assign(batch.size() * length, 0);
  mask.assign(batch.size() * length, 0.0F);
  for (size_t row = 0; row < batch.size(); ++row) {
    const std::vector<int32_t>& from = batch[row].tokens;
    std::copy(from.begin(), from.end(), tokens.begin() + static_cast<ptrdiff_t>(row * length));
    std::fill_n(mask.begin() + static_cast<ptrdiff_t>(row * length), from.size(), 1.0F);
  }
  return {batch.size(), length};
}

Result<std::unique_ptr<MiniLmLane>> MiniLmLane::Start(ov::CompiledModel model, const Options& options) {
  std::unique_ptr<MiniLmLane> lane(new MiniLmLane(std::move(model), options));
  try {
    for (size_t i = 0; i < options.workers; ++i) {
      ov::InferRequest request = lane->model_.create_infer_request();
      lane->workers_.emplace_back([raw = lane.get(), request] { raw->Work(request); });
    }
  } catch (const std::exception& error) {
    return Status::Internal(std::string("starting the embedding model: ") + error.what());
  }
  return lane;
}

MiniLmLane::~MiniLmLane() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  for (std::thread& worker : workers_) worker.join();
}

Result<std::string> MiniLmLane::Precision() const {
  try {
    return model_.get_property(ov::hint::inference_precision).get_type_name();
  } catch (const std::exception& error) {
    return Status::Internal(std::string("asking the embedding model: ") + error.what());
  }
}

void MiniLmLane::Add(EmbedCall& call, std::vector<Sequence> sequences) {
  MutexLock lock(mutex_);
  for (Sequence& sequence : sequences) {
    while (queue_.size() >= options_.sequences_max && call.status.ok()) space_.Wait(mutex_);
    if (!call.status.ok()) return;  // Wait tells
    sequence.call = &call;
    queue_.Push(std::move(sequence));
    ++call.unfinished;
    // Waking for every sequence would hand the first ones out alone; a full queue must not wait for the end.
    if (queue_.size() == options_.sequences_max) work_.NotifyAll();
  }
  work_.NotifyAll();
}

Status MiniLmLane::Wait(EmbedCall& call) {
  MutexLock lock(mutex_);
  while (call.unfinished > 0) call.finished.Wait(mutex_);
  return call.status;
}

void MiniLmLane::Work(ov::InferRequest request) {
  Buffers buffers;
  while (true) {
    const std::vector<Sequence> batch = NextBatch();
    if (batch.empty()) return;
    Finish(batch, RunBatch(request, batch, buffers));
  }
}

std::vector<Sequence> MiniLmLane::NextBatch() {
  MutexLock lock(mutex_);
  while (queue_.size() == 0 && !stopping_) work_.Wait(mutex_);
  std::vector<Sequence> batch = queue_.TakeBatch();
  space_.NotifyAll();
  return batch;
}

void MiniLmLane::Finish(const std::vector<Sequence>& batch, const Status& status) {
  MutexLock lock(mutex_);
  for (const Sequence& sequence : batch) {
    EmbedCall& call = *sequence.call;
    --call.unfinished;
    if (!status.ok() && call.status.ok()) {
      call.status = status;
      call.unfinished -= queue_.Remove(&call);
      space_.NotifyAll();
    }
    if (call.unfinished == 0) call.finished.NotifyAll();
  }
}

}  // namespace rhizome::pipeline
