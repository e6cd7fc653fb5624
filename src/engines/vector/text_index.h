// TextIndex: the best texts for a query by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
// BM25 and Beyond", 2009), with the inverse document frequency ln(1 + (N - n + .5) / (n + .5)), which is never
// negative.
//
// Statistics (texts N, texts with the term n, average length) are those of the whole index and count dead slots
// until a merge drops them, so a score can differ slightly between two replicas that merged differently.
//
// Log-structured and thread-safe as PayloadIndex is; see there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engines/vector/analyzer.h"
#include "engines/vector/attribute_parts.h"
#include "engines/vector/attribute_segment.h"
#include "engines/vector/text_index_memory.h"
#include "engines/vector/text_index_search.h"
#include "engines/vector/text_index_segment.h"

namespace rhizome::vector {

inline constexpr size_t kQueryTermsMax = 1024;  // distinct; of more the rarest count

struct TextIndexOptions {
  AnalyzerOptions analyzer;
  double k1 = 1.2;            // how slowly repetitions saturate; at least 0
  double b = 0.75;            // how much length counts, 0 to 1
  uint32_t title_weight = 2;  // how often a title's terms count; 0 leaves titles out
};

struct TextStatistics {
  uint64_t documents = 0;     // texts with at least one term
  uint64_t total_length = 0;  // terms in all of them
};

class TextIndex {
 public:
  // InvalidArgument names the option at fault.
  static Result<std::unique_ptr<TextIndex>> Create(const TextIndexOptions& options);
  // Maps the named segments, in any order. Corruption names the file; FailedPrecondition when they overlap or were
  // written with another analyzer.
  static Result<std::unique_ptr<TextIndex>> Open(const TextIndexOptions& options, io::Disk& disk,
                                                 const std::string& directory, const std::vector<std::string>& names);
  TextIndex(const TextIndex&) = delete;
  TextIndex& operator=(const TextIndex&) = delete;

  // FailedPrecondition unless `slot` is above every slot added before.
  Status Add(Slot slot, std::string_view text, std::string_view title = {});
  // One above the highest slot added.
  Slot end_slot() const;
  TextStatistics Statistics() const;

  // The best k slots, best first, among those in `live` and, when given, in `filter`. Only texts that share a term
  // with the query are answers, so there may be fewer than k.
  std::vector<ScoredSlot> Search(std::string_view query, size_t k, const SlotSet* filter, const SlotSet& live) const;

  // As in PayloadIndex.
  void Freeze() { parts_.Freeze(); }
  Result<SegmentInfo> WriteSegment(io::Disk& disk, const std::string& directory, const std::string& name);
  std::vector<SegmentInfo> Segments() const;
  std::vector<std::string> MergePlan() const { return PlanMerge(Segments()); }
  Result<SegmentInfo> Merge(io::Disk& disk, const std::string& directory, const std::vector<std::string>& inputs,
                            const std::string& name, const SlotSet& live);

 private:
  TextIndex(const TextIndexOptions& options, std::unique_ptr<Analyzer> analyzer)
      : options_(options), analyzer_(std::move(analyzer)) {}
  using Parts = AttributeParts<MemoryTextPart, TextSegment>;

  CountedText Count(std::string_view text, std::string_view title);

  const TextIndexOptions options_;
  const std::unique_ptr<Analyzer> analyzer_;  // the adding thread's
  TermBuffer buffer_;                         // likewise
  Parts parts_;
};

}  // namespace rhizome::vector
