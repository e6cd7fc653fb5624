#include "metrics/metadata_book.h"

#include <algorithm>

namespace rhizome::metrics {

void MetadataBook::Note(std::vector<ingest::MetricMetadata> told) {
  MutexLock lock(mutex_);
  for (ingest::MetricMetadata& entry : told) {
    const auto known = entries_.find(entry.metric);
    if (known != entries_.end()) {
      auto& of_metric = known->second;
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
    auto& of_metric = entries_[entry.metric];
    of_metric.insert(of_metric.begin(), std::move(entry));
  }
}

std::vector<promql::MetricMetadata> MetadataBook::Read(std::string_view metric) const {
  MutexLock lock(mutex_);
  std::vector<promql::MetricMetadata> read;
  const auto first = metric.empty() ? entries_.begin() : entries_.find(metric);
  for (auto at = first; at != entries_.end(); ++at) {
    for (const ingest::MetricMetadata& entry : at->second) {
      read.push_back({entry.metric, std::string(ingest::MetricTypeName(entry.type)), entry.help, entry.unit});
    }
    if (!metric.empty()) break;
  }
  return read;
}

}  // namespace rhizome::metrics
