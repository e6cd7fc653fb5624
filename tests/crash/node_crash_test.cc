// A whole node (log, database, snapshots, catalogue) on a simulated disk: power loss at sampled moments, and failures
// of single calls. The database runs threads of its own, so states are sampled, not enumerated.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "io/crash_enumeration.h"
#include "io/sim_disk.h"
#include "node_model.h"

namespace rhizome::crash {
namespace {

using cluster::Node;
using cluster::NodeOptions;
using io::SimDisk;
using io::SimFault;

constexpr uint64_t kSteps = 45;
constexpr uint64_t kStepsPerCheckpoint = 9;

// A small memtable makes the database write tables by itself, not only at checkpoints.
Result<std::unique_ptr<Node>> OpenNode(SimDisk& disk, uint64_t memtable_bytes = 64 << 10) {
  NodeOptions options;
  options.data_dir = "/data";
  options.index_threads = 1;
  options.memtable_bytes = memtable_bytes;
  return Node::Open(disk, options);
}

// Writes steps [from, to] and checkpoints now and then; marks each acknowledged step.
void Live(SimDisk& disk, NodeModel& model, uint64_t from, uint64_t to) {
  auto node = OpenNode(disk);
  ASSERT_TRUE(node.ok()) << node.status().ToString();
  if (from == 1) {
    const Status created = NodeModel::CreateCollection(**node);
    ASSERT_TRUE(created.ok()) << created.ToString();
  }
  for (uint64_t step = from; step <= to; ++step) {
    const Status status = model.Write(**node, step);
    ASSERT_TRUE(status.ok()) << status.ToString();
    disk.Mark(step);
    if (step % kStepsPerCheckpoint == 0) {
      ASSERT_TRUE((*node)->Checkpoint().ok());
    }
  }
}

// What a node opened on this disk breaks of the promises, or success.
testing::AssertionResult ComesBack(SimDisk& disk, const NodeModel& model) {
  auto node = OpenNode(disk);
  if (!node.ok()) return testing::AssertionFailure() << "open: " << node.status().ToString();
  if (const std::string reason = (*node)->ReadOnlyReason(); !reason.empty()) {
    return testing::AssertionFailure() << "read-only: " << reason;
  }
  if (auto holds = model.Holds(**node); !holds) return holds;
  NodeModel later = model;
  const Status status = later.Write(**node, 1'000);
  if (!status.ok()) return testing::AssertionFailure() << "a write after recovery: " << status.ToString();
  return later.Holds(**node);
}

NodeModel After(uint64_t acknowledged) {
  NodeModel model;
  for (uint64_t step = 1; step <= acknowledged; ++step) model.Acknowledged(step);
  model.Sent(acknowledged + 1);
  return model;
}

struct CrashCounts {
  uint64_t states = 0;
  uint64_t bad = 0;
  std::string first;
};

CrashCounts CrashEverywhere(SimDisk& disk, uint64_t points, uint64_t bad_max) {
  CrashCounts counts;
  const io::SimTrace trace = disk.trace();
  const io::CrashEnumerationOptions options = {
      .states_per_point_max = 3,
      .operations_per_point = std::max<size_t>(1, trace.operations.size() / points),
      .directory_operations_in_order = true};  // the database needs it
  io::EnumerateCrashStates(trace, options, [&](SimDisk& crashed, const io::CrashPoint& point) {
    // Before the first step the collection itself may not be there yet.
    if (point.mark == 0 || counts.bad >= bad_max) return;
    ++counts.states;
    const auto good = ComesBack(crashed, After(point.mark));
    if (!good && counts.bad++ == 0) {
      counts.first = "after step " + std::to_string(point.mark) + ", " + point.after + ": " + good.message();
    }
  });
  return counts;
}

TEST(NodeCrash, AcknowledgedWritesOutlivePowerLossAtAnyMoment) {
  SimDisk disk;
  disk.StartTrace();
  NodeModel model;
  Live(disk, model, 1, 30);
  Live(disk, model, 31, kSteps);
  const CrashCounts counts = CrashEverywhere(disk, 60, UINT64_MAX);
  EXPECT_EQ(counts.bad, 0u) << "of " << counts.states << "; the first: " << counts.first;
  EXPECT_GT(counts.states, 100u);
}

TEST(NodeCrash, SkippedSyncsAreSeen) {
  SimDisk disk({.sync_does_nothing = true});
  disk.StartTrace();
  NodeModel model;
  Live(disk, model, 1, 20);
  EXPECT_GT(CrashEverywhere(disk, 30, 1).bad, 0u);
}

// A node with some history, closed cleanly; the state every fault starts from.
struct History {
  History() {
    SimDisk disk;
    Live(disk, model, 1, 20);
    state = disk.state();
  }
  io::SimState state;
  NodeModel model;
};

// Lives through steps while one call fails; answers may be failures, never wrong data.
class FaultRun {
 public:
  FaultRun(const History& history, uint64_t nth, SimFault fault)
      : model_(history.model), disk_(history.state, {.seed = nth + 1}) {
    disk_.FailOperation(nth, fault);
  }

  testing::AssertionResult Run() {
    {
      auto node = OpenNode(disk_);
      if (node.ok()) {
        if (auto good = Use(**node); !good) return good;
        SimDisk crashed(disk_.state(), {.seed = 7});
        crashed.Crash(*io::RandomChooser(7), true);
        if (auto good = ComesBack(crashed, model_); !good) return good << " (after a power loss)";
      }
    }
    auto good = ComesBack(disk_, model_);
    return good ? good : good << " (after a restart)";
  }
  uint64_t failures() const { return failures_; }

 private:
  testing::AssertionResult Use(Node& node) {
    for (uint64_t step = 21; step <= 40; ++step) {
      if (!model_.Write(node, step).ok()) ++failures_;
      if (step % kStepsPerCheckpoint == 0 && !node.Checkpoint().ok()) ++failures_;
    }
    return model_.Holds(node, 1);
  }

  NodeModel model_;
  SimDisk disk_;
  uint64_t failures_ = 0;
};

// RHIZOME_FAULTS says how many calls of a run fail in turn.
uint64_t RunsPerFault() {
  const char* text = std::getenv("RHIZOME_FAULTS");
  return text == nullptr ? 20 : std::strtoull(text, nullptr, 10);
}

class NodeFault : public testing::TestWithParam<SimFault> {};

TEST_P(NodeFault, NeverMakesTheNodeAnswerWrong) {
  const History history;
  SimDisk counted(history.state, {});
  NodeModel model = history.model;
  Live(counted, model, 21, 40);
  const uint64_t operations = counted.operations();
  uint64_t failures = 0;
  for (uint64_t nth = 0; nth < operations; nth += std::max<uint64_t>(1, operations / RunsPerFault())) {
    FaultRun run(history, nth, GetParam());
    EXPECT_TRUE(run.Run()) << "call " << nth << " of " << operations;
    failures += run.failures();
  }
  EXPECT_GT(failures, 0u) << "no fault was felt";
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeFault, testing::Values(SimFault::kIoError, SimFault::kNoSpace, SimFault::kSyncLies),
                         [](const auto& kind) {
                           return kind.param == SimFault::kIoError   ? "IoError"
                                  : kind.param == SimFault::kNoSpace ? "NoSpace"
                                                                     : "SyncLies";
                         });

TEST(NodeDiskFull, IsSaidReadsGoOnAndARestartWithRoomLosesNothing) {
  SimDisk disk;
  NodeModel model;
  Live(disk, model, 1, 20);
  {
    auto node = OpenNode(disk);  // the log has reserved its space: the database meets the end of the disk
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    disk.SetCapacity(disk.used_bytes() + 2'000);
    uint64_t step = 21;
    Status status;
    for (; status.ok() && step < 100'000; ++step) status = model.Write(**node, step);
    EXPECT_EQ(status.code(), Code::kIoError) << status.ToString();  // durable, outcome unknown to the client
    for (int i = 0; i < 30 && status.code() == Code::kIoError; ++i) status = model.Write(**node, step++);
    EXPECT_EQ(status.code(), Code::kNoSpace) << status.ToString();
    EXPECT_NE((*node)->ReadOnlyReason(), "");
    EXPECT_TRUE(model.Holds(**node));
  }
  disk.SetCapacity(UINT64_MAX);
  EXPECT_TRUE(ComesBack(disk, model));
}

}  // namespace
}  // namespace rhizome::crash
