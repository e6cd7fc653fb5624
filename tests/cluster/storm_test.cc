// Fact 7: everything at once. Five nodes, three etcd members, two gateways; kills, pauses, partitions, the loss of
// etcd, nodes that join and leave, under writes; then the network heals, all processes run, and everything is compared.
#include <fmt/format.h>

#include <optional>

#include "base/clock.h"
#include "chaos_fixture.h"
#include "history/random.h"

namespace rhizome::chaos {
namespace {

class Storm : public Chaos {
 protected:
  // One more fault. At most two nodes are touched at a time, mostly one.
  void Strike() {
    const size_t node = random_.Below(fleet_->nodes());
    const size_t other = (node + 1 + random_.Below(fleet_->nodes() - 1)) % fleet_->nodes();
    PrivateNetwork& network = fleet_->network();
    switch (random_.Below(10)) {
      case 0:
      case 1:
        fleet_->Kill(node);
        Note(fmt::format("kill {}", fleet_->name(node)));
        break;
      case 2:
        fleet_->process(node).Pause();
        Note(fmt::format("pause {}", fleet_->name(node)));
        break;
      case 3:
        (void)network.CutOneWay(fleet_->host(node), fleet_->host(other));
        Note(fmt::format("cut {} to {}", fleet_->name(node), fleet_->name(other)));
        break;
      case 4: SplitOff(node); break;
      case 5:
        (void)network.CutFromCoordination(fleet_->host(node));
        Note(fmt::format("cut {} from etcd", fleet_->name(node)));
        break;
      case 6:
        (void)network.Split({fleet_->gateway_host(random_.Below(2))}, {fleet_->host(node)});
        Note(fmt::format("cut {} from a gateway", fleet_->name(node)));
        break;
      case 7:
        fleet_->gateway(1).Kill();
        Note("kill a gateway");
        break;
      case 8:
        fleet_->etcd().Kill(random_.Below(3));
        Note("kill an etcd member");
        break;
      default:
        for (size_t member = 0; member < 3; ++member) {
          if (fleet_->etcd().running(member)) fleet_->etcd().Pause(member);  // a strike before may have killed it
        }
        Note("pause all of etcd");
    }
  }

  void JoinOrLeave() {
    if (!guest_) {
      const auto added = fleet_->AddNode();
      ASSERT_TRUE(added.ok()) << added.status().ToString();
      guest_ = *added;
      Note("a node joins");
    } else if (!leaving_) {
      leaving_ = fleet_->Ask("DELETE", "/cluster/nodes/" + fleet_->name(*guest_)).ok();
      if (leaving_) Note("it is told to leave");
    }
  }

  void Run(int64_t duration_ms) {
    const int64_t end_ms = NowMs() + duration_ms;
    for (int round = 0; NowMs() < end_ms && !HasFailure(); ++round) {
      if (round % 2 == 0) JoinOrLeave();
      const uint64_t faults = random_.Chance(0.3) ? 2 : 1;
      for (uint64_t i = 0; i < faults; ++i) Strike();
      SleepMs(random_.Between(300, full() ? 6'000 : 1'500));
      const Status healed = fleet_->HealAll();
      ASSERT_TRUE(healed.ok()) << healed.ToString();
      SleepMs(random_.Between(0, full() ? 3'000 : 800));
    }
  }

  uint64_t faults() const { return faults_; }

 private:
  void SplitOff(size_t node) {
    std::vector<PrivateNetwork::Host> rest;
    for (size_t i = 0; i < fleet_->nodes(); ++i) {
      if (i != node) rest.push_back(fleet_->host(i));
    }
    (void)fleet_->network().Split({fleet_->host(node)}, rest);
    Note(fmt::format("cut {} off", fleet_->name(node)));
  }
  void Note(const std::string& what) {
    ++faults_;
    fmt::print("[    storm ] {}\n", what);
  }

  history::Random random_{TheExtent().seed};
  std::optional<size_t> guest_;
  bool leaving_ = false;
  uint64_t faults_ = 0;
};

TEST_F(Storm, LosesNothingRevivesNothingAndEndsWithEqualReplicas) {
  const std::string fact = "storm";
  StartFleet({.nodes = 5, .gateways = 2, .lease_ms = 2'000});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 6).ok());
  ASSERT_TRUE(fleet_->CreateCollection("registers", kDimension, 2).ok());
  Load load(fleet_->gateways(),
            {.writers = 3, .readers = 2, .searchers = 2, .repeaters = 1, .think_ms = 15, .seed = TheExtent().seed});
  RegisterClients clients(fleet_->gateways(), {.keys = 5, .think_ms = 20, .seed = TheExtent().seed});
  Run(full() ? static_cast<int64_t>(TheExtent().minutes * 60'000) : 12'000);
  clients.Stop();
  load.Stop();
  ASSERT_TRUE(fleet_->HealAll().ok());
  chaos::Note(fact, "faults", static_cast<double>(faults()), "");
  chaos::Note(fact, "requests failed after one repetition", static_cast<double>(load.failed().size()), "");
  const Status well = fleet_->AwaitWell(180'000);
  EXPECT_TRUE(well.ok()) << well.ToString();
  ExpectEqual(fact, 120'000);
  ExpectKept(fact, load);
  ExpectNothingTwice(fact, load);
  ExpectLinearizable(fact, clients);
}

}  // namespace
}  // namespace rhizome::chaos
