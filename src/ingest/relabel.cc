#include "ingest/relabel.h"

#include <fmt/format.h>

#include <utility>

namespace rhizome::ingest {
namespace {

constexpr size_t kEntryBytes = 128;  // about what the map takes for an entry beside its texts

}  // namespace

Relabeller::Verdict Relabeller::Evaluate(format::LabelsView labels, const Limits& limits) const {
  Verdict verdict;
  if (!rules_.Apply(labels, verdict.text)) return {Fate::kDropped, {}};
  if (verdict.text.empty()) return {Fate::kDropped, {}};
  if (verdict.text == labels.bytes()) return {Fate::kSame, {}};
  const auto changed = format::LabelsView::Check(verdict.text);
  const Status sound = changed.ok() ? CheckSeries(*changed, limits) : changed.status();
  if (!sound.ok()) return {Fate::kRefused, fmt::format("{} once relabelled: {}", labels.ToString(), sound.message())};
  verdict.fate = Fate::kChanged;
  return verdict;
}

const Relabeller::Verdict& Relabeller::VerdictOn(format::LabelsView labels, const Limits& limits) {
  ++lookups_;
  if (const auto at = recent_.find(labels.bytes()); at != recent_.end()) return at->second;
  Verdict verdict;
  if (auto node = older_.extract(std::string(labels.bytes())); !node.empty()) {
    verdict = std::move(node.mapped());
  } else {
    ++evaluations_;
    verdict = Evaluate(labels, limits);
  }
  const size_t bytes = kEntryBytes + labels.bytes().size() + verdict.text.size();
  if (recent_bytes_ + bytes > memory_max_ / 2) {
    older_ = std::exchange(recent_, {});
    recent_bytes_ = 0;
  }
  recent_bytes_ += bytes;
  return recent_.insert_or_assign(std::string(labels.bytes()), std::move(verdict)).first->second;
}

Relabelled Relabeller::Apply(const format::SeriesBatch& batch, const Limits& limits) {
  Relabelled out;
  if (rules_.empty()) return out;
  constexpr uint32_t kGone = UINT32_MAX;
  format::SeriesBatchBuilder builder;
  std::vector<uint32_t> index;  // in the builder, of each series so far; empty while nothing has changed
  std::vector<bool> refused(batch.series_count());
  for (uint32_t i = 0; i < batch.series_count(); ++i) {
    const format::LabelsView labels = batch.LabelsOf(i);
    const Verdict& verdict = VerdictOn(labels, limits);
    if (verdict.fate == Fate::kSame && index.empty()) continue;
    for (auto before = static_cast<uint32_t>(index.size()); before < i; ++before) {
      index.push_back(builder.SeriesOf(batch.LabelsOf(before)));
    }
    if (verdict.fate == Fate::kSame) {
      index.push_back(builder.SeriesOf(labels));
    } else if (verdict.fate == Fate::kChanged) {
      index.push_back(builder.SeriesOf(format::LabelsView::Trusted(verdict.text)));
    } else {
      index.push_back(kGone);
      refused[i] = verdict.fate == Fate::kRefused;
      if (refused[i] && out.reasons.size() < Taken::kReasonsMax) {
        out.reasons.push_back(Status::InvalidArgument("relabel_configs", verdict.text));
      }
    }
  }
  if (index.empty()) return out;
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    if (index[series] != kGone) {
      builder.Add(index[series], time_ms, value);
    } else {
      ++(refused[series] ? out.refused : out.dropped);
    }
  });
  out.batch = builder.Encode(batch.version());
  return out;
}

}  // namespace rhizome::ingest
