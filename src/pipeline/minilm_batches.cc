#include "pipeline/minilm_batches.h"

#include <algorithm>
#include <iterator>

namespace rhizome::pipeline {
namespace {

constexpr size_t kLengthStep = 4;
// A batch may hold one padding token to eight real ones, and this many in any case, so that a few short
// queries of different lengths still go together.
constexpr size_t kPaddingShare = 8;
constexpr size_t kPaddingFree = 64;

}  // namespace

size_t PaddedLength(size_t tokens) { return (tokens + kLengthStep - 1) / kLengthStep * kLengthStep; }

void SequenceQueue::Push(Sequence sequence) {
  const uint64_t ticket = next_ticket_++;
  by_length_.emplace(sequence.tokens.size(), ticket);
  by_arrival_.emplace(ticket, std::move(sequence));
}

std::vector<Sequence> SequenceQueue::TakeBatch() {
  if (by_arrival_.empty()) return {};
  const auto oldest = by_arrival_.begin();
  // [first, last) grows around the oldest in order of length, always by the nearer neighbour that fits.
  auto first = by_length_.find({oldest->second.tokens.size(), oldest->first});
  auto last = std::next(first);
  size_t rows = 1;
  size_t real = first->first;
  const auto fits = [&](size_t added, size_t longest) {
    const size_t padded = (rows + 1) * PaddedLength(longest);
    const size_t wasted = padded - (real + added);
    return rows < limits_.rows_max && padded <= limits_.tokens_max &&
           (wasted <= kPaddingFree || wasted * kPaddingShare <= real + added);
  };
  while (true) {
    const size_t longest = std::prev(last)->first;
    const size_t shortest = first->first;
    const bool down = first != by_length_.begin() && fits(std::prev(first)->first, longest);
    const bool up = last != by_length_.end() && fits(last->first, last->first);
    if (!down && !up) break;
    if (down && (!up || shortest - std::prev(first)->first <= last->first - longest)) {
      --first;
      real += first->first;
    } else {
      real += last->first;
      ++last;
    }
    ++rows;
  }
  std::vector<Sequence> batch;
  batch.reserve(rows);
  for (auto at = last; at != first;) {
    --at;
    batch.push_back(std::move(by_arrival_.extract(at->second).mapped()));
  }
  by_length_.erase(first, last);
  return batch;
}

size_t SequenceQueue::Remove(const EmbedCall* call) {
  return std::erase_if(by_arrival_, [&](const auto& entry) {
    if (entry.second.call != call) return false;
    by_length_.erase({entry.second.tokens.size(), entry.first});
    return true;
  });
}

}  // namespace rhizome::pipeline
