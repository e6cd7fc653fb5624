// Backups of a cluster of three members in this process: real wire, real disks.
#include "backup/backup_testing.h"
#include "cluster/cluster_testing.h"
#include "cluster/registers.h"

namespace rhizome::backup {
namespace {

class ClusterBackupTest : public cluster::ClusterTest {
 protected:
  ClusterBackupTest() : store_(blob::Directory::Open(disk_, "store").value()), archive_(*store_, "c") {}

  void Make(const std::string& name, uint32_t shards) {
    cluster::CollectionSpec spec = TestSpec(name, shards);
    spec.replication_factor = 3;
    const auto made = On("a").CreateCollection(spec);
    ASSERT_TRUE(made.ok()) << made.status().ToString();
  }
  void Fill(const std::string& name, uint64_t count) {
    std::vector<format::Operation> batch;
    for (uint64_t id = 0; id < count; ++id) batch.push_back(Upsert(id));
    ASSERT_TRUE(On("a").Write(name, std::move(batch)).ok());
    ASSERT_TRUE(On("b").Write(name, {Put("a", 3), Delete(7), Upsert(8, 8)}).ok());
  }
  static std::map<std::string, Version> VersionsOf(cluster::Registers& registers, const std::string& name,
                                                   uint32_t shards) {
    std::map<std::string, Version> versions;
    for (uint32_t p = 0; p < shards; ++p) {
      const Status status = registers.View(name, p, shards).value()->Scan([&](const format::RegisterVersion& entry) {
        versions[entry.key] = entry.version;
        return true;
      });
      EXPECT_TRUE(status.ok()) << status.ToString();
    }
    return versions;
  }

  io::SimDisk disk_;
  std::unique_ptr<blob::Directory> store_;
  Archive archive_;
  Work work_;
};

TEST_F(ClusterBackupTest, AClusterComesBackIntoANodeAndIntoAnotherNumberOfShards) {
  StartThree();
  Make("c", 4);
  Fill("c", 200);
  cluster::ClusterRegisters registers(On("b"));
  const auto made = Create(archive_, On("b"), registers, work_);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->summary.registers, 201u);
  const Manifest manifest = archive_.Load(made->summary.id).value();
  EXPECT_LT(manifest.partitions[0].begin_lsn, manifest.partitions[0].end_lsn);

  RestoreTarget target{"again"};
  target.shards = 2;
  const auto back = Restore(archive_, made->summary.id, On("c"), registers, target, work_);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(back->equal);
  EXPECT_EQ(VersionsOf(registers, "again", 2), VersionsOf(registers, "c", 4));

  TestNode node;
  target.shards = 3;
  target.replication_factor = 1;
  const auto alone = Restore(archive_, made->summary.id, *node, node.registers(), target, work_);
  ASSERT_TRUE(alone.ok()) << alone.status().ToString();
  EXPECT_TRUE(alone->equal);
  EXPECT_EQ(VersionsOf(node.registers(), "again", 3), VersionsOf(registers, "c", 4));
}

TEST_F(ClusterBackupTest, OneMemberLessAndABackupStillHoldsAllThatWasAcknowledged) {
  StartThree();
  Make("c", 4);
  Fill("c", 100);
  Stop("c");
  cluster::ClusterRegisters registers(On("a"));
  ASSERT_TRUE(On("a").Write("c", {Upsert(500), Delete(9)}).ok());
  const auto made = Create(archive_, On("a"), registers, work_);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->summary.registers, 102u);
  const auto again = Create(archive_, On("b"), registers, work_);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->chunks_written, 0u);
}

TEST_F(ClusterBackupTest, ANodesBackupGoesIntoACluster) {
  TestNode node;
  node.Make("c", 8);
  node.Fill("c", 150);
  const auto made = Create(archive_, *node, node.registers(), work_);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  StartThree();
  cluster::ClusterRegisters registers(On("a"));
  RestoreTarget target{"c"};
  target.shards = 3;
  target.replication_factor = 3;
  const auto back = Restore(archive_, made->summary.id, On("a"), registers, target, work_);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(back->equal);
  EXPECT_EQ(VersionsOf(registers, "c", 3), VersionsOf(node.registers(), "c", 8));
  // What is written from here on is newer than what came back.
  ASSERT_TRUE(On("b").Write("c", {Upsert(5, 4'321)}).ok());
  const std::vector<format::PointId> ids = {format::PointId(5)};
  EXPECT_EQ(On("c").Get("c", ids, false).value()[0]->point.text, "text 4321");
}

}  // namespace
}  // namespace rhizome::backup
