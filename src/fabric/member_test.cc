#include "fabric/member.h"

#include <gtest/gtest.h>

#include <memory>

#include "fabric/test_world.h"

namespace rhizome::fabric {
namespace {

// One commit on a key may be held back: its sender hears nothing, and it is made later.
class LateTruth : public TestTruth {
 public:
  using TestTruth::TestTruth;
  Task<Result<coordination::Committed>> Commit(coordination::Transaction transaction) override {
    if (transaction.changes.size() == 1 && transaction.changes[0].key == hold_back) {
      hold_back.clear();
      held = std::move(transaction);
      co_await Step();
      co_return Status::DeadlineExceeded("no answer");
    }
    co_return co_await TestTruth::Commit(std::move(transaction));
  }

  std::string hold_back;
  coordination::Transaction held;
};

class GatewayMemberTest : public testing::Test {
 protected:
  GatewayMemberTest() {
    Identity identity;
    identity.holds_data = false;
    identity.record.name = "gateway";
    identity.record.directory = Uuid::FromName("gateway");
    key_ = GatewayKey(identity.record.directory);
    member_ = std::make_unique<Member>(Ports{loop_, network_, truth_, nullptr, clock_}, identity, settings_);
  }
  ~GatewayMemberTest() override {
    bool stopped = false;
    loop_.Stop();
    Spawn(End(*member_, stopped));
    loop_.RunFor(1);
    EXPECT_TRUE(stopped);
  }
  static Task<void> End(Member& member, bool& stopped) {
    co_await member.Stop();
    stopped = true;
  }
  // Time goes on for everybody, leases end.
  void Pass(int64_t ms) {
    for (int64_t past = 0; past < ms; past += 50) {
      loop_.RunFor(50);
      (void)truth_.state.Expire(loop_.WallMs());
    }
  }
  bool Listed() { return !truth_.state.List(key_).entries.empty(); }

  TestLoop loop_;
  TestNetwork network_{loop_};
  LateTruth truth_{loop_};
  SimClock clock_;
  Settings settings_;
  std::string key_;
  std::unique_ptr<Member> member_;
};

TEST_F(GatewayMemberTest, IsListedForAsLongAsItKeepsItsLease) {
  ASSERT_TRUE(loop_.Run(member_->Start()).ok());
  Pass(3 * settings_.lease_ttl_ms);
  EXPECT_TRUE(Listed());
}

TEST_F(GatewayMemberTest, AnAttemptGivenUpThatComesLateDoesNotTakeTheKeyAlongWithItsLease) {
  truth_.hold_back = key_;
  ASSERT_TRUE(loop_.Run(member_->Start()).ok());
  EXPECT_FALSE(Listed());
  Pass(settings_.lease_ttl_ms / 2);
  ASSERT_TRUE(Listed());
  (void)truth_.state.Commit(truth_.held);
  Pass(3 * settings_.lease_ttl_ms);
  EXPECT_TRUE(Listed());
}

TEST_F(GatewayMemberTest, IsListedAgainAfterItsLeaseHasEnded) {
  ASSERT_TRUE(loop_.Run(member_->Start()).ok());
  truth_.away = true;
  (void)truth_.state.Expire(loop_.WallMs() + 10 * settings_.lease_ttl_ms);
  EXPECT_FALSE(Listed());
  Pass(settings_.lease_ttl_ms);
  EXPECT_FALSE(Listed());
  truth_.away = false;
  Pass(settings_.lease_ttl_ms);
  EXPECT_TRUE(Listed());
}

}  // namespace
}  // namespace rhizome::fabric
