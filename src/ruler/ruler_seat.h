// RulerSeat: has a ruler in this process while this process leads the cluster, and none otherwise, so that rules are
// evaluated once (docs/decisions/0040-rules-of-a-cluster.md).
//
// A new leader starts a ruler of its own: alerts are pending since when they were, by what the former one wrote. One
// that has lost the lead stops; before each evaluation and each write it asks coordination whether it has, and for
// `sure_ms` after that is sure. While coordination cannot be asked it goes on as long as it knows of no other leader.
//
// Thread-safe. What it is made of outlives it. The destructor ends the ruler.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "ruler/leadership.h"
#include "ruler/ruler_slot.h"

namespace rhizome::ruler {

struct RulerSeatOptions {
  int64_t look_ms = 250;    // between two looks at who leads
  int64_t sure_ms = 1'000;  // for so long after coordination said so
};

class RulerSeat {
 public:
  struct Ports {
    // Leadership's, or what stands in for it.
    std::function<Result<Leadership::Now>()> look;
    std::function<Result<Leadership::Now>()> confirm;
    // Makes a ruler that evaluates while `holds`.
    std::function<Result<std::unique_ptr<Ruler>>(std::function<bool()> holds)> start;
    RulerSlot& slot;
    Clock& clock;
  };

  RulerSeat(RulerSeatOptions options, Ports ports);
  ~RulerSeat();
  RulerSeat(const RulerSeat&) = delete;
  RulerSeat& operator=(const RulerSeat&) = delete;

 private:
  void Run() EXCLUDES(mutex_);
  // False: it is time to end.
  bool Wait() EXCLUDES(mutex_);
  // Starts and ends the ruler as the lead says.
  void Follow(const Leadership::Now& now);
  bool Holds(int64_t epoch) EXCLUDES(mutex_);

  // Constant after construction.
  const RulerSeatOptions options_;
  const Ports ports_;

  // Of the thread.
  std::shared_ptr<Ruler> ruler_;
  int64_t epoch_ = 0;  // under which the ruler began
  std::string said_;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  int64_t sure_epoch_ GUARDED_BY(mutex_) = 0;  // that coordination last said to be ours
  int64_t sure_until_ns_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;  // last, so that all else is there before it begins
};

}  // namespace rhizome::ruler
