// What the engine answers.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "engines/series/engine.h"

namespace rhizome::series {

void SeriesEngine::CopySeries(std::span<const SeriesNumber> numbers, int64_t from, int64_t to,
                              Selection::Memory& memory) const {
  constexpr size_t kFar = 16, kNear = 8;  // steps between looking ahead and copying
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

bool SeriesEngine::TryStart(std::span<const format::Matcher> matchers, int64_t from, int64_t to, size_t per_pass,
                            Start& start) const {
  std::vector<SeriesNumber> numbers;
  uint64_t epoch = 0;
  for (size_t at = 0; at == 0 || at < numbers.size();) {
    const ReadPass pass(memory_);
    if (at == 0) {
      epoch = memory_epoch_;
      start = {};
      start.blocks = blocks_;
      start.deletions = deletions_;
      start.from_ms = std::max(from, horizon_ms_);
      start.memory.frozen = frozen_;
      const SeriesSet series = table_.index().Select(matchers);
      numbers.resize(series.cardinality());
      series.toUint32Array(numbers.data());
      if (numbers.empty()) return true;
      start.memory.Reserve(numbers.size());
    }
    if (epoch != memory_epoch_) return false;
    const size_t count = std::min(per_pass, numbers.size() - at);
    CopySeries(std::span(numbers).subspan(at, count), start.from_ms, to, start.memory);
    at += count;
  }
  return true;
}

std::unique_ptr<Selection> SeriesEngine::Select(std::span<const format::Matcher> matchers, int64_t from,
                                                int64_t to) const {
  Start start;
  // Memory is exchanged once in minutes. Whoever meets that again and again takes all at once.
  if (!TryStart(matchers, from, to, kSeriesPerPass, start) && !TryStart(matchers, from, to, kSeriesPerPass, start)) {
    CHECK(TryStart(matchers, from, to, SIZE_MAX, start));
  }
  auto selection = std::make_unique<Selection>(start.from_ms, to, std::move(start.deletions));
  for (const NamedBlock& block : *start.blocks) {
    const BlockInfo& info = block.block->info();
    if (info.max_time >= start.from_ms && info.min_time <= to) {
      selection->AddBlock(block.block, block.block->Select(matchers));
    }
  }
  selection->SetMemory(std::move(start.memory));
  return selection;
}

Result<std::vector<format::Labels>> SeriesEngine::ListSeries(std::span<const format::Matcher> matchers, int64_t from,
                                                             int64_t to, size_t limit) const {
  std::vector<format::Labels> series;
  const std::unique_ptr<Selection> selection = Select(matchers, from, to);
  while (limit == 0 || series.size() < limit) {
    ASSIGN_OR_RETURN(const bool more, selection->NextPresent());
    if (!more) break;
    series.emplace_back(selection->labels());
  }
  return series;
}

Result<std::vector<std::string>> SeriesEngine::LabelNames(std::span<const format::Matcher> matchers, int64_t from,
                                                          int64_t to) const {
  std::set<std::string, std::less<>> names;
  const std::unique_ptr<Selection> selection = Select(matchers, from, to);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection->NextPresent());
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
    ASSIGN_OR_RETURN(const bool more, selection->NextPresent());
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
