// LoopCalls: how threads outside the loop ask for something on it and wait for the answer.
//
// One and All block, and are never called on the loop; from any thread. Once the loop has ended the answer is
// Cancelled. Drained, on the loop, ends when nothing asked for runs any more; the loop ends only after that.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status.h"
#include "base/task.h"
#include "cluster/thread_loop.h"
#include "fabric/async.h"

namespace rhizome::cluster {

class LoopCalls {
 public:
  explicit LoopCalls(ThreadLoop& loop) : loop_(loop), gate_(loop) {}
  // Nothing may be asked any more. An answer is told a moment before its task has left the loop.
  ~LoopCalls() {
    std::promise<void> left;
    if (loop_.TryPost([&left] { left.set_value(); })) left.get_future().wait();
  }
  LoopCalls(const LoopCalls&) = delete;
  LoopCalls& operator=(const LoopCalls&) = delete;

  template <typename R>
  using Start = std::function<Task<R>()>;

  // Starts all of them at once and waits for the last; answers in their order. R is a Status or a Result.
  template <typename R>
  std::vector<R> All(std::vector<Start<R>> starts) {
    CHECK(!loop_.OnLoop());
    const size_t count = starts.size();
    if (count == 0) return {};
    auto wait = std::make_shared<Wait<R>>(count);
    auto all = wait->all.get_future();
    const bool posted = loop_.TryPost([this, wait, starts = std::move(starts)]() mutable {
      for (size_t i = 0; i < starts.size(); ++i) gate_.Start(Deliver<R>(wait, i, std::move(starts[i])));
    });
    if (!posted) return std::vector<R>(count, R(Status::Cancelled("this process is stopping")));
    all.wait();
    std::vector<R> answers;
    for (std::optional<R>& answer : wait->answers) answers.push_back(std::move(*answer));
    return answers;
  }

  template <typename R>
  R One(Start<R> start) {
    std::vector<Start<R>> starts;
    starts.push_back(std::move(start));
    return std::move(All<R>(std::move(starts))[0]);
  }

  Task<void> Drained() { return gate_.Drained(); }

 private:
  template <typename R>
  struct Wait {
    explicit Wait(size_t count) : answers(count), missing(count) {}
    std::vector<std::optional<R>> answers;
    size_t missing;
    std::promise<void> all;
  };

  template <typename R>
  static Task<void> Deliver(std::shared_ptr<Wait<R>> wait, size_t place, Start<R> start) {
    wait->answers[place] = co_await start();
    if (--wait->missing == 0) wait->all.set_value();
  }

  ThreadLoop& loop_;
  fabric::Gate gate_;
};

}  // namespace rhizome::cluster
