// Store: the metrics of a server alone, over the shards of its node: samples in, series out (docs/metrics.md).
//
// THE write path of samples is Store::Write → SeriesShard::Begin and Finish for every shard that is concerned. The
// shards are made with the first batch. Series of all tenants share them.
//
// A batch becomes visible shard by shard, so a query beside a write may see a part of it.
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
#include "metrics/dictionary_splits.h"
#include "metrics/merged_selection.h"
#include "metrics/sample_store.h"
#include "shard/series_shards.h"

namespace rhizome::metrics {

class Store final : public SampleStore {
 public:
  Store(cluster::Node& node, Clock& clock, TenantLimits limits = {})
      : SampleStore(clock), node_(node), limits_(std::move(limits)) {}

  using SampleStore::Write;
  Result<Written> Write(std::string_view tenant, const std::string& batch,
                        const cluster::CallOptions& options) override;
  // store_known.cc: what is refused in part goes the other way.
  Result<Written> WriteKnown(std::string_view tenant, const format::SeriesBatch& batch,
                             const std::shared_ptr<const format::SeriesDictionary>& dictionary,
                             const cluster::CallOptions& options) override;
  bool Exists() override;

  Result<std::unique_ptr<promql::SeriesSource>> Open(const promql::MetricsScope& scope) override;
  Status Delete(const promql::MetricsScope& scope, const promql::SeriesQuery& query) override;

 protected:
  Status ForEachSeries(const promql::MetricsScope& scope, const promql::SeriesQuery& query,
                       const EachSeries& each) override;
  Result<series::TimeExtent> Times(const promql::MetricsScope& scope) override;

 private:
  using Shards = std::shared_ptr<shard::SeriesShards>;

  // The tenant's series that a query asks for, without samples.
  Result<MergedSelection> List(const promql::MetricsScope& scope, const Tenancy& tenant,
                               const promql::SeriesQuery& query) const;
  // Leaves of the parts, one for each shard, what the shards and the tenant's limit let in.
  Status Admit(const shard::SeriesShards& shards, const Tenancy& tenant, std::vector<std::string>& parts,
               Written& written) const;

  cluster::Node& node_;
  DictionarySplits splits_;
  const TenantLimits limits_;
};

}  // namespace rhizome::metrics
