#include "engines/series/compaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rhizome::series {
namespace {

using testing::ElementsAre;

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kStart = 20'000 * 24 * kHour;  // of a day

// A block of `hours` from `at` hours behind the start.
CompactionInput BlockAt(int64_t at, int64_t hours, uint64_t bytes, bool condemned = false) {
  CompactionInput input;
  input.info.partition = {kStart + at * kHour, kStart + (at + hours) * kHour - 1};
  input.info.min_time = input.info.partition.first_ms;
  input.info.max_time = input.info.partition.last_ms;
  input.info.bytes = bytes;
  input.condemned = condemned;
  return input;
}

std::optional<CompactionPlan> Plan(const std::vector<CompactionInput>& blocks, int64_t newest_hours) {
  return PlanCompaction(blocks, {}, kStart + newest_hours * kHour);
}

TEST(PartitionOf, IsAlignedAndHoldsTheTime) {
  EXPECT_EQ(PartitionOf(25, 10), (Partition{20, 29}));
  EXPECT_EQ(PartitionOf(20, 10), (Partition{20, 29}));
  EXPECT_EQ(PartitionOf(-1, 10), (Partition{-10, -1}));
  EXPECT_EQ(PartitionOf(-10, 10), (Partition{-10, -1}));
}

TEST(PartitionOf, EndsWhereTimesEnd) {
  EXPECT_EQ(PartitionOf(INT64_MAX, 10).last_ms, INT64_MAX);
  EXPECT_EQ(PartitionOf(INT64_MIN, 10).first_ms, INT64_MIN);
  EXPECT_EQ(PartitionOf(INT64_MIN, 10).last_ms,
            (SlotOf(INT64_MIN, 10) + 1) * 10 - 1);  // the slot begins before time does
  EXPECT_EQ(PartitionOf(INT64_MAX, 1).first_ms, INT64_MAX);
}

TEST(PlanCompaction, NothingIsDoneForNothing) {
  EXPECT_FALSE(Plan({}, 0));
  EXPECT_FALSE(Plan({BlockAt(0, 2, 100), BlockAt(2, 2, 100)}, 4));
}

TEST(PlanCompaction, ACondemnedBlockIsRewrittenByItself) {
  const auto plan = Plan({BlockAt(0, 2, 100), BlockAt(2, 2, 100, true), BlockAt(2, 2, 100)}, 4);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->inputs, ElementsAre(1));
  EXPECT_EQ(plan->partition, BlockAt(2, 2, 0).info.partition);
}

TEST(PlanCompaction, BlocksOfOnePastPartitionAreMerged) {
  const auto plan = Plan({BlockAt(0, 2, 100), BlockAt(2, 2, 100), BlockAt(2, 2, 50), BlockAt(4, 2, 9)}, 6);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->inputs, ElementsAre(1, 2));
  EXPECT_EQ(plan->partition, BlockAt(2, 2, 0).info.partition);
}

TEST(PlanCompaction, APartitionUnderWayWaitsForMore) {
  std::vector<CompactionInput> blocks(5, BlockAt(0, 2, 100));
  EXPECT_FALSE(Plan(blocks, 1));
  blocks.push_back(BlockAt(0, 2, 100));
  EXPECT_EQ(Plan(blocks, 1)->inputs.size(), 6u);
}

TEST(PlanCompaction, AHandfulOfLateSamplesWaitsForMore) {
  std::vector<CompactionInput> blocks = {BlockAt(0, 24, 10'000), BlockAt(4, 2, 100)};
  EXPECT_FALSE(Plan(blocks, 40));
  blocks[1].info.bytes = 1'250;
  EXPECT_THAT(Plan(blocks, 40)->inputs, ElementsAre(0, 1));
  EXPECT_EQ(Plan(blocks, 40)->partition, blocks[0].info.partition);
  blocks[1].info.bytes = 1;
  for (int64_t i = 0; i < 4; ++i) blocks.push_back(BlockAt(6 + i * 2, 2, 1));
  EXPECT_EQ(Plan(blocks, 40)->inputs.size(), 6u);
}

TEST(PlanCompaction, SmallPartitionsOfAPastRangeBecomeOne) {
  const std::vector<CompactionInput> blocks = {BlockAt(0, 2, 100), BlockAt(2, 2, 100), BlockAt(6, 2, 100),
                                               BlockAt(8, 2, 100)};
  EXPECT_FALSE(Plan(blocks, 9));
  const auto plan = Plan(blocks, 10);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->inputs, ElementsAre(0, 1, 2));
  EXPECT_EQ(plan->partition, BlockAt(0, 8, 0).info.partition);
}

TEST(PlanCompaction, RepeatedItEndsWithFewBlocks) {
  std::vector<CompactionInput> blocks;
  for (int64_t at = 0; at < 24 * 10; at += 2) {
    for (int i = 0; i < 3; ++i) blocks.push_back(BlockAt(at, 2, 100));
  }
  int plans = 0;
  while (const auto plan = Plan(blocks, 24 * 10 + 4)) {
    ASSERT_LT(++plans, 1'000);
    CompactionInput merged = blocks[plan->inputs.front()];
    merged.info.bytes = 0;
    for (const size_t i : plan->inputs) merged.info.bytes += blocks[i].info.bytes;
    merged.info.partition = plan->partition;
    for (auto at = plan->inputs.rbegin(); at != plan->inputs.rend(); ++at) {
      blocks.erase(blocks.begin() + static_cast<ptrdiff_t>(*at));
    }
    blocks.push_back(merged);
    std::sort(blocks.begin(), blocks.end(),
              [](const auto& a, const auto& b) { return a.info.partition < b.info.partition; });
  }
  EXPECT_EQ(blocks.size(), 10u);
}

TEST(PlanCompaction, ExtremeTimesEndInAPlanOrNone) {
  CompactionInput lowest, highest;
  lowest.info.partition = PartitionOf(INT64_MIN, 2 * kHour);
  highest.info.partition = PartitionOf(INT64_MAX, 2 * kHour);
  EXPECT_FALSE(PlanCompaction(std::vector{lowest}, {}, INT64_MIN));
  EXPECT_FALSE(PlanCompaction(std::vector{lowest, highest}, {}, INT64_MAX));
}

}  // namespace
}  // namespace rhizome::series
