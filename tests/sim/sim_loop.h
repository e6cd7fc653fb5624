// SimLoop: the loop of one process's life, on virtual time.
//
// Tasks posted at one moment run in one go, in order, a little later than they were posted (threads are not infinitely
// fast). Pausing freezes the loop as SIGSTOP would: nothing runs, everything queues. Stop ends it within one moment:
// timers fire, pending ports answer Cancelled, and whatever that wakes runs until nothing is left.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "base/clock.h"
#include "base/status.h"
#include "fabric/async.h"
#include "fabric/loop.h"
#include "world.h"

namespace rhizome::sim {

// What a machine's clock shows beyond the world's; it survives the process.
struct WallClock {
  static constexpr int64_t kStartMs = 1'700'000'000'000;
  int64_t offset_ms = 0;
};

class SimLoop final : public fabric::Loop, public Clock {
 public:
  SimLoop(World& world, const WallClock& wall, sim::Random random);
  ~SimLoop() override;

  int64_t NowNs() override;
  int64_t WallMs() override;
  int64_t MonotonicNs() override { return NowNs(); }
  uint64_t Random() override { return random_.Next(); }
  void Post(std::function<void()> task) override;
  TimerId After(int64_t delay_ns, std::function<void()> task) override;
  void Cancel(TimerId timer) override;
  bool stopping() const override { return stopping_; }

  void PauseUntil(int64_t time_ns);
  bool paused() const;
  // From here on everything is refused; nothing runs yet.
  void BeginStop() { stopping_ = true; }
  void Stop();
  // Runs what is posted, here and now.
  void Drain() { Run(); }

  // A value that will come from outside the loop; stopping sets it to Cancelled.
  template <typename T>
  fabric::OneShot<Result<T>> Expect() {
    fabric::OneShot<Result<T>> shot(*this);
    ExpectUntilStop([shot] { shot.Set(Result<T>(Status::Cancelled("the process is stopping"))); },
                    [shot] { return shot.done(); });
    return shot;
  }

 private:
  struct Expected {
    std::function<void()> cancel;
    std::function<bool()> done;
  };
  void ExpectUntilStop(std::function<void()> cancel, std::function<bool()> done);
  void ScheduleRun();
  void Run();

  World& world_;
  const WallClock& wall_;
  sim::Random random_;
  std::shared_ptr<SimLoop*> self_;  // events hold it weakly
  std::deque<std::function<void()>> ready_;
  std::map<TimerId, std::function<void()>> timers_;
  std::deque<Expected> expected_;
  TimerId next_timer_ = 1;
  int64_t paused_until_ns_ = 0;
  bool scheduled_ = false;
  bool stopping_ = false;
};

}  // namespace rhizome::sim
