// What the engine answers.
#include <algorithm>
#include <set>

#include "engines/series/engine.h"

namespace rhizome::series {

void SeriesEngine::CopySeries(const SeriesSet& series, int64_t from, int64_t to, Selection::Memory& memory) const {
  constexpr size_t kFar = 16, kNear = 8;  // steps between looking ahead and copying
  std::vector<SeriesNumber> numbers(series.cardinality());
  series.toUint32Array(numbers.data());
  for (size_t step = 0; step < numbers.size() + kFar; ++step) {
    if (step < numbers.size()) {
      table_.PrefetchFar(numbers[step]);
      active_->PrefetchFar(numbers[step]);
    }
    if (step >= kFar - kNear && step - (kFar - kNear) < numbers.size()) {
      table_.PrefetchNear(numbers[step - (kFar - kNear)]);
      active_->PrefetchNear(numbers[step - (kFar - kNear)]);
    }
    if (step < kFar) continue;
    const SeriesNumber number = numbers[step - kFar];
    const bool frozen = frozen_ != nullptr && number < frozen_->series_count() && !frozen_->IsEmpty(number);
    if (!frozen && active_->IsEmpty(number)) continue;
    memory.Add(table_.LabelsOf(number), number, RankOf(number));
    active_->Copy(number, from, to, memory.copy);
  }
}

std::unique_ptr<Selection> SeriesEngine::Select(std::span<const format::Matcher> matchers, int64_t from,
                                                int64_t to) const {
  Selection::Memory memory;
  std::shared_ptr<const Blocks> blocks;
  std::shared_ptr<const DeletionSet> deletions;
  {
    const ReadPass pass(memory_);
    from = std::max(from, horizon_ms_);
    blocks = blocks_;
    deletions = deletions_;
    memory.frozen = frozen_;
    CopySeries(table_.index().Select(matchers), from, to, memory);
  }
  auto selection = std::make_unique<Selection>(from, to, std::move(deletions));
  for (const NamedBlock& block : *blocks) {
    const BlockInfo& info = block.block->info();
    if (info.max_time >= from && info.min_time <= to) {
      selection->AddBlock(block.block, block.block->Select(matchers));
    }
  }
  selection->SetMemory(std::move(memory));
  return selection;
}

Result<std::vector<std::string>> SeriesEngine::LabelNames(std::span<const format::Matcher> matchers, int64_t from,
                                                          int64_t to) const {
  std::set<std::string, std::less<>> names;
  const std::unique_ptr<Selection> selection = Select(matchers, from, to);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection->Next());
    if (!more) break;
    for (const format::LabelPair& label : selection->labels()) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> SeriesEngine::LabelValues(std::string_view name,
                                                           std::span<const format::Matcher> matchers, int64_t from,
                                                           int64_t to) const {
  std::set<std::string, std::less<>> values;
  const std::unique_ptr<Selection> selection = Select(matchers, from, to);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection->Next());
    if (!more) break;
    const std::string_view value = selection->labels().Get(name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Status SeriesEngine::Verify() const {
  std::shared_ptr<const Blocks> blocks;
  {
    const ReadPass pass(memory_);
    blocks = blocks_;
  }
  for (const NamedBlock& block : *blocks) {
    if (const Status verified = block.block->Verify(); !verified.ok()) return verified.Annotate(PathOf(block.name));
  }
  return Status::Ok();
}

}  // namespace rhizome::series
