// SequenceQueue: token sequences waiting for the model, handed out in batches of like length.
//
// A batch costs what its longest sequence costs times its size, so neighbours in length go together. The oldest
// sequence is always in the next batch: nothing waits for ever because its length is rare.
// Not thread-safe: its owner holds a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace rhizome::pipeline {

struct BatchLimits {
  size_t tokens_max = 1024;  // rows times padded length; a lone sequence may pass it
  size_t rows_max = 64;
};

struct EmbedCall;

struct Sequence {
  std::vector<int32_t> tokens;
  EmbedCall* call = nullptr;             // whom it belongs to
  std::vector<float>* vector = nullptr;  // where its unit vector goes
};

class SequenceQueue {
 public:
  explicit SequenceQueue(BatchLimits limits) : limits_(limits) {}

  void Push(Sequence sequence);
  // The oldest sequence and its nearest neighbours in length, longest first; empty when nothing waits.
  std::vector<Sequence> TakeBatch();
  // Drops what one call still has waiting; returns how many.
  size_t Remove(const EmbedCall* call);
  size_t size() const { return by_arrival_.size(); }

 private:
  using LengthKey = std::pair<size_t, uint64_t>;  // length, ticket

  const BatchLimits limits_;
  uint64_t next_ticket_ = 0;
  std::map<uint64_t, Sequence> by_arrival_;
  std::set<LengthKey> by_length_;
};

// The length to which a batch whose longest sequence has `tokens` tokens is padded. Steps keep the number of
// distinct shapes small: the runtime prepares kernels for each new one.
size_t PaddedLength(size_t tokens);

}  // namespace rhizome::pipeline
