// MergedSelection: several selections as one, in the order of labels, each series once. Parts are those of the shards,
// which have no series in common, or of several selectors, which may; then the first part that has a series gives it.
//
// One thread.
#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "engines/series/selection.h"

namespace rhizome::metrics {

class MergedSelection {
 public:
  // With kLabels the series have no samples, which costs less.
  enum class Content { kSamples, kLabels };

  MergedSelection(std::vector<std::unique_ptr<series::Selection>> parts, Content content)
      : parts_(std::move(parts)), content_(content) {}

  // Moves to the next series; false: there are no more. Corruption names a block's fault.
  Result<bool> Next();
  // Of the series, until the next call.
  format::LabelsView labels() const { return parts_[ahead_.front()]->labels(); }
  const series::Samples& samples() const { return parts_[ahead_.front()]->samples(); }

 private:
  // Moves a part on, and puts it among those ahead unless it is at its end.
  Status Advance(size_t part);
  bool Later(size_t a, size_t b) const;

  std::vector<std::unique_ptr<series::Selection>> parts_;
  const Content content_;
  std::vector<size_t> ahead_;  // a heap: the part with the least labels in front
  std::vector<size_t> passed_;
  bool started_ = false;
};

}  // namespace rhizome::metrics
