// Members that are there by one measure and not by another: a disk that has become slow, a newcomer that only
// coordination can reach.
#include <gtest/gtest.h>

#include "cluster.h"

namespace rhizome::sim {
namespace {

using fabric::MemberNumber;

class Trouble : public testing::Test {
 protected:
  explicit Trouble(uint32_t factor) : world_(11, false), cluster_(world_, Shape(factor)) {
    cluster_.network().SetLatency(2 * kMillisecond);
    for (const auto& host : cluster_.hosts()) cluster_.Start(*host);
    Pass(5);
    std::optional<Result<fabric::CollectionRecord>> created;
    RunOn(kGateway, [&](Process& process) { return Create(process, factor, created); });
    Pass(5);
    EXPECT_TRUE(created && created->ok());
  }
  ~Trouble() override { cluster_.KillAll(); }

  static ClusterShape Shape(uint32_t factor) {
    ClusterShape shape;
    shape.data_hosts = 3;
    shape.partitions = 4;
    shape.factor = factor;
    return shape;
  }

  static constexpr HostNumber kGateway = 3;
  void Pass(int64_t seconds) { world_.RunUntil(world_.NowNs() + seconds * kSecond); }
  void SlowDown(HostNumber host, int64_t for_s) {
    cluster_.host(host).pace = {world_.NowNs() + for_s * kSecond, kSecond};
  }
  MemberNumber MemberOn(HostNumber host) { return cluster_.host(host).member; }

  // Who answered so many searches at `one` through that host.
  std::map<MemberNumber, int> Searched(HostNumber through, int times) {
    std::map<MemberNumber, int> answered;
    for (int i = 0; i < times; ++i) {
      RunOn(through, [&](Process& process) { return Search(process, answered); });
      world_.RunUntil(world_.NowNs() + 50 * kMillisecond);
    }
    return answered;
  }

  template <typename Start>
  void RunOn(HostNumber host, Start start) {
    const auto process = cluster_.Serving(host);
    ASSERT_NE(process, nullptr);
    process->loop().Post([process, start] { process->Run(start(*process)); });
  }
  static Task<void> Create(Process& process, uint32_t factor,
                           std::optional<Result<fabric::CollectionRecord>>& created) {
    const ClusterShape shape = Shape(factor);
    created = co_await process.member().Create({Cluster::kCollection, shape.partitions, shape.factor, ""});
  }
  static Task<void> Search(Process& process, std::map<MemberNumber, int>& answered) {
    fabric::QueryCommand command;
    command.shards = {1};
    command.level = fabric::Level::kOne;
    command.context.deadline_ns = process.loop().NowNs() + kSecond;
    const fabric::QueryAnswers answers = co_await process.member().coordinator().Query(std::move(command));
    EXPECT_TRUE(answers.failed.empty());
    for (const auto& part : answers.parts) ++answered[part.member];
  }

  World world_;
  Cluster cluster_;
};

class SlowDisk : public Trouble {
 protected:
  SlowDisk() : Trouble(3) {}
};

class UnseenNewcomer : public Trouble {
 protected:
  UnseenNewcomer() : Trouble(2) {}

  // A new machine that coordination can reach and no other member.
  Host& AddUnseen(int64_t for_s) {
    Host& host = cluster_.Add(true);
    for (HostNumber other = 0; other < host.number; ++other) {
      cluster_.network().Cut(host.number, other, world_.NowNs() + for_s * kSecond);
      cluster_.network().Cut(other, host.number, world_.NowNs() + for_s * kSecond);
    }
    cluster_.Start(host);
    return host;
  }
  size_t ShardsOf(const Host& host) {
    size_t owned = 0;
    for (const auto& [shard, kept] : cluster_.Truth().placements) owned += kept.value.Owns(host.member) ? 1 : 0;
    return owned;
  }
  // Quorum writes, one to each shard; how many succeeded.
  int Written() {
    int written = 0;
    for (fabric::ShardNumber shard = 1; shard <= 4; ++shard) {
      RunOn(kGateway, [&, shard](Process& process) { return Write(process, shard, written); });
    }
    Pass(2);
    return written;
  }
  static Task<void> Write(Process& process, fabric::ShardNumber shard, int& written) {
    fabric::WriteCommand command;
    command.shard = shard;
    command.operations = {{{}, format::DeletePoint{format::PointId(1)}}};
    command.context.deadline_ns = process.loop().NowNs() + kSecond;
    written += (co_await process.member().coordinator().Write(std::move(command))).ok() ? 1 : 0;
  }
};

TEST_F(UnseenNewcomer, GetsNoShardWhileItsLeaseIsAllThereIsOfIt) {
  ASSERT_EQ(Written(), 4);
  const Host& newcomer = AddUnseen(20);
  for (int i = 0; i < 6; ++i) {
    Pass(1);
    EXPECT_EQ(ShardsOf(newcomer), 0U);
    EXPECT_EQ(Written(), 4);
  }
  EXPECT_EQ(cluster_.Truth().live.size(), 4U);
}

TEST_F(UnseenNewcomer, GetsItsShareOnceItIsSeen) {
  const Host& newcomer = AddUnseen(10);
  Pass(40);
  EXPECT_GT(ShardsOf(newcomer), 0U);
  EXPECT_EQ(Written(), 4);
}

TEST_F(SlowDisk, IsAskedLastEvenWhenNobodyWrites) {
  for (const HostNumber host : {0U, 1U, 2U}) EXPECT_GT(Searched(kGateway, 60)[MemberOn(host)], 0) << host;
  SlowDown(1, 60);
  Pass(6);
  EXPECT_EQ(Searched(kGateway, 60)[MemberOn(1)], 0);
  EXPECT_EQ(Searched(0, 20)[MemberOn(1)], 0);
  EXPECT_EQ(Searched(1, 20)[MemberOn(1)], 0);  // nor by itself
}

TEST_F(SlowDisk, IsAskedAgainOnceItHasRecovered) {
  SlowDown(1, 10);
  Pass(6);
  EXPECT_EQ(Searched(kGateway, 20)[MemberOn(1)], 0);
  Pass(25);
  EXPECT_GT(Searched(kGateway, 60)[MemberOn(1)], 0);
}

TEST_F(SlowDisk, OfAllMembersIsNoReasonToAvoidAnybody) {
  for (const HostNumber host : {0U, 1U, 2U}) SlowDown(host, 60);
  Pass(10);
  std::map<MemberNumber, int> answered = Searched(kGateway, 60);
  for (const HostNumber host : {0U, 1U, 2U}) EXPECT_GT(answered[MemberOn(host)], 0) << host;
}

}  // namespace
}  // namespace rhizome::sim
