#include "shard/checkpoint_pace.h"

#include <gtest/gtest.h>

namespace rhizome::shard {
namespace {

constexpr uint64_t kMax = 64 << 20;

TEST(CheckpointPace, PointsAreDueAtTheLimit) {
  EXPECT_FALSE(CheckpointDue({.log_bytes = kMax - 1}, kMax));
  EXPECT_TRUE(CheckpointDue({.log_bytes = kMax}, kMax));
}

TEST(CheckpointPace, SamplesCountForAnEighth) {
  EXPECT_FALSE(CheckpointDue({.log_bytes = 8 * kMax - 8, .sample_log_bytes = 8 * kMax - 8}, kMax));
  EXPECT_TRUE(CheckpointDue({.log_bytes = 8 * kMax, .sample_log_bytes = 8 * kMax}, kMax));
}

TEST(CheckpointPace, BothAddUp) {
  EXPECT_TRUE(CheckpointDue({.log_bytes = kMax / 2 + 4 * kMax, .sample_log_bytes = 4 * kMax}, kMax));
  EXPECT_FALSE(CheckpointDue({.log_bytes = kMax / 2 + 4 * kMax - 1, .sample_log_bytes = 4 * kMax}, kMax));
}

TEST(CheckpointPace, SamplesInMemoryAreBounded) {
  EXPECT_FALSE(CheckpointDue({.sample_memory_bytes = kMax - 1}, kMax));
  EXPECT_TRUE(CheckpointDue({.sample_memory_bytes = kMax}, kMax));
}

TEST(CheckpointPace, SamplesThatTheLogDoesNotCountYetAreNoPoints) {
  EXPECT_FALSE(CheckpointDue({.log_bytes = 1, .sample_log_bytes = 1'000}, kMax));
}

}  // namespace
}  // namespace rhizome::shard
