#include "base/worker_pool.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace rhizome
