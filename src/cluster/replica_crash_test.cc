// Adding and dropping replicas on a simulated disk: power loss at sampled moments, and every single call failing once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "cluster/node.h"
#include "io/crash_enumeration.h"
#include "io/sim_disk.h"
#include "shard/shard.h"

namespace rhizome::cluster {
namespace {

using format::Point;
using format::PointId;
using format::UpsertPoint;
using io::SimDisk;
using io::SimFault;

// Shard → ids of its points.
using Contents = std::map<uint32_t, std::set<uint64_t>>;

Result<std::unique_ptr<Node>> OpenNode(SimDisk& disk) {
  NodeOptions options;
  options.data_dir = "/data";
  options.index_threads = 1;
  options.memtable_bytes = 64 << 10;
  return Node::Open(disk, options);
}

Status Add(Node& node, uint32_t shard) {
  ReplicaSpec replica;
  replica.spec.name = "c";
  replica.spec.dimension = 2;
  replica.collection = Uuid::FromName("c");
  replica.partition = shard;
  replica.shard = shard;
  return node.AddReplica(replica);
}

Status Merge(Node& node, uint32_t shard, uint64_t id) {
  ASSIGN_OR_RETURN(const auto replica, node.Replica(shard));
  return replica->Merge({{{100 - id, 1}, UpsertPoint{Point{PointId(id), {1, 2}, "", "", ""}}}});
}

Result<Contents> Read(Node& node) {
  Contents contents;
  for (const ReplicaInfo& info : node.Replicas()) {
    ASSIGN_OR_RETURN(const auto replica, node.Replica(info.spec.shard));
    ASSIGN_OR_RETURN(const auto page, replica->engine().Scroll({}, 100, nullptr, false));
    std::set<uint64_t>& ids = contents[info.spec.shard];
    for (const auto& point : page.points) ids.insert(point.point.id.number());
  }
  return contents;
}

// A story of steps, each with what is there after it.
struct Step {
  std::function<Status(Node&)> act;
  Contents after;
};

std::vector<Step> Story() {
  return {
      {[](Node& node) { return Add(node, 5); }, {{5, {}}}},
      {[](Node& node) { return Merge(node, 5, 1); }, {{5, {1}}}},
      {[](Node& node) { return node.DropReplica(5); }, {}},
      {[](Node& node) { return Add(node, 5); }, {{5, {}}}},
      {[](Node& node) { return Merge(node, 5, 2); }, {{5, {2}}}},
      {[](Node& node) { return Add(node, 6); }, {{5, {2}}, {6, {}}}},
      {[](Node& node) { return Merge(node, 6, 3); }, {{5, {2}}, {6, {3}}}},
      {[](Node& node) { return node.Checkpoint(); }, {{5, {2}}, {6, {3}}}},
      {[](Node& node) { return node.DropReplica(6); }, {{5, {2}}}},
      {[](Node& node) { return Merge(node, 5, 4); }, {{5, {2, 4}}}},
      {[](Node& node) { return Add(node, 6); }, {{5, {2, 4}}, {6, {}}}},
  };
}

// The database relies on a file system that lengthens a file only once the new bytes are in it; the simulated disk may
// keep the length and lose a sector before it.
bool IsTornManifest(const Status& status) {
  return status.code() == Code::kCorruption && status.message().find("/database/MANIFEST") != std::string_view::npos;
}

// Whether a node came up with one of `allowed`, writable.
testing::AssertionResult CameBack(Result<std::unique_ptr<Node>> node, const std::vector<Contents>& allowed) {
  if (!node.ok()) return testing::AssertionFailure() << "open: " << node.status().ToString();
  if (const std::string reason = (*node)->ReadOnlyReason(); !reason.empty()) {
    return testing::AssertionFailure() << "read-only: " << reason;
  }
  const Result<Contents> found = Read(**node);
  if (!found.ok()) return testing::AssertionFailure() << found.status().ToString();
  if (std::find(allowed.begin(), allowed.end(), *found) == allowed.end()) {
    return testing::AssertionFailure() << testing::PrintToString(*found) << " is none of "
                                       << testing::PrintToString(allowed);
  }
  for (const uint32_t shard : {5, 6, 7}) {
    Status status = Add(**node, shard);
    if (status.ok()) status = Merge(**node, shard, 50);
    if (!status.ok()) return testing::AssertionFailure() << "later: " << status.ToString();
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult ComesBack(SimDisk& disk, const std::vector<Contents>& allowed) {
  return CameBack(OpenNode(disk), allowed);
}

TEST(ReplicaCrash, AnAnsweredChangeOutlivesPowerLossAtAnyMoment) {
  SimDisk disk;
  const std::vector<Step> story = Story();
  {
    auto node = OpenNode(disk).value();
    disk.StartTrace();
    for (size_t i = 0; i < story.size(); ++i) {
      const Status status = story[i].act(*node);
      ASSERT_TRUE(status.ok()) << "step " << i << ": " << status.ToString();
      disk.Mark(i + 1);
    }
  }
  const io::SimTrace trace = disk.trace();
  const io::CrashEnumerationOptions options = {
      .states_per_point_max = 3,
      .operations_per_point = std::max<size_t>(1, trace.operations.size() / 80),
      .directory_operations_in_order = true};  // the database needs it
  uint64_t states = 0, torn = 0;
  io::EnumerateCrashStates(trace, options, [&](SimDisk& crashed, const io::CrashPoint& point) {
    const Contents before = point.mark == 0 ? Contents{} : story[point.mark - 1].after;
    std::vector<Contents> allowed = {before};
    if (point.mark < story.size()) allowed.push_back(story[point.mark].after);
    auto node = OpenNode(crashed);
    ++states;
    if (IsTornManifest(node.status())) {
      ++torn;
      return;
    }
    EXPECT_TRUE(CameBack(std::move(node), allowed)) << "after step " << point.mark << ", " << point.after;
  });
  EXPECT_GT(states, 100u);
  EXPECT_LT(torn, states / 10);
}

// RHIZOME_FAULTS says how many calls of a step fail in turn. A flush that fails makes the database wait a second.
uint64_t RunsPerFault() {
  const char* text = std::getenv("RHIZOME_FAULTS");
  return text == nullptr ? 6 : std::strtoull(text, nullptr, 10);
}

// One step of the story with its nth call failing.
class ReplicaFault : public testing::TestWithParam<std::tuple<size_t, SimFault>> {
 protected:
  // Runs the story up to `step`, whose nth call fails; returns how many calls the step made.
  uint64_t FailCall(size_t step, uint64_t nth, SimFault fault) {
    const std::vector<Step> story = Story();
    SimDisk disk({.seed = nth + 1});
    const Contents before = step == 0 ? Contents{} : story[step - 1].after;
    std::vector<Contents> allowed = {before, story[step].after};
    uint64_t calls = 0;
    {
      auto node = OpenNode(disk).value();
      for (size_t i = 0; i < step; ++i) EXPECT_TRUE(story[i].act(*node).ok());
      const uint64_t calls_before = disk.operations();
      if (nth != kNone) disk.FailOperation(nth, fault);
      const Status status = story[step].act(*node);
      calls = disk.operations() - calls_before;
      if (status.ok()) allowed = {story[step].after};
      SimDisk crashed(disk.state(), {.seed = 7});
      crashed.Crash(*io::RandomChooser(nth), true);
      auto after_power_loss = OpenNode(crashed);
      if (!IsTornManifest(after_power_loss.status())) {
        EXPECT_TRUE(CameBack(std::move(after_power_loss), allowed)) << "power loss after call " << nth;
      }
      failures_ += status.ok() ? 0 : 1;
    }
    EXPECT_TRUE(ComesBack(disk, allowed)) << "restart after call " << nth;
    return calls;
  }

  static constexpr uint64_t kNone = UINT64_MAX;
  uint64_t failures_ = 0;
};

TEST_P(ReplicaFault, LeavesTheReplicaThereOrNot) {
  const auto [step, fault] = GetParam();
  const uint64_t calls = FailCall(step, kNone, fault);
  EXPECT_EQ(failures_, 0u);
  const uint64_t stride = std::max<uint64_t>(1, calls / RunsPerFault());
  for (uint64_t nth = 0; nth < calls && !HasFailure(); nth += stride) FailCall(step, nth, fault);
  // Most calls of a drop only clear up, and what fails there is left for the next start.
  for (uint64_t nth = 0; nth < calls && failures_ == 0 && !HasFailure(); ++nth) FailCall(step, nth, fault);
  EXPECT_GT(failures_, 0u) << "no fault was felt";
}

constexpr size_t kAddStep = 3, kDropStep = 2, kDropCheckpointedStep = 8;
INSTANTIATE_TEST_SUITE_P(Calls, ReplicaFault,
                         testing::Combine(testing::Values(kAddStep, kDropStep, kDropCheckpointedStep),
                                          testing::Values(SimFault::kIoError, SimFault::kNoSpace)),
                         [](const auto& info) {
                           const size_t step = std::get<0>(info.param);
                           return std::string(step == kAddStep    ? "Add"
                                              : step == kDropStep ? "Drop"
                                                                  : "DropCheckpointed") +
                                  (std::get<1>(info.param) == SimFault::kIoError ? "IoError" : "NoSpace");
                         });

}  // namespace
}  // namespace rhizome::cluster
