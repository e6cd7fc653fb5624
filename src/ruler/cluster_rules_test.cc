// Rules of a cluster of members in this process: one evaluates, and when it goes another does.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "cluster/cluster_testing.h"
#include "metrics/cluster_store.h"
#include "promql/engine.h"
#include "ruler/ruler_seat.h"

namespace rhizome::ruler {
namespace {

using cluster::Eventually;

constexpr int64_t kIntervalMs = 200;

class ClusterRulesTest : public cluster::ClusterTest {
 protected:
  struct Seat {
    Seat(cluster::ClusterRuntime& runtime, const RulerOptions& options)
        : cluster(runtime.calls(), runtime.member(), {4, 3}),
          store(cluster, {24 * 3'600'000, 600'000}, SystemClock()),
          notifier(Notifier::Start({}, metrics).value()),
          leadership(runtime.calls(), runtime.loop(), runtime.member()) {
      leadership.Serve([this](const std::string& question) -> Result<std::string> {
        ASSIGN_OR_RETURN(const auto ruler, slot.Get());
        return question + " of " + std::to_string(ruler->View().size()) + " groups";
      });
      const auto start = [this, options](std::function<bool()> holds) {
        return Ruler::Start(options, {store, *notifier, metrics, SystemClock(), std::move(holds)});
      };
      seat = std::make_unique<RulerSeat>(
          RulerSeatOptions{20, 100},
          RulerSeat::Ports{[this] { return leadership.Look(); }, [this] { return leadership.Confirm(); }, start, slot,
                           SystemClock()});
    }

    metrics::SeriesCluster cluster;
    metrics::ClusterStore store;
    MetricRegistry metrics;
    std::unique_ptr<Notifier> notifier;
    RulerSlot slot{"not yet"};
    Leadership leadership;
    std::unique_ptr<RulerSeat> seat;
  };

  void Sit(const std::string& name) {
    RulerOptions options;
    options.interval_ms = kIntervalMs;
    options.builtin = {{"own",
                        "groups: [{name: g, rules: [{record: slot, expr: 'time()'}, "
                        "{alert: A, expr: 'vector(1)', for: 1h}]}]"}};
    seats_[name] = std::make_unique<Seat>(*processes_.at(name).runtime, options);
  }
  void Kill(const std::string& name) {
    seats_.erase(name);
    Stop(name);
  }
  std::string Leader() {
    for (auto& [name, seat] : seats_) {
      if (seat->slot.Get().ok()) return name;
    }
    return "";
  }
  // Samples of the recording rule, as a process sees them.
  std::vector<int64_t> Slots(const std::string& name) {
    std::vector<std::string> warnings;
    const promql::MetricsScope scope{metrics::kTenant, SystemClock().MonotonicNs() + 20'000'000'000, nullptr, &warnings};
    const auto source = seats_.at(name)->store.Open(scope);
    if (!source.ok()) return {};
    const int64_t now_ms = SystemClock().WallMs();
    const auto result = promql::Engine({}, SystemClock()).Instant("slot[10m]", now_ms, {**source});
    std::vector<int64_t> times;
    if (!result.ok() || result->series.empty()) return times;
    for (const int64_t time : result->series[0].times_ms) times.push_back(time);
    return times;
  }
  int64_t ActiveSince(const std::string& name) {
    const auto ruler = seats_.at(name)->slot.Get();
    if (!ruler.ok()) return 0;
    const auto& alerts = (*ruler)->View().at(0)->rules.at(1).alerts;
    return alerts.empty() ? 0 : alerts[0].active_at_ms;
  }

  std::map<std::string, std::unique_ptr<Seat>> seats_;
};

TEST_F(ClusterRulesTest, WhenTheLeaderIsGoneItsRulesGoOnElsewhereEachSlotOnce) {
  StartThree();
  for (const char* const name : {"a", "b", "c"}) Sit(name);
  ASSERT_TRUE(Eventually(60, [&] { return !Leader().empty() && Slots("a").size() >= 3; }));
  const std::string first = Leader();
  for (const char* const name : {"a", "b", "c"}) {
    const auto told = seats_.at(name)->leadership.Ask("rules");
    ASSERT_TRUE(told.ok()) << name << ": " << told.status().ToString();
    EXPECT_EQ(*told, "rules of 1 groups");
  }
  const int64_t since_ms = ActiveSince(first);
  EXPECT_GT(since_ms, 0);
  const std::string other = first == "a" ? "b" : "a";
  Kill(first);
  const size_t before = Slots(other).size();
  ASSERT_TRUE(Eventually(60, [&] { return !Leader().empty() && Slots(other).size() >= before + 3; }));
  // One sample for each slot, whoever evaluated it.
  const std::vector<int64_t> slots = Slots(other);
  EXPECT_EQ(std::set(slots.begin(), slots.end()).size(), slots.size());
  for (const int64_t slot : slots) EXPECT_EQ((slot - slots[0]) % kIntervalMs, 0);
  // The alert is no new one: only the time in between does not count.
  const int64_t gone_ms = slots.back() - slots[before - 1];
  EXPECT_TRUE(Eventually(60, [&] {
    const int64_t now_since_ms = ActiveSince(Leader().empty() ? other : Leader());
    return now_since_ms > 0 && now_since_ms < since_ms + gone_ms + 1'000;
  }));
  EXPECT_FALSE(seats_.at(other)->leadership.Ask("x").status().code() == Code::kCancelled);
  while (!seats_.empty()) Kill(seats_.begin()->first);
}

}  // namespace
}  // namespace rhizome::ruler
