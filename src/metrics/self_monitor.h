// SelfMonitor: writes the process's own metrics into a store, every few seconds, and takes them out again after a week;
// in a cluster one process does that for all. They are what /metrics shows, with job="rhizome-self" and an instance,
// beside `up`; that value of `job` is reserved for it, because whatever has it is deleted when it is old.
//
// A metric that is shown no longer is marked stale. Unless told so it begins with the first samples of others, so that
// a folder without metrics stays one. A round that fails is logged once and tried again with the next.
//
// Thread-safe. What it is made of outlives it. The destructor waits for a round under way.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "metrics/sample_store.h"

namespace rhizome::metrics {

struct SelfMonitorOptions {
  std::string instance;  // HOST:PORT
  bool begins = false;   // with the first round, whether there are samples of others or not
  int64_t interval_ms = 15'000;
  int64_t keep_ms = 7 * 86'400'000LL;
  int64_t expire_every_ms = 86'400'000;
  std::function<bool()> expires = {};  // whether it is this process that deletes; empty: it is
};

class SelfMonitor {
 public:
  static constexpr std::string_view kJob = "rhizome-self";

  // `text` gives what is to be written, as text exposition; it is called on a thread of the monitor's own.
  SelfMonitor(SelfMonitorOptions options, std::function<std::string()> text, SampleStore& store, Clock& clock);
  ~SelfMonitor();
  SelfMonitor(const SelfMonitor&) = delete;
  SelfMonitor& operator=(const SelfMonitor&) = delete;

 private:
  void Run() EXCLUDES(mutex_);
  // False: it is time to end.
  bool WaitUntil(int64_t monotonic_ns) EXCLUDES(mutex_);
  Status Sample();
  // Deletes what is older than keep_ms.
  Status Expire();

  // Constant after construction.
  const SelfMonitorOptions options_;
  const std::function<std::string()> text_;
  SampleStore& store_;
  Clock& clock_;

  std::set<format::Labels> shown_;  // of the thread: in the last round
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last, so that all else is there before it begins
};

}  // namespace rhizome::metrics
