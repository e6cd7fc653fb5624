#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace rhizome {
namespace {

// Suspends until the test resumes it.
struct Pause {
  std::coroutine_handle<>& slot;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> handle) { slot = handle; }
  void await_resume() {}
};

Task<int> Answer(int value) { co_return value; }

Task<int> Sum(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Sum(depth - 1);
}

Task<int> SumInALoop(int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += co_await Answer(1);
  co_return total;
}

Task<std::unique_ptr<std::string>> MoveOnly(std::string text) {
  co_return std::make_unique<std::string>(std::move(text));
}

Task<void> Store(Task<int> from, int& to) { to = co_await std::move(from); }

Task<void> StoreText(std::string& to) { to = *co_await MoveOnly("moved"); }

Task<void> WaitThenStore(std::coroutine_handle<>& slot, std::shared_ptr<int> alive, int& to) {
  co_await Pause{slot};
  to = *alive;
}

TEST(Task, ResultReachesTheAwaiter) {
  int got = 0;
  Spawn(Store(Answer(7), got));
  EXPECT_EQ(got, 7);
}

TEST(Task, NothingRunsBeforeItIsAwaited) {
  int got = 0;
  { const Task<void> never = Store(Answer(7), got); }
  EXPECT_EQ(got, 0);
}

TEST(Task, MoveOnlyResultsTravel) {
  std::string got;
  Spawn(StoreText(got));
  EXPECT_EQ(got, "moved");
}

TEST(Task, DeepChainsAddUp) {
  int got = 0;
  Spawn(Store(Sum(1'000), got));
  EXPECT_EQ(got, 1'000);
}

TEST(Task, AwaitingManyInALoopAddsUp) {
  int got = 0;
  Spawn(Store(SumInALoop(10'000), got));
  EXPECT_EQ(got, 10'000);
}

TEST(Task, ASpawnedTaskKeepsItsParametersAliveUntilItEnds) {
  std::coroutine_handle<> slot;
  int got = 0;
  std::weak_ptr<int> watched;
  {
    auto alive = std::make_shared<int>(3);
    watched = alive;
    Spawn(WaitThenStore(slot, std::move(alive), got));
  }
  EXPECT_FALSE(watched.expired());
  slot.resume();
  EXPECT_EQ(got, 3);
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace rhizome
