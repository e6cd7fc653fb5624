// MetadataBook: what senders have told of their metrics: types, helps, units. In memory only: senders tell again and
// again. Each tenant's are its own. Bounded, all tenants together: what comes when it is full is not noted.
// Thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "ingest/taken.h"
#include "promql/metrics_store.h"

namespace rhizome::metrics {

class MetadataBook {
 public:
  explicit MetadataBook(size_t bytes_max = size_t{64} << 20) : bytes_max_(bytes_max) {}

  void Note(std::string_view tenant, std::vector<ingest::MetricMetadata> told) EXCLUDES(mutex_);
  // In the order of metrics; of one metric, or with "" of all. A metric of which senders tell different things has
  // several, at most kPerMetricMax, the last told first.
  std::vector<promql::MetricMetadata> Read(std::string_view tenant, std::string_view metric) const EXCLUDES(mutex_);

  static constexpr size_t kPerMetricMax = 4;

 private:
  static size_t BytesOf(const ingest::MetricMetadata& entry) {
    return sizeof(entry) + entry.metric.size() + entry.help.size() + entry.unit.size();
  }

  const size_t bytes_max_;
  mutable Mutex mutex_;
  using OfTenant = std::map<std::string, std::vector<ingest::MetricMetadata>, std::less<>>;  // by metric
  std::map<std::string, OfTenant, std::less<>> tenants_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace rhizome::metrics
