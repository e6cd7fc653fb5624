// Shards of series under the faults that those of registers are under.
#include <gtest/gtest.h>

#include "bugs.h"
#include "simulation.h"

namespace rhizome::sim {
namespace {

using fabric::Bug;

SimulationOptions WithSamples(uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.profile.sample_clients = 3;
  return options;
}

TEST(SampleLoad, EveryAcknowledgedSampleIsInEveryAnswerAndInEveryReplicaInTheEnd) {
  SampleTally all;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const SimulationOutcome outcome = Simulate(WithSamples(seed));
    EXPECT_EQ(outcome.failure, "") << "seed " << seed;
    all.sent += outcome.samples.sent;
    all.acknowledged += outcome.samples.acknowledged;
    all.answers += outcome.samples.answers;
  }
  EXPECT_GT(all.acknowledged, 1'000u);
  EXPECT_GT(all.answers, 200u);
  EXPECT_LT(all.acknowledged, all.sent);  // there were faults
}

TEST(SampleLoad, OneSeedIsOneHistory) {
  EXPECT_EQ(Simulate(WithSamples(3)).trace_hash, Simulate(WithSamples(3)).trace_hash);
}

// Whether the samples, and not the registers beside them, show the bug within so many seeds.
bool ShownBySamples(Bug bug, uint64_t seeds) {
  const Planting planted(bug);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    if (Simulate(WithSamples(seed)).failure.find("sample") != std::string::npos) return true;
  }
  return false;
}

TEST(SampleLoad, CountingAnUnansweredWriteLosesSamples) { EXPECT_TRUE(ShownBySamples(Bug::kCountUnansweredWrite, 40)); }

TEST(SampleLoad, AcknowledgingBeforeTheSyncLosesSamples) {
  EXPECT_TRUE(ShownBySamples(Bug::kAcknowledgeBeforeSync, 150));
}

}  // namespace
}  // namespace rhizome::sim
