// StoreSlot: where the routes of metrics find the store once there is one. Until then every call is Unavailable and
// says why: nothing is taken that would not be kept.
//
// Thread-safe. What is published outlives every call.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "metrics/sample_store.h"

namespace rhizome::metrics {

class StoreSlot final : public promql::MetricsStore {
 public:
  // Says why nothing is there yet ("recovering").
  explicit StoreSlot(std::string reason) : reason_(std::move(reason)) {}

  void Publish(SampleStore& store) EXCLUDES(mutex_);
  // Replaces the reason while nothing is published.
  void Explain(std::string reason) EXCLUDES(mutex_);
  Result<SampleStore*> Get() const EXCLUDES(mutex_);

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
  mutable Mutex mutex_;
  SampleStore* store_ GUARDED_BY(mutex_) = nullptr;
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::metrics
