// SampleStore: a store of metrics that takes samples, too: what the routes of metrics talk to, whoever keeps the
// samples. Implemented by Store (the shards of a server alone) and by ClusterStore (replicas on many nodes).
//
// Each tenant has a store of its own as far as it can see (metrics/tenancy.h); a name that is none is InvalidArgument.
// Lists are made of the series that the implementation walks; metadata is in the memory of this process.
//
// Thread-safe. The clock outlives it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cluster/database.h"
#include "engines/series/admission.h"
#include "format/series_dictionary.h"
#include "ingest/taken.h"
#include "metrics/metadata_book.h"
#include "metrics/tenancy.h"
#include "promql/metrics_store.h"

namespace rhizome::metrics {

// What became of a batch whose samples are not all refused.
struct Written {
  uint64_t kept = 0;
  uint64_t refused = 0;         // their time is outside of the window, or there are too many series
  std::vector<Status> reasons;  // the first few
};

class SampleStore : public promql::MetricsStore {
 public:
  explicit SampleStore(Clock& clock) : clock_(clock) {}

  // `batch` are the bytes of a sound batch. Returns once all that is not refused is durable and visible. An error: of
  // the others some may be; sending them again does no harm. ResourceExhausted when too much waits for the disk.
  // In a cluster the options' level says how many owners have to have it.
  virtual Result<Written> Write(std::string_view tenant, const std::string& batch,
                                const cluster::CallOptions& options) = 0;
  Result<Written> Write(std::string_view tenant, const std::string& batch) { return Write(tenant, batch, {}); }
  // The same for a sound batch that has its label sets in `dictionary`, which others share: cheaper where the
  // implementation keeps what it found out of it.
  virtual Result<Written> WriteKnown(std::string_view tenant, const format::SeriesBatch& batch,
                                     const std::shared_ptr<const format::SeriesDictionary>& dictionary,
                                     const cluster::CallOptions& options);
  // Whether anything was ever written, as far as can be told now.
  virtual bool Exists() = 0;
  void NoteMetadata(std::string_view tenant, std::vector<ingest::MetricMetadata> told) {
    metadata_.Note(tenant, std::move(told));
  }

  Result<std::vector<format::Labels>> Series(const promql::MetricsScope& scope,
                                             const promql::SeriesQuery& query) override;
  Result<std::vector<std::string>> LabelNames(const promql::MetricsScope& scope,
                                              const promql::SeriesQuery& query) override;
  Result<std::vector<std::string>> LabelValues(const promql::MetricsScope& scope, std::string_view name,
                                               const promql::SeriesQuery& query) override;
  Result<std::vector<promql::MetricMetadata>> Metadata(const promql::MetricsScope& scope,
                                                       std::string_view metric) override;
  Result<promql::MetricsFigures> Figures(const promql::MetricsScope& scope, size_t top) override;

 protected:
  // False: no more are wanted.
  using EachSeries = std::function<bool(format::LabelsView)>;
  // The series of the scope's tenant that a query asks for, in their order, each once, as the tenant knows them.
  virtual Status ForEachSeries(const promql::MetricsScope& scope, const promql::SeriesQuery& query,
                               const EachSeries& each) = 0;
  // Of the tenant's samples; those that deletions hide may be included.
  virtual Result<series::TimeExtent> Times(const promql::MetricsScope& scope) = 0;

  // InvalidArgument for what says nothing or the impossible.
  static Status CheckDeletion(const promql::SeriesQuery& query);
  // OK while somebody waits for the answer.
  Status CheckScope(const promql::MetricsScope& scope) const;
  Clock& clock() const { return clock_; }

 private:
  Clock& clock_;
  MetadataBook metadata_;
};

}  // namespace rhizome::metrics
