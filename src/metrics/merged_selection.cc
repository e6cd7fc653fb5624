#include "metrics/merged_selection.h"

#include <algorithm>

namespace rhizome::metrics {

bool MergedSelection::Later(size_t a, size_t b) const {
  const auto order = parts_[a]->labels() <=> parts_[b]->labels();
  return order == std::strong_ordering::equal ? a > b : order == std::strong_ordering::greater;
}

Status MergedSelection::Advance(size_t part) {
  series::Selection& selection = *parts_[part];
  ASSIGN_OR_RETURN(const bool more, content_ == Content::kSamples ? selection.Next() : selection.NextPresent());
  if (!more) return Status::Ok();
  ahead_.push_back(part);
  std::push_heap(ahead_.begin(), ahead_.end(), [this](size_t a, size_t b) { return Later(a, b); });
  return Status::Ok();
}

Result<bool> MergedSelection::Next() {
  const auto later = [this](size_t a, size_t b) { return Later(a, b); };
  passed_.clear();
  if (!started_) {
    started_ = true;
    for (size_t part = 0; part < parts_.size(); ++part) passed_.push_back(part);
  } else if (!ahead_.empty()) {
    // All that are at the series leave it before one of them moves, because moving takes its labels away.
    do {
      std::pop_heap(ahead_.begin(), ahead_.end(), later);
      passed_.push_back(ahead_.back());
      ahead_.pop_back();
    } while (!ahead_.empty() && labels() == parts_[passed_.front()]->labels());
  }
  for (const size_t part : passed_) RETURN_IF_ERROR(Advance(part));
  return !ahead_.empty();
}

}  // namespace rhizome::metrics
