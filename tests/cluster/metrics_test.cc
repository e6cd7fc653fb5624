// Metrics on a cluster: samples acknowledged at quorum are there once, whoever is asked, whatever node died under them,
// and what was deleted stays deleted at a node that was away.
#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "base/scratch_testing.h"
#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

constexpr int kSeries = 20;
constexpr int64_t kStepMs = 10;  // between the times of two requests
constexpr int64_t kOldMs = 3 * 3'600'000;

// One client that sends samples whose values say which request they came in.
class Sender {
 public:
  explicit Sender(const std::vector<Endpoint>& gateways)
      : base_ms_(NowMs() - 60'000), session_(gateways), thread_([this] { Run(); }) {}
  ~Sender() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int64_t TimeOf(int request) const { return base_ms_ + request * kStepMs; }
  int64_t base_ms() const { return base_ms_; }

  // After Stop.
  const std::set<int>& acknowledged() const { return acknowledged_; }
  int sent() const { return sent_; }
  const std::string& complaint() const { return complaint_; }

 private:
  void Run() {
    while (!stop_) {
      const int request = sent_++;
      std::string body;
      for (int i = 0; i < kSeries; ++i) {
        // Of one series the samples come hours late.
        const int64_t at = TimeOf(request) - (i == 0 ? kOldMs : 0);
        body += fmt::format("chaos{{series=\"{}\"}} {} {}\n", i, request, at);
      }
      const Answer answer = session_.Call("POST", "/api/v1/import/prometheus", body, "Content-Type: text/plain\r\n");
      if (answer.good()) {
        acknowledged_.insert(request);
      } else if (answer.status != 503 && complaint_.empty()) {
        complaint_ = answer.ToString();
      }
      SleepMs(5);
    }
  }

  const int64_t base_ms_;
  HttpSession session_;
  std::atomic<bool> stop_{false};
  int sent_ = 0;
  std::set<int> acknowledged_;
  std::string complaint_;
  std::thread thread_;
};

// By series what each time holds, and whether something was there twice.
struct Found {
  std::map<std::string, std::map<int64_t, int>> series;
  std::string wrong;
};

Found QueryAll(const Endpoint& endpoint, int64_t at_ms) {
  Found found;
  HttpSession session({endpoint});
  const Answer answer =
      session.Call("GET", fmt::format("/api/v1/query?query=chaos%5B5h%5D&time={}.{:03}", at_ms / 1'000, at_ms % 1'000));
  if (!answer.good()) {
    found.wrong = answer.ToString();
    return found;
  }
  for (const auto& entry : answer.body.at("data").at("result").as_array()) {
    const std::string name(entry.at("metric").at("series").as_string());
    if (found.series.contains(name)) found.wrong = "series " + name + " twice";
    auto& samples = found.series[name];
    for (const auto& sample : entry.at("values").as_array()) {
      const auto time_ms = static_cast<int64_t>(std::llround(sample.at(0).to_number<double>() * 1e3));
      const int value = std::stoi(std::string(sample.at(1).as_string()));
      if (!samples.emplace(time_ms, value).second) found.wrong = "a sample twice in series " + name;
    }
  }
  return found;
}

class ClusterMetrics : public Chaos {
 protected:
  // Everything acknowledged is there once, and nothing that was not sent.
  void ExpectAll(const Sender& sender, const Endpoint& endpoint, const std::set<std::string>& deleted = {}) {
    const Found found = QueryAll(endpoint, NowMs());
    ASSERT_EQ(found.wrong, "");
    uint64_t lost = 0, strange = 0;
    for (int i = 0; i < kSeries; ++i) {
      const std::string name = std::to_string(i);
      const auto known = found.series.find(name);
      if (deleted.contains(name)) {
        EXPECT_EQ(known, found.series.end()) << "deleted series " << name << " is back";
        continue;
      }
      ASSERT_NE(known, found.series.end()) << "series " << name << " at " << endpoint.host;
      std::map<int64_t, int> samples = known->second;
      const int64_t back_ms = i == 0 ? kOldMs : 0;
      for (const int request : sender.acknowledged()) {
        const auto sample = samples.find(sender.TimeOf(request) - back_ms);
        lost += sample == samples.end() || sample->second != request ? 1 : 0;
      }
      for (const auto& [time_ms, value] : samples) {
        strange += value < 0 || value >= sender.sent() || sender.TimeOf(value) - back_ms != time_ms ? 1 : 0;
      }
    }
    EXPECT_EQ(lost, 0u) << endpoint.host;
    EXPECT_EQ(strange, 0u) << endpoint.host;
  }
  void ExpectAllEverywhere(const Sender& sender, const std::set<std::string>& deleted = {}) {
    for (size_t node = 0; node < fleet_->nodes(); ++node) ExpectAll(sender, fleet_->http(node), deleted);
    ExpectAll(sender, fleet_->gateways()[0], deleted);
  }
};

TEST_F(ClusterMetrics, AKilledNodeCostsNoAcknowledgedSampleAndIsEqualSoonAfterItsReturn) {
  const std::string fact = "metrics, one of three killed";
  StartFleet({.node_flags = {"--metrics-admin"}});
  if (HasFailure()) return;
  Sender sender(fleet_->gateways());
  SleepMs(full() ? 20'000 : 2'000);
  fleet_->Kill(1);
  SleepMs(full() ? 60'000 : 3'000);
  const int64_t returned_ms = NowMs();
  fleet_->Restart(1);
  SleepMs(full() ? 5'000 : 1'500);
  sender.Stop();
  EXPECT_EQ(sender.complaint(), "");
  EXPECT_GT(sender.acknowledged().size(), 10u);
  Note(fact, "requests sent", sender.sent(), "");
  Note(fact, "acknowledged", static_cast<double>(sender.acknowledged().size()), "");
  ASSERT_TRUE(fleet_->AwaitReady(1).ok());
  ExpectEqual(fact, 60'000);
  Note(fact, "seconds from return until equal, load included", static_cast<double>(NowMs() - returned_ms) * 1e-3, "s");
  ExpectAllEverywhere(sender);

  // Deleted while a node is away: it does not come back with that node.
  fleet_->Kill(2);
  HttpSession admin({fleet_->http(0)});
  const Answer deleted =
      admin.Call("POST", "/api/v1/admin/tsdb/delete_series?match%5B%5D=chaos%7Bseries%3D~%220%7C7%22%7D");
  ASSERT_TRUE(deleted.good()) << deleted.ToString();
  ExpectAll(sender, fleet_->http(0), {"0", "7"});
  fleet_->Restart(2);
  ASSERT_TRUE(fleet_->AwaitReady(2).ok());
  ExpectEqual(fact, 60'000);
  ExpectAllEverywhere(sender, {"0", "7"});
}

// The first value of an instant query, as text; "" for none.
std::string ValueOf(const Endpoint& endpoint, const std::string& query) {
  const Answer answer = HttpSession({endpoint}).Call("GET", "/api/v1/query?query=" + query);
  if (!answer.good()) return "";
  const auto& result = answer.body.at("data").at("result").as_array();
  return result.empty() ? "" : std::string(result[0].at("value").at(1).as_string());
}

bool Await(int64_t limit_ms, const std::function<bool()>& holds) {
  for (const int64_t until_ms = NowMs() + limit_ms; NowMs() < until_ms; SleepMs(200)) {
    if (holds()) return true;
  }
  return false;
}

TEST_F(ClusterMetrics, EveryProcessKeepsItsOwnFiguresAndRulesGoOnWhenTheLeaderIsKilled) {
  const ScratchFolder folder;
  std::ofstream(folder.path() + "/rules.yml")
      << "groups: [{name: g, interval: 1s, rules: [{record: slot, expr: time()}, "
         "{alert: Always, expr: vector(1)}]}]\n";
  StartFleet({.node_flags = {"--self-metrics", "on", "--rule-files", folder.path() + "/*.yml"}});
  if (HasFailure()) return;
  const Endpoint gateway = fleet_->gateways()[0];
  // Three nodes; the gateway was told nothing and begins once there are metrics.
  EXPECT_TRUE(Await(60'000, [&] { return ValueOf(gateway, "count(up%7Bjob%3D%22rhizome-self%22%7D)") == "4"; }));
  const auto told = [&](const Endpoint& endpoint, const char* what) {
    const Answer answer = HttpSession({endpoint}).Call("GET", std::string("/api/v1/") + what);
    if (!answer.good()) return size_t{0};
    const auto& data = answer.body.at("data").as_object();
    return data.begin()->value().as_array().size();
  };
  const auto everywhere = [&](size_t without) {
    bool all = told(gateway, "alerts") == 1 && told(gateway, "rules") == 2;  // and the group of built-in ones
    for (size_t node = 0; node < fleet_->nodes(); ++node) {
      all = all && (node == without || told(fleet_->http(node), "alerts") == 1);
    }
    return all;
  };
  EXPECT_TRUE(Await(60'000, [&] { return everywhere(fleet_->nodes()); }));
  const Answer cluster = HttpSession({gateway}).Call("GET", "/cluster/status");
  ASSERT_TRUE(cluster.good()) << cluster.ToString();
  const size_t leader = fleet_->Find(std::string(cluster.body.at("leader").as_string()));
  ASSERT_LT(leader, fleet_->nodes());
  fleet_->Kill(leader);
  const int64_t killed_ms = NowMs();
  const auto newest_ms = [&] {
    const std::string text = ValueOf(gateway, "timestamp(slot)");
    return text.empty() ? 0 : static_cast<int64_t>(std::stod(text) * 1e3);
  };
  EXPECT_TRUE(Await(60'000, [&] { return newest_ms() > killed_ms + 1'000; }));
  Note("metrics, the leader killed", "seconds until its rules go on", static_cast<double>(NowMs() - killed_ms) * 1e-3,
       "s");
  EXPECT_TRUE(Await(60'000, [&] { return everywhere(leader); }));
  // Whoever evaluated a slot, it has one sample, which says the slot's time.
  const Answer all = HttpSession({gateway}).Call("GET", "/api/v1/query?query=slot%5B5m%5D");
  ASSERT_TRUE(all.good()) << all.ToString();
  const auto& series = all.body.at("data").at("result").as_array();
  ASSERT_EQ(series.size(), 1u);
  std::set<int64_t> slots;
  for (const auto& sample : series[0].at("values").as_array()) {
    const double time = sample.at(0).to_number<double>();
    EXPECT_TRUE(slots.insert(static_cast<int64_t>(time)).second) << time;
    EXPECT_NEAR(std::stod(std::string(sample.at(1).as_string())), time, 1e-3);
  }
}

}  // namespace
}  // namespace rhizome::chaos
