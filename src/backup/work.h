// Work: what every long operation on backups is given: a clock, someone to tell how far it is, and a limit on its
// speed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace rhizome::backup {

struct Progress {
  std::string step;    // "copying", "verifying", …
  uint64_t done = 0;   // registers; objects when pruning
  uint64_t total = 0;  // 0: not known yet
};

struct Work {
  Clock& clock = SystemClock();
  std::function<Status(const Progress&)> report;  // a failure ends the operation with it; may be empty
  uint64_t bytes_per_second_max = 0;              // of chunks read or written; 0: as fast as it goes
  std::function<void(int64_t ms)> sleep;          // for the limit; empty: the thread sleeps

  Status Report(const std::string& step, uint64_t done, uint64_t total) const {
    return report ? report({step, done, total}) : Status::Ok();
  }
};

// Waits so that the sum of what was passed does not outrun the limit. Not thread-safe.
class Pace {
 public:
  explicit Pace(const Work& work) : work_(work), start_ns_(work.clock.MonotonicNs()) {}
  void Pass(uint64_t bytes);

 private:
  const Work& work_;
  const int64_t start_ns_;
  uint64_t bytes_ = 0;
};

}  // namespace rhizome::backup
