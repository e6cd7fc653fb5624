#include "cluster/thread_loop.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/uuid.h"

namespace rhizome::cluster {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kIdleMs = 1'000;

uint64_t Seed() {
  const Uuid random = Uuid::Random();  // from the kernel
  uint64_t seed = 0;
  std::memcpy(&seed, random.bytes.data() + 8, sizeof(seed));
  uint64_t rest = 0;
  std::memcpy(&rest, random.bytes.data(), sizeof(rest));
  return seed ^ rest;
}

}  // namespace

ThreadLoop::ThreadLoop() : random_(Seed()) {
  thread_ = std::thread([this] { Run(); });
}

ThreadLoop::~ThreadLoop() { End(); }

int64_t ThreadLoop::NowNs() { return SystemClock().MonotonicNs(); }

int64_t ThreadLoop::WallMs() { return SystemClock().WallMs(); }

void ThreadLoop::Post(std::function<void()> task) { (void)TryPost(std::move(task)); }

bool ThreadLoop::TryPost(std::function<void()> task) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (ended_) return false;
    posted_.push_back(std::move(task));
    wake = std::exchange(waiting_, false);
  }
  if (wake) wake_.NotifyOne();
  return true;
}

ThreadLoop::TimerId ThreadLoop::After(int64_t delay_ns, std::function<void()> task) {
  const TimerId timer = next_timer_++;
  const int64_t due_ns = stopping() ? 0 : NowNs() + std::max<int64_t>(delay_ns, 0);
  timers_.emplace(std::pair(due_ns, timer), std::move(task));
  due_.emplace(timer, due_ns);
  return timer;
}

void ThreadLoop::Cancel(TimerId timer) {
  const auto due = due_.find(timer);
  if (due == due_.end()) return;
  timers_.erase({due->second, timer});
  due_.erase(due);
}

void ThreadLoop::BeginStop() {
  stopping_ = true;
  Post([] {});  // wakes the thread, which then finds every timer due
}

void ThreadLoop::End() {
  BeginStop();
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  wake_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void ThreadLoop::Run() {
  pthread_setname_np(pthread_self(), "fabric-loop");
  bool ended = false;
  while (!ended) {
    Tasks tasks = Take(ended);
    for (auto& task : tasks) {
      task();
      task = nullptr;  // what it holds goes before the next one runs
    }
    RunDueTimers();
  }
}

ThreadLoop::Tasks ThreadLoop::Take(bool& ended) {
  const int64_t next_ns = timers_.empty() ? NowNs() + kIdleMs * kNsPerMs : timers_.begin()->first.first;
  const MutexLock lock(mutex_);
  if (posted_.empty() && !(stopping() && !timers_.empty())) {
    if (ending_) {
      ended = ended_ = true;
      return {};
    }
    const int64_t left_ms = (next_ns - NowNs() + kNsPerMs - 1) / kNsPerMs;
    if (left_ms > 0) {
      waiting_ = true;
      wake_.WaitFor(mutex_, std::chrono::milliseconds(std::min(left_ms, kIdleMs)));
      waiting_ = false;
    }
  }
  return std::exchange(posted_, {});
}

void ThreadLoop::RunDueTimers() {
  // Only those due by now: one that sets another of no delay does not keep the loop from what was posted.
  const int64_t now_ns = stopping() ? INT64_MAX : NowNs();
  const TimerId newest = next_timer_;
  for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now_ns;) {
    if (it->first.second >= newest) {
      ++it;
      continue;
    }
    const std::function<void()> task = std::move(it->second);
    due_.erase(it->first.second);
    timers_.erase(it);
    task();
    it = timers_.begin();  // the task may have changed them
  }
}

}  // namespace rhizome::cluster
