#include "metrics/sample_store.h"

#include <algorithm>
#include <map>
#include <set>

namespace rhizome::metrics {

using promql::MetricsScope;
using promql::SeriesQuery;

namespace {

std::vector<promql::NamedCount> Top(const std::map<std::string, uint64_t>& counts, size_t top) {
  std::vector<promql::NamedCount> sorted;
  for (const auto& [name, count] : counts) sorted.push_back({name, count});
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  if (sorted.size() > top) sorted.resize(top);
  return sorted;
}

}  // namespace

Result<Written> SampleStore::WriteKnown(std::string_view tenant, const format::SeriesBatch& batch,
                                        const std::shared_ptr<const format::SeriesDictionary>&,
                                        const cluster::CallOptions& options) {
  return Write(tenant, WholeOf(batch), options);
}

Status SampleStore::CheckDeletion(const SeriesQuery& query) {
  for (const auto& selector : query.selectors) {
    if (selector.empty()) return Status::InvalidArgument("matchers", "a delete needs at least one");
  }
  if (query.min_ms > query.max_ms) return Status::InvalidArgument("to", "the range ends before it begins");
  return Status::Ok();
}

Status SampleStore::CheckScope(const MetricsScope& scope) const {
  if (scope.cancelled != nullptr && scope.cancelled->load(std::memory_order_relaxed)) {
    return Status::Cancelled("the request was cancelled");
  }
  if (clock_.MonotonicNs() > scope.deadline_ns) return Status::DeadlineExceeded("the request took too long");
  return Status::Ok();
}

Result<std::vector<format::Labels>> SampleStore::Series(const MetricsScope& scope, const SeriesQuery& query) {
  std::vector<format::Labels> found;
  RETURN_IF_ERROR(ForEachSeries(scope, query, [&](format::LabelsView labels) {
    found.emplace_back(labels);
    return query.limit == 0 || found.size() < query.limit;
  }));
  return found;
}

Result<std::vector<std::string>> SampleStore::LabelNames(const MetricsScope& scope, const SeriesQuery& query) {
  std::set<std::string, std::less<>> names;
  RETURN_IF_ERROR(ForEachSeries(scope, query, [&](format::LabelsView labels) {
    for (const format::LabelPair& pair : labels) {
      if (!names.contains(pair.name)) names.emplace(pair.name);
    }
    return true;
  }));
  std::vector<std::string> sorted(names.begin(), names.end());
  if (query.limit > 0 && sorted.size() > query.limit) sorted.resize(query.limit);
  return sorted;
}

Result<std::vector<std::string>> SampleStore::LabelValues(const MetricsScope& scope, std::string_view name,
                                                          const SeriesQuery& query) {
  std::set<std::string, std::less<>> values;
  RETURN_IF_ERROR(ForEachSeries(scope, query, [&](format::LabelsView labels) {
    const std::string_view value = labels.Get(name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
    return true;
  }));
  std::vector<std::string> sorted(values.begin(), values.end());
  if (query.limit > 0 && sorted.size() > query.limit) sorted.resize(query.limit);
  return sorted;
}

Result<std::vector<promql::MetricMetadata>> SampleStore::Metadata(const MetricsScope& scope, std::string_view metric) {
  RETURN_IF_ERROR(Tenancy::Of(scope.tenant).status());
  return metadata_.Read(scope.tenant, metric);
}

Result<promql::MetricsFigures> SampleStore::Figures(const MetricsScope& scope, size_t top) {
  promql::MetricsFigures figures;
  std::map<std::string, uint64_t> by_metric, by_pair, values, bytes;
  SeriesQuery all;
  all.min_ms = INT64_MIN;
  all.max_ms = INT64_MAX;
  RETURN_IF_ERROR(ForEachSeries(scope, all, [&](format::LabelsView labels) {
    ++figures.series;
    ++by_metric[std::string(labels.metric_name())];
    for (const format::LabelPair& pair : labels) {
      std::string text(pair.name);
      text.append("=").append(pair.value);
      if (++by_pair[std::move(text)] > 1) continue;
      ++values[std::string(pair.name)];
      bytes[std::string(pair.name)] += pair.value.size();
    }
    return true;
  }));
  figures.label_pairs = by_pair.size();
  figures.series_by_metric = Top(by_metric, top);
  figures.values_by_label = Top(values, top);
  figures.value_bytes_by_label = Top(bytes, top);
  figures.series_by_pair = Top(by_pair, top);
  ASSIGN_OR_RETURN(const series::TimeExtent extent, Times(scope));
  if (!extent.empty()) {
    figures.min_ms = extent.min_ms;
    figures.max_ms = extent.max_ms;
  }
  return figures;
}

}  // namespace rhizome::metrics
