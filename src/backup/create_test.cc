#include "backup/create.h"

#include <set>
#include <thread>

#include "backup/backup_testing.h"
#include "base/scratch_testing.h"
#include "blob/s3.h"
#include "blob/s3_server_testing.h"
#include "io/crash_enumeration.h"

namespace rhizome::backup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(BackupTest, HoldsEveryRegisterOfOneLsnPerShard) {
  node_.Make("c", 4);
  node_.Fill("c", 300);
  const CreateReport report = Back();
  const std::vector<format::Operation> all = node_.All("c");
  EXPECT_EQ(report.summary.registers, all.size());
  EXPECT_EQ(report.summary.parent, "");
  EXPECT_THAT(archive_.Ids().value(), ElementsAre(report.summary.id));
  const Manifest manifest = archive_.Load(report.summary.id).value();
  ASSERT_EQ(manifest.partitions.size(), 4u);
  std::set<uint64_t> lsns;
  for (const PartitionRecord& partition : manifest.partitions) {
    EXPECT_EQ(partition.begin_lsn, partition.end_lsn);
    lsns.insert(partition.end_lsn);
  }
  EXPECT_EQ(archive_.ReadSummary(report.summary.id).value(), report.summary);
  const VerifyReport verified = Verify(archive_, report.summary.id, work_).value();
  EXPECT_THAT(verified.problems, IsEmpty());
  EXPECT_EQ(verified.registers, all.size());
  EXPECT_EQ(verified.chunks, report.chunks_written);
}

TEST_F(BackupTest, AnEmptyCollectionHasABackupToo) {
  node_.Make("c", 2);
  const CreateReport report = Back();
  EXPECT_EQ(report.summary.registers, 0u);
  EXPECT_EQ(report.chunks_written, 0u);
  TestNode other;
  EXPECT_TRUE(Back(other, report.summary.id, {"c"})->equal);
  EXPECT_EQ(other->GetSpec("c")->shards, 2u);
}

TEST_F(BackupTest, NoCollectionNoBackup) {
  EXPECT_EQ(Create(archive_, *node_, node_.registers(), work_).status().code(), Code::kNotFound);
  EXPECT_THAT(store_->List("", "", 10).value().objects, IsEmpty());
}

TEST_F(BackupTest, TheSecondWritesOnlyWhatChanged) {
  node_.Make("c", 2);
  node_.Fill("c", 3'000);
  const CreateReport first = Back();
  EXPECT_EQ(first.chunks_reused, 0u);
  EXPECT_GE(first.chunks_written, 16u);

  const CreateReport same = Back();
  EXPECT_EQ(same.chunks_written, 0u);
  EXPECT_EQ(same.chunks_reused, first.chunks_written);
  EXPECT_EQ(same.summary.new_bytes, 0u);
  EXPECT_EQ(same.summary.parent, first.summary.id);

  node_.Write("c", {Upsert(11, 99)});
  const CreateReport one = Back();
  EXPECT_EQ(one.chunks_written, 1u);
  EXPECT_EQ(one.chunks_reused, first.chunks_written - 1);
  EXPECT_LT(one.summary.new_bytes, first.summary.new_bytes / 8);
  for (const CreateReport& report : {first, same, one}) {
    EXPECT_EQ(Verify(archive_, report.summary.id, work_)->damaged, 0u);
  }
}

TEST_F(BackupTest, AChunkThatIsGoneOrShortIsWrittenAgain) {
  node_.Make("c", 1);
  node_.Fill("c", 2'000);
  const std::vector<ChunkRef> chunks = ChunksOf(Back().summary.id);
  ASSERT_GE(chunks.size(), 4u);
  ASSERT_TRUE(archive_.DropChunk(chunks[0].content).ok());
  ASSERT_TRUE(store_->Put(ChunkName("c", chunks[1].content), "short").ok());
  const CreateReport again = Back();
  EXPECT_EQ(again.chunks_written, 2u);
  EXPECT_EQ(Verify(archive_, again.summary.id, work_)->damaged, 0u);
}

TEST_F(BackupTest, AnotherCollectionOfTheNameIsNoParent) {
  node_.Make("c", 1);
  node_.Fill("c", 100);
  const CreateReport first = Back();
  ASSERT_TRUE(node_->DropCollection("c").ok());
  node_.Make("c", 1);
  node_.Fill("c", 50);
  const CreateReport second = Back();
  EXPECT_EQ(second.summary.parent, "");
  EXPECT_EQ(Verify(archive_, first.summary.id, work_)->damaged, 0u);
  EXPECT_EQ(Verify(archive_, second.summary.id, work_)->damaged, 0u);
}

// The view of each shard is taken before the first chunk, so what is written while it is copied is not in it.
TEST_F(BackupTest, WritesWhileItIsMadeDoNotBlurIt) {
  node_.Make("c", 3);
  node_.Fill("c", 1'000);
  const std::vector<format::Operation> before = node_.All("c");
  uint64_t seed = 100;
  work_.report = [&](const Progress& progress) {
    if (progress.step == "copying") {
      node_.Write("c", {Upsert(seed % 1'000, seed), Delete((seed * 7) % 1'000), Upsert(10'000 + seed)});
      ++seed;
    }
    return Status::Ok();
  };
  const CreateReport report = Back();
  EXPECT_GT(seed, 103u);
  TestNode other;
  ASSERT_TRUE(Back(other, report.summary.id, {"c"})->equal);
  EXPECT_EQ(other.All("c"), before);
  EXPECT_NE(node_.All("c"), before);
}

// A source that shows what is there when it is read, not when it was opened: as over a network.
class MovingRegisters final : public cluster::Registers {
 public:
  MovingRegisters(cluster::Registers& real, std::function<void()> between)
      : real_(real), between_(std::move(between)) {}

  Result<std::unique_ptr<cluster::PartitionView>> View(const std::string& collection, uint32_t partition,
                                                       uint32_t of) override {
    ASSIGN_OR_RETURN(const auto now, real_.View(collection, partition, of));
    return std::unique_ptr<cluster::PartitionView>(new Moving(*this, collection, {partition, of}, now->begin_lsn()));
  }
  Result<std::vector<Version>> Versions(const std::string& collection, std::span<const std::string> keys) override {
    return real_.Versions(collection, keys);
  }
  Status Merge(const std::string& collection, std::vector<format::Operation> operations) override {
    return real_.Merge(collection, std::move(operations));
  }

 private:
  class Moving final : public cluster::PartitionView {
   public:
    Moving(MovingRegisters& owner, std::string collection, std::pair<uint32_t, uint32_t> which, uint64_t lsn)
        : owner_(owner), collection_(std::move(collection)), which_(which), begin_(lsn) {}
    uint64_t begin_lsn() const override { return begin_; }
    Result<uint64_t> EndLsn() const override {
      return owner_.real_.View(collection_, which_.first, which_.second).value()->begin_lsn();
    }
    Status Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const override {
      return owner_.real_.View(collection_, which_.first, which_.second).value()->Scan(visit);
    }
    Result<std::vector<std::optional<format::Operation>>> Read(std::span<const std::string> keys) const override {
      owner_.between_();
      return owner_.real_.View(collection_, which_.first, which_.second).value()->Read(keys);
    }

   private:
    MovingRegisters& owner_;
    const std::string collection_;
    const std::pair<uint32_t, uint32_t> which_;  // partition, of
    const uint64_t begin_;
  };

  cluster::Registers& real_;
  const std::function<void()> between_;
};

TEST_F(BackupTest, WhereNoMomentCanBeHeldBothLsnsAreNotedAndNothingAcknowledgedIsMissing) {
  node_.Make("c", 2);
  node_.Fill("c", 500);
  std::map<std::string, Version> before;
  for (const format::Operation& operation : node_.All("c")) before[operation.Key()] = operation.version;
  uint64_t seed = 1'000;
  MovingRegisters moving(node_.registers(), [&] {
    ++seed;
    node_.Write("c", {Upsert(seed % 500, seed), Upsert(seed * 10)});
  });
  const auto report = Create(archive_, *node_, moving, work_);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  const Manifest manifest = archive_.Load(report->summary.id).value();
  EXPECT_LT(manifest.partitions[0].begin_lsn, manifest.partitions[0].end_lsn);
  EXPECT_EQ(Verify(archive_, report->summary.id, work_)->damaged, 0u);
  TestNode other;
  ASSERT_TRUE(Back(other, report->summary.id, {"c"})->equal);
  std::map<std::string, Version> after;
  for (const format::Operation& operation : other.All("c")) after[operation.Key()] = operation.version;
  for (const auto& [key, version] : before) EXPECT_GE(after[key], version);
}

TEST_F(BackupTest, ACancelledOneDoesNotExistAndTheNextTakesWhatItWrote) {
  node_.Make("c", 1);
  node_.Fill("c", 3'000);
  work_.report = [](const Progress& progress) {
    return progress.done > 1'000 ? Status::Cancelled("stopping") : Status::Ok();
  };
  EXPECT_EQ(Create(archive_, *node_, node_.registers(), work_).status().code(), Code::kCancelled);
  EXPECT_THAT(archive_.Ids().value(), IsEmpty());
  const size_t left = archive_.Chunks()->size();
  EXPECT_GT(left, 0u);
  work_.report = nullptr;
  const CreateReport report = Back();
  EXPECT_EQ(report.chunks_reused, left);
  EXPECT_EQ(Verify(archive_, report.summary.id, work_)->damaged, 0u);
}

TEST_F(BackupTest, ProgressRisesToTheEndAndTheLimitIsKept) {
  node_.Make("c", 2);
  node_.Fill("c", 2'000);
  std::vector<Progress> seen;
  int64_t slept_ms = 0;
  SimClock clock;
  Work work{clock, [&](const Progress& progress) {
              seen.push_back(progress);
              return Status::Ok();
            }};
  work.bytes_per_second_max = 10'000;
  work.sleep = [&](int64_t ms) {
    slept_ms += ms;
    clock.AdvanceMs(ms);
  };
  const auto report = Create(archive_, *node_, node_.registers(), work);
  ASSERT_TRUE(report.ok());
  ASSERT_FALSE(seen.empty());
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].done, seen[i - 1].done);
  EXPECT_EQ(seen.back().done, report->summary.registers);
  EXPECT_EQ(seen.back().total, report->summary.registers);
  EXPECT_NEAR(static_cast<double>(slept_ms), static_cast<double>(report->summary.bytes) / 10, 1'000);
}

// A power loss anywhere: what can be listed is whole, and the next backup is too.
TEST_F(BackupTest, CutOffBetweenAnyTwoWritesNothingHalfIsABackup) {
  node_.Make("c", 1);
  node_.Fill("c", 600);
  disk_.StartTrace();
  Back();
  disk_.Mark(1);
  node_.Write("c", {Upsert(1, 77)});
  Back();
  disk_.Mark(2);
  io::CrashEnumerationOptions options;
  options.states_per_point_max = 8;
  uint64_t begun_again = 0;
  const auto visit = [&](io::SimDisk& after, const io::CrashPoint& point) {
    const auto store = blob::Directory::Open(after, "store").value();
    Archive archive(*store, "c");
    const std::vector<std::string> ids = archive.Ids().value();
    EXPECT_GE(ids.size(), point.mark) << point.after;
    for (const std::string& id : ids) {
      const auto verified = Verify(archive, id, work_);
      ASSERT_TRUE(verified.ok()) << point.after << ": " << verified.status().ToString();
      EXPECT_THAT(verified->problems, IsEmpty()) << point.after;
    }
    if (point.operations_done % 16 != 0) return;
    ++begun_again;
    const auto next = Create(archive, *node_, node_.registers(), work_);
    ASSERT_TRUE(next.ok()) << point.after << ": " << next.status().ToString();
    EXPECT_EQ(Verify(archive, next->summary.id, work_)->damaged, 0u) << point.after;
  };
  const auto counts = io::EnumerateCrashStates(disk_.trace(), options, visit);
  EXPECT_GT(counts.states, 200u);
  EXPECT_GT(begun_again, 5u);
}

TEST_F(BackupTest, AFullStoreIsToldAndLeavesNoBackup) {
  node_.Make("c", 1);
  node_.Fill("c", 2'000);
  disk_.SetCapacity(disk_.used_bytes() + 8'000);
  EXPECT_EQ(Create(archive_, *node_, node_.registers(), work_).status().code(), Code::kNoSpace);
  EXPECT_THAT(archive_.Ids().value(), IsEmpty());
}

TEST_F(BackupTest, GoesToARealServerAndBack) {
  if (!blob::S3TestServer::Present()) GTEST_SKIP() << "tools/s3_server has not made " << blob::S3TestServer::Program();
  const ScratchFolder folder;
  {
    const blob::S3TestServer server(folder.path());
    ASSERT_TRUE(server.AwaitReady());
    blob::S3Options s3 = server.Options();
    s3.prefix = "backups";
    const auto store = blob::S3::Open(s3).value();
    Archive archive(*store, "c");
    node_.Make("c", 3);
    node_.Fill("c", 1'000);
    const auto first = Create(archive, *node_, node_.registers(), work_);
    ASSERT_TRUE(first.ok()) << first.status().ToString();
    node_.Write("c", {Upsert(3, 4)});
    const auto second = Create(archive, *node_, node_.registers(), work_);
    ASSERT_TRUE(second.ok()) << second.status().ToString();
    EXPECT_EQ(second->chunks_written, 1u);
    TestNode other;
    RestoreTarget target{"restored"};
    target.shards = 2;
    const auto back = Restore(archive, second->summary.id, *other, other.registers(), target, work_);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_TRUE(back->equal);
    EXPECT_EQ(other.All("restored"), node_.All("c"));
    const auto pruned = Prune(archive, {1, false}, work_);
    ASSERT_TRUE(pruned.ok()) << pruned.status().ToString();
    EXPECT_EQ(pruned->chunks, 1u);
    EXPECT_THAT(archive.Ids().value(), ElementsAre(second->summary.id));
  }
}

}  // namespace
}  // namespace rhizome::backup
