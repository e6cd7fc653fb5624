#include "metrics/cluster_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engines/series/series_records.h"
#include "format/series_batch.h"

namespace rhizome::metrics {
namespace {

using format::LabelsView;
using format::SeriesBatch;
using promql::MetricsScope;
using promql::SeriesQuery;
using Part = shard::SeriesQuery::Part;

constexpr size_t kReasonsMax = 8;
constexpr int64_t kQueryTimeoutNs = 120'000'000'000;

// What one series shows.
struct Shown {
  std::string labels;
  series::Samples samples;
};

bool InOrder(const Shown& a, const Shown& b) { return LabelsView::Trusted(a.labels) < LabelsView::Trusted(b.labels); }

cluster::CallOptions OptionsOf(const MetricsScope& scope, Clock& clock) {
  cluster::CallOptions options;
  // Whoever never gives up still hears of it.
  options.deadline_ns = std::min(scope.deadline_ns, clock.MonotonicNs() + kQueryTimeoutNs);
  return options;
}

void Drop(Written& written, Status reason) {
  ++written.refused;
  if (written.reasons.size() < kReasonsMax) written.reasons.push_back(std::move(reason));
}

// The rows within the window whose series is not refused; the batch itself when all are. `refused` may be empty.
std::string Admit(const std::string& bytes, int64_t now_ms, const series::TimeWindow& window,
                  const std::vector<bool>& refused, Written& written) {
  const SeriesBatch batch = SeriesBatch::Trusted(bytes);
  const series::TimeExtent extent = series::ExtentOf(batch);
  const auto inside = [&](int64_t time_ms) { return CheckTime(time_ms, now_ms, window) == series::Lateness::kInside; };
  const bool none_refused = std::find(refused.begin(), refused.end(), true) == refused.end();
  if (none_refused && inside(extent.min_ms) && inside(extent.max_ms)) {
    written.kept = batch.sample_count();
    return bytes;
  }
  format::SeriesBatchBuilder left;
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    const series::Lateness lateness = CheckTime(time_ms, now_ms, window);
    if (lateness != series::Lateness::kInside) {
      Drop(written, series::OutsideWindow(batch.LabelsOf(series), time_ms, lateness));
    } else if (!none_refused && refused[series]) {
      Drop(written, series::TooManySeries(batch.LabelsOf(series)));
    } else {
      left.Add(left.SeriesOf(batch.LabelsOf(series)), time_ms, value);
    }
  });
  written.kept = left.sample_count();
  return left.empty() ? "" : left.Encode();
}

std::vector<std::string> Split(const std::string& bytes, uint32_t partitions) {
  const SeriesBatch batch = SeriesBatch::Trusted(bytes);
  std::vector<uint32_t> part_of_series(batch.series_count());
  for (uint32_t i = 0; i < part_of_series.size(); ++i) {
    part_of_series[i] = static_cast<uint32_t>(batch.LabelsOf(i).Fingerprint().first % partitions);
  }
  return SplitSeriesBatch(batch, part_of_series, partitions);
}

// What the replicas of one partition show together; appends to `shown`.
Status Unite(const std::vector<Part>& parts, std::vector<Shown>& shown) {
  series::SampleUnion all;
  for (const Part& part : parts) {
    for (const std::string& deletion : part.deletions) RETURN_IF_ERROR(all.Add(deletion));
    for (const std::string& batch : part.batches) RETURN_IF_ERROR(all.Add(batch));
  }
  return all.ForEach([&](LabelsView labels, series::StoredSamples& stored) {
    Shown one{std::string(labels.bytes()), {}};
    if (stored.stamped.empty()) {
      one.samples = std::move(stored.prompt);
    } else {
      MergeStamped(stored.prompt, stored.stamped, one.samples);
    }
    if (one.samples.size() > 0) shown.push_back(std::move(one));
    return Status::Ok();
  });
}

// Whether the replicas know of the same deletions, so that each shows what all together do not hide.
bool SameDeletions(const std::vector<Part>& parts) {
  const auto sorted = [](const Part& part) { return std::set(part.deletions.begin(), part.deletions.end()); };
  return std::all_of(parts.begin(), parts.end(), [&](const Part& part) { return sorted(part) == sorted(parts[0]); });
}

class Stream final : public promql::SeriesStream {
 public:
  explicit Stream(std::vector<Shown> series) : series_(std::move(series)) {}

  Result<bool> Next(promql::SeriesSamples& out) override {
    if (next_ > 0) series_[next_ - 1] = {};  // nobody looks at it any more
    if (next_ == series_.size()) return false;
    const Shown& shown = series_[next_++];
    out = {format::WithoutTenant(LabelsView::Trusted(shown.labels)), shown.samples.times, shown.samples.values};
    return true;
  }

 private:
  std::vector<Shown> series_;
  size_t next_ = 0;
};

class Source final : public promql::SeriesSource {
 public:
  Source(SeriesCluster& cluster, Tenancy tenant, const cluster::CallOptions& options)
      : cluster_(cluster), tenant_(std::move(tenant)), options_(options) {}

  Result<std::unique_ptr<promql::SeriesStream>> Select(std::span<const format::Matcher> matchers,
                                                       const promql::SelectHints& hints) override {
    shard::SeriesQuery query;
    query.selectors = {tenant_.Narrow(matchers)};
    query.from_ms = hints.min_ms;
    query.to_ms = hints.max_ms;
    ASSIGN_OR_RETURN(const SeriesCluster::Answers answers, cluster_.Ask(std::move(query), options_));
    std::vector<Shown> shown;
    for (const std::vector<Part>& parts : answers) RETURN_IF_ERROR(Unite(parts, shown));
    std::sort(shown.begin(), shown.end(), InOrder);
    return std::unique_ptr<promql::SeriesStream>(std::make_unique<Stream>(std::move(shown)));
  }

 private:
  SeriesCluster& cluster_;
  const Tenancy tenant_;
  const cluster::CallOptions options_;
};

}  // namespace

Result<TenantGate::Census> ClusterStore::Count(const Tenancy& tenant, const std::vector<std::string>& labels,
                                               const cluster::CallOptions& options) {
  shard::SeriesQuery question;
  question.what = shard::SeriesQuery::What::kCounts;
  question.tenant = tenant.value();
  question.labels = labels;
  ASSIGN_OR_RETURN(const SeriesCluster::Answers answers, cluster_.Ask(std::move(question), options));
  TenantGate::Census census;
  std::set<std::string_view> known;
  for (const std::vector<Part>& parts : answers) {
    uint64_t series = 0;  // what one owner has let go of another may still have
    for (const Part& part : parts) {
      series = std::max(series, part.series);
      known.insert(part.labels.begin(), part.labels.end());
    }
    census.series += series;
  }
  for (const std::string& asked : labels) census.known.push_back(known.contains(asked));
  return census;
}

Result<Written> ClusterStore::Write(std::string_view tenant_name, const std::string& sent,
                                    const cluster::CallOptions& options) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(tenant_name));
  Written written;
  std::string changed;
  const std::string& batch = tenant.Kept(sent, changed);
  if (SeriesBatch::Trusted(batch).sample_count() == 0) return written;
  const std::vector<bool> refused =
      gate_.Refuse(tenant, SeriesBatch::Trusted(batch),
                   [&](const std::vector<std::string>& labels) { return Count(tenant, labels, options); });
  const std::string admitted = Admit(batch, clock().WallMs(), window_, refused, written);
  if (admitted.empty()) return written;
  ASSIGN_OR_RETURN(const uint32_t partitions, cluster_.MakePartitions());
  RETURN_IF_ERROR(cluster_.Append(Split(admitted, partitions), false, options));
  return written;
}

bool ClusterStore::Exists() {
  const auto partitions = cluster_.Partitions();
  return partitions.ok() && *partitions;
}

Result<std::unique_ptr<promql::SeriesSource>> ClusterStore::Open(const MetricsScope& scope) {
  ASSIGN_OR_RETURN(Tenancy tenant, Tenancy::Of(scope.tenant));
  RETURN_IF_ERROR(CheckScope(scope));
  return std::unique_ptr<promql::SeriesSource>(
      std::make_unique<Source>(cluster_, std::move(tenant), OptionsOf(scope, clock())));
}

Status ClusterStore::ForEachSeries(const MetricsScope& scope, const SeriesQuery& query, const EachSeries& each) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  RETURN_IF_ERROR(CheckScope(scope));
  shard::SeriesQuery question;
  question.what = shard::SeriesQuery::What::kSeries;
  question.selectors = tenant.NarrowAll(query.selectors);
  question.from_ms = query.min_ms;
  question.to_ms = query.max_ms;
  ASSIGN_OR_RETURN(SeriesCluster::Answers answers, cluster_.Ask(question, OptionsOf(scope, clock())));
  std::vector<Shown> series;
  if (std::all_of(answers.begin(), answers.end(), SameDeletions)) {
    std::set<std::string> seen;
    for (std::vector<Part>& parts : answers) {
      for (Part& part : parts) {
        for (std::string& labels : part.labels) {
          if (seen.insert(labels).second) series.push_back({std::move(labels), {}});
        }
      }
    }
  } else {
    // What one of them shows another may know to be deleted: samples tell.
    question.what = shard::SeriesQuery::What::kSamples;
    ASSIGN_OR_RETURN(answers, cluster_.Ask(question, OptionsOf(scope, clock())));
    for (const std::vector<Part>& parts : answers) RETURN_IF_ERROR(Unite(parts, series));
  }
  RETURN_IF_ERROR(CheckScope(scope));
  std::sort(series.begin(), series.end(), InOrder);
  for (const Shown& shown : series) {
    if (!each(format::WithoutTenant(LabelsView::Trusted(shown.labels)))) break;
  }
  return Status::Ok();
}

Result<series::TimeExtent> ClusterStore::Times(const MetricsScope& scope) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  shard::SeriesQuery question;
  question.what = shard::SeriesQuery::What::kTimes;
  question.selectors = tenant.NarrowAll({});
  ASSIGN_OR_RETURN(const SeriesCluster::Answers answers, cluster_.Ask(question, OptionsOf(scope, clock())));
  series::TimeExtent extent;
  for (const std::vector<Part>& parts : answers) {
    for (const Part& part : parts) {
      extent.min_ms = std::min(extent.min_ms, part.times.min_ms);
      extent.max_ms = std::max(extent.max_ms, part.times.max_ms);
    }
  }
  return extent;
}

Status ClusterStore::Delete(const MetricsScope& scope, const SeriesQuery& query) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(scope.tenant));
  RETURN_IF_ERROR(CheckScope(scope));
  RETURN_IF_ERROR(CheckDeletion(query));
  if (query.selectors.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const auto partitions, cluster_.Partitions());
  if (!partitions) return Status::Ok();
  for (const auto& selector : tenant.NarrowAll(query.selectors)) {
    const series::Deletion deletion{0, query.min_ms, query.max_ms, selector};
    const std::vector<std::string> records(*partitions, EncodeDeletion(deletion));
    RETURN_IF_ERROR(cluster_.Append(records, true, OptionsOf(scope, clock())));
  }
  return Status::Ok();
}

}  // namespace rhizome::metrics
