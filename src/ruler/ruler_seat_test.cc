#include "ruler/ruler_seat.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/await_testing.h"
#include "io/sim_disk.h"
#include "metrics/store.h"
#include "promql/engine.h"

namespace rhizome::ruler {
namespace {

// A lead that the test gives and takes.
class RulerSeatTest : public testing::Test {
 protected:
  RulerSeatTest() {
    cluster::NodeOptions options;
    options.data_dir = "/data";
    options.memtable_bytes = 1 << 20;
    node_ = cluster::Node::Open(disk_, options).value();
    store_ = std::make_unique<metrics::Store>(*node_, SystemClock());
    notifier_ = Notifier::Start({}, metrics_).value();
    rules_.interval_ms = 20;
    rules_.builtin = {{"own", "groups: [{name: g, rules: [{record: evaluated, expr: 'time()'}]}]"}};
  }
  ~RulerSeatTest() override { seat_.reset(); }

  void Sit() {
    const auto start = [this](std::function<bool()> holds) -> Result<std::unique_ptr<Ruler>> {
      ++starts_;
      return Ruler::Start(rules_, {*store_, *notifier_, metrics_, SystemClock(), std::move(holds)});
    };
    const auto look = [this]() -> Result<Leadership::Now> { return Leadership::Now{known_here_, known_epoch_}; };
    const auto confirm = [this]() -> Result<Leadership::Now> {
      ++confirmations_;
      if (away_) return Status::Unavailable("coordination is away");
      return Leadership::Now{true_here_, true_epoch_};
    };
    seat_ = std::make_unique<RulerSeat>(RulerSeatOptions{5, 0},
                                        RulerSeat::Ports{look, confirm, start, slot_, SystemClock()});
  }
  void Lead(int64_t epoch) {
    true_epoch_ = known_epoch_ = epoch;
    true_here_ = known_here_ = true;
  }
  // The time of the newest evaluation, 0 for none.
  int64_t Newest() {
    std::vector<std::string> warnings;
    const auto source = store_->Open({metrics::kTenant, INT64_MAX, nullptr, &warnings}).value();
    const auto result =
        promql::Engine({}, SystemClock()).Instant("timestamp(evaluated) * 1000", SystemClock().WallMs(), {*source});
    return result.value().series.empty() ? 0 : static_cast<int64_t>(result->series[0].values[0]);
  }
  bool GoesOn() {
    const int64_t before = Newest();
    return Await([&] { return Newest() > before; });
  }

  io::SimDisk disk_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<metrics::Store> store_;
  MetricRegistry metrics_;
  std::unique_ptr<Notifier> notifier_;
  RulerOptions rules_;
  RulerSlot slot_{"not yet"};
  std::atomic<bool> known_here_{false}, true_here_{false}, away_{false};
  std::atomic<int64_t> known_epoch_{0}, true_epoch_{0};
  std::atomic<int> starts_{0}, confirmations_{0};
  std::unique_ptr<RulerSeat> seat_;
};

TEST_F(RulerSeatTest, RulesAreEvaluatedWhileThisProcessLeads) {
  Sit();
  EXPECT_FALSE(slot_.Get().ok());
  Lead(7);
  EXPECT_TRUE(GoesOn());
  ASSERT_TRUE(slot_.Get().ok());
  EXPECT_EQ((*slot_.Get())->View().size(), 1u);
  known_here_ = true_here_ = false;
  EXPECT_TRUE(Await([&] { return !slot_.Get().ok(); }));
  Lead(9);
  EXPECT_TRUE(GoesOn());
  EXPECT_EQ(starts_, 2);
}

TEST_F(RulerSeatTest, WhoWasFollowedWithoutKnowingItWritesNothingMore) {
  Lead(7);
  Sit();
  ASSERT_TRUE(GoesOn());
  true_here_ = false;  // as after a pause that was longer than the lease: this process still believes
  true_epoch_ = 8;
  const int before = confirmations_;
  ASSERT_TRUE(Await([&] { return confirmations_ > before + 2; }));
  const int64_t newest = Newest();
  const int after = confirmations_;
  ASSERT_TRUE(Await([&] { return confirmations_ > after + 5; }));
  EXPECT_EQ(Newest(), newest);
}

TEST_F(RulerSeatTest, TheLeadOfAnotherEpochIsAnotherRulers) {
  Lead(7);
  Sit();
  ASSERT_TRUE(GoesOn());
  Lead(8);
  EXPECT_TRUE(Await([&] { return starts_ == 2; }));
  EXPECT_TRUE(GoesOn());
}

TEST_F(RulerSeatTest, WithoutCoordinationTheLastLeaderGoesOn) {
  Lead(7);
  Sit();
  ASSERT_TRUE(GoesOn());
  away_ = true;
  EXPECT_TRUE(GoesOn());
  EXPECT_EQ(starts_, 1);
}

TEST_F(RulerSeatTest, ARulerThatCannotStartIsTriedAgainAndTheReasonIsSaid) {
  rules_.files = {"/no/such/file.yml"};
  Lead(7);
  Sit();
  ASSERT_TRUE(Await([&] { return starts_ >= 2; }));
  EXPECT_NE(slot_.Get().status().message().find("no/such/file"), std::string_view::npos);
}

}  // namespace
}  // namespace rhizome::ruler
