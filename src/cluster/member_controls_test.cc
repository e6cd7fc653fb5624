#include "cluster/member_controls.h"

#include "cluster/cluster_testing.h"

namespace rhizome::cluster {
namespace {

// Two members, seen through the first.
class MemberControlsTest : public ClusterTest {
 protected:
  MemberControlsTest() {
    for (const char* name : {"a", "b"}) Start(name);
    EXPECT_TRUE(Eventually(60, [this] { return Members("a") == 2; }));
    ClusterRuntime& runtime = *processes_.at("a").runtime;
    fabric::Settings settings;
    settings.concurrent_moves = 3;
    controls_ = std::make_unique<MemberControls>(runtime.calls(), runtime.member(), 2, settings,
                                                 [&runtime] { return runtime.Troubles(); });
  }
  void Create(uint32_t factor = 2) {
    CollectionSpec spec;
    spec.name = "c";
    spec.dimension = 2;
    spec.shards = 1;
    spec.replication_factor = factor;
    ASSERT_TRUE(On("a").CreateCollection(spec).ok());
    ASSERT_TRUE(Eventually(60, [this] { return Agree(2) && Digests().size() == 1; }));
  }

  std::unique_ptr<MemberControls> controls_;
};

TEST_F(MemberControlsTest, TheViewHasAReportOfEveryMember) {
  const auto view = controls_->View();
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->self, NumberOf("a"));
  EXPECT_EQ(view->reports.size(), 2u);
  EXPECT_EQ(view->peers.count(NumberOf("b")), 1u);
  EXPECT_EQ(view->peers.count(NumberOf("a")), 0u);
  EXPECT_EQ(view->default_factor, 2u);
  EXPECT_EQ(view->balance.concurrent_moves, 3u);
  EXPECT_EQ(view->frozen_ms, -1);
}

TEST_F(MemberControlsTest, AMemberThatIsAwayIsInTheViewWithoutAReport) {
  const fabric::MemberNumber away = NumberOf("b");
  Stop("b");
  const auto view = controls_->View();
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->topology.members.count(away), 1u);
  EXPECT_EQ(view->reports.count(away), 0u);
  EXPECT_EQ(view->reports.count(NumberOf("a")), 1u);
}

TEST_F(MemberControlsTest, EveryMemberIsToldToCompare) {
  Create();
  const auto scheduled = controls_->CompareNow();
  ASSERT_TRUE(scheduled.ok());
  ASSERT_EQ(scheduled->size(), 2u);
  for (const auto& [member, answer] : *scheduled) EXPECT_TRUE(answer.ok()) << member;
}

TEST_F(MemberControlsTest, AMemberThatIsAwayIsAFailureAmongTheComparisons) {
  const fabric::MemberNumber away = NumberOf("b");
  Stop("b");
  const auto scheduled = controls_->CompareNow();
  ASSERT_TRUE(scheduled.ok());
  ASSERT_EQ(scheduled->count(away), 1u);
  EXPECT_FALSE(scheduled->at(away).ok());
}

TEST_F(MemberControlsTest, DigestsAreOfEveryReplica) {
  Create();
  const auto digests = controls_->Digests();
  ASSERT_TRUE(digests.ok());
  ASSERT_EQ(digests->size(), 1u);
  ASSERT_EQ(digests->begin()->second.size(), 2u);
  for (const auto& [member, digest] : digests->begin()->second) EXPECT_TRUE(digest.ok()) << member;
}

TEST_F(MemberControlsTest, AFactorIsChangedInTheCatalogue) {
  Create();
  ASSERT_TRUE(controls_->SetFactor("c", 1).ok());
  EXPECT_TRUE(Eventually(60, [this] {
    const auto view = controls_->View();
    return view.ok() && view->topology.collections.begin()->second.value.factor == 1;
  }));
}

TEST_F(MemberControlsTest, TheFactorOfACollectionThatIsNotThereIsNotFound) {
  EXPECT_EQ(controls_->SetFactor("none", 1).code(), Code::kNotFound);
}

TEST_F(MemberControlsTest, AMembersStateIsChangedInTheTopology) {
  const fabric::MemberNumber leaving = NumberOf("b");
  ASSERT_TRUE(controls_->SetMemberState(leaving, fabric::MemberState::kLeaving).ok());
  const auto view = controls_->View();
  ASSERT_TRUE(view.ok());
  EXPECT_NE(view->topology.Member(leaving)->state, fabric::MemberState::kActive);
}

TEST_F(MemberControlsTest, TheStateOfAMemberThatIsNotThereIsNotFound) {
  EXPECT_EQ(controls_->SetMemberState(99, fabric::MemberState::kLeaving).code(), Code::kNotFound);
}

}  // namespace
}  // namespace rhizome::cluster
