// ThreadLoop: fabric's Loop on a thread of its own, with the machine's clocks and randomness from the kernel.
//
// Life: it runs from construction on. BeginStop makes stopping() true and fires every timer; End runs what is posted
// until nothing is left and ends the thread. In between, whoever posts work that waits for others sees to it that this
// ends (fabric/member.h). What is posted after End is destroyed unrun, which TryPost tells.
//
// Post, TryPost and stopping from any thread; After and Cancel on the loop; BeginStop and End by the owner, not on the
// loop.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "fabric/loop.h"

namespace rhizome::cluster {

class ThreadLoop final : public fabric::Loop {
 public:
  ThreadLoop();
  ~ThreadLoop() override;  // End, if it has not been called
  ThreadLoop(const ThreadLoop&) = delete;
  ThreadLoop& operator=(const ThreadLoop&) = delete;

  int64_t NowNs() override;
  int64_t WallMs() override;
  uint64_t Random() override { return random_(); }
  void Post(std::function<void()> task) override EXCLUDES(mutex_);
  TimerId After(int64_t delay_ns, std::function<void()> task) override;
  void Cancel(TimerId timer) override;
  bool stopping() const override { return stopping_.load(); }

  // False once the loop has ended: `task` will never run.
  bool TryPost(std::function<void()> task) EXCLUDES(mutex_);
  bool OnLoop() const { return std::this_thread::get_id() == thread_.get_id(); }
  void BeginStop() EXCLUDES(mutex_);
  void End() EXCLUDES(mutex_);

 private:
  using Tasks = std::deque<std::function<void()>>;
  void Run() EXCLUDES(mutex_);
  // What was posted, after waiting for it up to the next timer; empty when only timers are due.
  Tasks Take(bool& ended) EXCLUDES(mutex_);
  void RunDueTimers();

  Mutex mutex_;
  CondVar wake_;
  Tasks posted_ GUARDED_BY(mutex_);
  bool waiting_ GUARDED_BY(mutex_) = false;  // the thread sleeps: a post has to wake it
  bool ending_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  std::atomic<bool> stopping_{false};

  // The loop's own.
  std::map<std::pair<int64_t, TimerId>, std::function<void()>> timers_;  // by when, then by age
  std::map<TimerId, int64_t> due_;
  TimerId next_timer_ = 1;
  std::mt19937_64 random_;

  std::thread thread_;
};

}  // namespace rhizome::cluster
