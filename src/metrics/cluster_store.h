// ClusterStore: the metrics of a cluster, from any of its processes: samples to the replicas of their partitions at a
// level, and for a query the states of a majority of each partition's owners, united (docs/consistency.md,
// docs/metrics.md).
//
// THE write path of samples in a cluster is ClusterStore::Write → SeriesCluster::Append → fabric::Coordinator::Append →
// on each owner SeriesShard::Merge. What is refused is refused here, by this process's clock, before anything is sent.
//
// A partition that cannot be read at quorum fails the whole query: no answer has gaps. What a query selects is fetched
// before it is evaluated, one selector after the other.
//
// Thread-safe. The cluster's parts and the clock outlive it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/sample_store.h"
#include "metrics/series_cluster.h"
#include "metrics/tenant_gate.h"

namespace rhizome::metrics {

class ClusterStore final : public SampleStore {
 public:
  // Samples outside of the window are refused, and those of new series of a tenant that has as many as it may.
  ClusterStore(SeriesCluster& cluster, series::TimeWindow window, Clock& clock, TenantLimits limits = {})
      : SampleStore(clock), cluster_(cluster), window_(window), gate_(std::move(limits), clock) {}

  using SampleStore::Write;
  Result<Written> Write(std::string_view tenant, const std::string& batch,
                        const cluster::CallOptions& options) override;
  bool Exists() override;
  Result<std::unique_ptr<promql::SeriesSource>> Open(const promql::MetricsScope& scope) override;
  Status Delete(const promql::MetricsScope& scope, const promql::SeriesQuery& query) override;

 protected:
  Status ForEachSeries(const promql::MetricsScope& scope, const promql::SeriesQuery& query,
                       const EachSeries& each) override;
  Result<series::TimeExtent> Times(const promql::MetricsScope& scope) override;

 private:
  // How many series the tenant has, and which of these are among them.
  Result<TenantGate::Census> Count(const Tenancy& tenant, const std::vector<std::string>& labels,
                                   const cluster::CallOptions& options);

  SeriesCluster& cluster_;
  const series::TimeWindow window_;
  TenantGate gate_;
};

}  // namespace rhizome::metrics
