#include "metrics/store.h"

#include <algorithm>

namespace rhizome::metrics {
namespace {

using format::Matcher;
using format::SeriesBatch;
using promql::MetricsScope;
using promql::SeriesQuery;

constexpr size_t kReasonsMax = 8;
constexpr size_t kSeriesPerLook = 1'024;  // between two looks at the time

// Of every shard, what satisfies the matchers.
void AddSelections(const shard::SeriesShards& shards, std::span<const Matcher> matchers, int64_t from_ms, int64_t to_ms,
                   std::vector<std::unique_ptr<series::Selection>>& parts) {
  for (size_t i = 0; i < shards.size(); ++i) parts.push_back(shards.at(i).engine().Select(matchers, from_ms, to_ms));
}

class Stream final : public promql::SeriesStream {
 public:
  explicit Stream(std::vector<std::unique_ptr<series::Selection>> parts)
      : selection_(std::move(parts), MergedSelection::Content::kSamples) {}

  Result<bool> Next(promql::SeriesSamples& out) override {
    ASSIGN_OR_RETURN(const bool more, selection_.Next());
    if (!more) return false;
    out = {selection_.labels(), selection_.samples().times, selection_.samples().values};
    return true;
  }

 private:
  MergedSelection selection_;
};

class Source final : public promql::SeriesSource {
 public:
  explicit Source(std::shared_ptr<const shard::SeriesShards> shards) : shards_(std::move(shards)) {}

  Result<std::unique_ptr<promql::SeriesStream>> Select(std::span<const Matcher> matchers,
                                                       const promql::SelectHints& hints) override {
    std::vector<std::unique_ptr<series::Selection>> parts;
    if (shards_ != nullptr) AddSelections(*shards_, matchers, hints.min_ms, hints.max_ms, parts);
    return std::unique_ptr<promql::SeriesStream>(std::make_unique<Stream>(std::move(parts)));
  }

 private:
  const std::shared_ptr<const shard::SeriesShards> shards_;  // null: nothing was written yet
};

// The batch's rows by shard; "" where there are none.
std::vector<std::string> Split(const SeriesBatch& batch, const shard::SeriesShards& shards) {
  std::vector<uint32_t> part_of_series(batch.series_count());
  for (uint32_t i = 0; i < part_of_series.size(); ++i) part_of_series[i] = shards.ShardOf(batch.LabelsOf(i));
  return SplitSeriesBatch(batch, part_of_series, shards.size());
}

// Leaves of `part` what the shard takes, and notes what not.
Status Admit(const shard::SeriesShard& shard, std::string& part, Written& written) {
  const SeriesBatch batch = SeriesBatch::Trusted(part);
  const Status checked = shard.Check(batch);
  if (checked.ok()) {
    written.kept += batch.sample_count();
    return Status::Ok();
  }
  const bool is_too_many = checked.code() == Code::kResourceExhausted && checked.field() == "series";
  if (checked.code() != Code::kInvalidArgument && !is_too_many) return checked;
  shard::Sifted sifted = shard.Sift(batch);
  written.kept += sifted.kept;
  written.refused += sifted.dropped;
  for (Status& reason : sifted.reasons) {
    if (written.reasons.size() < kReasonsMax) written.reasons.push_back(std::move(reason));
  }
  part = std::move(sifted.batch);
  return Status::Ok();
}

}  // namespace

// Its one replica satisfies every level.
Result<Written> Store::Write(std::string_view tenant, const std::string& batch, const cluster::CallOptions&) {
  RETURN_IF_ERROR(CheckTenant(tenant));
  RETURN_IF_ERROR(node_.WriteStatus());
  const SeriesBatch whole = SeriesBatch::Trusted(batch);
  Written written;
  if (whole.sample_count() == 0) return written;
  ASSIGN_OR_RETURN(const Shards shards, node_.MakeSeries());
  std::vector<std::string> parts = Split(whole, *shards);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) RETURN_IF_ERROR(Admit(shards->at(i), parts[i], written));
  }
  std::vector<std::pair<shard::SeriesShard*, shard::PendingSamples>> pending;
  pending.reserve(parts.size());  // what is begun must not get lost on the way to its end
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    pending.emplace_back(&shards->at(i), shards->at(i).Begin(std::move(parts[i])));
  }
  Status first_failure;
  for (auto& [shard, samples] : pending) {
    const Status status = shard->Finish(std::move(samples));
    if (first_failure.ok()) first_failure = status;
  }
  RETURN_IF_ERROR(first_failure);
  return written;
}

bool Store::exists() const {
  const auto shards = node_.Series();
  return shards.ok() && *shards != nullptr;
}

Result<std::unique_ptr<promql::SeriesSource>> Store::Open(const MetricsScope& scope) {
  RETURN_IF_ERROR(CheckTenant(scope.tenant));
  RETURN_IF_ERROR(CheckScope(scope));
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  return std::unique_ptr<promql::SeriesSource>(std::make_unique<Source>(shards));
}

Result<MergedSelection> Store::List(const MetricsScope& scope, const SeriesQuery& query) const {
  RETURN_IF_ERROR(CheckTenant(scope.tenant));
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  std::vector<std::unique_ptr<series::Selection>> parts;
  if (shards != nullptr && query.selectors.empty()) AddSelections(*shards, {}, query.min_ms, query.max_ms, parts);
  for (const auto& selector : query.selectors) {
    RETURN_IF_ERROR(CheckScope(scope));
    if (shards != nullptr) AddSelections(*shards, selector, query.min_ms, query.max_ms, parts);
  }
  return MergedSelection(std::move(parts), MergedSelection::Content::kLabels);
}

Status Store::ForEachSeries(const MetricsScope& scope, const SeriesQuery& query, const EachSeries& each) {
  ASSIGN_OR_RETURN(MergedSelection selection, List(scope, query));
  for (size_t n = 0;; ++n) {
    if (n % kSeriesPerLook == 0) RETURN_IF_ERROR(CheckScope(scope));
    ASSIGN_OR_RETURN(const bool more, selection.Next());
    if (!more || !each(selection.labels())) return Status::Ok();
  }
}

Result<series::TimeExtent> Store::Times(const MetricsScope&) {
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  series::TimeExtent extent;
  for (size_t i = 0; shards != nullptr && i < shards->size(); ++i) {
    const series::TimeExtent of_shard = shards->at(i).times();
    extent.min_ms = std::min(extent.min_ms, of_shard.min_ms);
    extent.max_ms = std::max(extent.max_ms, of_shard.max_ms);
  }
  return extent;
}

Status Store::Delete(const MetricsScope& scope, const SeriesQuery& query) {
  RETURN_IF_ERROR(CheckTenant(scope.tenant));
  RETURN_IF_ERROR(node_.WriteStatus());
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  for (const auto& selector : query.selectors) {
    for (size_t i = 0; shards != nullptr && i < shards->size(); ++i) {
      RETURN_IF_ERROR(CheckScope(scope));
      RETURN_IF_ERROR(shards->at(i).Delete(selector, query.min_ms, query.max_ms));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::metrics
