// Fact: a collection gets twice as many partitions while clients work and a node dies on the way.
#include <boost/json/array.hpp>

#include "base/clock.h"
#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

int64_t NowNs() { return SystemClock().MonotonicNs(); }

class Reshards : public Chaos {
 protected:
  // Whether the collection has so many partitions and is on its way nowhere.
  bool Has(size_t partitions) {
    const auto sharding = fleet_->Ask("GET", "/cluster/sharding");
    if (!sharding.ok()) return false;
    for (const auto& listed : sharding->at("collections").as_array()) {
      const auto& collection = listed.as_object();
      if (collection.at("name").as_string() != "things") continue;
      return collection.at("next_partitions").as_int64() == 0 &&
             collection.at("shards").as_array().size() == partitions;
    }
    return false;
  }
};

TEST_F(Reshards, UnderLoadAndWithANodeKilledNothingFailsAndNothingIsLost) {
  const std::string fact = "resharded, a node killed";
  StartFleet({.lease_ms = 2'000});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 4).ok());
  HttpSession session = Session();
  std::string why;
  ASSERT_TRUE(Preload(session, "things", full() ? 50'000 : 4'000, why)) << why;
  Load load(fleet_->gateways(), {.seed = TheExtent().seed});
  SleepMs(full() ? 10'000 : 2'000);

  const int64_t begun_ns = NowNs();
  ASSERT_TRUE(fleet_->Ask("POST", "/collections/things/reshard", R"({"partitions":8})").ok());
  fleet_->Kill(1);
  SleepMs(1'000);
  fleet_->Restart(1);
  ASSERT_TRUE(fleet_->AwaitReady(1).ok());
  ASSERT_TRUE(Eventually(120'000, [&] { return Has(8); }));
  const int64_t done_ns = NowNs();
  SleepMs(full() ? 10'000 : 2'000);
  load.Stop();

  EXPECT_EQ(load.failed(), std::vector<std::string>{});
  Note(fact, "p99 before", PercentileMs(load.Taken(0, begun_ns), 0.99), "ms");
  Note(fact, "p99 while it is resharded", PercentileMs(load.Taken(begun_ns, done_ns), 0.99), "ms");
  Note(fact, "seconds until the next partitions took over", static_cast<double>(done_ns - begun_ns) * 1e-9, "s");
  ExpectEqual(fact, 60'000);
  ExpectKept(fact, load);
}

}  // namespace
}  // namespace rhizome::chaos
