// Facts 2 and 3: shards move while clients work, and whoever dies on the way.
#include <fmt/format.h>

#include "base/clock.h"
#include "chaos_fixture.h"
#include "history/random.h"
#include "move_watch.h"

namespace rhizome::chaos {
namespace {

int64_t NowNs() { return SystemClock().MonotonicNs(); }

using Owners = std::map<fabric::ShardNumber, std::set<size_t>>;

// Replicas that are where they were not before, of all.
double ShareMoved(const Owners& before, const Owners& after) {
  double moved = 0;
  double all = 0;
  for (const auto& [shard, nodes] : after) {
    for (const size_t node : nodes) {
      ++all;
      moved += before.at(shard).contains(node) ? 0 : 1;
    }
  }
  return moved / all;
}

class Moves : public Chaos {
 protected:
  // The node is told to go; returns when the cluster does not count it any more.
  void Leave(size_t node) {
    ASSERT_TRUE(BeginLeave(node));
    ASSERT_TRUE(Eventually(90'000, [&] { return !fleet_->IsListed(fleet_->name(node)); }));
  }
  bool BeginLeave(size_t node) {
    return Eventually(30'000, [&] { return fleet_->Ask("DELETE", "/cluster/nodes/" + fleet_->name(node)).ok(); });
  }
};

TEST_F(Moves, JoiningAndLeavingUnderLoadMoveAQuarterAndFailNoRequest) {
  const std::string fact = "join and leave";
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 16).ok());
  HttpSession session = Session();
  std::string why;
  ASSERT_TRUE(Preload(session, "things", full() ? 50'000 : 2'000, why)) << why;
  MoveWatch watch(*fleet_);
  const auto before = watch.Owners();
  ASSERT_TRUE(before.ok());
  Load load(fleet_->gateways(), {.seed = TheExtent().seed});
  SleepMs(full() ? 10'000 : 2'000);

  const int64_t join_ns = NowNs();
  const auto joined = fleet_->AddNode();
  ASSERT_TRUE(joined.ok() && fleet_->AwaitReady(*joined).ok());
  const auto settled = [&] {
    const auto owners = watch.Owners();
    return owners.ok() && ShareMoved(*before, *owners) > 0 && fleet_->AwaitWell(1'000).ok();
  };
  ASSERT_TRUE(Eventually(120'000, settled));
  const int64_t joined_ns = NowNs();
  const auto between = watch.Owners();
  ASSERT_TRUE(between.ok());
  Leave(*joined);
  const int64_t left_ns = NowNs();
  load.Stop();
  const auto after = watch.Owners();
  ASSERT_TRUE(after.ok());

  EXPECT_EQ(load.failed(), std::vector<std::string>{});
  EXPECT_LE(ShareMoved(*before, *between), 0.25 + 0.05);
  EXPECT_LE(ShareMoved(*between, *after), 0.25 + 0.05);
  Note(fact, "share of replicas moved by the join", ShareMoved(*before, *between), "");
  Note(fact, "share of replicas moved by the leave", ShareMoved(*between, *after), "");
  Note(fact, "p99 before", PercentileMs(load.Taken(0, join_ns), 0.99), "ms");
  Note(fact, "p99 while it joins", PercentileMs(load.Taken(join_ns, joined_ns), 0.99), "ms");
  Note(fact, "p99 while it leaves", PercentileMs(load.Taken(joined_ns, left_ns), 0.99), "ms");
  Note(fact, "failed after one repetition", static_cast<double>(load.failed().size()), "");
  ExpectEqual(fact, 60'000);
  ExpectKept(fact, load);
}

TEST_F(Moves, CompleteOrRollBackWhoeverIsKilledAtWhicheverStep) {
  const std::string fact = "killed while moving";
  StartFleet({.nodes = 3, .lease_ms = 2'000, .node_flags = {"--concurrent-moves", "1"}});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 8).ok());
  ASSERT_TRUE(fleet_->CreateCollection("registers", kDimension, 2).ok());
  HttpSession session = Session();
  std::string why;
  ASSERT_TRUE(Preload(session, "things", full() ? 40'000 : 12'000, why)) << why;
  Load load(fleet_->gateways(), {.think_ms = 10, .seed = TheExtent().seed});
  RegisterClients clients(fleet_->gateways(), {.clients = 3, .think_ms = 20, .seed = TheExtent().seed});

  MoveWatch watch(*fleet_);
  history::Random random(TheExtent().seed);
  size_t guest = fleet_->nodes();  // joins and leaves
  bool leaving = true;
  uint64_t kills = 0;
  // Every step and every role; ./test takes half of them, by seed, large runs all of them more than once.
  for (uint64_t i = 0; i < (full() ? 24 : 6); ++i) {
    const auto step = static_cast<MoveStep>((i + i / 4) % 4);
    const uint64_t role = (full() ? i / 4 + i : i + TheExtent().seed) % 3;
    auto move = watch.Await(step, 1'500);
    if (!move) {  // nothing moves any more: the other way round
      if (!leaving && fleet_->AwaitWell(20'000).ok() && BeginLeave(guest)) leaving = true;
      if (leaving && (guest == fleet_->nodes() || !fleet_->IsListed(fleet_->name(guest)))) {
        if (guest < fleet_->nodes()) fleet_->Kill(guest);
        const auto added = fleet_->AddNode();
        ASSERT_TRUE(added.ok()) << added.status().ToString();
        guest = *added;
        leaving = false;
      }
      move = watch.Await(step, 30'000);
    }
    if (!move) continue;
    const auto view = watch.Look();
    ASSERT_TRUE(view.ok());
    const size_t victim = role == 0 ? view->leader : role == 1 ? move->source : move->target;
    if (victim == fleet_->nodes()) continue;
    fleet_->Kill(victim);
    ++kills;
    fmt::print("[   killed ] {} {} of shard {}, {}\n", fleet_->name(victim),
               role == 0   ? "leading the move"
               : role == 1 ? "the source"
                           : "the target",
               move->shard, MoveStepName(step));
    SleepMs(random.Between(100, 1'500));
    fleet_->Restart(victim);
    // One that was to leave may have been emptied while it was dead: then it cannot come back, and says so.
    const bool may_be_gone = victim == guest && leaving;
    ASSERT_TRUE(Eventually(60'000, [&] {
      return fleet_->AwaitReady(victim, 1'000).ok() || (may_be_gone && fleet_->process(victim).Ended());
    })) << fleet_->name(victim);
    // One at a time: the gateway needs a moment to reach it again.
    EXPECT_TRUE(Eventually(60'000, [&] { return fleet_->AllAnswer(); }));
  }
  clients.Stop();
  load.Stop();
  EXPECT_GE(kills, full() ? 12u : 3u);
  Note(fact, "kills at a step of a move", static_cast<double>(kills), "");
  Note(fact, "requests failed after one repetition", static_cast<double>(load.failed().size()), "");
  for (const std::string& failed : load.failed()) fmt::print("[   failed ] {}\n", failed);
  const Status well = fleet_->AwaitWell(120'000);
  EXPECT_TRUE(well.ok()) << well.ToString();
  ExpectEqual(fact, 60'000);
  ExpectKept(fact, load);
  ExpectLinearizable(fact, clients);
}

}  // namespace
}  // namespace rhizome::chaos
