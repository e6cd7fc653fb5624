#include "metrics/metadata_book.h"

#include <algorithm>

namespace rhizome::metrics {

void MetadataBook::Note(std::string_view tenant, std::vector<ingest::MetricMetadata> told) {
  MutexLock lock(mutex_);
  auto of_tenant = tenants_.find(tenant);
  for (ingest::MetricMetadata& entry : told) {
    if (of_tenant != tenants_.end() && of_tenant->second.contains(entry.metric)) {
      auto& of_metric = of_tenant->second[entry.metric];
      const auto same = std::find(of_metric.begin(), of_metric.end(), entry);
      if (same != of_metric.end()) {
        std::rotate(of_metric.begin(), same, same + 1);
        continue;
      }
      if (of_metric.size() == kPerMetricMax) {
        bytes_ -= BytesOf(of_metric.back());
        of_metric.pop_back();
      }
    }
    if (bytes_ + BytesOf(entry) > bytes_max_) continue;
    bytes_ += BytesOf(entry);
    if (of_tenant == tenants_.end()) of_tenant = tenants_.try_emplace(std::string(tenant)).first;
    auto& of_metric = of_tenant->second[entry.metric];
    of_metric.insert(of_metric.begin(), std::move(entry));
  }
}

std::vector<promql::MetricMetadata> MetadataBook::Read(std::string_view tenant, std::string_view metric) const {
  MutexLock lock(mutex_);
  std::vector<promql::MetricMetadata> read;
  const auto of_tenant = tenants_.find(tenant);
  if (of_tenant == tenants_.end()) return read;
  const OfTenant& entries = of_tenant->second;
  for (auto at = metric.empty() ? entries.begin() : entries.find(metric); at != entries.end(); ++at) {
    for (const ingest::MetricMetadata& entry : at->second) {
      read.push_back({entry.metric, std::string(ingest::MetricTypeName(entry.type)), entry.help, entry.unit});
    }
    if (!metric.empty()) break;
  }
  return read;
}

}  // namespace rhizome::metrics
