#include "base/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>

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
