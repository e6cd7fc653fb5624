// SeriesCluster: the metrics of a cluster as records: where their partitions are, records to them at a level, and what
// a majority of each partition's owners holds. What records and answers mean for a query is its user's business
// (metrics/cluster_store.h).
//
// There is one collection of series, kName, made by the first record. A partition is asked at quorum, so whatever was
// acknowledged at quorum is in one of the answers; a partition that cannot be asked so is an error of the whole.
// Thread-safe; calls block until their deadline. `calls` and `member` outlive it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cluster/database.h"
#include "cluster/loop_calls.h"
#include "fabric/member.h"
#include "shard/series_query.h"

namespace rhizome::metrics {

class SeriesCluster {
 public:
  // No name of a client's collection: those have no colon.
  static constexpr const char* kName = "metrics:default";

  SeriesCluster(cluster::LoopCalls& calls, fabric::Member& member, cluster::CollectionDefaults defaults)
      : calls_(calls), member_(member), defaults_(defaults) {}

  // How many partitions there are; nullopt: nothing was ever written, as coordination says now. Unavailable.
  Result<std::optional<uint32_t>> Partitions();
  // The same, and makes them when there are none. Unavailable while there are too few nodes.
  Result<uint32_t> MakePartitions();
  // Sends record p, if not "", to partition p, as many as there are partitions. Returns once all are durable at the
  // level. DeadlineExceeded: unknown for some; any other error: none of those that failed is written, others may be.
  Status Append(std::vector<std::string> records, bool after_all, const cluster::CallOptions& options);
  // Of each partition what its owners answered, a majority of them or more.
  using Answers = std::vector<std::vector<shard::SeriesQuery::Part>>;
  Result<Answers> Ask(shard::SeriesQuery query, const cluster::CallOptions& options);

 private:
  Task<Result<std::optional<fabric::CollectionRecord>>> Find(bool fresh);
  Result<Answers> AskSome(const fabric::CollectionRecord& collection, const std::vector<uint32_t>& partitions,
                          const shard::SeriesQuery& query, const cluster::CallOptions& options);

  cluster::LoopCalls& calls_;
  fabric::Member& member_;
  const cluster::CollectionDefaults defaults_;
};

}  // namespace rhizome::metrics
