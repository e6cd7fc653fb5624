#include "metrics/store.h"

#include <algorithm>

#include "shard/series_extent.h"

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
    out = {format::WithoutTenant(selection_.labels()), selection_.samples().times, selection_.samples().values};
    return true;
  }

 private:
  MergedSelection selection_;
};

class Source final : public promql::SeriesSource {
 public:
  Source(std::shared_ptr<const shard::SeriesShards> shards, Tenancy tenant)
      : shards_(std::move(shards)), tenant_(std::move(tenant)) {}

  Result<std::unique_ptr<promql::SeriesStream>> Select(std::span<const Matcher> matchers,
                                                       const promql::SelectHints& hints) override {
    std::vector<std::unique_ptr<series::Selection>> parts;
    if (shards_ != nullptr) AddSelections(*shards_, tenant_.Narrow(matchers), hints.min_ms, hints.max_ms, parts);
    return std::unique_ptr<promql::SeriesStream>(std::make_unique<Stream>(std::move(parts)));
  }

 private:
  const std::shared_ptr<const shard::SeriesShards> shards_;  // null: nothing was written yet
  const Tenancy tenant_;
};

// The batch's rows by shard; "" where there are none.
std::vector<std::string> Split(const SeriesBatch& batch, const shard::SeriesShards& shards) {
  std::vector<uint32_t> part_of_series(batch.series_count());
  for (uint32_t i = 0; i < part_of_series.size(); ++i) part_of_series[i] = shards.ShardOf(batch.LabelsOf(i));
  return SplitSeriesBatch(batch, part_of_series, shards.size());
}

// For the new series of a part that is let in.
void TakeRoom(const shard::SeriesShard& shard, const std::string& part, uint64_t& room) {
  if (room == UINT64_MAX || part.empty()) return;
  room -= std::min(room, shard.engine().CountNewSeries(SeriesBatch::Trusted(part)));
}

// Leaves of `part` what the shard takes, and notes what not. No more than `room` of its series may be new; takes away
// what it gives of that.
Status AdmitPart(const shard::SeriesShard& shard, uint64_t& room, std::string& part, Written& written) {
  const SeriesBatch batch = SeriesBatch::Trusted(part);
  const Status checked = shard.Check(batch, room);
  if (checked.ok()) {
    written.kept += batch.sample_count();
    TakeRoom(shard, part, room);
    return Status::Ok();
  }
  const bool is_too_many = checked.code() == Code::kResourceExhausted && checked.field() == "series";
  if (checked.code() != Code::kInvalidArgument && !is_too_many) return checked;
  shard::Sifted sifted = shard.Sift(batch, room);
  written.kept += sifted.kept;
  written.refused += sifted.dropped;
  for (Status& reason : sifted.reasons) {
    if (written.reasons.size() < kReasonsMax) written.reasons.push_back(std::move(reason));
  }
  part = std::move(sifted.batch);
  TakeRoom(shard, part, room);
  return Status::Ok();
}

}  // namespace

Status Store::Admit(const shard::SeriesShards& shards, const Tenancy& tenant, std::vector<std::string>& parts,
                    Written& written) const {
  const uint64_t limit = limits_.SeriesMaxOf(tenant.name());
  uint64_t room = UINT64_MAX;
  if (limit != UINT64_MAX) {
    uint64_t known = 0, coming = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      known += shards.at(i).engine().CountSeries(format::kTenantLabel, tenant.value());
      if (!parts[i].empty()) coming += SeriesBatch::Trusted(parts[i]).series_count();
    }
    const uint64_t left = known < limit ? limit - known : 0;
    if (coming > left) room = left;  // then each series is looked at
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) RETURN_IF_ERROR(AdmitPart(shards.at(i), room, parts[i], written));
  }
  return Status::Ok();
}

// Its one replica satisfies every level.
Result<Written> Store::Write(std::string_view tenant_name, const std::string& batch, const cluster::CallOptions&) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(tenant_name));
  RETURN_IF_ERROR(node_.WriteStatus());
  std::string changed;
  const SeriesBatch whole = SeriesBatch::Trusted(tenant.Kept(batch, changed));
  Written written;
  if (whole.sample_count() == 0) return written;
  ASSIGN_OR_RETURN(const Shards shards, node_.MakeSeries());
  std::vector<std::string> parts = Split(whole, *shards);
  RETURN_IF_ERROR(Admit(*shards, tenant, parts, written));
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

bool Store::Exists() {
  const auto shards = node_.Series();
  return shards.ok() && *shards != nullptr;
}

Result<std::unique_ptr<promql::SeriesSource>> Store::Open(const MetricsScope& scope) {
  ASSIGN_OR_RETURN(Tenancy tenant, Tenancy::Of(scope.tenant));
  RETURN_IF_ERROR(CheckScope(scope));
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  return std::unique_ptr<promql::SeriesSource>(std::make_unique<Source>(shards, std::move(tenant)));
}

Result<MergedSelection> Store::List(const MetricsScope& scope, const Tenancy& tenant, const SeriesQuery& query) const {
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  std::vector<std::unique_ptr<series::Selection>> parts;
  for (const auto& selector : tenant.NarrowAll(query.selectors)) {
    RETURN_IF_ERROR(CheckScope(scope));
    if (shards != nullptr) AddSelections(*shards, selector, query.min_ms, query.max_ms, parts);
  }
  return MergedSelection(std::move(parts), MergedSelection::Content::kLabels);
}

Status Store::ForEachSeries(const MetricsScope& scope, const SeriesQuery& query, const EachSeries& each) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  ASSIGN_OR_RETURN(MergedSelection selection, List(scope, tenant, query));
  for (size_t n = 0;; ++n) {
    if (n % kSeriesPerLook == 0) RETURN_IF_ERROR(CheckScope(scope));
    ASSIGN_OR_RETURN(const bool more, selection.Next());
    if (!more || !each(format::WithoutTenant(selection.labels()))) return Status::Ok();
  }
}

Result<series::TimeExtent> Store::Times(const MetricsScope& scope) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  series::TimeExtent extent;
  for (size_t i = 0; shards != nullptr && i < shards->size(); ++i) {
    RETURN_IF_ERROR(CheckScope(scope));
    ASSIGN_OR_RETURN(const series::TimeExtent of_shard, ExtentOf(shards->at(i), tenant.Narrow({})));
    extent.min_ms = std::min(extent.min_ms, of_shard.min_ms);
    extent.max_ms = std::max(extent.max_ms, of_shard.max_ms);
  }
  return extent;
}

Status Store::Delete(const MetricsScope& scope, const SeriesQuery& query) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  RETURN_IF_ERROR(CheckDeletion(query));
  RETURN_IF_ERROR(node_.WriteStatus());
  if (query.selectors.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const Shards shards, node_.Series());
  for (const auto& selector : tenant.NarrowAll(query.selectors)) {
    for (size_t i = 0; shards != nullptr && i < shards->size(); ++i) {
      RETURN_IF_ERROR(CheckScope(scope));
      RETURN_IF_ERROR(shards->at(i).Delete(selector, query.min_ms, query.max_ms));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::metrics
