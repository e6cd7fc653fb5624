#include "backup/restore.h"

#include "backup/backup_testing.h"

namespace rhizome::backup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(BackupTest, EightPartitionsComeBackAsThreeAndEqual) {
  node_.Make("c", 8);
  node_.Fill("c", 1'500);
  const std::string id = Back().summary.id;
  TestNode other;
  RestoreTarget target{"elsewhere"};
  target.shards = 3;
  const auto report = Back(other, id, target);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_TRUE(report->equal);
  EXPECT_EQ(report->already, 0u);
  EXPECT_EQ(report->merged, report->summary.registers);
  EXPECT_EQ(other->GetSpec("elsewhere")->shards, 3u);
  EXPECT_EQ(other.All("elsewhere"), node_.All("c"));
  EXPECT_EQ(other->GetCollection("elsewhere")->points, node_->GetCollection("c")->points);
  EXPECT_EQ(other->GetCollection("elsewhere")->documents, node_->GetCollection("c")->documents);
}

TEST_F(BackupTest, WhatIsWrittenAfterARestoreWinsOverWhatCameBack) {
  node_.Make("c", 2);
  node_.Fill("c", 50);
  const std::string id = Back().summary.id;
  TestNode other;
  ASSERT_TRUE(Back(other, id, {"c"}).ok());
  other.Write("c", {Upsert(3, 1'234)});
  const std::vector<format::PointId> ids = {format::PointId(3)};
  EXPECT_EQ(other->Get("c", ids, false).value()[0]->point.text, "text 1234");
}

// Fails at a chosen Merge, as a server that is stopped.
class FailingRegisters final : public cluster::Registers {
 public:
  FailingRegisters(cluster::Registers& real, int merges) : real_(real), merges_(merges) {}
  Result<std::unique_ptr<cluster::PartitionView>> View(const std::string& collection, uint32_t partition,
                                                       uint32_t of) override {
    return real_.View(collection, partition, of);
  }
  Result<std::vector<Version>> Versions(const std::string& collection, std::span<const std::string> keys) override {
    return real_.Versions(collection, keys);
  }
  Status Merge(const std::string& collection, std::vector<format::Operation> operations) override {
    if (merges_-- == 0) return Status::IoError("the power went");
    return real_.Merge(collection, std::move(operations));
  }

 private:
  cluster::Registers& real_;
  int merges_;
};

TEST_F(BackupTest, AnInterruptedRestoreIsContinued) {
  node_.Make("c", 2);
  node_.Fill("c", 2'000);
  const std::string id = Back().summary.id;
  TestNode other;
  FailingRegisters failing(other.registers(), 3);
  EXPECT_EQ(Restore(archive_, id, *other, failing, {"c"}, work_).status().code(), Code::kIoError);
  const uint64_t there = other.All("c").size();
  EXPECT_GT(there, 0u);
  EXPECT_LT(there, node_.All("c").size());

  EXPECT_EQ(Back(other, id, {"c"}).status().code(), Code::kFailedPrecondition);
  RestoreTarget target{"c"};
  target.merge = true;
  const auto report = Back(other, id, target);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->already, there);
  EXPECT_TRUE(report->equal);
  EXPECT_EQ(other.All("c"), node_.All("c"));
  EXPECT_EQ(Back(other, id, target)->merged, 0u);  // once more changes nothing
}

TEST_F(BackupTest, MergingKeepsWhatIsNewer) {
  node_.Make("c", 1);
  node_.Fill("c", 100);
  const std::string id = Back().summary.id;
  node_.Write("c", {Upsert(5, 555), Delete(6), Upsert(9'000)});
  const std::vector<format::Operation> now = node_.All("c");
  RestoreTarget target{"c"};
  target.merge = true;
  const auto report = Back(node_, id, target);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->merged, 0u);
  EXPECT_FALSE(report->equal);
  EXPECT_EQ(node_.All("c"), now);
}

TEST_F(BackupTest, ACollectionThatDoesNotFitOrIsNotEmptyIsRefusedUntouched) {
  node_.Make("c", 1);
  node_.Fill("c", 20);
  const std::string id = Back().summary.id;
  EXPECT_THAT(Back(node_, id, {"c"}).status().ToString(), HasSubstr("not empty"));
  const auto differs = [&](const std::string& name, auto change) {
    cluster::CollectionSpec spec = TestSpec(name, 1);
    change(spec);
    EXPECT_TRUE(node_->CreateCollection(spec).ok());
    const Status status = Back(node_, id, {name}).status();
    EXPECT_EQ(status.code(), Code::kFailedPrecondition);
    EXPECT_TRUE(node_.All(name).empty());
    return std::string(status.message());
  };
  EXPECT_THAT(differs("d", [](auto& spec) { spec.dimension = 8; }), HasSubstr("dimension"));
  EXPECT_THAT(differs("m", [](auto& spec) { spec.metric = vector::Metric::kDot; }), HasSubstr("metric"));
  EXPECT_THAT(differs("l", [](auto& spec) { spec.language = "german"; }), HasSubstr("language"));
  EXPECT_EQ(Back(node_, id, {"no/name"}).status().code(), Code::kInvalidArgument);
}

TEST_F(BackupTest, WhoeverWritesDuringARestoreIsTold) {
  node_.Make("c", 1);
  node_.Fill("c", 100);
  const std::string id = Back().summary.id;
  TestNode other;
  work_.report = [&](const Progress& progress) {
    if (progress.step == "restoring") other.Write("c", {Upsert(77'777)});
    return Status::Ok();
  };
  EXPECT_THAT(Back(other, id, {"c"}).status().ToString(), HasSubstr("written to meanwhile"));
}

TEST_F(BackupTest, EveryDamageIsNamedAndNothingIsRestored) {
  node_.Make("c", 1);
  node_.Fill("c", 2'000);
  const std::string id = Back().summary.id;
  const std::vector<ChunkRef> chunks = ChunksOf(id);
  ASSERT_GE(chunks.size(), 4u);
  const auto name = [&](size_t i) { return ChunkName("c", chunks[i].content); };
  ASSERT_TRUE(disk_.FlipBit("store/" + name(0), 40, 3).ok());
  ASSERT_TRUE(archive_.DropChunk(chunks[1].content).ok());
  ASSERT_TRUE(store_->Put(name(2), store_->Get(name(3), 1 << 20).value()).ok());
  const VerifyReport report = Verify(archive_, id, work_).value();
  EXPECT_EQ(report.damaged, 3u);
  ASSERT_EQ(report.problems.size(), 3u);
  EXPECT_EQ(report.problems[0], name(0) + ": is damaged: its SHA-256 is not its name");
  EXPECT_EQ(report.problems[1], name(1) + ": is missing");
  EXPECT_THAT(report.problems[2], HasSubstr(chunks[2].content));
  TestNode other;
  const Status restored = Back(other, id, {"c"}).status();
  EXPECT_EQ(restored.code(), Code::kCorruption);
  EXPECT_THAT(std::string(restored.message()), HasSubstr(name(0)));
  EXPECT_EQ(other->GetSpec("c").status().code(), Code::kNotFound);
}

// Whole objects in the wrong place: a manifest that names another leaf's chunk.
TEST_F(BackupTest, ChunksOfAnotherLeafAreDamage) {
  node_.Make("c", 1);
  node_.Fill("c", 2'000);
  Manifest manifest = archive_.Load(Back().summary.id).value();
  auto& leaves = manifest.partitions[0].leaves;
  std::swap(leaves[0], leaves[1]);
  ASSERT_TRUE(archive_.Save(manifest).ok());
  const VerifyReport report = Verify(archive_, manifest.summary.id, work_).value();
  EXPECT_EQ(report.damaged, 2u);
  EXPECT_THAT(report.problems[0], HasSubstr("another leaf"));
  std::swap(leaves[0], leaves[1]);
  leaves[0].digest.hash += 1;
  ASSERT_TRUE(archive_.Save(manifest).ok());
  EXPECT_THAT(Verify(archive_, manifest.summary.id, work_)->problems[0], HasSubstr("leaf 0 of partition 0"));
}

TEST_F(BackupTest, ADamagedOrMissingManifestIsNamed) {
  node_.Make("c", 1);
  const std::string id = Back().summary.id;
  const std::string none = "20200101T000000000Z-00000000";
  EXPECT_EQ(Verify(archive_, none, work_).status().code(), Code::kNotFound);
  EXPECT_EQ(Verify(archive_, "../" + id, work_).status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(store_->Put(ManifestName("c", none), store_->Get(ManifestName("c", id), 1 << 20).value()).ok());
  EXPECT_THAT(Verify(archive_, none, work_).status().ToString(), HasSubstr("is the manifest of " + id));
  ASSERT_TRUE(disk_.FlipBit("store/" + ManifestName("c", id), 60, 1).ok());
  EXPECT_THAT(Verify(archive_, id, work_).status().ToString(), HasSubstr(ManifestName("c", id)));
  EXPECT_EQ(archive_.ReadSummary(id).status().code(), Code::kCorruption);
}

TEST_F(BackupTest, PruningSaysWhatWouldGoAndThenRemovesIt) {
  node_.Make("c", 1);
  node_.Fill("c", 2'000);
  const CreateReport first = Back();
  node_.Write("c", {Upsert(1, 9)});
  const CreateReport second = Back();
  ASSERT_TRUE(store_->Put(ChunkName("c", std::string(64, 'e')), "left over").ok());

  const PruneReport nothing = Prune(archive_, {0, false}, work_).value();
  EXPECT_THAT(nothing.snapshots, testing::IsEmpty());
  EXPECT_EQ(nothing.chunks, 1u);  // what is left over
  const std::string older = first.summary.id, newer = second.summary.id;
  const PruneReport dry = Prune(archive_, {1, true}, work_).value();
  EXPECT_THAT(dry.snapshots, ElementsAre(older));
  EXPECT_EQ(dry.chunks, 1u);
  EXPECT_EQ(archive_.Ids()->size(), 2u);
  EXPECT_EQ(Verify(archive_, older, work_)->damaged, 0u);

  const PruneReport done = Prune(archive_, {1, false}, work_).value();
  EXPECT_EQ(done.chunks, dry.chunks);
  EXPECT_EQ(done.bytes, dry.bytes);
  EXPECT_THAT(archive_.Ids().value(), ElementsAre(newer));
  EXPECT_EQ(archive_.Chunks()->size(), done.kept_chunks);
  EXPECT_EQ(Verify(archive_, newer, work_)->damaged, 0u);
}

TEST_F(BackupTest, PruningWithAnUnreadableManifestRemovesNothing) {
  node_.Make("c", 1);
  node_.Fill("c", 500);
  const std::string id = Back().summary.id;
  const size_t chunks = archive_.Chunks()->size();
  ASSERT_TRUE(disk_.FlipBit("store/" + ManifestName("c", id), 200, 1).ok());
  EXPECT_EQ(Prune(archive_, {0, false}, work_).status().code(), Code::kCorruption);
  EXPECT_EQ(archive_.Chunks()->size(), chunks);
}

TEST_F(BackupTest, PruningAndEverythingElseExcludeEachOther) {
  node_.Make("c", 1);
  node_.Fill("c", 10);
  const std::string id = Back().summary.id;
  SimClock clock;
  const Work work{clock};
  const auto take = [&](Claim::Kind kind, const std::string& of) { return Claim::Take(archive_, clock, kind, of); };
  {
    const auto use = take(Claim::Kind::kUse, MakeId(0, 1));
    ASSERT_TRUE(use.ok());
    EXPECT_TRUE(take(Claim::Kind::kUse, MakeId(0, 2)).ok());
    EXPECT_THAT(Prune(archive_, {0, false}, work).status().ToString(), HasSubstr("running/use-" + MakeId(0, 1)));
  }
  EXPECT_TRUE(Prune(archive_, {0, false}, work).ok());
  const auto prune = take(Claim::Kind::kPrune, MakeId(0, 3));
  ASSERT_TRUE(prune.ok());
  EXPECT_EQ(Create(archive_, *node_, node_.registers(), work).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Restore(archive_, id, *node_, node_.registers(), {"x"}, work).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Prune(archive_, {0, false}, work).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Verify(archive_, id, work).ok());
  // Whoever took it has died; who lives has stopped an hour before.
  clock.AdvanceMs(Claim::kClaimMs - 1'800'000);
  EXPECT_EQ((*prune)->CheckTime().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(Prune(archive_, {0, false}, work).status().code(), Code::kFailedPrecondition);
  clock.AdvanceMs(1'800'001);
  EXPECT_TRUE(Prune(archive_, {0, false}, work).ok());
}

}  // namespace
}  // namespace rhizome::backup
