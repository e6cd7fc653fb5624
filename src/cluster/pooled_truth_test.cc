#include "cluster/pooled_truth.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/mutex.h"
#include "cluster/cluster_testing.h"

namespace rhizome::cluster {
namespace {

using coordination::Committed;
using coordination::LeaseId;
using coordination::Listing;
using coordination::Transaction;

// Coordination whose listings and waits for a change take until they are released.
class HeldCoordination final : public coordination::Coordination {
 public:
  Result<Committed> Commit(const Transaction& transaction) override {
    if (transaction.changes.empty()) return Status::InvalidArgument("changes", "none");
    return Committed{true, 5};
  }
  Result<Listing> List(const std::string& prefix) override {
    AwaitRelease();
    return Listing{{{prefix, "value", 1, 2, 3}}, 7};
  }
  Result<LeaseId> Grant(int64_t ttl_ms) override { return ttl_ms; }
  Result<int64_t> KeepAlive(LeaseId lease) override {
    if (lease == 0) return Status::NotFound("no such lease");
    return lease;
  }
  Status Revoke(LeaseId) override { return Status::Unavailable("away"); }
  Result<int64_t> AwaitChange(const std::string&, int64_t after_revision, int64_t) override {
    AwaitRelease();
    return after_revision + 1;
  }

  void Release() {
    {
      const MutexLock lock(mutex_);
      held_ = false;
    }
    released_.NotifyAll();
  }
  int waiting() {
    const MutexLock lock(mutex_);
    return waiting_;
  }

 private:
  void AwaitRelease() {
    const MutexLock lock(mutex_);
    ++waiting_;
    while (held_) released_.Wait(mutex_);
    --waiting_;
  }

  Mutex mutex_;
  CondVar released_;
  bool held_ GUARDED_BY(mutex_) = true;
  int waiting_ GUARDED_BY(mutex_) = 0;
};

class PooledTruthTest : public testing::Test {
 protected:
  ~PooledTruthTest() override {
    held_.Release();
    for (std::thread& caller : callers_) caller.join();
    loop_.BeginStop();
    truth_.reset();
    loop_.End();
  }
  template <typename R>
  R Ask(std::function<Task<R>()> start) {
    return calls_.One<R>(std::move(start));
  }
  // `count` listings at once, which wait.
  void BeginListings(size_t count) {
    callers_.emplace_back([this, count] {
      std::vector<LoopCalls::Start<Result<Listing>>> starts(count, [this] {
        ++begun_;
        return truth_->List("a");
      });
      for (const Result<Listing>& listing : calls_.All<Result<Listing>>(std::move(starts))) {
        ok_ += listing.ok() ? 1 : 0;
        refused_ += listing.status().code() == Code::kResourceExhausted ? 1 : 0;
        cancelled_ += listing.status().code() == Code::kCancelled ? 1 : 0;
      }
    });
  }

  HeldCoordination held_;
  ThreadLoop loop_;
  LoopCalls calls_{loop_};
  std::unique_ptr<PooledTruth> truth_ = std::make_unique<PooledTruth>(loop_, held_);
  std::vector<std::thread> callers_;
  std::atomic<size_t> begun_{0}, ok_{0}, refused_{0}, cancelled_{0};
};

TEST_F(PooledTruthTest, EachCallBringsItsOwnAnswer) {
  held_.Release();
  Transaction transaction;
  transaction.changes = {{"a", "b"}};
  EXPECT_EQ(Ask<Result<Committed>>([&] { return truth_->Commit(transaction); })->revision, 5);
  EXPECT_EQ(Ask<Result<Listing>>([&] { return truth_->List("a"); })->entries[0].key, "a");
  EXPECT_EQ(Ask<Result<LeaseId>>([&] { return truth_->Grant(1'000); }).value(), 1'000);
  EXPECT_EQ(Ask<Result<int64_t>>([&] { return truth_->KeepAlive(9); }).value(), 9);
  EXPECT_EQ(Ask<Result<int64_t>>([&] { return truth_->AwaitChange("a", 4, 1); }).value(), 5);
}

TEST_F(PooledTruthTest, FailuresArePassedOn) {
  EXPECT_EQ(Ask<Result<Committed>>([&] { return truth_->Commit({}); }).status().field(), "changes");
  EXPECT_EQ(Ask<Result<int64_t>>([&] { return truth_->KeepAlive(0); }).status().code(), Code::kNotFound);
  EXPECT_EQ(Ask<Status>([&] { return truth_->Revoke(1); }).code(), Code::kUnavailable);
}

TEST_F(PooledTruthTest, AWaitForAChangeHoldsUpNothing) {
  callers_.emplace_back([this] { (void)Ask<Result<int64_t>>([&] { return truth_->AwaitChange("a", 4, 1); }); });
  ASSERT_TRUE(Eventually(60, [this] { return held_.waiting() == 1; }));
  BeginListings(2);
  ASSERT_TRUE(Eventually(60, [this] { return held_.waiting() == 3; }));
  EXPECT_TRUE(Ask<Result<int64_t>>([&] { return truth_->KeepAlive(9); }).ok());
}

TEST_F(PooledTruthTest, MoreThanItKeepsWaitingAreRefused) {
  BeginListings(3);
  ASSERT_TRUE(Eventually(60, [this] { return held_.waiting() == 3; }));
  BeginListings(1'001);
  ASSERT_TRUE(Eventually(60, [this] { return begun_ == 1'004; }));
  EXPECT_EQ(Ask<Result<int64_t>>([&] { return truth_->KeepAlive(9); }).status().code(), Code::kResourceExhausted);
  held_.Release();
  EXPECT_TRUE(Eventually(60, [this] { return ok_ + refused_ == 1'004; }));
  EXPECT_EQ(refused_, 1u);
}

TEST_F(PooledTruthTest, WhatWaitsIsCancelledAtOnce) {
  BeginListings(5);
  ASSERT_TRUE(Eventually(60, [this] { return held_.waiting() == 3; }));
  loop_.Post([this] { truth_->CancelAll(); });
  EXPECT_TRUE(Eventually(60, [this] { return cancelled_ == 5; }));
}

TEST_F(PooledTruthTest, NothingBeginsWhileTheLoopStops) {
  loop_.BeginStop();
  EXPECT_EQ(Ask<Result<Listing>>([&] { return truth_->List("a"); }).status().code(), Code::kCancelled);
  EXPECT_EQ(held_.waiting(), 0);
}

}  // namespace
}  // namespace rhizome::cluster
