#include "base/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>

namespace rhizome {
namespace {

bool Submit(WorkerPool& pool, std::function<void()> task) { return pool.TrySubmit(task); }

TEST(WorkerPool, RunsEveryTaskBeforeItGoes) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool("test", 3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(Submit(pool, [&ran] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(WorkerPool, TheThreadThatFellIdleLastIsWokenFirst) {
  constexpr int kThreads = 8;
  WorkerPool pool("test", kThreads, 100);
  std::atomic<int> here = 0;
  for (int i = 0; i < kThreads; ++i) {
    ASSERT_TRUE(Submit(pool, [&here] {
      ++here;
      while (here < kThreads) std::this_thread::yield();
    }));
  }
  const auto await_idle = [&pool] {
    while (pool.load().running + pool.load().queued > 0) std::this_thread::yield();
  };
  await_idle();
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Submit(pool, [&threads] { threads.insert(std::this_thread::get_id()); }));
    await_idle();
  }
  EXPECT_LE(threads.size(), 2U);  // one more for a wake-up out of the blue
}

TEST(WorkerPool, AFullQueueRefuses) {
  std::promise<void> started;
  std::promise<void> release;
  WorkerPool pool("test", 1, 2);
  ASSERT_TRUE(Submit(pool, [&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(Submit(pool, [] {}));
  EXPECT_TRUE(Submit(pool, [] {}));
  EXPECT_FALSE(Submit(pool, [] {}));
  EXPECT_EQ(pool.load().queued, 2U);
  EXPECT_EQ(pool.load().running, 1U);
  release.set_value();
}

TEST(WorkerPool, YieldingThreadsAreNicerThanTheOneThatMadeThem) {
  const int mine = getpriority(PRIO_PROCESS, 0);
  std::promise<int> theirs;
  WorkerPool pool("test", 1, 1, true);
  ASSERT_TRUE(Submit(pool, [&theirs] { theirs.set_value(getpriority(PRIO_PROCESS, 0)); }));
  EXPECT_EQ(theirs.get_future().get(), std::min(19, mine + 10));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), mine);
}

}  // namespace
}  // namespace rhizome
