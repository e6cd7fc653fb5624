// SeriesUpkeep: a thread that looks after shards of series, round after round: at once again while there was something
// to do, else in a second, and later after a failure.
//
// What the functions use outlives it. The destructor waits for a round under way.
#pragma once

#include <functional>
#include <thread>

#include "base/mutex.h"
#include "base/status.h"

namespace rhizome::shard {

class SeriesUpkeep {
 public:
  // One round; true: there may be more to do.
  using Round = std::function<Result<bool>()>;
  SeriesUpkeep(Round round, std::function<bool()> may_write);
  ~SeriesUpkeep();
  SeriesUpkeep(const SeriesUpkeep&) = delete;
  SeriesUpkeep& operator=(const SeriesUpkeep&) = delete;

 private:
  void Run() EXCLUDES(mutex_);

  // Constant after construction.
  const Round round_;
  const std::function<bool()> may_write_;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last
};

}  // namespace rhizome::shard
