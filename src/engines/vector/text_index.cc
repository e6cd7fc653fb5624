#include "engines/vector/text_index.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace rhizome::vector {
namespace {

// One distinct term of a query.
struct QueryTerm {
  std::string term;
  uint32_t repeats = 0;
  uint64_t document_frequency = 0;
};

std::vector<QueryTerm> DistinctTerms(const TermBuffer& terms) {
  std::unordered_map<std::string_view, uint32_t> repeats;
  for (size_t i = 0; i < terms.size(); ++i) ++repeats[terms[i]];
  std::vector<QueryTerm> distinct;
  for (const auto& [term, count] : repeats) distinct.push_back({std::string(term), count, 0});
  // A fixed order makes sums of scores the same on every run.
  std::ranges::sort(distinct, {}, &QueryTerm::term);
  return distinct;
}

// Drops terms no text has and, beyond the limit, the most frequent ones.
void KeepUseful(std::vector<QueryTerm>& terms) {
  std::erase_if(terms, [](const QueryTerm& term) { return term.document_frequency == 0; });
  if (terms.size() <= kQueryTermsMax) return;
  std::ranges::stable_sort(terms, {}, &QueryTerm::document_frequency);
  terms.resize(kQueryTermsMax);
}

TextStatistics Sum(const TextStatistics& so_far, const TextPart& part) {
  return {so_far.documents + part.documents(), so_far.total_length + part.total_length()};
}

std::vector<WeightedTerm> Weigh(const TextIndexOptions& options, const TextStatistics& statistics,
                                const std::vector<QueryTerm>& terms) {
  const double texts = static_cast<double>(statistics.documents);
  const double average = std::max(1.0, static_cast<double>(statistics.total_length) / std::max(1.0, texts));
  std::vector<WeightedTerm> weighted;
  for (const QueryTerm& term : terms) {
    const double frequency = static_cast<double>(term.document_frequency);
    const double idf = std::log(1 + (texts - frequency + 0.5) / (frequency + 0.5));
    weighted.push_back({term.term,
                        {.weight = idf * term.repeats * (options.k1 + 1),
                         .length_base = options.k1 * (1 - options.b),
                         .length_unit = options.k1 * options.b / average}});
  }
  return weighted;
}

}  // namespace

Result<std::unique_ptr<TextIndex>> TextIndex::Create(const TextIndexOptions& options) {
  if (!(options.k1 >= 0 && options.k1 <= 1000)) return Status::InvalidArgument("k1", "expected 0 to 1000");
  if (!(options.b >= 0 && options.b <= 1)) return Status::InvalidArgument("b", "expected 0 to 1");
  if (options.title_weight > 100) return Status::InvalidArgument("title_weight", "expected 0 to 100");
  ASSIGN_OR_RETURN(auto analyzer, Analyzer::Create(options.analyzer));
  return std::unique_ptr<TextIndex>(new TextIndex(options, std::move(analyzer)));
}

Result<std::unique_ptr<TextIndex>> TextIndex::Open(const TextIndexOptions& options, io::Disk& disk,
                                                   const std::string& directory,
                                                   const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(auto index, Create(options));
  ASSIGN_OR_RETURN(auto segments, OpenSegments<TextSegment>(disk, directory, names));
  for (const auto& segment : segments) {
    if (segment->analyzer() == options.analyzer) continue;
    return Status::FailedPrecondition("text segment " + segment->info().name + " was written for language " +
                                      segment->analyzer().language + ", with other stop words or both");
  }
  index->parts_.Start(std::move(segments));
  return index;
}

CountedText TextIndex::Count(std::string_view text, std::string_view title) {
  std::unordered_map<std::string_view, uint32_t> counts;
  CountedText counted;
  buffer_.Clear();
  if (options_.title_weight > 0) analyzer_->Analyze(title, buffer_);
  const size_t title_terms = buffer_.size();
  analyzer_->Analyze(text, buffer_);
  for (size_t i = 0; i < buffer_.size(); ++i) {
    const uint32_t weight = i < title_terms ? options_.title_weight : 1;
    counts[buffer_[i]] += weight;
    counted.length += weight;
  }
  counted.terms.reserve(counts.size());
  for (const auto& [term, count] : counts) counted.terms.emplace_back(term, count);
  return counted;
}

Status TextIndex::Add(Slot slot, std::string_view text, std::string_view title) {
  if (slot == kNoSlot || slot < end_slot()) {
    return Status::FailedPrecondition("slot " + std::to_string(slot) + " is not above those added before");
  }
  CountedText counted = Count(text, title);
  parts_.Write([&](MemoryTextPart& growing) { growing.Add(slot, std::move(counted)); });
  return Status::Ok();
}

Slot TextIndex::end_slot() const { return parts_.EndSlot(); }

TextStatistics TextIndex::Statistics() const {
  TextStatistics sum;
  parts_.Read([&](const MemoryTextPart& growing, const Parts::Sealed& sealed) {
    sum = Sum(sum, growing);
    for (const auto& part : sealed.frozen) sum = Sum(sum, *part);
    for (const auto& part : sealed.segments) sum = Sum(sum, *part);
  });
  return sum;
}

std::vector<ScoredSlot> TextIndex::Search(std::string_view query, size_t k, const SlotSet* filter,
                                          const SlotSet& live) const {
  auto analyzer = Analyzer::Create(options_.analyzer);
  if (k == 0 || !analyzer.ok()) return {};  // the same options passed in Create()
  TermBuffer buffer;
  (*analyzer)->Analyze(query, buffer);
  std::vector<QueryTerm> terms = DistinctTerms(buffer);
  std::vector<WeightedTerm> weighted;
  TopSlots top(k);
  const auto sealed = parts_.Read([&](const MemoryTextPart& growing, const Parts::Sealed& rest) {
    TextStatistics statistics;
    const auto count = [&](const TextPart& part) {
      statistics = Sum(statistics, part);
      for (QueryTerm& term : terms) term.document_frequency += part.DocumentFrequency(term.term);
    };
    count(growing);
    for (const auto& part : rest.frozen) count(*part);
    for (const auto& part : rest.segments) count(*part);
    KeepUseful(terms);
    weighted = Weigh(options_, statistics, terms);
    SearchPart(growing, weighted, filter, live, top);
  });
  for (const auto& part : sealed->frozen) SearchPart(*part, weighted, filter, live, top);
  for (const auto& part : sealed->segments) SearchPart(*part, weighted, filter, live, top);
  return top.Take();
}

Result<SegmentInfo> TextIndex::WriteSegment(io::Disk& disk, const std::string& directory, const std::string& name) {
  const auto sealed = parts_.Snapshot();
  if (sealed->frozen.empty()) return Status::NotFound("nothing is frozen");
  RETURN_IF_ERROR(WriteTextSegment({disk, directory, name, options_.analyzer}, sealed->frozen));
  ASSIGN_OR_RETURN(auto segment, TextSegment::Open(disk, directory, name));
  SegmentInfo info = segment->info();
  parts_.ReplaceFrozen(sealed->frozen.size(), std::move(segment));
  return info;
}

std::vector<SegmentInfo> TextIndex::Segments() const {
  std::vector<SegmentInfo> infos;
  const auto sealed = parts_.Snapshot();  // keeps what the loop reads alive
  for (const auto& segment : sealed->segments) infos.push_back(segment->info());
  return infos;
}

Result<SegmentInfo> TextIndex::Merge(io::Disk& disk, const std::string& directory,
                                     const std::vector<std::string>& inputs, const std::string& name,
                                     const SlotSet& live) {
  const auto sealed = parts_.Snapshot();
  ASSIGN_OR_RETURN(const size_t first, FindNeighbours(sealed->segments, inputs));
  const std::span all(sealed->segments);
  RETURN_IF_ERROR(
      MergeTextSegments({disk, directory, name, options_.analyzer}, all.subspan(first, inputs.size()), live));
  ASSIGN_OR_RETURN(auto segment, TextSegment::Open(disk, directory, name));
  SegmentInfo info = segment->info();
  parts_.ReplaceSegments(first, inputs.size(), std::move(segment));
  return info;
}

}  // namespace rhizome::vector
