// Outstanding: calls that run on other threads and end on the loop: each once, with what it brought or, when all are
// cancelled, with Cancelled at once; what it brings after that goes nowhere.
//
// On the loop, but for the `done` it hands out: from any thread, once. The loop outlives whoever holds a `done`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/task.h"
#include "fabric/async.h"

namespace rhizome::cluster {

class Outstanding {
 public:
  explicit Outstanding(fabric::Loop& loop) : loop_(loop) {}

  // Calls `start` with the function that ends the call. R is a Status or a Result.
  template <typename R>
  Task<R> Call(std::function<void(std::function<void(R)> done)> start) {
    if (loop_.stopping()) co_return R(Stopping());
    fabric::OneShot<R> shot(loop_);
    const uint64_t ticket = next_++;
    cancels_[ticket] = [shot] { shot.Set(R(Stopping())); };
    start([&loop = loop_, shot](R outcome) {
      loop.Post([shot, outcome = std::move(outcome)]() mutable { shot.Set(std::move(outcome)); });
    });
    R outcome = co_await shot;
    cancels_.erase(ticket);
    co_return outcome;
  }

  void CancelAll() {
    for (const auto& [ticket, cancel] : std::exchange(cancels_, {})) cancel();
  }

 private:
  static Status Stopping() { return Status::Cancelled("this member is stopping"); }

  fabric::Loop& loop_;
  std::map<uint64_t, std::function<void()>> cancels_;
  uint64_t next_ = 0;
};

}  // namespace rhizome::cluster
