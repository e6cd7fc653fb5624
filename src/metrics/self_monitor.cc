#include "metrics/self_monitor.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "format/series_batch.h"
#include "ingest/exposition.h"
#include "promql/value.h"

namespace rhizome::metrics {

SelfMonitor::SelfMonitor(SelfMonitorOptions options, std::function<std::string()> text, SampleStore& store, Clock& clock)
    : options_(std::move(options)), text_(std::move(text)), store_(store), clock_(clock), thread_([this] { Run(); }) {}

SelfMonitor::~SelfMonitor() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

bool SelfMonitor::WaitUntil(int64_t monotonic_ns) {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const int64_t left_ms = (monotonic_ns - clock_.MonotonicNs() + 999'999) / 1'000'000;
    if (left_ms <= 0) return true;
    (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(left_ms));
  }
  return false;
}

void SelfMonitor::Run() {
  std::string complained;
  const auto tell = [&complained](const Status& status) {
    const std::string problem = status.ok() ? "" : status.ToString();
    if (!problem.empty() && complained.empty()) spdlog::warn("own metrics cannot be kept now: {}", problem);
    complained = problem;
  };
  int64_t expire_ns = clock_.MonotonicNs();
  for (int64_t next_ns = expire_ns; WaitUntil(next_ns);) {
    // Rounds that a slow one has taken the time of are left out.
    const int64_t now_ns = clock_.MonotonicNs();
    next_ns += ((now_ns - next_ns) / (options_.interval_ms * 1'000'000) + 1) * options_.interval_ms * 1'000'000;
    if (!options_.begins && !store_.Exists()) continue;
    Status status = Sample();
    if (status.ok() && now_ns >= expire_ns && (!options_.expires || options_.expires())) {
      status = Expire();
      expire_ns = now_ns + options_.expire_every_ms * 1'000'000;
    }
    tell(status);
  }
}

Status SelfMonitor::Sample() {
  const int64_t now_ms = clock_.WallMs();
  format::SeriesBatchBuilder read;
  ASSIGN_OR_RETURN(ingest::Taken taken,
                   ingest::DecodeExposition(text_() + "up 1\n", {.now_ms = now_ms}, ingest::Limits(), read));
  if (taken.dropped > 0) return Status::Internal(taken.Complaint());
  store_.NoteMetadata(kTenant, std::move(taken.metadata));
  std::vector<format::Labels> series;
  std::set<format::Labels> shown;
  for (uint32_t i = 0; i < read.series_count(); ++i) {
    format::LabelsBuilder labels(read.LabelsOf(i));
    series.push_back(labels.Set("job", kJob).Set("instance", options_.instance).Build());
    shown.insert(series.back());
  }
  const std::string bytes = read.Encode();
  format::SeriesBatchBuilder own;
  format::SeriesBatch::Trusted(bytes).ForEachRow(
      [&](uint32_t index, int64_t time_ms, double value) { own.Add(own.SeriesOf(series[index]), time_ms, value); });
  for (const format::Labels& before : shown_) {
    if (!shown.contains(before)) own.Add(own.SeriesOf(before), now_ms, promql::kAbsent);
  }
  ASSIGN_OR_RETURN(const Written written, store_.Write(kTenant, own.Encode()));
  shown_ = std::move(shown);
  if (written.refused == 0) return Status::Ok();
  return Status::ResourceExhausted(std::to_string(written.refused) + " samples were refused: " +
                                   (written.reasons.empty() ? "" : written.reasons[0].ToString()));
}

Status SelfMonitor::Expire() {
  std::vector<std::string> warnings;
  const promql::MetricsScope scope{kTenant, INT64_MAX, nullptr, &warnings};
  promql::SeriesQuery old;
  ASSIGN_OR_RETURN(format::Matcher own, format::Matcher::Make(format::MatchKind::kEqual, "job", std::string(kJob)));
  old.selectors = {{std::move(own)}};
  old.min_ms = INT64_MIN;
  old.max_ms = clock_.WallMs() - options_.keep_ms;
  old.limit = 1;
  ASSIGN_OR_RETURN(const auto found, store_.Series(scope, old));
  return found.empty() ? Status::Ok() : store_.Delete(scope, old);
}

}  // namespace rhizome::metrics
