#include "coordination/embedded.h"

#include <gtest/gtest.h>

#include <map>

#include "coordination/coordination_testing.h"
#include "io/crash_enumeration.h"
#include "io/sim_disk.h"

namespace rhizome::coordination {
namespace {

using io::SimDisk;
using io::SimFault;

const std::string kPath = "/data/coordination";

std::unique_ptr<Embedded> MustOpen(io::Disk& disk, Clock& clock = SystemClock()) {
  auto store = Embedded::Open(disk, kPath, clock);
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return std::move(store).value();
}

TEST(Embedded, ReopenedStoreIsAsItWas) {
  SimDisk disk;
  auto store = MustOpen(disk);
  const LeaseId lease = MustGrant(*store, 60'000);
  MustCommit(*store, {{}, {Put("a", "1", lease), Put("b", "1")}});
  MustCommit(*store, {{}, {Delete("b")}});
  const Listing before = MustList(*store);
  store.reset();
  store = MustOpen(disk);
  EXPECT_EQ(MustList(*store).entries, before.entries);
  EXPECT_EQ(MustList(*store).revision, before.revision);
}

TEST(Embedded, LeasesHaveTheirWholeLifeAgainAfterARestart) {
  SimDisk disk;
  SimClock clock;
  auto store = MustOpen(disk, clock);
  const LeaseId lease = MustGrant(*store, 1'000);
  MustCommit(*store, {{}, {Put("a", "", lease)}});
  clock.AdvanceMs(900);
  store.reset();
  clock.AdvanceMs(100'000);
  store = MustOpen(disk, clock);
  clock.AdvanceMs(999);
  EXPECT_EQ(MustList(*store).entries.size(), 1u);
  EXPECT_EQ(store->KeepAlive(lease).value(), 1'000);
  clock.AdvanceMs(1'000);
  EXPECT_TRUE(MustList(*store).entries.empty());
  EXPECT_EQ(store->KeepAlive(lease).status().code(), Code::kNotFound);
}

TEST(Embedded, EveryCallEndsWhatIsDueFirst) {
  SimDisk disk;
  SimClock clock;
  auto store = MustOpen(disk, clock);
  const auto due = [&] {
    const LeaseId lease = MustGrant(*store, 10);
    MustCommit(*store, {{}, {Put("a", "", lease)}});
    clock.AdvanceMs(10);
    return lease;
  };
  due();
  EXPECT_TRUE(MustCommit(*store, {{{"a", 0}}, {}}).succeeded);
  EXPECT_EQ(store->KeepAlive(due()).status().code(), Code::kNotFound);
  EXPECT_EQ(store->Revoke(due()).code(), Code::kNotFound);
  const int64_t revision = MustList(*store).revision;
  due();
  EXPECT_EQ(store->AwaitChange("a", revision + 1, 0).value(), revision + 2);
}

TEST(Embedded, ExpiryThatWasShownIsNotUndoneByACrash) {
  SimDisk disk;
  SimClock clock;
  auto store = MustOpen(disk, clock);
  MustCommit(*store, {{}, {Put("a", "", MustGrant(*store, 10))}});
  clock.AdvanceMs(10);
  EXPECT_TRUE(MustList(*store).entries.empty());
  store.reset();
  disk.Crash();
  EXPECT_TRUE(MustList(*MustOpen(disk, clock)).entries.empty());
}

TEST(Embedded, DirectoryHasOneOwner) {
  SimDisk disk;
  auto store = MustOpen(disk);
  EXPECT_EQ(Embedded::Open(disk, kPath).status().code(), Code::kFailedPrecondition);
  store.reset();
  EXPECT_TRUE(Embedded::Open(disk, kPath).ok());
}

TEST(Embedded, DamageIsReportedNotGuessed) {
  SimDisk disk;
  MustCommit(*MustOpen(disk), {{}, {Put("a", "1")}});
  ASSERT_TRUE(disk.FlipBit(kPath + "/state", 20, 3).ok());
  const Status status = Embedded::Open(disk, kPath).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(kPath + "/state"), std::string::npos);
}

TEST(Embedded, FullDiskPassesAndMeanwhileIsUnknown) {
  SimDisk disk;
  auto store = MustOpen(disk);
  MustCommit(*store, {{}, {Put("a", "1")}});
  disk.SetCapacity(disk.used_bytes());
  EXPECT_EQ(store->Commit({{}, {Put("b", std::string(2000, 'v'))}}).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(store->Grant(1000).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(MustList(*store).entries.size(), 1u);
  disk.SetCapacity(UINT64_MAX);
  EXPECT_EQ(MustCommit(*store, {{}, {Put("b", "2")}}).revision, 3);
}

TEST(Embedded, AnyOtherFailureIsFinalUntilReopened) {
  SimDisk disk;
  auto store = MustOpen(disk);
  MustCommit(*store, {{}, {Put("a", "1")}});
  const LeaseId lease = MustGrant(*store, 60'000);
  disk.FailOperation(0, SimFault::kIoError);
  EXPECT_EQ(store->Revoke(lease).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(store->Commit({{}, {Put("a", "2")}}).status().code(), Code::kUnavailable);
  EXPECT_EQ(store->List("").status().code(), Code::kUnavailable);
  EXPECT_EQ(store->Grant(1000).status().code(), Code::kUnavailable);
  EXPECT_EQ(store->KeepAlive(lease).status().code(), Code::kUnavailable);
  EXPECT_EQ(store->Revoke(lease).code(), Code::kUnavailable);
  EXPECT_EQ(store->AwaitChange("", 0, 1000).status().code(), Code::kUnavailable);
  store.reset();
  EXPECT_TRUE(MustOpen(disk)->Revoke(lease).ok());
}

TEST(Embedded, ExpiryThatCannotBeWrittenShowsNothing) {
  SimDisk disk;
  SimClock clock;
  auto store = MustOpen(disk, clock);
  MustCommit(*store, {{}, {Put("a", std::string(2000, 'v'), MustGrant(*store, 10)), Put("b", std::string(2000, 'v'))}});
  clock.AdvanceMs(10);
  disk.SetCapacity(disk.used_bytes());
  EXPECT_EQ(store->List("").status().code(), Code::kUnavailable);
  disk.SetCapacity(UINT64_MAX);
  EXPECT_EQ(MustList(*store).entries.size(), 1u);
}

// A life: each transaction writes a higher number than any before and knows what it replaces. Marks on the disk what
// was acknowledged. Goes on after failures, as a caller would.
class Life {
 public:
  explicit Life(SimDisk& disk) : disk_(disk) {}

  void Run(int64_t transactions) {
    for (int64_t number = 1; number <= transactions; ++number) {
      if (number % 4 == 0) store_.reset();
      if (!store_ && !Open()) continue;
      if (!Write(number)) store_.reset();
    }
  }
  void Close() { store_.reset(); }
  int64_t attempted() const { return attempted_; }

  // What recovery must find: a number that was tried, and none below the last acknowledged.
  static testing::AssertionResult Recovers(SimDisk& disk, int64_t acknowledged, int64_t attempted) {
    auto store = Embedded::Open(disk, kPath);
    if (!store.ok()) return testing::AssertionFailure() << store.status().ToString();
    const auto number = NumberIn(**store);
    if (!number.ok()) return testing::AssertionFailure() << number.status().ToString();
    if (*number < acknowledged || *number > attempted) {
      return testing::AssertionFailure() << "acknowledged " << acknowledged << ", attempted " << attempted << ", found "
                                         << *number;
    }
    const auto next = (*store)->Commit({{}, {Put("number", "1000")}});
    if (!next.ok()) return testing::AssertionFailure() << next.status().ToString();
    return testing::AssertionSuccess();
  }

 private:
  static Result<int64_t> NumberIn(Embedded& store) {
    ASSIGN_OR_RETURN(const Listing listing, store.List(""));
    if (listing.entries.empty()) return int64_t{0};
    // Both keys are of one transaction.
    EXPECT_EQ(listing.entries.size(), 2u);
    EXPECT_EQ(listing.entries[0].value, listing.entries[1].value);
    return std::stoll(listing.entries[0].value);
  }
  bool Open() {
    auto opened = Embedded::Open(disk_, kPath);
    if (opened.ok()) store_ = std::move(opened).value();
    return opened.ok();
  }
  // False when the store has to be opened again.
  bool Write(int64_t number) {
    attempted_ = number;
    const auto seen = store_->List("");
    if (!seen.ok()) return false;
    const int64_t revision = seen->entries.empty() ? 0 : seen->entries[0].mod_revision;
    const std::string value = std::to_string(number);
    const auto committed = store_->Commit({{{"number", revision}}, {Put("copy", value), Put("number", value)}});
    if (!committed.ok()) return true;  // the next look tells whether the store goes on
    EXPECT_TRUE(committed->succeeded);
    disk_.Mark(static_cast<uint64_t>(number));
    return true;
  }

  SimDisk& disk_;
  std::unique_ptr<Embedded> store_;
  int64_t attempted_ = 0;
};

TEST(EmbeddedCrash, EveryCrashStateHoldsWhatWasAcknowledged) {
  SimDisk disk;
  disk.StartTrace();
  Life life(disk);
  life.Run(14);
  uint64_t failures = 0;
  const auto counts = io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
    const auto recovered = Life::Recovers(crashed, static_cast<int64_t>(point.mark), life.attempted());
    if (!recovered && ++failures < 5) ADD_FAILURE() << "crash after " << point.after << ": " << recovered.message();
  });
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(counts.states, 200u);
}

// The enumeration must be able to fail.
TEST(EmbeddedCrash, EnumerationCatchesSkippedSyncs) {
  for (const io::SimDiskOptions& planted :
       {io::SimDiskOptions{.sync_does_nothing = true}, io::SimDiskOptions{.directory_sync_does_nothing = true}}) {
    SimDisk disk(planted);
    disk.StartTrace();
    Life life(disk);
    life.Run(6);
    uint64_t caught = 0;
    io::EnumerateCrashStates(disk.trace(), {}, [&](SimDisk& crashed, const io::CrashPoint& point) {
      caught += Life::Recovers(crashed, static_cast<int64_t>(point.mark), life.attempted()) ? 0 : 1;
    });
    EXPECT_GT(caught, 0u);
  }
}

TEST(EmbeddedCrash, FailureAtEveryCallLosesNothingAcknowledged) {
  SimDisk counting;
  Life(counting).Run(12);
  const uint64_t calls = counting.operations();
  ASSERT_GT(calls, 50u);
  for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace, SimFault::kSyncLies}) {
    for (uint64_t k = 0; k < calls; ++k) {
      for (const bool crash : {false, true}) {
        SimDisk disk({.seed = k});
        disk.StartTrace();
        disk.FailOperation(k, fault);
        Life life(disk);
        life.Run(12);
        life.Close();
        int64_t acknowledged = 0;
        for (const io::SimOperation& operation : disk.trace().operations) {
          if (operation.kind == io::SimOperation::Kind::kMark) acknowledged = static_cast<int64_t>(operation.offset);
        }
        ASSERT_GE(acknowledged, 9) << "one failure must not stop the store for good";
        if (crash) disk.Crash();
        const auto recovered = Life::Recovers(disk, acknowledged, life.attempted());
        ASSERT_TRUE(recovered) << "call " << k << ", fault " << static_cast<int>(fault) << ", crash " << crash << ": "
                               << recovered.message();
      }
    }
  }
}

}  // namespace
}  // namespace rhizome::coordination
