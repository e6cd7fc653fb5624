// WorkLane: one kind of requests with threads, a queue and a limit of its own, so that no kind starves another. The
// rules are admission.h's; this gives them threads and shows their figures as metrics.
//
// Thread-safe. The destructor runs or refuses what was submitted and waits for it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/worker_pool.h"
#include "gateway/admission.h"
#include "gateway/server_options.h"

namespace rhizome::gateway {

inline constexpr std::array<std::string_view, 4> kLaneNames = {"query", "write", "ingest", "admin"};

struct LaneMetrics {
  LaneMetrics(MetricRegistry& metrics, std::string_view name);
  Gauge limit;
  Gauge queued;
  Gauge running;
  Gauge latency_s;
  Counter shed;
  Counter abandoned;

 private:
  LaneMetrics(MetricRegistry& metrics, const MetricLabels& lane);
};

class WorkLane {
 public:
  // `metrics` and `clock` outlive this. `threads` as in LaneOptions, zeros resolved here.
  WorkLane(std::string_view name, const LaneOptions& options, MetricRegistry& metrics, Clock& clock);

  struct Work {
    int64_t deadline_ns = 0;
    // On one of the lane's threads. False: it was not worth doing, and how long it took says nothing.
    std::function<bool()> run;
    std::function<void(const Admission::Refusal&)> refuse;  // instead of `run`; on any thread
  };
  void Submit(Work work) EXCLUDES(mutex_);
  // Refuses what has waited too long.
  void Expire() EXCLUDES(mutex_);

 private:
  void Run(const std::function<bool()>& run, uint32_t beside) EXCLUDES(mutex_);
  void Carry(const Admission::Todo& todo);
  void Show() REQUIRES(mutex_);

  Clock& clock_;
  LaneMetrics metrics_;
  Mutex mutex_;
  Admission admission_ GUARDED_BY(mutex_);
  WorkerPool pool_;  // last, so that its threads end first
};

}  // namespace rhizome::gateway
