#include "base/courtesy.h"

#include <gtest/gtest.h>

#include <thread>

namespace rhizome {
namespace {

TEST(Courtesy, IdleTimeIsAskedForByTheThreadAndThoseItStartsAndByNoOther) {
  int of_thread = -1, of_its_thread = -1;
  std::thread([&] {
    TakeIdleTimeOnly();
    of_thread = sched_getscheduler(0);
    std::thread([&] { of_its_thread = sched_getscheduler(0); }).join();
  }).join();
  EXPECT_EQ(of_thread, SCHED_IDLE);
  EXPECT_EQ(of_its_thread, SCHED_IDLE);
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
}

}  // namespace
}  // namespace rhizome
