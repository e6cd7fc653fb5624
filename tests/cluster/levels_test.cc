// Fact 4: what each level promises while nodes are gone, and after they are back.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(Chaos, AllFailsWithADeadNodeAndNamesItAndThePartition) {
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 4).ok());
  HttpSession session = Session();
  const std::string body = UpsertBody("things", PointJson(1, 1, VectorOf(1)), "all");
  ASSERT_TRUE(session.Call("POST", "/vectors", body).good());
  uint32_t number = 0;  // n2's, as errors name it
  const auto status = fleet_->Ask("GET", "/cluster/status");
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  for (const auto& node : status->at("nodes").as_array()) {
    if (node.at("id").as_string() == "n2") number = node.at("number").to_number<uint32_t>();
  }
  fleet_->Kill(1);
  const Answer write = session.Call("POST", "/vectors", UpsertBody("things", PointJson(1, 2, VectorOf(1)), "all"));
  EXPECT_NE(write.outcome, history::Outcome::kOk);
  const Answer read = session.Call("POST", "/vectors/get", IdsBody("things", {1}, "all"));
  for (const Answer& answer : {write, read}) {
    EXPECT_EQ(answer.status, 503) << answer.ToString();
    EXPECT_THAT(answer.ToString(), AllOf(HasSubstr("partition"), HasSubstr(fmt::format("member {}", number))));
  }
  EXPECT_TRUE(session.Call("POST", "/vectors", UpsertBody("things", PointJson(1, 3, VectorOf(1)), "quorum")).good());
  EXPECT_TRUE(session.Call("POST", "/vectors/get", IdsBody("things", {1}, "quorum")).good());
}

TEST_F(Chaos, WritesAtOneOnBothSidesOfAPartitionConverge) {
  const std::string fact = "one converges";
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 4).ok());
  HttpSession through_gateway = Session();
  HttpSession alone({fleet_->http(2)});
  const int rounds = full() ? 10 : 2;
  std::vector<int64_t> taken_ns;
  for (int round = 0; round < rounds; ++round) {
    ASSERT_TRUE(
        fleet_->network().Split({fleet_->host(2)}, {fleet_->host(0), fleet_->host(1), fleet_->gateway_host(0)}).ok());
    // Some points only here, some only there, some on both sides.
    for (uint64_t id = 1; id <= 60; ++id) {
      const uint64_t content = 1'000 * static_cast<uint64_t>(round) + id;
      const auto write = [&](HttpSession& side, uint64_t written) {
        const std::string body = UpsertBody("things", PointJson(id, written, VectorOf(id)), "one");
        EXPECT_TRUE(side.CallTwice("POST", "/vectors", body).good());
      };
      if (id % 3 != 0) write(through_gateway, content);
      if (id % 3 != 1) write(alone, content + 500);
    }
    ASSERT_FALSE(ReplicaCompare(*fleet_).Compare().equal);
    ASSERT_TRUE(fleet_->network().Heal().ok());
    const auto seconds = ReplicaCompare(*fleet_).AwaitEqual(60'000);
    ASSERT_TRUE(seconds.ok()) << seconds.status().ToString();
    taken_ns.push_back(static_cast<int64_t>(1e9 * *seconds));
    std::string why;
    EXPECT_EQ(ScrollAll(through_gateway, "things", "one", why), ScrollAll(alone, "things", "one", why)) << why;
  }
  Note(fact, "rounds", rounds, "");
  Note(fact, "median from healing until equal", PercentileMs(taken_ns, 0.5), "ms");
  Note(fact, "longest from healing until equal", PercentileMs(taken_ns, 1), "ms");
}

// One fault after the other, each for a while, with the cluster whole in between.
class Registers : public Chaos {
 protected:
  void Suffer(const char* what, const std::function<void()>& fault) {
    SCOPED_TRACE(what);
    fault();
    SleepMs(hold_ms_);
    const Status healed = fleet_->HealAll();
    ASSERT_TRUE(healed.ok()) << healed.ToString();
    SleepMs(hold_ms_ / 2);
  }
  const int64_t hold_ms_ = full() ? 6'000 : 1'000;
};

TEST_F(Registers, AtQuorumAreLinearizableUnderKillsPausesPartitionsAndEtcdLoss) {
  StartFleet({.gateways = 2});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("registers", kDimension, 4).ok());
  RegisterClients clients(fleet_->gateways(), {.clients = 5, .keys = 6, .seed = TheExtent().seed});
  PrivateNetwork& network = fleet_->network();
  const auto host = [this](size_t node) { return fleet_->host(node); };
  Suffer("kill", [&] { fleet_->Kill(0); });
  Suffer("pause", [&] { fleet_->process(1).Pause(); });
  Suffer("kill and pause", [&] {
    fleet_->Kill(2);
    fleet_->process(0).Pause();
  });
  Suffer("partition", [&] { (void)network.Split({host(2)}, {host(0), host(1), fleet_->gateway_host(0)}); });
  Suffer("partial partition", [&] { (void)network.Split({host(0)}, {host(1)}); });
  Suffer("one way", [&] {
    (void)network.CutOneWay(host(1), host(0));
    (void)network.CutOneWay(fleet_->gateway_host(1), host(2));
  });
  Suffer("gateway", [&] { fleet_->gateway(0).Kill(); });
  Suffer("etcd member", [&] { fleet_->etcd().Kill(0); });
  Suffer("etcd paused", [&] {
    for (size_t member = 0; member < 3; ++member) fleet_->etcd().Pause(member);
  });
  Suffer("all of etcd, and a node", [&] {
    for (size_t member = 0; member < 3; ++member) fleet_->etcd().Kill(member);
    fleet_->process(1).Pause();
  });
  Suffer("cut from etcd", [&] { (void)network.CutFromCoordination(host(2)); });
  clients.Stop();
  ExpectLinearizable("registers at quorum", clients);
  const Status well = fleet_->AwaitWell();
  EXPECT_TRUE(well.ok()) << well.ToString();
  ExpectEqual("registers at quorum", 60'000);
}

}  // namespace
}  // namespace rhizome::chaos
