// MemoryStore: a MetricsStore in memory, for tests and benchmarks. Only they include this header.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "promql/metrics_store.h"
#include "promql/parser.h"

namespace rhizome::metrics_api {

class MemoryStore final : public promql::MetricsStore {
 public:
  struct Samples {
    std::vector<int64_t> times_ms;
    std::vector<double> values;
  };
  using SeriesMap = std::map<format::Labels, Samples>;

  // `selector` names the series: all its matchers are equalities. One sample every `interval_ms` from `start_ms`.
  void Add(const std::string& tenant, std::string_view selector, int64_t start_ms, int64_t interval_ms,
           const std::vector<double>& values) {
    Samples samples;
    for (size_t i = 0; i < values.size(); ++i) {
      samples.times_ms.push_back(start_ms + static_cast<int64_t>(i) * interval_ms);
    }
    samples.values = values;
    const auto matchers = promql::ParseSelector(selector).value();
    std::vector<format::LabelPair> pairs;
    for (const format::Matcher& matcher : matchers) pairs.push_back({matcher.name(), matcher.value()});
    Put(tenant, format::Labels::FromPairs(pairs).value(), std::move(samples));
  }
  void Put(const std::string& tenant, const format::Labels& labels, Samples samples) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    (*tenants_[tenant])[labels] = std::move(samples);
  }
  void AddMetadata(promql::MetricMetadata metadata) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    metadata_.push_back(std::move(metadata));
  }
  // Called with every scope before anything else is done; what it returns is the call's status.
  void OnCall(std::function<Status(const promql::MetricsScope&)> on_call) { on_call_ = std::move(on_call); }

  Result<std::unique_ptr<promql::SeriesSource>> Open(const promql::MetricsScope& scope) override {
    RETURN_IF_ERROR(on_call_(scope));
    return std::unique_ptr<promql::SeriesSource>(std::make_unique<Source>(Of(scope)));
  }

  Result<std::vector<format::Labels>> Series(const promql::MetricsScope& scope,
                                             const promql::SeriesQuery& query) override {
    RETURN_IF_ERROR(on_call_(scope));
    std::vector<format::Labels> found;
    for (const auto& [labels, samples] : *Of(scope)) {
      if (Takes(query, labels, samples) && (query.limit == 0 || found.size() < query.limit)) found.push_back(labels);
    }
    return found;
  }

  Result<std::vector<std::string>> LabelNames(const promql::MetricsScope& scope,
                                              const promql::SeriesQuery& query) override {
    return Names(scope, query, [](const format::LabelPair& pair) { return pair.name; });
  }
  Result<std::vector<std::string>> LabelValues(const promql::MetricsScope& scope, std::string_view name,
                                               const promql::SeriesQuery& query) override {
    return Names(scope, query,
                 [name](const format::LabelPair& pair) { return pair.name == name ? pair.value : std::string_view(); });
  }

  Result<std::vector<promql::MetricMetadata>> Metadata(const promql::MetricsScope& scope,
                                                       std::string_view metric) override {
    RETURN_IF_ERROR(on_call_(scope));
    const MutexLock lock(mutex_);
    std::vector<promql::MetricMetadata> found;
    for (const auto& metadata : metadata_) {
      if (metric.empty() || metadata.metric == metric) found.push_back(metadata);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.metric < b.metric; });
    return found;
  }

  Result<promql::MetricsFigures> Figures(const promql::MetricsScope& scope, size_t top) override {
    RETURN_IF_ERROR(on_call_(scope));
    promql::MetricsFigures figures;
    std::map<std::string, uint64_t> by_metric, by_pair;
    std::map<std::string, std::set<std::string>> values;
    for (const auto& [labels, samples] : *Of(scope)) {
      ++figures.series;
      if (figures.series == 1) figures.min_ms = samples.times_ms.front();
      figures.min_ms = std::min(figures.min_ms, samples.times_ms.front());
      figures.max_ms = std::max(figures.max_ms, samples.times_ms.back());
      ++by_metric[std::string(labels.Get(format::kMetricNameLabel))];
      for (const format::LabelPair& pair : labels) {
        ++by_pair[std::string(pair.name) + "=" + std::string(pair.value)];
        values[std::string(pair.name)].insert(std::string(pair.value));
      }
    }
    figures.label_pairs = by_pair.size();
    std::map<std::string, uint64_t> counts, bytes;
    for (const auto& [name, texts] : values) {
      counts[name] = texts.size();
      for (const std::string& text : texts) bytes[name] += text.size();
    }
    figures.series_by_metric = Top(by_metric, top);
    figures.values_by_label = Top(counts, top);
    figures.value_bytes_by_label = Top(bytes, top);
    figures.series_by_pair = Top(by_pair, top);
    return figures;
  }

  Status Delete(const promql::MetricsScope& scope, const promql::SeriesQuery& query) override EXCLUDES(mutex_) {
    RETURN_IF_ERROR(on_call_(scope));
    auto left = std::make_shared<SeriesMap>();
    for (const auto& [labels, samples] : *Of(scope)) {
      Samples kept;
      for (size_t i = 0; i < samples.times_ms.size(); ++i) {
        const int64_t time_ms = samples.times_ms[i];
        if (Selects(query, labels) && time_ms >= query.min_ms && time_ms <= query.max_ms) continue;
        kept.times_ms.push_back(time_ms);
        kept.values.push_back(samples.values[i]);
      }
      if (!kept.times_ms.empty()) (*left)[labels] = std::move(kept);
    }
    const MutexLock lock(mutex_);
    tenants_[std::string(scope.tenant)].series = std::move(left);
    return Status::Ok();
  }

 private:
  // A tenant's series; whoever took them keeps them while they are replaced.
  struct Tenant {
    std::shared_ptr<SeriesMap> series = std::make_shared<SeriesMap>();
    SeriesMap& operator*() const { return *series; }
  };

  class Source final : public promql::SeriesSource {
   public:
    explicit Source(std::shared_ptr<const SeriesMap> series) : series_(std::move(series)) {}
    Result<std::unique_ptr<promql::SeriesStream>> Select(std::span<const format::Matcher> matchers,
                                                         const promql::SelectHints&) override {
      auto stream = std::make_unique<Stream>();
      for (const auto& entry : *series_) {
        if (Matches(matchers, entry.first)) stream->found.push_back(&entry);
      }
      return std::unique_ptr<promql::SeriesStream>(std::move(stream));
    }

   private:
    std::shared_ptr<const SeriesMap> series_;
  };

  struct Stream final : promql::SeriesStream {
    Result<bool> Next(promql::SeriesSamples& out) override {
      if (next == found.size()) return false;
      const auto& [labels, samples] = *found[next++];
      out = {labels, samples.times_ms, samples.values};
      return true;
    }
    std::vector<const SeriesMap::value_type*> found;
    size_t next = 0;
  };

  static bool Matches(std::span<const format::Matcher> matchers, const format::Labels& labels) {
    return std::all_of(matchers.begin(), matchers.end(),
                       [&](const auto& matcher) { return matcher.Matches(labels.Get(matcher.name())); });
  }
  static bool Selects(const promql::SeriesQuery& query, const format::Labels& labels) {
    return query.selectors.empty() || std::any_of(query.selectors.begin(), query.selectors.end(),
                                                  [&](const auto& selector) { return Matches(selector, labels); });
  }
  static bool Takes(const promql::SeriesQuery& query, const format::Labels& labels, const Samples& samples) {
    const auto from = std::lower_bound(samples.times_ms.begin(), samples.times_ms.end(), query.min_ms);
    return from != samples.times_ms.end() && *from <= query.max_ms && Selects(query, labels);
  }

  std::shared_ptr<const SeriesMap> Of(const promql::MetricsScope& scope) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto found = tenants_.find(std::string(scope.tenant));
    return found == tenants_.end() ? std::make_shared<SeriesMap>() : found->second.series;
  }

  template <typename Pick>
  Result<std::vector<std::string>> Names(const promql::MetricsScope& scope, const promql::SeriesQuery& query,
                                         const Pick& pick) {
    RETURN_IF_ERROR(on_call_(scope));
    std::set<std::string> names;
    for (const auto& [labels, samples] : *Of(scope)) {
      if (!Takes(query, labels, samples)) continue;
      for (const format::LabelPair& pair : labels) {
        if (const std::string_view name = pick(pair); !name.empty()) names.emplace(name);
      }
    }
    std::vector<std::string> sorted(names.begin(), names.end());
    if (query.limit > 0 && sorted.size() > query.limit) sorted.resize(query.limit);
    return sorted;
  }

  static std::vector<promql::NamedCount> Top(const std::map<std::string, uint64_t>& counts, size_t top) {
    std::vector<promql::NamedCount> sorted;
    for (const auto& [name, count] : counts) sorted.push_back({name, count});
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    if (sorted.size() > top) sorted.resize(top);
    return sorted;
  }

  std::function<Status(const promql::MetricsScope&)> on_call_ = [](const promql::MetricsScope&) {
    return Status::Ok();
  };
  Mutex mutex_;
  std::map<std::string, Tenant> tenants_ GUARDED_BY(mutex_);
  std::vector<promql::MetricMetadata> metadata_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::metrics_api
