// What the engine does when the disk fails, crashes or holds what it should not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scratch_testing.h"
#include "engines/series/engine.h"
#include "engines/series/engine_testing.h"
#include "io/crash_enumeration.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

using format::MatchKind;
using io::SimDisk;
using io::SimFault;

constexpr const char* kFolder = "shard";
constexpr const char* kManifest = "shard/MANIFEST";

Result<std::unique_ptr<SeriesEngine>> Open(io::Disk& disk) { return SeriesEngine::Open(disk, {kFolder, {}}); }

std::unique_ptr<SeriesEngine> MustOpen(io::Disk& disk) {
  auto engine = Open(disk);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  return std::move(engine).value();
}

// Records of which a checkpoint after each makes blocks that overlap, and that a compaction has work with.
std::vector<TestRecord> Records() {
  const auto web = LabelsOf({{"__name__", "up"}, {"job", "web"}});
  const auto db = LabelsOf({{"__name__", "up"}, {"job", "db"}});
  std::vector<TestRecord> records;
  records.push_back(TestBatch{VersionAt(kEpochMs), {{web, kEpochMs, 1}, {db, kEpochMs, 2}}});
  records.push_back(
      TestBatch{VersionAt(kEpochMs + 5 * kHourMs), {{web, kEpochMs + 5 * kHourMs, 1}, {web, kEpochMs, 2}}});
  records.push_back(
      Deletion{StampOf(kEpochMs + 6 * kHourMs), INT64_MIN, INT64_MAX, {MatcherOf("job", MatchKind::kEqual, "db")}});
  records.push_back(TestBatch{VersionAt(kEpochMs + 7 * kHourMs), {{db, kEpochMs + 7 * kHourMs, 3}}});
  return records;
}

Model ModelOf(const std::vector<TestRecord>& records, size_t count) {
  Model model;
  for (size_t i = 0; i < count; ++i) model.Apply(records[i]);
  return model;
}

Status CompactAll(SeriesEngine& engine) {
  while (true) {
    ASSIGN_OR_RETURN(const bool more, engine.Compact());
    if (!more) return Status::Ok();
  }
}

void ApplyFrom(SeriesEngine& engine, const std::vector<TestRecord>& records) {
  for (uint64_t lsn = engine.applied_lsn() + 1; lsn <= records.size(); ++lsn) {
    EXPECT_TRUE(ApplyRecord(engine, lsn, records[lsn - 1]).ok());
  }
}

// A checkpoint after each record, then compaction.
Status RunAll(SeriesEngine& engine, const std::function<void(uint64_t)>& mark) {
  const auto records = Records();
  for (uint64_t lsn = 1; lsn <= records.size(); ++lsn) {
    RETURN_IF_ERROR(ApplyRecord(engine, lsn, records[lsn - 1]));
    RETURN_IF_ERROR(engine.Checkpoint());
    mark(lsn);
  }
  RETURN_IF_ERROR(CompactAll(engine));
  return engine.SetHorizon(kEpochMs + 1);
}

// Files that are gone are read on by who had them mapped.
TEST(SeriesEngineDisk, TheMachinesOwnDiskDoesToo) {
  const ScratchFolder folder;
  const auto records = Records();
  const Model model = ModelOf(records, records.size());
  auto engine = SeriesEngine::Open(io::RealDisk(), {folder.path(), {}}).value();
  for (uint64_t lsn = 1; lsn <= records.size(); ++lsn) {
    ASSERT_TRUE(ApplyRecord(*engine, lsn, records[lsn - 1]).ok());
    ASSERT_TRUE(engine->Checkpoint().ok());
  }
  const auto selection = engine->Select({}, INT64_MIN, INT64_MAX);
  const uint64_t blocks = engine->counts().blocks;
  ASSERT_TRUE(CompactAll(*engine).ok());
  EXPECT_LT(engine->counts().blocks, blocks);
  EXPECT_EQ(Ask(*engine).value(), model.Ask());
  engine = SeriesEngine::Open(io::RealDisk(), {folder.path(), {}}).value();
  EXPECT_EQ(engine->applied_lsn(), records.size());
  EXPECT_EQ(Ask(*engine).value(), model.Ask());
  EXPECT_TRUE(engine->Verify().ok());
  size_t series = 0;
  while (selection->Next().value()) ++series;
  EXPECT_EQ(series, model.Ask().size());
}

TEST(SeriesEngineDisk, OpenRemovesWhatTheManifestDoesNotName) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(RunAll(*MustOpen(disk), [](uint64_t) {}).ok());
  const auto before = disk.List(kFolder).value();
  ASSERT_TRUE(io::WriteFileAtomically(disk, "shard/block.99", "an interrupted checkpoint's").ok());
  ASSERT_TRUE(io::WriteFileAtomically(disk, "shard/MANIFEST.new", "an interrupted rename's").ok());
  MustOpen(disk);
  EXPECT_EQ(disk.List(kFolder).value(), before);
}

TEST(SeriesEngineDisk, ABlockThatIsNamedAndNotThereIsCorruption) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(RunAll(*MustOpen(disk), [](uint64_t) {}).ok());
  for (const std::string& name : disk.List(kFolder).value()) {
    if (name == kManifestName) continue;
    ASSERT_TRUE(disk.Remove("shard/" + name).ok());
    const Status status = Open(disk).status();
    EXPECT_EQ(status.code(), Code::kCorruption);
    EXPECT_NE(status.message().find(name), std::string::npos);
    return;
  }
  FAIL() << "no block";
}

TEST(SeriesEngineDisk, BlocksWithoutAManifestAreNotTakenForGarbage) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(RunAll(*MustOpen(disk), [](uint64_t) {}).ok());
  const size_t files = disk.List(kFolder).value().size();
  ASSERT_TRUE(disk.Remove(kManifest).ok());
  EXPECT_EQ(Open(disk).status().code(), Code::kCorruption);
  EXPECT_EQ(disk.List(kFolder).value().size(), files - 1);
}

TEST(SeriesEngineDisk, ADamagedFileIsNamed) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(RunAll(*MustOpen(disk), [](uint64_t) {}).ok());
  for (const std::string& name : disk.List(kFolder).value()) {
    const std::string path = "shard/" + name;
    const uint64_t size = disk.Inspect(path)->size;
    ASSERT_TRUE(disk.FlipBit(path, size - 1, 3).ok());
    const Status status = Open(disk).status();
    EXPECT_EQ(status.code(), Code::kCorruption);
    EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
    ASSERT_TRUE(disk.FlipBit(path, size - 1, 3).ok());
  }
  EXPECT_TRUE(Open(disk).ok());
}

TEST(SeriesEngineDisk, EveryFailureToOpenIsReportedAndHarmless) {
  SimDisk fresh;
  ASSERT_TRUE(fresh.CreateDirectory(kFolder).ok());
  SimDisk full;
  ASSERT_TRUE(full.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(RunAll(*MustOpen(full), [](uint64_t) {}).ok());
  ASSERT_TRUE(io::WriteFileAtomically(full, "shard/block.99", "garbage").ok());
  for (SimDisk* const base : {&fresh, &full}) {
    SimDisk counting(base->state(), {});
    const Answer expected = Ask(*MustOpen(counting)).value();
    for (uint64_t nth = 0; nth < counting.operations(); ++nth) {
      SimDisk disk(base->state(), {});
      disk.FailOperation(nth, SimFault::kIoError);
      EXPECT_EQ(Open(disk).status().code(), Code::kIoError) << nth;
      EXPECT_EQ(Ask(*MustOpen(disk)).value(), expected);
    }
  }
}

// Whatever call fails in whatever way: nothing that was known is lost, and the next attempt succeeds.
TEST(SeriesEngineDisk, EveryFailureOfACheckpointOrACompactionIsHarmless) {
  const auto records = Records();
  for (const size_t count : {size_t{2}, records.size()}) {
    for (const bool compact : {false, true}) {
      const Answer expected = ModelOf(records, count).Ask();
      const auto prepare = [&](SimDisk& disk) {
        EXPECT_TRUE(disk.CreateDirectory(kFolder).ok());
        auto engine = MustOpen(disk);
        for (uint64_t lsn = 1; lsn <= count; ++lsn) {
          EXPECT_TRUE(ApplyRecord(*engine, lsn, records[lsn - 1]).ok());
          if (compact) EXPECT_TRUE(engine->Checkpoint().ok());
        }
        return engine;
      };
      const auto run = [&](SeriesEngine& engine) { return compact ? CompactAll(engine) : engine.Checkpoint(); };
      SimDisk counting;
      auto counted = prepare(counting);
      const uint64_t before = counting.operations();
      ASSERT_TRUE(run(*counted).ok());
      const uint64_t calls = counting.operations() - before;
      ASSERT_GT(calls, compact && count == 2 ? 0u : 5u);
      const size_t files = counting.List(kFolder).value().size();
      for (uint64_t nth = 0; nth < calls; ++nth) {
        for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace, SimFault::kSyncLies}) {
          SCOPED_TRACE(testing::Message() << count << compact << " call " << nth);
          SimDisk disk;
          auto engine = prepare(disk);
          disk.FailOperation(nth, fault);
          (void)run(*engine);  // the failure of a removal is none
          EXPECT_EQ(Ask(*engine).value(), expected);
          EXPECT_TRUE(run(*engine).ok());
          EXPECT_EQ(Ask(*engine).value(), expected);
          engine = MustOpen(disk);
          ApplyFrom(*engine, {records.begin(), records.begin() + static_cast<ptrdiff_t>(count)});
          EXPECT_EQ(Ask(*engine).value(), expected);
          EXPECT_EQ(disk.List(kFolder).value().size(), files);
        }
      }
    }
  }
}

TEST(SeriesEngineDisk, AFullDiskLeavesNoFilesBehind) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  auto engine = MustOpen(disk);
  const auto records = Records();
  ApplyFrom(*engine, records);
  const auto before = disk.List(kFolder).value();
  disk.SetCapacity(disk.used_bytes() + 10);
  EXPECT_EQ(engine->Checkpoint().code(), Code::kNoSpace);
  EXPECT_EQ(engine->checkpoint_lsn(), 0u);
  EXPECT_EQ(disk.List(kFolder).value(), before);
  disk.SetCapacity(UINT64_MAX);
  // What came meanwhile goes with it.
  EXPECT_TRUE(ApplyRecord(*engine, 5, TestBatch{VersionAt(kEpochMs), {{LabelsOf({{"n", "x"}}), kEpochMs, 1}}}).ok());
  EXPECT_TRUE(engine->Checkpoint().ok());
  EXPECT_EQ(engine->checkpoint_lsn(), 5u);
  engine = MustOpen(disk);
  EXPECT_EQ(Ask(*engine)->size(), 3u);
}

// After a power loss at any moment the state is that of a checkpoint that was promised, or of a newer one, and replay
// makes it whole.
TEST(SeriesEngineDisk, EveryCrashLeavesACheckpointThatReplayCompletes) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
  ASSERT_TRUE(disk.SyncDirectory("").ok());
  disk.StartTrace();
  ASSERT_TRUE(RunAll(*MustOpen(disk), [&](uint64_t lsn) { disk.Mark(lsn); }).ok());
  const auto records = Records();
  const Model model = ModelOf(records, records.size());
  const auto counts = io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
    SCOPED_TRACE(point.after);
    auto engine = Open(crashed);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    EXPECT_GE((*engine)->applied_lsn(), point.mark);
    const uint64_t lsn = (*engine)->applied_lsn();
    // From the horizon on, which may or may not have been set.
    EXPECT_EQ(Ask(**engine, {}, kEpochMs + 1).value(), ModelOf(records, lsn).Ask({}, kEpochMs + 1));
    EXPECT_TRUE((*engine)->Verify().ok());
    ApplyFrom(**engine, records);
    EXPECT_EQ(Ask(**engine, {}, kEpochMs + 1).value(), model.Ask({}, kEpochMs + 1));
    EXPECT_TRUE((*engine)->Checkpoint().ok());
    EXPECT_TRUE(CompactAll(**engine).ok());
    EXPECT_EQ(Ask(**engine, {}, kEpochMs + 1).value(), model.Ask({}, kEpochMs + 1));
  });
  EXPECT_GT(counts.points, 50u);
  EXPECT_GT(counts.states, 200u);
}

// The enumeration sees a sync that is missing.
TEST(SeriesEngineDisk, ACrashAfterSyncsThatDidNothingIsNoticed) {
  for (const bool directory : {false, true}) {
    SimDisk disk({.sync_does_nothing = !directory, .directory_sync_does_nothing = directory});
    ASSERT_TRUE(disk.CreateDirectory(kFolder).ok());
    disk.StartTrace();
    ASSERT_TRUE(RunAll(*MustOpen(disk), [&](uint64_t lsn) { disk.Mark(lsn); }).ok());
    uint64_t broken = 0;
    io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
      auto engine = Open(crashed);
      broken += !engine.ok() || (*engine)->applied_lsn() < point.mark || !(*engine)->Verify().ok();
    });
    EXPECT_GT(broken, 0u);
  }
}

}  // namespace
}  // namespace rhizome::series
