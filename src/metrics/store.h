// Store: the metrics of a server alone, over the shards of its node: samples in, series out (docs/metrics.md).
//
// THE write path of samples is Store::Write → SeriesShard::Begin and Finish for every shard that is concerned. The
// shards are made with the first batch.
//
// One tenant, kTenant; any other is refused, so that no two are ever mixed. A batch becomes visible shard by shard, so
// a query beside a write may see a part of it.
//
// Thread-safe. The node and the clock outlive it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cluster/node.h"
#include "ingest/taken.h"
#include "metrics/merged_selection.h"
#include "metrics/metadata_book.h"
#include "promql/metrics_store.h"
#include "shard/series_shards.h"

namespace rhizome::metrics {

inline constexpr std::string_view kTenant = "default";

// What became of a batch whose samples are not all refused.
struct Written {
  uint64_t kept = 0;
  uint64_t refused = 0;         // their time is outside of the window, or there are too many series
  std::vector<Status> reasons;  // the first few
};

class Store final : public promql::MetricsStore {
 public:
  Store(cluster::Node& node, Clock& clock) : node_(node), clock_(clock) {}

  // `batch` are the bytes of a sound batch. Returns once all that is not refused is durable and visible. An error: of
  // the others some may be; sending them again does no harm. ResourceExhausted when too much waits for the disk.
  Result<Written> Write(std::string_view tenant, const std::string& batch);
  // Whether anything was ever written.
  bool exists() const;
  void NoteMetadata(std::vector<ingest::MetricMetadata> told) { metadata_.Note(std::move(told)); }

  Result<std::unique_ptr<promql::SeriesSource>> Open(const promql::MetricsScope& scope) override;
  Result<std::vector<format::Labels>> Series(const promql::MetricsScope& scope,
                                             const promql::SeriesQuery& query) override;
  Result<std::vector<std::string>> LabelNames(const promql::MetricsScope& scope,
                                              const promql::SeriesQuery& query) override;
  Result<std::vector<std::string>> LabelValues(const promql::MetricsScope& scope, std::string_view name,
                                               const promql::SeriesQuery& query) override;
  Result<std::vector<promql::MetricMetadata>> Metadata(const promql::MetricsScope& scope,
                                                       std::string_view metric) override;
  Result<promql::MetricsFigures> Figures(const promql::MetricsScope& scope, size_t top) override;
  Status Delete(const promql::MetricsScope& scope, const promql::SeriesQuery& query) override;

 private:
  using Shards = std::shared_ptr<shard::SeriesShards>;

  // OK while somebody waits for the answer.
  Status CheckScope(const promql::MetricsScope& scope) const;
  // The series a query asks for, without samples.
  Result<MergedSelection> List(const promql::MetricsScope& scope, const promql::SeriesQuery& query) const;
  // each(labels) for all of them, in their order, until it returns false.
  template <typename Each>
  Status ForEachSeries(const promql::MetricsScope& scope, const promql::SeriesQuery& query, const Each& each) const;

  cluster::Node& node_;
  Clock& clock_;
  MetadataBook metadata_;
};

}  // namespace rhizome::metrics
