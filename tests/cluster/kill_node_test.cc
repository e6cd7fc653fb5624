// Fact 1: a node that dies costs no request and no write, and is equal again soon after it returns. A gateway that dies
// is no longer listed.
#include <boost/json/array.hpp>

#include "base/clock.h"
#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

int64_t NowNs() { return SystemClock().MonotonicNs(); }

TEST_F(Chaos, KillingOneOfThreeNodesFailsNoRequestAndItCatchesUp) {
  const std::string fact = "one of three killed";
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 8).ok());
  HttpSession session = Session();
  std::string why;
  ASSERT_TRUE(Preload(session, "things", full() ? 100'000 : 2'000, why)) << why;

  Load load(fleet_->gateways(), {.seed = TheExtent().seed});
  SleepMs(full() ? 20'000 : 2'000);
  const int64_t killed_ns = NowNs();
  fleet_->Kill(1);
  SleepMs(full() ? 60'000 : 5'000);
  const int64_t returned_ns = NowNs();
  fleet_->Restart(1);
  SleepMs(full() ? 3'000 : 1'000);
  load.Stop();
  EXPECT_EQ(load.failed(), std::vector<std::string>{});
  Note(fact, "p99 before", PercentileMs(load.Taken(0, killed_ns), 0.99), "ms");
  Note(fact, "p99 while one is gone", PercentileMs(load.Taken(killed_ns, returned_ns), 0.99), "ms");
  Note(fact, "requests", static_cast<double>(load.Taken(0, NowNs()).size()), "");
  Note(fact, "failed after one repetition", static_cast<double>(load.failed().size()), "");

  ASSERT_TRUE(fleet_->AwaitReady(1).ok());
  ExpectEqual(fact, 60'000);
  Note(fact, "seconds from return until equal, load included", static_cast<double>(NowNs() - returned_ns) * 1e-9, "s");
  ExpectKept(fact, load);
}

TEST_F(Chaos, AKilledGatewayLeavesTheListAndTheOtherGoesOnServing) {
  StartFleet({.gateways = 2, .lease_ms = 1'000});
  if (HasFailure()) return;
  const auto listed = [this] {
    const auto status = fleet_->Ask("GET", "/cluster/status");
    return status.ok() ? status->at("gateways").as_array().size() : 0;
  };
  ASSERT_TRUE(Eventually(60'000, [&] { return listed() == 2; }));
  fleet_->gateway(1).Kill();
  EXPECT_TRUE(Eventually(60'000, [&] { return listed() == 1; }));
  fleet_->gateway(1).Start();
  EXPECT_TRUE(Eventually(60'000, [&] { return listed() == 2; }));
}

}  // namespace
}  // namespace rhizome::chaos
