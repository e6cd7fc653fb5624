#include "coordination/election.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "coordination/coordination_testing.h"
#include "coordination/embedded.h"
#include "io/sim_disk.h"

namespace rhizome::coordination {
namespace {

const std::string kKey = "leader";

class ElectionTest : public testing::Test {
 protected:
  ElectionTest() : store_(Embedded::Open(disk_, "/coordination", clock_).value()) {}

  static Leadership MustStep(Election& election, LeaseId lease) {
    const auto leadership = election.Step(lease);
    EXPECT_TRUE(leadership.ok()) << leadership.status().ToString();
    return leadership.ok() ? *leadership : Leadership{};
  }
  LeaseId Lease() { return MustGrant(*store_, 1'000); }

  io::SimDisk disk_;
  SimClock clock_;
  std::unique_ptr<Embedded> store_;
};

TEST_F(ElectionTest, FirstClaimWinsAndOthersSeeIt) {
  Election one(*store_, kKey, "one");
  Election two(*store_, kKey, "two");
  const LeaseId lease_one = Lease();
  const LeaseId lease_two = Lease();
  EXPECT_EQ(MustStep(one, lease_one), Leadership{}) << "a look, nothing more";
  EXPECT_EQ(MustStep(two, lease_two), Leadership{});
  const Leadership won = MustStep(one, lease_one);
  EXPECT_EQ(won, (Leadership{true, "one", 2}));
  EXPECT_EQ(MustStep(two, lease_two), Leadership{}) << "the claim failed";
  EXPECT_EQ(MustStep(two, lease_two), (Leadership{false, "one", 2}));
  EXPECT_EQ(MustStep(one, lease_one), won);
  EXPECT_EQ(one.leadership(), won);
}

TEST_F(ElectionTest, EachLeaderHasAHigherEpoch) {
  int64_t last_epoch = 0;
  for (const char* name : {"one", "two", "one", "three"}) {
    Election election(*store_, kKey, name);
    const LeaseId lease = Lease();
    (void)MustStep(election, lease);
    const Leadership won = MustStep(election, lease);
    EXPECT_TRUE(won.is_leader);
    EXPECT_GT(won.epoch, last_epoch);
    last_epoch = won.epoch;
    clock_.AdvanceMs(1'000);
  }
}

TEST_F(ElectionTest, FencedTransactionOfADeposedLeaderFails) {
  Election one(*store_, kKey, "one");
  LeaseId lease = Lease();
  (void)MustStep(one, lease);
  const Leadership old = MustStep(one, lease);
  EXPECT_TRUE(MustCommit(*store_, {{Fence(kKey, old.epoch)}, {Put("placement", "1")}}).succeeded);
  clock_.AdvanceMs(1'000);
  EXPECT_FALSE(MustCommit(*store_, {{Fence(kKey, old.epoch)}, {Put("placement", "2")}}).succeeded);
  Election two(*store_, kKey, "two");
  lease = Lease();
  (void)MustStep(two, lease);
  const Leadership next = MustStep(two, lease);
  EXPECT_FALSE(MustCommit(*store_, {{Fence(kKey, old.epoch)}, {Put("placement", "2")}}).succeeded);
  EXPECT_TRUE(MustCommit(*store_, {{Fence(kKey, next.epoch)}, {Put("placement", "3")}}).succeeded);
}

TEST_F(ElectionTest, ReturnedCandidateIsNotItsFormerSelf) {
  Election before(*store_, kKey, "one");
  const LeaseId old_lease = Lease();
  (void)MustStep(before, old_lease);
  ASSERT_TRUE(MustStep(before, old_lease).is_leader);
  Election after(*store_, kKey, "one");
  clock_.AdvanceMs(500);
  const LeaseId lease = Lease();
  EXPECT_EQ(MustStep(after, lease), (Leadership{false, "one", 2}));
  clock_.AdvanceMs(500);
  (void)MustStep(after, lease);
  EXPECT_TRUE(MustStep(after, lease).is_leader);
}

TEST_F(ElectionTest, ResignationLeavesTheSeatFree) {
  Election one(*store_, kKey, "one");
  const LeaseId lease = Lease();
  EXPECT_TRUE(one.Resign().ok()) << "nothing to give up";
  (void)MustStep(one, lease);
  ASSERT_TRUE(MustStep(one, lease).is_leader);
  EXPECT_TRUE(one.Resign().ok());
  EXPECT_EQ(one.leadership(), Leadership{});
  EXPECT_TRUE(MustList(*store_, kKey).entries.empty());
}

TEST_F(ElectionTest, LateResignationDoesNotTouchTheNextLeader) {
  Election one(*store_, kKey, "one");
  LeaseId lease = Lease();
  (void)MustStep(one, lease);
  ASSERT_TRUE(MustStep(one, lease).is_leader);
  clock_.AdvanceMs(1'000);
  Election two(*store_, kKey, "two");
  lease = Lease();
  (void)MustStep(two, lease);
  ASSERT_TRUE(MustStep(two, lease).is_leader);
  EXPECT_TRUE(one.Resign().ok());
  EXPECT_TRUE(MustStep(two, lease).is_leader);
}

TEST_F(ElectionTest, KeysThatOnlyBeginAlikeAreNotTheSeat) {
  MustCommit(*store_, {{}, {Put("leader/of/another", "two")}});
  Election one(*store_, kKey, "one");
  const LeaseId lease = Lease();
  EXPECT_EQ(MustStep(one, lease), Leadership{});
  EXPECT_TRUE(MustStep(one, lease).is_leader);
}

TEST_F(ElectionTest, LeaseIsNeeded) {
  Election one(*store_, kKey, "one");
  EXPECT_EQ(one.Step(kNoLease).status().code(), Code::kInvalidArgument);
  const LeaseId ended = Lease();
  clock_.AdvanceMs(1'000);
  (void)MustStep(one, ended);
  EXPECT_EQ(one.Step(ended).status().code(), Code::kNotFound);
}

// A key on nobody's lease that bears the candidate's name makes no leader.
TEST(LeadershipIn, KeyWithoutALeaseMakesNoLeader) {
  const Listing listing{{{kKey, "one", 3, 3, kNoLease}}, 3};
  EXPECT_EQ(LeadershipIn(listing, kKey, "one", kNoLease), (Leadership{false, "one", 3}));
}

// Passes calls on, and loses the answers of some commits.
class LosesAnswers final : public Coordination {
 public:
  explicit LosesAnswers(Coordination& inner) : inner_(inner) {}
  Result<Committed> Commit(const Transaction& transaction) override {
    auto committed = inner_.Commit(transaction);
    if (!lose_next_) return committed;
    lose_next_ = false;
    return Status::DeadlineExceeded("lost");
  }
  Result<Listing> List(const std::string& prefix) override { return inner_.List(prefix); }
  Result<LeaseId> Grant(int64_t ttl_ms) override { return inner_.Grant(ttl_ms); }
  Result<int64_t> KeepAlive(LeaseId lease) override { return inner_.KeepAlive(lease); }
  Status Revoke(LeaseId lease) override { return inner_.Revoke(lease); }
  Result<int64_t> AwaitChange(const std::string& prefix, int64_t after, int64_t timeout_ms) override {
    return inner_.AwaitChange(prefix, after, timeout_ms);
  }
  void LoseNext() { lose_next_ = true; }

 private:
  Coordination& inner_;
  bool lose_next_ = false;
};

TEST_F(ElectionTest, ClaimWhoseAnswerWasLostIsFoundByTheNextLook) {
  LosesAnswers lossy(*store_);
  Election one(lossy, kKey, "one");
  const LeaseId lease = Lease();
  (void)MustStep(one, lease);
  lossy.LoseNext();
  EXPECT_EQ(one.Step(lease).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(one.leadership(), Leadership{});
  EXPECT_EQ(MustStep(one, lease), (Leadership{true, "one", 2}));
}

}  // namespace
}  // namespace rhizome::coordination
