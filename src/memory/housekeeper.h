// Housekeeper: the evolvers of a server's memories, and the clock that drives them: counts of readings are written
// every ten seconds, and every `every_ms` each memory has a pass: names are merged and parted, what nobody names is
// forgotten, and, if it is told to, what nobody reads is archived.
//
// Thread-safe. What it is given outlives it. The destructor waits for a pass under way and writes what was counted.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "cluster/node.h"
#include "evolve/evolver.h"

namespace rhizome::memory {

struct HousekeepingOptions {
  int64_t every_ms = 3'600'000;  // 0: never by itself
  bool ageing = false;           // passes by themselves archive and delete, too
};

class Housekeeper {
 public:
  static constexpr int64_t kFlushMs = 10'000;

  Housekeeper(cluster::Node& node, Clock& clock, const HousekeepingOptions& options);
  ~Housekeeper();
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  // Begins to look at the clock, once.
  void Start();

  // NotFound: no such collection; FailedPrecondition: it has no graph.
  Result<std::shared_ptr<evolve::Evolver>> EvolverOf(const std::string& collection) EXCLUDES(mutex_);
  // Does what is due by the clock. The first error; the others are still done.
  Status Tick() EXCLUDES(mutex_);

 private:
  struct Kept {
    std::shared_ptr<evolve::Evolver> evolver;
    int64_t passed_ms = 0;
  };
  void Run();

  cluster::Node& node_;
  Clock& clock_;
  const HousekeepingOptions options_;
  Mutex mutex_;
  std::map<std::string, Kept> evolvers_ GUARDED_BY(mutex_);  // by collection
  int64_t flushed_ms_ GUARDED_BY(mutex_);

  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace rhizome::memory
