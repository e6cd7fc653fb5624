// A small deterministic world for the tests beside the fabric: a loop whose time jumps to the next timer, members that
// are answers the test writes, and coordination in memory. The whole cluster is simulated in tests/sim.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordination/state.h"
#include "fabric/async.h"
#include "fabric/ports.h"

namespace rhizome::fabric {

inline constexpr int64_t kTestMs = 1'000'000;

class TestLoop : public Loop {
 public:
  int64_t NowNs() override { return now_ns_; }
  int64_t WallMs() override { return now_ns_ / kTestMs; }
  uint64_t Random() override { return random_ += 7; }
  void Post(std::function<void()> task) override { tasks_.emplace(std::pair(now_ns_, next_++), std::move(task)); }
  TimerId After(int64_t delay_ns, std::function<void()> task) override {
    const int64_t at = stopping_ ? now_ns_ : now_ns_ + std::max<int64_t>(delay_ns, 0);
    tasks_.emplace(std::pair(at, next_), std::move(task));
    return next_++;
  }
  void Cancel(TimerId timer) override {
    std::erase_if(tasks_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  bool stopping() const override { return stopping_; }

  // Runs what is due up to then, in order.
  void RunFor(int64_t ms) {
    const int64_t until = now_ns_ + ms * kTestMs;
    while (!tasks_.empty() && tasks_.begin()->first.first <= until) {
      auto first = tasks_.extract(tasks_.begin());
      now_ns_ = std::max(now_ns_, first.key().first);
      first.mapped()();
    }
    now_ns_ = until;
  }
  // Everything that waits comes to its end.
  void Stop() {
    stopping_ = true;
    RunFor(3'600'000);
  }
  // Runs until `task` has ended, and gives what it gave.
  template <typename T>
  T Run(Task<T> task) {
    std::optional<T> result;
    Spawn(Keep(std::move(task), result));
    for (int turn = 0; turn < 100'000 && !result; ++turn) RunFor(1);
    CHECK(result.has_value());
    return std::move(*result);
  }

 private:
  template <typename T>
  static Task<void> Keep(Task<T> task, std::optional<T>& to) {
    to.emplace(co_await std::move(task));
  }

  int64_t now_ns_ = 10'000 * kTestMs;
  uint64_t random_ = 1;
  uint64_t next_ = 1;
  bool stopping_ = false;
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> tasks_;
};

// Members answer what the test says, a millisecond later unless told otherwise.
class TestNetwork : public Network {
 public:
  using Answer = std::function<Result<std::string>(const Request&)>;

  explicit TestNetwork(Loop& loop) : loop_(loop) {}
  Task<Result<std::string>> Call(MemberNumber to, std::string message, CallContext context) override {
    asked.emplace_back(to, DecodeRequest(message).value());
    if (silent.contains(to)) {
      (void)co_await Sleep(loop_, context.deadline_ns - loop_.NowNs());
      co_return Status::DeadlineExceeded("no answer");
    }
    (void)co_await Sleep(loop_, delay_ms[to] * kTestMs + kTestMs);
    const auto answer = answers.find(to);
    if (answer == answers.end()) co_return Status::Unavailable("nobody there");
    co_return answer->second(DecodeRequest(message).value());
  }

  template <typename R>
  std::vector<std::pair<MemberNumber, R>> Asked() const {
    std::vector<std::pair<MemberNumber, R>> found;
    for (const auto& [to, request] : asked) {
      if (const auto* fields = std::get_if<R>(&request)) found.emplace_back(to, *fields);
    }
    return found;
  }

  std::map<MemberNumber, Answer> answers;
  std::map<MemberNumber, int64_t> delay_ms;
  std::set<MemberNumber> silent;
  std::vector<std::pair<MemberNumber, Request>> asked;

 private:
  Loop& loop_;
};

class TestTruth : public Truth {
 public:
  explicit TestTruth(Loop& loop) : loop_(loop) {}
  Task<Result<coordination::Committed>> Commit(coordination::Transaction transaction) override {
    co_await Step();
    if (away) co_return Status::Unavailable("coordination is away");
    co_return state.Commit(transaction);
  }
  Task<Result<coordination::Listing>> List(std::string prefix) override {
    ++listings;
    co_await Step();
    if (away) co_return Status::Unavailable("coordination is away");
    co_return state.List(prefix);
  }
  Task<Result<coordination::LeaseId>> Grant(int64_t ttl_ms) override { co_return state.Grant(ttl_ms, loop_.WallMs()); }
  Task<Result<int64_t>> KeepAlive(coordination::LeaseId lease) override {
    co_return state.KeepAlive(lease, loop_.WallMs());
  }
  Task<Status> Revoke(coordination::LeaseId lease) override { co_return state.Revoke(lease); }
  Task<Result<int64_t>> AwaitChange(std::string, int64_t after_revision, int64_t timeout_ms) override {
    (void)co_await Sleep(loop_, timeout_ms * kTestMs);
    co_return after_revision;
  }

  // Writes a key as somebody else would.
  void Put(const std::string& key, const std::string& value) {
    coordination::Transaction transaction;
    transaction.changes = {{key, value}};
    CHECK(state.Commit(transaction).ok());
  }

  coordination::State state;
  bool away = false;
  int listings = 0;

 protected:
  Task<void> Step() { (void)co_await Sleep(loop_, kTestMs); }

 private:
  Loop& loop_;
};

}  // namespace rhizome::fabric
