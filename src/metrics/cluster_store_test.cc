// The metrics of a cluster of members in this process, on real disks and wires.
#include "metrics/cluster_store.h"

#include <gmock/gmock.h>

#include "cluster/cluster_testing.h"
#include "shard/series_testing.h"

namespace rhizome::metrics {
namespace {

using cluster::Eventually;
using promql::SeriesQuery;
using shard::BatchOf;
using shard::MetricIs;
using shard::Shown;
using testing::ElementsAre;

class ClusterStoreTest : public cluster::ClusterTest {
 protected:
  struct Seat {
    explicit Seat(cluster::ClusterRuntime& runtime, TenantLimits limits)
        : cluster(runtime.calls(), runtime.member(), {4, 3}),
          store(cluster, {24 * 3'600'000, 600'000}, SystemClock(), std::move(limits)) {}
    SeriesCluster cluster;
    ClusterStore store;
  };
  // The store at one process.
  std::unique_ptr<Seat> At(const std::string& name, TenantLimits limits = {}) {
    return std::make_unique<Seat>(*processes_.at(name).runtime, std::move(limits));
  }
  promql::MetricsScope Scope(int64_t timeout_ms = 20'000) {
    promql::MetricsScope scope;
    scope.tenant = kTenant;
    scope.deadline_ns = SystemClock().MonotonicNs() + timeout_ms * 1'000'000;
    scope.warnings = &warnings_;
    return scope;
  }
  static SeriesQuery Everything() {
    SeriesQuery query;
    query.min_ms = INT64_MIN;
    query.max_ms = INT64_MAX;
    return query;
  }
  Result<Shown> All(const std::string& name, int64_t timeout_ms = 20'000) {
    const auto seat = At(name);
    ASSIGN_OR_RETURN(const auto source, seat->store.Open(Scope(timeout_ms)));
    promql::SelectHints hints;
    hints.min_ms = INT64_MIN;
    hints.max_ms = INT64_MAX;
    ASSIGN_OR_RETURN(const auto stream, source->Select({}, hints));
    Shown shown;
    promql::SeriesSamples series;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, stream->Next(series));
      if (!more) return shown;
      auto& samples = shown[std::string(series.labels.metric_name())];
      for (size_t i = 0; i < series.times_ms.size(); ++i) samples[series.times_ms[i]] = series.values[i];
    }
  }
  // `count` metrics of one sample each.
  std::vector<shard::NamedSample> Some(int count, int64_t time_ms) {
    std::vector<shard::NamedSample> samples;
    for (int i = 0; i < count; ++i) samples.push_back({"metric_" + std::to_string(i), time_ms, double(i)});
    return samples;
  }
  Shown Expected(const std::vector<shard::NamedSample>& samples) {
    Shown shown;
    for (const auto& sample : samples) shown[sample.metric][sample.time_ms] = sample.value;
    return shown;
  }
  void Write(const std::string& name, const std::vector<shard::NamedSample>& samples) {
    const auto written = At(name)->store.Write(kTenant, BatchOf(samples));
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    EXPECT_EQ(written->kept, samples.size());
  }
  // Whether every partition has three whole replicas that hold the same.
  bool ReplicasAgree() {
    std::map<uint32_t, std::vector<format::RangeDigest>> digests;
    for (auto& [name, process] : processes_) {
      if (process.node == nullptr) continue;
      for (const cluster::ReplicaInfo& info : process.node->Replicas()) {
        const auto replica = process.node->SeriesReplica(info.spec.shard);
        if (!replica.ok() || !info.spec.complete) return false;
        digests[info.spec.shard].push_back((*replica)->digests().Compute(10, std::nullopt).value());
      }
    }
    return digests.size() == 4 && std::all_of(digests.begin(), digests.end(), [](const auto& of_shard) {
             const auto& all = of_shard.second;
             return all.size() == 3 && all[0] == all[1] && all[1] == all[2];
           });
  }

  const int64_t now_ms_ = SystemClock().WallMs();
  std::vector<std::string> warnings_;
};

TEST_F(ClusterStoreTest, WhatOneProcessTookEveryOtherShows) {
  StartThree();
  StartGateway("g");
  EXPECT_TRUE(All("b")->empty());
  auto samples = Some(40, now_ms_);
  samples.push_back({"late", now_ms_ - 5 * 3'600'000, 7});
  Write("g", samples);
  for (const char* name : {"a", "b", "c", "g"}) {
    const auto shown = All(name);
    ASSERT_TRUE(shown.ok()) << shown.status().ToString();
    EXPECT_EQ(*shown, Expected(samples)) << name;
  }
  const auto seat = At("c");
  EXPECT_EQ(seat->store.Series(Scope(), Everything())->size(), 41u);
  EXPECT_THAT(*seat->store.LabelNames(Scope(), Everything()), ElementsAre("__name__"));
  EXPECT_EQ(seat->store.LabelValues(Scope(), "__name__", Everything())->size(), 41u);
  const auto figures = seat->store.Figures(Scope(), 3);
  ASSERT_TRUE(figures.ok());
  EXPECT_EQ(figures->series, 41u);
  EXPECT_EQ(figures->min_ms, now_ms_ - 5 * 3'600'000);
  EXPECT_EQ(figures->max_ms, now_ms_);
}

TEST_F(ClusterStoreTest, SamplesOutsideOfTheWindowAreRefusedOneByOne) {
  StartThree();
  const auto written = At("a")->store.Write(
      kTenant, BatchOf({{"now", now_ms_, 1}, {"old", now_ms_ - 48 * 3'600'000, 1}, {"ahead", now_ms_ + 3'600'000, 1}}));
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_EQ(written->kept, 1u);
  EXPECT_EQ(written->refused, 2u);
  EXPECT_EQ(written->reasons.size(), 2u);
  EXPECT_EQ(All("b")->size(), 1u);
}

TEST_F(ClusterStoreTest, TenantsSeeListDeleteAndCountOnlyTheirOwnSeries) {
  StartThree();
  Write("a", {{"up", now_ms_, 1}, {"mine", now_ms_, 2}});
  ASSERT_EQ(At("a")->store.Write("other", BatchOf({{"up", now_ms_ - 9'000'000, 7}, {"yours", now_ms_ + 5, 8}}))->kept,
            2u);
  const auto seat = At("b");
  const auto names = [&](std::string_view tenant, const SeriesQuery& query) {
    promql::MetricsScope scope = Scope();
    scope.tenant = tenant;
    return seat->store.LabelValues(scope, "__name__", query).value();
  };
  EXPECT_THAT(names(kTenant, Everything()), ElementsAre("mine", "up"));
  EXPECT_THAT(names("other", Everything()), ElementsAre("up", "yours"));
  EXPECT_THAT(names("third", Everything()), testing::IsEmpty());
  EXPECT_EQ(*All("c"), Expected({{"up", now_ms_, 1}, {"mine", now_ms_, 2}}));
  promql::MetricsScope other = Scope();
  other.tenant = "other";
  const auto figures = seat->store.Figures(other, 3);
  ASSERT_TRUE(figures.ok()) << figures.status().ToString();
  EXPECT_EQ(figures->series, 2u);
  EXPECT_EQ(figures->label_pairs, 2u);
  EXPECT_EQ(figures->min_ms, now_ms_ - 9'000'000);
  EXPECT_EQ(figures->max_ms, now_ms_ + 5);
  EXPECT_EQ(seat->store.Figures(Scope(), 3)->min_ms, now_ms_);
  SeriesQuery up = Everything();
  up.selectors = {{MetricIs("up")}};
  ASSERT_TRUE(At("c")->store.Delete(other, up).ok());
  EXPECT_THAT(names("other", Everything()), ElementsAre("yours"));
  EXPECT_THAT(names(kTenant, Everything()), ElementsAre("mine", "up"));
  for (const std::string_view name : {"a|b", ""}) {
    other.tenant = name;
    EXPECT_EQ(seat->store.Write(name, BatchOf({{"up", now_ms_, 1}})).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(seat->store.Open(other).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(seat->store.Delete(other, up).code(), Code::kInvalidArgument);
  }
}

TEST_F(ClusterStoreTest, ATenantAtItsLimitGetsNoNewSeriesFromAnyProcessAndKnownOnesGoOn) {
  StartThree();
  StartGateway("g");
  const auto one = At("g", {20, {{"large", 100}}}), two = At("a", {20, {{"large", 100}}});
  EXPECT_EQ(one->store.Write(kTenant, BatchOf(Some(15, now_ms_)))->kept, 15u);
  const auto beyond = two->store.Write(kTenant, BatchOf(Some(40, now_ms_ + 1)));
  ASSERT_TRUE(beyond.ok()) << beyond.status().ToString();
  EXPECT_EQ(beyond->kept, 20u);
  EXPECT_EQ(beyond->refused, 20u);
  ASSERT_FALSE(beyond->reasons.empty());
  EXPECT_NE(beyond->reasons[0].message().find("too many series"), std::string_view::npos);
  EXPECT_EQ(one->store.Write(kTenant, BatchOf(Some(20, now_ms_ + 2)))->kept, 20u);
  EXPECT_EQ(one->store.Write(kTenant, BatchOf({{"other", now_ms_, 1}}))->refused, 1u);
  EXPECT_EQ(one->store.Write("large", BatchOf(Some(40, now_ms_)))->kept, 40u);
  EXPECT_EQ(All("b")->size(), 20u);
}

TEST_F(ClusterStoreTest, AnOwnerThatWasAwayGetsWhatItMissedDeletionsToo) {
  StartThree();
  Write("a", Some(20, now_ms_));
  Stop("c");
  Write("a", Some(30, now_ms_ + 1));
  SeriesQuery gone = Everything();
  gone.selectors = {{MetricIs("metric_3")}};
  ASSERT_TRUE(At("b")->store.Delete(Scope(), gone).ok());
  Start("c");
  ASSERT_TRUE(Eventually(60, [&] { return ReplicasAgree(); }));
  for (const char* name : {"a", "b", "c"}) {
    const auto shown = All(name);
    ASSERT_TRUE(shown.ok()) << shown.status().ToString();
    EXPECT_EQ(shown->size(), 29u);
    EXPECT_EQ(shown->count("metric_3"), 0u);
    EXPECT_EQ(At(name)->store.Series(Scope(), Everything())->size(), 29u);
  }
}

TEST_F(ClusterStoreTest, WithoutAMajorityNothingIsTakenAndNoAnswerHasGaps) {
  StartThree();
  Write("a", Some(20, now_ms_));
  Stop("b");
  Stop("c");
  const auto written = At("a")->store.Write(kTenant, BatchOf(Some(5, now_ms_ + 1)));
  EXPECT_FALSE(written.ok());
  EXPECT_EQ(All("a", 3'000).status().code(), Code::kUnavailable);
  EXPECT_FALSE(At("a")->store.Series(Scope(3'000), Everything()).ok());
}

TEST_F(ClusterStoreTest, BeforeThereAreEnoughNodesASenderIsToldToComeAgain) {
  Start("a");
  EXPECT_EQ(At("a")->store.Write(kTenant, BatchOf({{"up", now_ms_, 1}})).status().code(), Code::kUnavailable);
}

TEST_F(ClusterStoreTest, ANewMemberHoldsCopiesBeforeItCounts) {
  StartThree();
  auto samples = Some(50, now_ms_);
  samples.push_back({"late", now_ms_ - 5 * 3'600'000, 7});
  Write("a", samples);
  Start("d");
  ASSERT_TRUE(Eventually(60, [&] { return !processes_.at("d").node->Replicas().empty() && ReplicasAgree(); }));
  Stop("a");
  const auto shown = All("d");
  ASSERT_TRUE(shown.ok()) << shown.status().ToString();
  EXPECT_EQ(*shown, Expected(samples));
}

TEST_F(ClusterStoreTest, ADeletionThatSaysNothingIsRefused) {
  StartThree();
  SeriesQuery query = Everything();
  query.selectors = {{}};
  EXPECT_EQ(At("a")->store.Delete(Scope(), query).field(), "matchers");
  query.selectors = {{MetricIs("up")}};
  std::swap(query.min_ms, query.max_ms);
  EXPECT_EQ(At("a")->store.Delete(Scope(), query).field(), "to");
  EXPECT_TRUE(At("a")->store.Delete(Scope(), {{{MetricIs("up")}}, 0, 1, 0}).ok());  // nothing was ever written
}

}  // namespace
}  // namespace rhizome::metrics
