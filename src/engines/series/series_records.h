// What replicas of a shard of series send one another: samples as records (format/series_record.h), made so that
// whoever applies them holds what the sender held: prompt samples stay prompt, stamped ones keep their stamps
// (stamped.h).
//
// RecordBuilder makes records of samples; SampleUnion takes records of any number of replicas and is their join:
// samples united, deletions united, and only then is anything hidden. Each belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engines/series/block.h"
#include "engines/series/deletion.h"
#include "engines/series/stamped.h"
#include "format/labels.h"
#include "format/series_batch.h"

namespace rhizome::series {

class RecordBuilder {
 public:
  enum class For : uint8_t {
    kApply,   // a batch for each span of prompt samples that one version can make prompt; none of them after now
    kAnswer,  // prompt samples together, without a version; nobody applies that
  };
  explicit RecordBuilder(For use) : use_(use) {}

  // Prompt ones ascend strictly.
  void Add(format::LabelsView labels, const StoredSamples& samples);
  size_t samples() const { return samples_; }
  // Of all batches, at least.
  size_t bytes_max() const;
  // The records, which are the caller's; the builder is empty again.
  std::vector<std::string> Take();

 private:
  struct Span {
    format::SeriesBatchBuilder batch;
    int64_t max_ms = INT64_MIN;
  };
  void AddPrompt(format::LabelsView labels, const Samples& prompt);

  const For use_;
  std::map<int64_t, Span> prompt_;                          // by span
  std::map<uint64_t, format::SeriesBatchBuilder> stamped_;  // by stamp
  size_t samples_ = 0;
};

class SampleUnion {
 public:
  // Corruption for what is no record, and nothing is taken. A batch without a version holds prompt samples.
  Status Add(std::string_view record);
  size_t samples() const { return samples_; }  // taken in, repetitions included
  const std::vector<Deletion>& deletions() const { return deletions_; }

  // each(labels, stored samples) in the order of labels, with what the deletions leave of them: nothing of some.
  // Returns what `each` does when that is a failure.
  using Each = std::function<Status(format::LabelsView, StoredSamples&)>;
  Status ForEach(const Each& each);
  // Everything as few records for kApply, deletions first.
  std::vector<std::string> Join();

 private:
  struct Series {
    std::string labels;
    StoredSamples samples;
  };
  Status AddBatch(const format::SeriesBatch& batch);
  StoredSamples& Of(format::LabelsView labels);
  static void AddRun(Samples& run, Samples& to);

  std::vector<Series> series_;
  std::unordered_map<std::string, size_t> places_;
  std::vector<Deletion> deletions_;  // each once
  size_t samples_ = 0;
};

}  // namespace rhizome::series
