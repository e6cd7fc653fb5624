// A disk that fails in part: everything works there, and writes take a second. Whoever can ask somebody else does.
#include <gtest/gtest.h>

#include "cluster.h"

namespace rhizome::sim {
namespace {

using fabric::MemberNumber;

class SlowDisk : public testing::Test {
 protected:
  SlowDisk() : world_(11, false), cluster_(world_, {.data_hosts = 3, .partitions = 1, .factor = 3}) {
    cluster_.network().SetLatency(2 * kMillisecond);
    for (const auto& host : cluster_.hosts()) cluster_.Start(*host);
    Pass(5);
    std::optional<Result<fabric::CollectionRecord>> created;
    RunOn(kGateway, [&](Process& process) { return Create(process, created); });
    Pass(5);
    EXPECT_TRUE(created && created->ok());
  }
  ~SlowDisk() override { cluster_.KillAll(); }

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
  static Task<void> Create(Process& process, std::optional<Result<fabric::CollectionRecord>>& created) {
    created = co_await process.member().Create({Cluster::kCollection, 1, 3, ""});
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
