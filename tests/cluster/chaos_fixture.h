// What every test of real processes begins and ends with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "figures.h"
#include "fleet.h"
#include "load.h"
#include "points.h"
#include "register_clients.h"
#include "replica_compare.h"

namespace rhizome::chaos {

class Chaos : public testing::Test {
 protected:
  void StartFleet(FleetOptions options) {
    auto started = Fleet::Start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    fleet_ = std::move(started).value();
  }
  void TearDown() override {
    if (HasFailure() && fleet_ != nullptr) ADD_FAILURE() << "what the processes said last:" << fleet_->Logs();
  }

  static bool full() { return TheExtent().full; }
  HttpSession Session() const { return HttpSession(fleet_->gateways()); }
  // Every replica equal within the time; what that took.
  void ExpectEqual(const std::string& fact, int64_t timeout_ms) {
    const auto seconds = ReplicaCompare(*fleet_).AwaitEqual(timeout_ms);
    ASSERT_TRUE(seconds.ok()) << seconds.status().ToString();
    Note(fact, "seconds until all replicas were equal", *seconds, "s");
  }
  // Nothing acknowledged is lost, nothing deleted is back, no answer was wrong.
  void ExpectKept(const std::string& fact, Load& load) {
    HttpSession session = Session();
    std::string why;
    const history::SetVerdict verdict = load.Check(session, why);
    ASSERT_EQ(why, "");
    EXPECT_TRUE(verdict.ok()) << verdict.first;
    EXPECT_EQ(load.wrong(), std::vector<std::string>{});
    EXPECT_GT(load.acknowledged(), 0u);
    Note(fact, "points of a known fate looked for in the end", static_cast<double>(verdict.checked), "");
    Note(fact, "acknowledged and lost", static_cast<double>(verdict.lost), "");
    Note(fact, "deleted and back", static_cast<double>(verdict.revived), "");
  }
  // A walk over the whole collection meets what is there once each, and nothing that nobody wrote.
  void ExpectNothingTwice(const std::string& fact, Load& load) {
    HttpSession session = Session();
    std::string why;
    const auto all = ScrollAll(session, "things", "quorum", why);
    ASSERT_TRUE(all.has_value()) << why;
    EXPECT_EQ(why, "");
    uint64_t strange = 0;
    for (const auto& [id, content] : *all) strange += load.Wrote(id) ? 0 : 1;
    EXPECT_EQ(strange, 0u);
    Note(fact, "points that nobody wrote", static_cast<double>(strange), "");
  }
  static void ExpectLinearizable(const std::string& fact, const RegisterClients& clients) {
    const RegisterReport report = clients.Check();
    EXPECT_EQ(report.violation, "");
    EXPECT_EQ(report.undecided, 0u);
    EXPECT_GT(report.acknowledged, 0u);
    Note(fact, "operations on registers", static_cast<double>(report.operations), "");
    Note(fact, "of them failed", static_cast<double>(report.failed), "");
    Note(fact, "of them unknown", static_cast<double>(report.unknown), "");
  }

  std::unique_ptr<Fleet> fleet_;
};

}  // namespace rhizome::chaos
