#include "metrics/store_slot.h"

namespace rhizome::metrics {

using promql::MetricsScope;
using promql::SeriesQuery;

void StoreSlot::Publish(SampleStore& store) {
  MutexLock lock(mutex_);
  store_ = &store;
}

void StoreSlot::Explain(std::string reason) {
  MutexLock lock(mutex_);
  reason_ = std::move(reason);
}

Result<SampleStore*> StoreSlot::Get() const {
  MutexLock lock(mutex_);
  if (store_ == nullptr) return Status::Unavailable("no metrics here: " + reason_);
  return store_;
}

Result<std::unique_ptr<promql::SeriesSource>> StoreSlot::Open(const MetricsScope& scope) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->Open(scope);
}

Result<std::vector<format::Labels>> StoreSlot::Series(const MetricsScope& scope, const SeriesQuery& query) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->Series(scope, query);
}

Result<std::vector<std::string>> StoreSlot::LabelNames(const MetricsScope& scope, const SeriesQuery& query) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->LabelNames(scope, query);
}

Result<std::vector<std::string>> StoreSlot::LabelValues(const MetricsScope& scope, std::string_view name,
                                                        const SeriesQuery& query) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->LabelValues(scope, name, query);
}

Result<std::vector<promql::MetricMetadata>> StoreSlot::Metadata(const MetricsScope& scope, std::string_view metric) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->Metadata(scope, metric);
}

Result<promql::MetricsFigures> StoreSlot::Figures(const MetricsScope& scope, size_t top) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->Figures(scope, top);
}

Status StoreSlot::Delete(const MetricsScope& scope, const SeriesQuery& query) {
  ASSIGN_OR_RETURN(SampleStore* const store, Get());
  return store->Delete(scope, query);
}

}  // namespace rhizome::metrics
