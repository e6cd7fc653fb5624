// Engine: answers PromQL queries over a SeriesSource, as Prometheus 2.42 does: the same values, the same errors, the
// same order of results. Native histograms are out: no source gives any, and the functions over them find none.
//
// Thread-safe: a query has its own state; the engine has none but its options.
//
// Errors: InvalidArgument for what is wrong in the request (field "query", "step", "start", "end"), FailedPrecondition
// for what only the data shows ("many-to-many matching not allowed"), the limits' errors of Budget, and what the source
// says.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "promql/evaluator.h"

namespace rhizome::promql {

struct ResultSeries {
  format::Labels labels;
  std::vector<int64_t> times_ms;  // ascending
  std::vector<double> values;     // one per time
};

struct QueryResult {
  ValueType type = ValueType::kNone;
  std::string text;                  // of a string
  std::vector<ResultSeries> series;  // a scalar is one without labels; of an instant, one sample each but of a matrix
  uint64_t series_read = 0;
  uint64_t samples_read = 0;
};

struct QueryContext {
  SeriesSource& source;
  const std::atomic<bool>* cancelled = nullptr;  // null, or raised by whoever wants the query to end
};

class Engine {
 public:
  // The clock measures the limit on time and outlives the engine.
  Engine(EngineOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  Result<QueryResult> Instant(std::string_view query, int64_t time_ms, const QueryContext& context) const;
  // At start, start + step, … up to the end. Series are sorted by label.
  Result<QueryResult> Range(std::string_view query, int64_t start_ms, int64_t end_ms, int64_t step_ms,
                            const QueryContext& context) const;

 private:
  const EngineOptions options_;
  Clock& clock_;
};

}  // namespace rhizome::promql
