// RunLoad: sends a workload to a server by several connections and measures how long the acknowledgements take.
//
// Closed loop (rate 0): each connection sends its next request when the last is answered. Open loop: requests are due
// at a fixed rate, spread evenly over the connections, and a latency counts from when its request was due, so that a
// server that stalls cannot hide what has piled up meanwhile (Tene, "How NOT to Measure Latency"). Either way a body is
// made before its request is due.
//
// The series are shared out among the connections, each in its own order, and no connection gets far ahead of the
// others in the time of its samples, since some servers refuse what is an hour behind. Nothing is sent twice: a request
// that fails is counted by its status.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "metrics_load/bodies.h"
#include "metrics_load/latencies.h"

namespace rhizome::metrics_load {

struct LoadOptions {
  std::string url = "http://127.0.0.1:8000";
  std::string api_key;
  BodyOptions body;
  uint64_t series = 10'000;
  uint32_t connections = 2;  // at most as many as series
  double seconds = 10;       // 0: until the rounds are done
  uint64_t rounds = 0;       // samples_per_series for each series, so often; 0: until the time is over
  double rate = 0;           // samples per second; 0: closed loop
  // Between two samples of a series, and the time of the first. 0: an open loop's samples are of when they are due; a
  // closed loop's lie 50 ms apart and begin nine minutes ago, so that servers take them for live ones and not for a
  // backfill; those of rounds lie 15 s apart and end now. Where one is given the other is 15 s or 30 days ago.
  int64_t interval_ms = 0;
  int64_t start_ms = 0;
  bool full_precision = false;
  uint64_t seed = 1;
  int64_t timeout_ms = 30'000;
};

struct LoadReport {
  uint64_t requests = 0;    // that were answered 2xx
  uint64_t samples = 0;     // of those
  uint64_t body_bytes = 0;  // of those
  uint64_t failed_samples = 0;
  double seconds = 0;
  Latencies latencies;                       // of those
  std::map<std::string, uint64_t> failures;  // requests by "429", "timeout", "connection"
  std::string complaint;                     // what the server said of one of them
  bool reached_now = false;                  // ended because the samples' time had come to the present

  double samples_per_s() const { return seconds > 0 ? static_cast<double>(samples) / seconds : 0; }
};

// Called after each request, by one thread at a time, with how many samples were acknowledged.
using OnProgress = std::function<void(uint64_t samples)>;

// Returns when the load is over or `stop` is raised. InvalidArgument names the option; what the server answers is in
// the report.
Result<LoadReport> RunLoad(const LoadOptions& options, const std::atomic<bool>& stop, const OnProgress& progress,
                           Clock& clock = SystemClock());

}  // namespace rhizome::metrics_load
