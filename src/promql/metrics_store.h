// MetricsStore: what the query API asks of whatever keeps series: one SeriesSource per query, and lists of what there
// is. Tenants see nothing of each other.
//
// Thread-safe: many requests ask at once. A call ends with Cancelled once the scope's flag is raised and with
// DeadlineExceeded past its deadline, both soon rather than at once; Unavailable says that asking again later may help.
// What could not be asked of a cluster is said as a warning beside an answer, or is an error; never silence.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/matcher.h"
#include "promql/source.h"

namespace rhizome::promql {

// On whose behalf something is asked, and for how long. What it points to outlives the call, and a source that came
// from it.
struct MetricsScope {
  std::string_view tenant;
  int64_t deadline_ns = 0;                       // of the monotonic clock
  const std::atomic<bool>* cancelled = nullptr;  // null: nobody cancels
  std::vector<std::string>* warnings = nullptr;  // not null; one thread at a time adds to it
};

// The series that satisfy all matchers of at least one selector and have a sample within [min_ms, max_ms]. Without
// selectors all that have one.
struct SeriesQuery {
  std::vector<std::vector<format::Matcher>> selectors;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  size_t limit = 0;  // so many of the answer, in its order, are enough; 0: all
};

struct MetricMetadata {
  std::string metric;
  std::string type;  // "counter", "gauge", "histogram", "summary", …, "unknown"
  std::string help;
  std::string unit;
};

struct NamedCount {
  std::string name;
  uint64_t count = 0;
};

// What is in a store now, for its operators.
struct MetricsFigures {
  uint64_t series = 0;
  uint64_t label_pairs = 0;
  uint64_t chunks = 0;
  int64_t min_ms = 0;  // of all samples; both 0 when there are none
  int64_t max_ms = 0;
  // The largest first, at most as many as were asked for.
  std::vector<NamedCount> series_by_metric;
  std::vector<NamedCount> values_by_label;
  std::vector<NamedCount> value_bytes_by_label;
  std::vector<NamedCount> series_by_pair;  // "name=value"
};

class MetricsStore {
 public:
  virtual ~MetricsStore() = default;

  // A consistent view for one query; belongs to it alone.
  virtual Result<std::unique_ptr<SeriesSource>> Open(const MetricsScope& scope) = 0;
  // In the order of labels, each once.
  virtual Result<std::vector<format::Labels>> Series(const MetricsScope& scope, const SeriesQuery& query) = 0;
  // In byte order, each once: names that some such series has, or the values of one name.
  virtual Result<std::vector<std::string>> LabelNames(const MetricsScope& scope, const SeriesQuery& query) = 0;
  virtual Result<std::vector<std::string>> LabelValues(const MetricsScope& scope, std::string_view name,
                                                       const SeriesQuery& query) = 0;
  // In the order of metrics; of one metric, or with "" of all. A metric may have several.
  virtual Result<std::vector<MetricMetadata>> Metadata(const MetricsScope& scope, std::string_view metric) = 0;
  virtual Result<MetricsFigures> Figures(const MetricsScope& scope, size_t top) = 0;
  // Deletes what such series have within the times; samples written later stay. Returns once no query sees them and no
  // restart brings them back. At least one selector; `limit` means nothing.
  virtual Status Delete(const MetricsScope& scope, const SeriesQuery& query) = 0;
};

}  // namespace rhizome::promql
