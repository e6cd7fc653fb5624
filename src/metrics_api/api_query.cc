#include <algorithm>

#include "metrics_api/api.h"
#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/printer.h"

namespace rhizome::metrics_api {
namespace {

constexpr int64_t kStepsMax = 11'000;

// Opens the store's source with the first selector, so that a wrong query or "1+1" costs the store nothing.
class OpenedLate final : public promql::SeriesSource {
 public:
  OpenedLate(promql::MetricsStore& store, const promql::MetricsScope& scope) : store_(store), scope_(scope) {}

  Result<std::unique_ptr<promql::SeriesStream>> Select(std::span<const format::Matcher> matchers,
                                                       const promql::SelectHints& hints) override {
    if (source_ == nullptr) {
      ASSIGN_OR_RETURN(source_, store_.Open(scope_));
    }
    return source_->Select(matchers, hints);
  }

 private:
  promql::MetricsStore& store_;
  const promql::MetricsScope& scope_;
  std::unique_ptr<promql::SeriesSource> source_;
};

void Truncate(size_t limit, promql::QueryResult& result, std::vector<std::string>& warnings) {
  if (limit == 0 || result.series.size() <= limit) return;
  result.series.resize(limit);
  warnings.emplace_back("results truncated due to limit");
}

// Prometheus names the parameter in what it says of some wrong queries, and in others not.
Status Unnamed(const Status& status) {
  return status.ok() ? status : Status(status.code(), std::string(status.message()));
}

}  // namespace

Result<promql::EngineOptions> Api::EngineFor(Call& call) const {
  promql::EngineOptions engine = options_.engine;
  const int64_t now_ns = clock_.MonotonicNs();
  int64_t& timeout_ms = engine.limits.timeout_ms;
  if (!call.parameters.Get("timeout").empty()) {
    ASSIGN_OR_RETURN(const int64_t asked_ms, call.parameters.DurationMs("timeout"));
    timeout_ms = std::min(timeout_ms, asked_ms);
  }
  timeout_ms = std::min(timeout_ms, (call.request.deadline_ns - now_ns) / 1'000'000);
  if (timeout_ms <= 0) return Status::DeadlineExceeded("the query has no time left");
  call.scope.deadline_ns = now_ns + timeout_ms * 1'000'000;
  return engine;
}

Status Api::Query(Call& call) const {
  ASSIGN_OR_RETURN(const int64_t time_ms, call.parameters.TimeMs("time", clock_.WallMs()));
  ASSIGN_OR_RETURN(const size_t limit, call.parameters.Count("limit", 0));
  ASSIGN_OR_RETURN(const promql::EngineOptions options, EngineFor(call));
  OpenedLate source(store_, call.scope);
  const promql::Engine engine(options, clock_);
  ASSIGN_OR_RETURN(promql::QueryResult result,
                   engine.Instant(call.parameters.Get("query"), time_ms, {source, call.scope.cancelled}));
  Truncate(limit, result, call.warnings);
  return AppendQueryData(result, time_ms, {options_.answer_bytes_max, call.scope.cancelled}, call.body);
}

Status Api::QueryRange(Call& call) const {
  const Parameters& parameters = call.parameters;
  ASSIGN_OR_RETURN(const int64_t start_ms, parameters.TimeMs("start"));
  ASSIGN_OR_RETURN(const int64_t end_ms, parameters.TimeMs("end"));
  if (end_ms < start_ms) return Status::InvalidArgument("end", "end timestamp must not be before start time");
  ASSIGN_OR_RETURN(const int64_t step_ms, parameters.DurationMs("step"));
  if (step_ms <= 0) {
    return Status::InvalidArgument(
        "step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((end_ms - start_ms) / step_ms > kStepsMax) {
    return Status::InvalidArgument("",
                                   "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
                                   "the query resolution (?step=XX)");
  }
  ASSIGN_OR_RETURN(const size_t limit, parameters.Count("limit", 0));
  ASSIGN_OR_RETURN(const promql::EngineOptions options, EngineFor(call));
  OpenedLate source(store_, call.scope);
  const promql::Engine engine(options, clock_);
  auto result = engine.Range(parameters.Get("query"), start_ms, end_ms, step_ms, {source, call.scope.cancelled});
  if (!result.ok()) return Unnamed(result.status());
  Truncate(limit, *result, call.warnings);
  return AppendQueryData(*result, end_ms, {options_.answer_bytes_max, call.scope.cancelled}, call.body);
}

Status Api::FormatQuery(Call& call) const {
  ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(call.parameters.Get("query")));
  AppendJsonString(promql::Prettify(*expr), call.body);
  return Status::Ok();
}

// No exemplars are kept, so a request that is right finds none.
Status Api::QueryExemplars(Call& call) const {
  ASSIGN_OR_RETURN(const int64_t start_ms, call.parameters.TimeMs("start", -kTimeMsMax));
  ASSIGN_OR_RETURN(const int64_t end_ms, call.parameters.TimeMs("end", kTimeMsMax));
  if (end_ms < start_ms) return Status::InvalidArgument("", "end timestamp must not be before start timestamp");
  RETURN_IF_ERROR(Unnamed(promql::Parse(call.parameters.Get("query")).status()));
  call.body += "[]";
  return Status::Ok();
}

}  // namespace rhizome::metrics_api
