#include "metrics/tenant_gate.h"

#include <gtest/gtest.h>

#include <set>

#include "shard/series_testing.h"

namespace rhizome::metrics {
namespace {

class TenantGateTest : public testing::Test {
 protected:
  // How many of the series are refused; the owners get the others.
  size_t Refused(TenantGate& gate, const std::vector<std::string>& names) {
    std::vector<shard::NamedSample> samples;
    for (const std::string& name : names) samples.push_back({name, 1, 1});
    const std::string bytes = shard::BatchOf(samples);
    const auto batch = format::SeriesBatch::Trusted(bytes);
    const auto refused = gate.Refuse(tenant_, batch, [&](const auto& labels) { return Answer(labels); });
    size_t count = 0;
    for (uint32_t i = 0; i < batch.series_count(); ++i) {
      if (!refused.empty() && refused[i]) {
        ++count;
      } else {
        owned_.insert(std::string(batch.LabelsOf(i).bytes()));
      }
    }
    return count;
  }
  Result<TenantGate::Census> Answer(const std::vector<std::string>& labels) {
    ++(labels.empty() ? counted_ : looked_);
    if (away_) return Status::Unavailable("away");
    TenantGate::Census census{owned_.size(), {}};
    for (const std::string& asked : labels) census.known.push_back(owned_.contains(asked));
    return census;
  }
  static std::vector<std::string> Names(int from, int to) {
    std::vector<std::string> names;
    for (int i = from; i < to; ++i) names.push_back("m" + std::to_string(i));
    return names;
  }

  SimClock clock_{0};
  const Tenancy tenant_ = Tenancy::Of("t").value();
  std::set<std::string> owned_;
  int counted_ = 0, looked_ = 0;
  bool away_ = false;
};

TEST_F(TenantGateTest, WithoutALimitNobodyIsAsked) {
  TenantGate gate({}, clock_);
  EXPECT_EQ(Refused(gate, Names(0, 100)), 0u);
  TenantGate other({5, {{"t", UINT64_MAX}}}, clock_);
  EXPECT_EQ(Refused(other, Names(0, 100)), 0u);
  EXPECT_EQ(counted_ + looked_, 0);
}

TEST_F(TenantGateTest, FarBelowTheLimitOwnersAreAskedOnceForManyBatches) {
  TenantGate gate({1'000, {}}, clock_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Refused(gate, Names(0, 90)), 0u);
  EXPECT_EQ(counted_, 1);
  EXPECT_EQ(looked_, 0);
}

TEST_F(TenantGateTest, NewSeriesBeyondTheLimitAreRefusedAndKnownOnesGoOn) {
  TenantGate gate({50, {}}, clock_);
  EXPECT_EQ(Refused(gate, Names(0, 40)), 0u);
  EXPECT_EQ(Refused(gate, Names(0, 70)), 20u);
  EXPECT_EQ(owned_.size(), 50u);
  EXPECT_EQ(Refused(gate, Names(0, 50)), 0u);
  EXPECT_EQ(owned_.size(), 50u);
}

TEST_F(TenantGateTest, AtTheLimitOwnersAreNotAskedAboutTheSameSeriesAgainAndAgain) {
  TenantGate gate({50, {}}, clock_);
  EXPECT_EQ(Refused(gate, Names(0, 60)), 10u);
  const int looked = looked_, counted = counted_;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Refused(gate, Names(0, 60)), 10u);
  EXPECT_EQ(looked_, looked);
  EXPECT_LE(counted_, counted + 1);
}

TEST_F(TenantGateTest, OnceSeriesAreForgottenThereIsRoomForOthers) {
  TenantGate gate({50, {}}, clock_);
  EXPECT_EQ(Refused(gate, Names(0, 60)), 10u);
  owned_.clear();
  clock_.AdvanceMs((TenantGate::kRefuseForNs + TenantGate::kAskEveryNs) / 1'000'000);
  EXPECT_EQ(Refused(gate, Names(50, 60)), 0u);
}

TEST_F(TenantGateTest, WithoutAnAnswerNothingIsRefused) {
  TenantGate gate({50, {}}, clock_);
  away_ = true;
  EXPECT_EQ(Refused(gate, Names(0, 70)), 0u);
  EXPECT_EQ(Refused(gate, Names(0, 80)), 0u);
  away_ = false;
  clock_.AdvanceMs(TenantGate::kAskEveryNs / 1'000'000);
  EXPECT_EQ(Refused(gate, Names(0, 90)), 10u);
}

TEST_F(TenantGateTest, AQuestionAboutManySeriesIsAskedInPieces) {
  TenantGate gate({10, {}}, clock_);
  std::vector<std::string> names;
  for (int i = 0; i < 9; ++i) names.push_back("m" + std::to_string(i) + std::string(1 << 20, 'x'));
  for (int i = 0; i < 9; ++i) names.push_back("n" + std::to_string(i) + std::string(1 << 20, 'x'));
  EXPECT_EQ(Refused(gate, names), 8u);
  EXPECT_GT(looked_, 3);
  EXPECT_EQ(owned_.size(), 10u);
}

TEST(FingerprintSet, HoldsWhatWasInsertedZeroToo) {
  FingerprintSet set;
  EXPECT_FALSE(set.Contains(7));
  for (uint64_t i = 0; i < 1'000; ++i) set.Insert(i * 64);
  for (uint64_t i = 0; i < 1'000; ++i) EXPECT_TRUE(set.Contains(i * 64)) << i;
  EXPECT_FALSE(set.Contains(63));
  EXPECT_EQ(set.size(), 1'000u);
  set.Insert(64);
  EXPECT_EQ(set.size(), 1'000u);
  set.Clear();
  EXPECT_FALSE(set.Contains(64));
}

}  // namespace
}  // namespace rhizome::metrics
