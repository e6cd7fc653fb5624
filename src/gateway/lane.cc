#include "gateway/lane.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "base/check.h"

namespace rhizome::gateway {
namespace {

uint32_t Cores() { return std::max(1U, std::thread::hardware_concurrency()); }

uint32_t ThreadsOf(const LaneOptions& options) {
  // Where requests wait for other nodes many may be under way at once; the limit finds out how many.
  return options.threads > 0 ? options.threads : std::max(32U, 4 * Cores());
}

AdmissionOptions RulesOf(const LaneOptions& options) {
  AdmissionOptions rules;
  rules.limit_max = ThreadsOf(options);
  rules.limit_min = options.adapts ? std::min(std::max(4U, Cores()), rules.limit_max) : rules.limit_max;
  rules.queue_len_max = options.queue_len_max;
  rules.burst_ms = options.burst_ms;
  rules.standing_ms = options.standing_ms;
  return rules;
}

}  // namespace

LaneMetrics::LaneMetrics(MetricRegistry& metrics, std::string_view name)
    : LaneMetrics(metrics, MetricLabels{{"lane", std::string(name)}}) {}

LaneMetrics::LaneMetrics(MetricRegistry& metrics, const MetricLabels& lane)
    : limit(metrics.GetGauge("http_lane_limit", "Requests worked on at once at most, by their latency.", lane)),
      queued(metrics.GetGauge("http_lane_queued", "Requests waiting for a thread.", lane)),
      running(metrics.GetGauge("http_lane_running", "Requests being worked on.", lane)),
      latency_s(metrics.GetGauge("http_lane_latency_seconds", "Median time of the last ones, without waiting.", lane)),
      shed(metrics.GetCounter("http_lane_shed_total", "Requests answered 503 unheard.", lane)),
      abandoned(metrics.GetCounter("http_lane_abandoned_total", "Requests whose client had gone; not done.", lane)) {}

WorkLane::WorkLane(std::string_view name, const LaneOptions& options, MetricRegistry& metrics, Clock& clock)
    : clock_(clock),
      metrics_(metrics, name),
      admission_(RulesOf(options)),
      pool_("http-" + std::string(name), ThreadsOf(options), 2 * ThreadsOf(options), true) {
  const MutexLock lock(mutex_);
  Show();
}

void WorkLane::Submit(Work work) {
  const int64_t now_ns = clock_.MonotonicNs();
  Admission::Waiting request;
  request.arrived_ns = now_ns;
  request.deadline_ns = work.deadline_ns;
  request.start = [this, run = std::move(work.run)](uint32_t beside) {
    std::function<void()> task = [this, run, beside] { Run(run, beside); };
    CHECK(pool_.TrySubmit(task));  // no more are started than there are threads
  };
  request.refuse = [this, refuse = std::move(work.refuse)](const Admission::Refusal& refusal) {
    metrics_.shed.Add();
    refuse(refusal);
  };
  Admission::Todo todo;
  {
    const MutexLock lock(mutex_);
    todo = admission_.Arrive(std::move(request), now_ns);
    Show();
  }
  Carry(todo);
}

void WorkLane::Run(const std::function<bool()>& run, uint32_t beside) {
  const int64_t began_ns = clock_.MonotonicNs();
  const bool done = run();
  const int64_t now_ns = clock_.MonotonicNs();
  if (!done) metrics_.abandoned.Add();
  Admission::Todo todo;
  {
    const MutexLock lock(mutex_);
    todo = done ? admission_.Ended(beside, now_ns - began_ns, now_ns) : admission_.Abandoned(now_ns);
    Show();
  }
  Carry(todo);
}

void WorkLane::Expire() {
  Admission::Todo todo;
  {
    const MutexLock lock(mutex_);
    todo = admission_.Expire(clock_.MonotonicNs());
    Show();
  }
  Carry(todo);
}

void WorkLane::Carry(const Admission::Todo& todo) {
  for (const auto& action : todo) action();
}

void WorkLane::Show() {
  metrics_.limit.Set(admission_.limit());
  metrics_.queued.Set(static_cast<double>(admission_.queued()));
  metrics_.running.Set(admission_.running());
  metrics_.latency_s.Set(admission_.latency_ms() / 1e3);
}

}  // namespace rhizome::gateway
