#include "simulation.h"

#include <gtest/gtest.h>

#include "bugs.h"
#include "command_line.h"
#include "shrink.h"
#include "sim_truth.h"

namespace rhizome::sim {
namespace {

using fabric::Bug;
using fabric::Placement;

Placement Of(uint64_t epoch, std::vector<fabric::MemberNumber> replicas, std::vector<fabric::MemberNumber> next = {}) {
  return {.shard = 1, .epoch = epoch, .replicas = std::move(replicas), .next = std::move(next)};
}

TEST(Simulation, OneSeedIsOneHistory) {
  SimulationOptions options;
  options.seed = 7;
  const SimulationOutcome first = Simulate(options);
  const SimulationOutcome second = Simulate(options);
  EXPECT_EQ(first.failure, "");
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_EQ(first.events, second.events);
  options.seed = 8;
  EXPECT_NE(Simulate(options).trace_hash, first.trace_hash);
}

TEST(Simulation, FaultsThatAreNotKeptDoNotHappen) {
  SimulationOptions options;
  options.seed = 7;
  options.keep.emplace();
  const SimulationOutcome outcome = Simulate(options);
  EXPECT_EQ(outcome.failure, "");
  for (const uint64_t count : outcome.faults) EXPECT_EQ(count, 0u);
}

TEST(Simulation, OperationsAreBounded) {
  SimulationOptions options;
  options.operations_max = 10;
  EXPECT_LE(Simulate(options).tally.operations, 10u);
}

TEST(Simulation, APlantedBugFailsAndShrinksToLess) {
  const Planting planted(Bug::kMergeByArrival);
  SimulationOptions options;
  while (Simulate(options).failure.empty()) ASSERT_LT(++options.seed, 100u);
  const size_t drawn = DrawPlan(options.seed, options.profile).faults.size();
  const Shrunk least = Shrink(options, 40);
  EXPECT_NE(least.failure, "");
  EXPECT_LE(least.options.keep->size(), drawn);
  EXPECT_NE(Simulate(least.options).failure, "");
}

TEST(Bugs, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const Bug bug : AllBugs()) {
    names.insert(BugName(bug));
    EXPECT_EQ(BugOf(BugName(bug)), bug);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(fabric::kBugCount));
  EXPECT_EQ(BugOf("no_such_bug"), std::nullopt);
}

TEST(PlacementSteps, MovesBeginEndAndAreTakenBack) {
  EXPECT_EQ(IllegalStep(Of(1, {1, 2}), Of(2, {1, 2}, {1, 3})), "");
  EXPECT_EQ(IllegalStep(Of(2, {1, 2}, {1, 3}), Of(3, {1, 3})), "");
  EXPECT_EQ(IllegalStep(Of(2, {1, 2}, {1, 3}), Of(3, {1, 2})), "");
  EXPECT_EQ(IllegalStep(Of(2, {1, 2}), Of(3, {1, 2})), "");
}

TEST(PlacementSteps, AnythingElseIsIllegal) {
  EXPECT_NE(IllegalStep(Of(1, {1, 2}), Of(1, {1, 2}, {1, 3})), "");
  EXPECT_NE(IllegalStep(Of(1, {1, 2}), Of(3, {1, 2}, {1, 3})), "");
  EXPECT_NE(IllegalStep(Of(1, {1, 2}), Of(2, {1, 3})), "");
  EXPECT_NE(IllegalStep(Of(1, {1, 2}), Of(2, {1, 4}, {1, 3})), "");
  EXPECT_NE(IllegalStep(Of(2, {1, 2}, {1, 3}), Of(3, {1, 2}, {1, 4})), "");
  EXPECT_NE(IllegalStep(Of(2, {1, 2}, {1, 3}), Of(3, {2, 3})), "");
}

TEST(CommandLine, RepeatsWhatItPrints) {
  SimulationOptions options;
  options.seed = 42;
  options.keep = {{1, 5}};
  options.operations_max = 30;
  EXPECT_EQ(Replay(options, Bug::kReadFromOne), "--seed 42 --planted read_from_one --keep 1,5 --operations 30");
  const auto line =
      ParseCommandLine({"--seed", "42", "--planted", "read_from_one", "--keep", "1,5", "--operations", "30"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->first_seed, 42u);
  EXPECT_EQ(line->bug, Bug::kReadFromOne);
  EXPECT_EQ(line->options.keep, options.keep);
  EXPECT_EQ(line->options.operations_max, 30u);
}

TEST(CommandLine, SuiteMeansTheSeedsFromWhereTheTestsBegin) {
  const auto line = ParseCommandLine({"--suite", "--planted", "read_from_one"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->first_seed, SuiteSeed(Bug::kReadFromOne));
  EXPECT_EQ(line->last_seed, line->first_seed + kSuiteSeedsMax - 1);
}

TEST(CommandLine, NamesTheFlagAtFault) {
  EXPECT_EQ(ParseCommandLine({"--seeds", "9..3"}).status().field(), "--seeds");
  EXPECT_EQ(ParseCommandLine({"--seeds"}).status().field(), "--seeds");
  EXPECT_EQ(ParseCommandLine({"--planted", "nothing"}).status().field(), "--planted");
  EXPECT_EQ(ParseCommandLine({"--suite"}).status().field(), "--suite");
  EXPECT_EQ(ParseCommandLine({"--members", "0"}).status().field(), "--members");
  EXPECT_EQ(ParseCommandLine({"--nonsense"}).status().field(), "--nonsense");
}

}  // namespace
}  // namespace rhizome::sim
