#include "kv/rocks_file_system.h"

#include <gtest/gtest.h>

#include <set>

#include "io/crash_enumeration.h"
#include "kv/store.h"

namespace rhizome::kv {
namespace {

using io::SimDisk;

std::string KeyOf(uint64_t i) { return "key" + std::to_string(1000 + i); }
std::string ValueOf(uint64_t i) { return "value " + std::to_string(i) + std::string(i % 7 * 100, 'v'); }

// State as the shard keeps it: two families and, in the same batch, how far the log has been applied.
WriteBatch Step(uint64_t i) {
  WriteBatch batch;
  batch.Put(Family::kPoints, KeyOf(i), ValueOf(i));
  batch.Put(Family::kDocuments, KeyOf(i), ValueOf(i));
  batch.Put(Family::kMeta, "applied", std::to_string(i));
  return batch;
}

// Every family stands at the applied step, which is at least `flushed`; how far that is goes to `applied`.
testing::AssertionResult StandsAtOneStep(Store& store, uint64_t flushed, uint64_t last) {
  const auto applied = store.Get(Family::kMeta, "applied");
  if (!applied.ok()) return testing::AssertionFailure() << applied.status().ToString();
  const uint64_t step = *applied ? std::stoull(**applied) : 0;
  if (step < flushed) return testing::AssertionFailure() << "flushed " << flushed << ", found " << step;
  for (const Family family : {Family::kPoints, Family::kDocuments}) {
    for (uint64_t i = 1; i <= last; ++i) {
      const auto value = store.Get(family, KeyOf(i));
      if (!value.ok()) return testing::AssertionFailure() << value.status().ToString();
      const std::optional<std::string> expected = i <= step ? std::optional(ValueOf(i)) : std::nullopt;
      if (*value != expected) return testing::AssertionFailure() << "step " << step << ", wrong key " << i;
    }
  }
  return testing::AssertionSuccess();
}

void Live(SimDisk& disk, uint64_t from, uint64_t until) {
  ASSERT_TRUE(io::CreateDirectories(disk, "/db").ok());  // RocksDB does not sync the parent of its directory
  const auto env = NewDiskEnv(disk);
  const auto store = Store::Open("/db", {.env = env.get()});
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  for (uint64_t i = from; i <= until; ++i) {
    ASSERT_TRUE((*store)->Write(Step(i)).ok());
    if (i % 5 != 0) continue;
    ASSERT_TRUE((*store)->Flush().ok());
    disk.Mark(i);
  }
}

TEST(RocksFileSystem, StoreLivesOnASimulatedDisk) {
  SimDisk disk;
  Live(disk, 1, 20);
  const auto env = NewDiskEnv(disk);
  auto store = Store::Open("/db", {.env = env.get()});
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_TRUE(StandsAtOneStep(**store, 20, 20));
  EXPECT_EQ(Store::Open("/db", {.env = env.get()}).status().ok(), false);  // locked
}

// About 120 crash points, three states each: a sample, so that the test stays in seconds.
uint64_t CountBadCrashStates(SimDisk& disk, uint64_t last, std::string& first_message) {
  uint64_t bad = 0;
  const io::SimTrace trace = disk.trace();
  const io::CrashEnumerationOptions options = {
      .states_per_point_max = 3,
      .operations_per_point = std::max<size_t>(1, trace.operations.size() / 120),
      .directory_operations_in_order = true};
  io::EnumerateCrashStates(trace, options, [&](SimDisk& crashed, const io::CrashPoint& point) {
    const auto env = NewDiskEnv(crashed);
    auto store = Store::Open("/db", {.env = env.get()});
    const auto good = store.ok() ? StandsAtOneStep(**store, point.mark, last)
                                 : testing::AssertionFailure() << store.status().ToString();
    if (!good && bad++ == 0) first_message = point.after + ": " + good.message();
  });
  return bad;
}

TEST(RocksFileSystem, EveryCrashStateStandsAtOneStepPastTheLastFlush) {
  SimDisk disk;
  disk.StartTrace();
  Live(disk, 1, 12);
  Live(disk, 11, 17);
  std::string message;
  EXPECT_EQ(CountBadCrashStates(disk, 17, message), 0u) << message;
}

// A change that spans two sectors of a MANIFEST that counts already could be torn, and the database would not open.
TEST(RocksFileSystem, NothingIsAppendedToAManifestThatCounts) {
  SimDisk disk;
  disk.StartTrace();
  Live(disk, 1, 12);
  Live(disk, 11, 17);
  std::set<std::string> synced;
  for (const io::SimOperation& operation : disk.trace().operations) {
    if (operation.path.find("/MANIFEST-") == std::string::npos) continue;
    if (operation.kind == io::SimOperation::Kind::kSync) synced.insert(operation.path);
    if (operation.kind == io::SimOperation::Kind::kWrite)
      EXPECT_FALSE(synced.contains(operation.path)) << operation.ToString();
  }
  EXPECT_GT(synced.size(), 4u);
}

TEST(RocksFileSystem, EnumerationCatchesASkippedSync) {
  SimDisk disk({.sync_does_nothing = true});
  disk.StartTrace();
  Live(disk, 1, 12);
  std::string message;
  EXPECT_GT(CountBadCrashStates(disk, 12, message), 0u);
}

TEST(RocksFileSystem, FullDiskIsSaidAndLosesNothingFlushed) {
  SimDisk disk;
  Live(disk, 1, 10);
  disk.SetCapacity(disk.used_bytes() + 100);
  {
    const auto env = NewDiskEnv(disk);
    auto store = Store::Open("/db", {.env = env.get()});
    Status status = store.status();
    for (uint64_t i = 11; status.ok() && i < 100; ++i) {
      status = (*store)->Write(Step(i));
      if (status.ok()) status = (*store)->Flush();
    }
    EXPECT_EQ(status.code(), Code::kNoSpace) << status.ToString();
  }
  disk.SetCapacity(UINT64_MAX);
  disk.Crash();
  const auto env = NewDiskEnv(disk);
  auto store = Store::Open("/db", {.env = env.get()});
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_TRUE(StandsAtOneStep(**store, 10, 100));
}

TEST(RocksFileSystem, FailedSyncStopsTheStoreAndLosesNothingFlushed) {
  for (uint64_t k = 0; k < 40; k += 8) {
    SimDisk disk({.seed = k});
    Live(disk, 1, 10);
    {
      const auto env = NewDiskEnv(disk);
      auto store = Store::Open("/db", {.env = env.get()});
      ASSERT_TRUE(store.ok()) << store.status().ToString();
      ASSERT_TRUE((*store)->Write(Step(11)).ok());
      disk.FailOperation(k, io::SimFault::kSyncLies);
      (void)(*store)->Flush().ok();
    }
    disk.Crash();
    const auto env = NewDiskEnv(disk);
    auto store = Store::Open("/db", {.env = env.get()});
    ASSERT_TRUE(store.ok()) << k << ": " << store.status().ToString();
    EXPECT_TRUE(StandsAtOneStep(**store, 10, 11)) << k;
  }
}

}  // namespace
}  // namespace rhizome::kv
