// What coroutines on a loop wait for: a value that somebody sets once, an amount of time, the end of others.
//
// All of it on the loop's thread only. A waiter is resumed by a task posted to the loop, never inside Set, so that
// whoever sets finishes its own step first.
#pragma once

#include <algorithm>
#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/task.h"
#include "fabric/loop.h"

namespace rhizome::fabric {

// Set once, awaited by at most one. Copies share the value, so that a callback can hold one.
template <typename T>
class OneShot {
 public:
  explicit OneShot(Loop& loop) : state_(std::make_shared<State>(State{loop, {}, {}})) {}

  // False when it was set before; then nothing changes.
  bool Set(T value) const {
    if (state_->value.has_value()) return false;
    state_->value.emplace(std::move(value));
    if (state_->waiter) {
      state_->loop.Post([state = state_] { std::exchange(state->waiter, nullptr).resume(); });
    }
    return true;
  }
  bool done() const { return state_->value.has_value(); }

  bool await_ready() const { return done(); }
  void await_suspend(std::coroutine_handle<> waiter) const {
    CHECK(!state_->waiter);
    state_->waiter = waiter;
  }
  T await_resume() const { return std::move(*state_->value); }

 private:
  struct State {
    Loop& loop;
    std::optional<T> value;
    std::coroutine_handle<> waiter;
  };
  std::shared_ptr<State> state_;
};

// True after `delay_ns`; false as soon as the loop stops.
inline Task<bool> Sleep(Loop& loop, int64_t delay_ns) {
  OneShot<bool> over(loop);
  loop.After(delay_ns, [over] { over.Set(true); });
  co_await over;
  co_return !loop.stopping();
}

// Sleeps `times` as long as has passed since `since_ns`, and `least_ns` at least: work that rests three times as long
// as each of its steps took takes no more than a quarter of anything, however fast or loaded the machine is.
inline Task<bool> Rest(Loop& loop, int64_t since_ns, int64_t least_ns, int64_t times) {
  return Sleep(loop, std::max(least_ns, times * (loop.NowNs() - since_ns)));
}

// Sets `shot` to `value` at `deadline_ns` unless it is set before; the timer goes with the returned guard.
template <typename T>
class TimeLimit {
 public:
  TimeLimit(Loop& loop, int64_t deadline_ns, OneShot<T> shot, T value) : loop_(loop) {
    timer_ = loop.After(deadline_ns - loop.NowNs(),
                        [shot, value = std::move(value)]() mutable { shot.Set(std::move(value)); });
  }
  ~TimeLimit() { loop_.Cancel(timer_); }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

 private:
  Loop& loop_;
  Loop::TimerId timer_;
};

// Counts the coroutines an object has started, so that it can wait for their end before it goes.
class Gate {
 public:
  explicit Gate(Loop& loop) : loop_(loop) {}
  ~Gate() { CHECK(running_ == 0); }

  // Keeps the gate from draining while it lives.
  class Hold {
   public:
    explicit Hold(Gate& gate) : gate_(gate) { ++gate_.running_; }
    ~Hold() {
      if (--gate_.running_ == 0 && gate_.drained_) gate_.drained_->Set(true);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Gate& gate_;
  };

  // Starts `task`; the gate stays open until it has ended.
  void Start(Task<void> task) { Spawn(Run(*this, std::move(task))); }
  // Ends when nothing runs any more. What has not started by then must not start.
  Task<void> Drained() {
    while (running_ > 0) {
      drained_.emplace(loop_);
      co_await OneShot<bool>(*drained_);
    }
  }
  uint64_t running() const { return running_; }

 private:
  static Task<void> Run(Gate& gate, Task<void> task) {
    const Hold hold(gate);
    co_await std::move(task);
  }

  Loop& loop_;
  uint64_t running_ = 0;
  std::optional<OneShot<bool>> drained_;
};

}  // namespace rhizome::fabric
