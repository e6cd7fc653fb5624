#include "fabric/quorum.h"

#include <gtest/gtest.h>

namespace rhizome::fabric {
namespace {

Placement Of(std::vector<MemberNumber> replicas, std::vector<MemberNumber> next = {}) {
  return {.shard = 1, .replicas = std::move(replicas), .next = std::move(next)};
}

Quorum Heard(const Placement& placement, Level level, const std::vector<MemberNumber>& from) {
  Quorum quorum(placement, level);
  for (const MemberNumber member : from) quorum.Add(member);
  return quorum;
}

TEST(Quorum, TwoOfThreeAreAMajority) {
  EXPECT_FALSE(Heard(Of({1, 2, 3}), Level::kQuorum, {1}).reached());
  EXPECT_TRUE(Heard(Of({1, 2, 3}), Level::kQuorum, {1, 3}).reached());
}

TEST(Quorum, HalfOfAnEvenSetIsNoMajority) {
  EXPECT_FALSE(Heard(Of({1, 2}), Level::kQuorum, {1}).reached());
  EXPECT_FALSE(Heard(Of({1, 2, 3, 4}), Level::kQuorum, {1, 2}).reached());
  EXPECT_TRUE(Heard(Of({1, 2, 3, 4}), Level::kQuorum, {1, 2, 4}).reached());
}

TEST(Quorum, RepetitionsAndStrangersCountForNothing) {
  EXPECT_FALSE(Heard(Of({1, 2, 3}), Level::kQuorum, {1, 1, 9}).reached());
}

TEST(Quorum, OneIsAnyOwnerAndAllIsEveryOwner) {
  EXPECT_TRUE(Heard(Of({1, 2, 3}), Level::kOne, {2}).reached());
  EXPECT_FALSE(Heard(Of({1, 2, 3}), Level::kAll, {1, 2}).reached());
  EXPECT_TRUE(Heard(Of({1, 2, 3}), Level::kAll, {1, 2, 3}).reached());
}

TEST(Quorum, WhileMovingBothSetsDecide) {
  const Placement moving = Of({1, 2, 3}, {2, 3, 4});
  EXPECT_TRUE(Heard(moving, Level::kQuorum, {2, 3}).reached());
  EXPECT_FALSE(Heard(moving, Level::kQuorum, {1, 2}).reached());
  EXPECT_TRUE(Heard(moving, Level::kQuorum, {1, 2, 4}).reached());
  EXPECT_FALSE(Heard(moving, Level::kAll, {1, 2, 3}).reached());
}

TEST(Quorum, AnAnswerOfTheNewcomerAloneIsNoAnswer) {
  EXPECT_FALSE(Heard(Of({1, 2, 3}, {2, 3, 4}), Level::kOne, {4}).reached());
}

TEST(Quorum, SaysWhenItCanNoLongerBeReached) {
  const Quorum quorum = Heard(Of({1, 2, 3}), Level::kQuorum, {1});
  EXPECT_TRUE(quorum.reachable_without({2}));
  EXPECT_FALSE(quorum.reachable_without({2, 3}));
}

}  // namespace
}  // namespace rhizome::fabric
