#include "fabric/peers.h"

#include <gtest/gtest.h>

#include <utility>

#include "fabric/write_pace.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kMs = 1'000'000;

// A loop whose time the test moves; nothing here posts to it.
class StillLoop : public Loop {
 public:
  int64_t NowNs() override { return now_ns; }
  int64_t WallMs() override { return now_ns / kMs; }
  uint64_t Random() override { return random++; }
  void Post(std::function<void()> task) override { task(); }
  TimerId After(int64_t, std::function<void()>) override { return 0; }
  void Cancel(TimerId) override {}
  bool stopping() const override { return false; }

  int64_t now_ns = 1'000 * kMs;
  uint64_t random = 0;
};

class PeersTest : public testing::Test {
 protected:
  PeersTest() : peers_(loop_, settings_, 1) {
    for (MemberNumber n = 1; n <= 4; ++n) topology_.members[n] = {MemberRecord{.number = n}, 1};
    peers_.Follow(topology_);
  }
  void Pass(int64_t ms) { loop_.now_ns += ms * kMs; }

  StillLoop loop_;
  Settings settings_;
  Topology topology_;
  Peers peers_;
};

TEST_F(PeersTest, SilenceMakesAMemberSuspectAndAnAnswerClearsIt) {
  EXPECT_FALSE(peers_.Suspect(2));
  Pass(settings_.suspect_after_ms + 1);
  EXPECT_TRUE(peers_.Suspect(2));
  peers_.Answered(2, kMs);
  EXPECT_FALSE(peers_.Suspect(2));
}

TEST_F(PeersTest, SilenceIsNoticedInUnderASecond) {
  peers_.Answered(2, kMs);
  Pass(999);
  EXPECT_TRUE(peers_.Suspect(2));
}

TEST_F(PeersTest, AReturnIsToldOnce) {
  std::vector<MemberNumber> returned;
  peers_.OnReturn([&](MemberNumber member) { returned.push_back(member); });
  peers_.Answered(2, kMs);
  EXPECT_TRUE(returned.empty());
  Pass(settings_.suspect_after_ms + 1);
  peers_.Answered(2, kMs);
  peers_.Answered(2, kMs);
  EXPECT_EQ(returned, (std::vector<MemberNumber>{2}));
}

TEST_F(PeersTest, AMemberNeverSuspectsItself) {
  Pass(1'000'000);
  EXPECT_FALSE(peers_.Suspect(1));
}

TEST_F(PeersTest, StrangersAreSuspect) { EXPECT_TRUE(peers_.Suspect(77)); }

TEST_F(PeersTest, WhoseWritesTakeManyTimesAsLongIsAskedLastUntilTheyDoNot) {
  for (const MemberNumber member : {2, 3, 4}) peers_.Answered(member, kMs);
  peers_.Paced(1, 3'000);
  peers_.Paced(2, 900'000);
  EXPECT_TRUE(peers_.Slow(2));
  peers_.Paced(3, 2'000);
  peers_.Paced(4, 5'000);
  EXPECT_FALSE(peers_.Slow(4));
  for (int turn = 0; turn < 10; ++turn) EXPECT_EQ(peers_.Order({2, 3, 4}).back(), 2);
  EXPECT_EQ(peers_.View(2).write_us, 900'000U);
  peers_.Paced(2, 30'000);  // near the bound it stays what it was
  EXPECT_TRUE(peers_.Slow(2));
  peers_.Paced(2, 20'000);
  EXPECT_FALSE(peers_.Slow(2));
}

TEST_F(PeersTest, SlowIsBetterThanSilent) {
  Pass(settings_.suspect_after_ms + 1);
  peers_.Answered(3, kMs);
  peers_.Answered(4, kMs);
  peers_.Paced(3, 1'000);
  peers_.Paced(4, 2'000'000);
  EXPECT_EQ(peers_.Order({2, 3, 4}), (std::vector<MemberNumber>{3, 4, 2}));
  EXPECT_EQ(peers_.Suspects(), (std::vector<MemberNumber>{2}));
}

TEST_F(PeersTest, AMemberWithASlowDiskAsksOthersBeforeItself) {
  for (const MemberNumber member : {2, 3, 4}) {
    peers_.Answered(member, kMs);
    peers_.Paced(member, 1'000);
  }
  peers_.Paced(1, 2'000'000);
  EXPECT_EQ(peers_.Order({1, 2, 3}).back(), 1);
}

TEST_F(PeersTest, WhenAllAreSlowNobodyIs) {
  for (const MemberNumber member : {1, 2, 3, 4}) peers_.Paced(member, 900'000);
  for (const MemberNumber member : {1, 2, 3, 4}) EXPECT_FALSE(peers_.Slow(member));
}

TEST(WritePaceTest, AWriteThatDoesNotEndCountsForAsLongAsItHasTaken) {
  StillLoop loop;
  WritePace pace(loop);
  EXPECT_EQ(pace.write_us(), 0U);
  {
    const WritePace::Measure measure(pace);
    loop.now_ns += 2 * kMs;
  }
  EXPECT_EQ(pace.write_us(), 2'000U);
  {
    const WritePace::Measure stuck(pace);
    loop.now_ns += 700 * kMs;
    const WritePace::Measure later(pace);
    EXPECT_EQ(pace.write_us(), 700'000U);
  }
  EXPECT_FALSE(pace.waiting());
  for (int i = 0; i < 40; ++i) {
    const WritePace::Measure measure(pace);
    loop.now_ns += kMs;
  }
  EXPECT_LE(pace.write_us(), 1'100U);
}

TEST_F(PeersTest, TheNearestAreAskedFirstAndSuspectsLast) {
  Pass(settings_.suspect_after_ms + 1);
  peers_.Answered(3, 9 * kMs);
  peers_.Answered(4, 2 * kMs);
  for (int turn = 0; turn < 10; ++turn) {
    EXPECT_EQ(peers_.Order({2, 3, 4}), (std::vector<MemberNumber>{4, 3, 2}));
    EXPECT_EQ(peers_.Order({2, 3, 1, 4}).front(), 1);
  }
}

TEST_F(PeersTest, ALoadedMemberIsAskedLater) {
  peers_.Answered(3, 2 * kMs);
  peers_.Answered(4, 2 * kMs);
  peers_.Loaded(3, 900);
  EXPECT_EQ(peers_.Order({3, 4}).front(), 4);
}

TEST_F(PeersTest, EqualsTakeTurns) {
  peers_.Answered(3, 2 * kMs);
  peers_.Answered(4, 2 * kMs);
  EXPECT_NE(peers_.Order({3, 4}).front(), peers_.Order({3, 4}).front());
}

TEST_F(PeersTest, OnlyTheQuietArePinged) {
  Pass(settings_.ping_interval_ms);
  peers_.Answered(2, kMs);
  EXPECT_EQ(peers_.DueForPing(), (std::vector<MemberNumber>{3, 4}));
}

TEST_F(PeersTest, WhoLeavesTheTopologyIsForgotten) {
  topology_.members.erase(2);
  topology_.members[3].value.state = MemberState::kGone;
  peers_.Follow(topology_);
  EXPECT_TRUE(peers_.Suspect(2));
  EXPECT_TRUE(peers_.Suspect(3));
  EXPECT_FALSE(peers_.Suspect(4));
}

TEST_F(PeersTest, HedgingWaitsForWhatIsUsualWithinBounds) {
  for (int turn = 0; turn < 50; ++turn) peers_.Answered(2, 30 * kMs);
  EXPECT_GE(peers_.HedgeDelayNs(2), 30 * kMs);
  EXPECT_LE(peers_.HedgeDelayNs(2), 40 * kMs);
  for (int turn = 0; turn < 50; ++turn) peers_.Answered(3, kMs / 10);
  EXPECT_EQ(peers_.HedgeDelayNs(3), 20 * kMs);
  for (int turn = 0; turn < 50; ++turn) peers_.Answered(4, 5'000 * kMs);
  EXPECT_EQ(peers_.HedgeDelayNs(4), 500 * kMs);
}

TEST_F(PeersTest, FailuresAreCountedAndDoNotClearSuspicion) {
  Pass(settings_.suspect_after_ms + 1);
  peers_.Failed(2);
  EXPECT_TRUE(peers_.Suspect(2));
  EXPECT_EQ(peers_.View(2).failures, 1);
}

}  // namespace
}  // namespace rhizome::fabric
