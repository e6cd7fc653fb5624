#include "engines/series/stamped.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "engines/series/deletion.h"
#include "engines/series/sample_order.h"

namespace rhizome::series {
namespace {

using format::MatchKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

format::Matcher Match(MatchKind kind, std::string name, std::string value) {
  return format::Matcher::Make(kind, std::move(name), std::move(value)).value();
}

uint64_t StampAt(int64_t ms) { return static_cast<uint64_t>(ms) << 16; }

TEST(Prompt, IsWhatCameWithinTenMinutesOfItsTime) {
  EXPECT_TRUE(IsPrompt(1'000'000, 1'000'000));
  EXPECT_TRUE(IsPrompt(1'000'000, 1'000'000 + kPromptMs));
  EXPECT_FALSE(IsPrompt(1'000'000, 1'000'001 + kPromptMs));
  EXPECT_TRUE(IsPrompt(1'000'000 + kPromptMs, 1'000'000));
  EXPECT_FALSE(IsPrompt(1'000'001 + kPromptMs, 1'000'000));
}

TEST(Prompt, ExtremeTimesAreNot) {
  for (const int64_t time : {INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1}) {
    EXPECT_FALSE(IsPrompt(time, 0));
    EXPECT_FALSE(IsPrompt(time, 1'700'000'000'000));
  }
}

TEST(KeepUndominated, KeepsWhatIsNewerOrCountsMore) {
  std::vector<StampedSample> samples = {{5, 1, 30}, {5, 3, 10}, {5, 2, 20}, {4, 9, 1}};
  KeepUndominated(samples);
  EXPECT_THAT(samples, ElementsAre(StampedSample{4, 9, 1}, StampedSample{5, 1, 30}, StampedSample{5, 2, 20},
                                   StampedSample{5, 3, 10}));
}

TEST(KeepUndominated, DropsWhatIsOlderAndCountsLess) {
  std::vector<StampedSample> samples = {{5, 1, 10}, {5, 2, 20}, {5, kNan, 15}, {5, 2, 20}};
  KeepUndominated(samples);
  EXPECT_THAT(samples, ElementsAre(StampedSample{5, 2, 20}));
}

TEST(KeepUndominated, OfOneStampTheOneThatCountsStays) {
  std::vector<StampedSample> samples = {{5, kNan, 10}, {5, -1, 10}};
  KeepUndominated(samples);
  EXPECT_THAT(samples, ElementsAre(StampedSample{5, -1, 10}));
}

// The reason for all of it: dropping early and dropping late show the same after any deletion.
TEST(KeepUndominated, NoDeletionCanTellWhetherItRan) {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<StampedSample> all(1 + random() % 8);
    for (StampedSample& sample : all) sample = {0, static_cast<double>(random() % 4), random() % 6};
    std::vector<StampedSample> kept(all.begin(), all.begin() + static_cast<ptrdiff_t>(all.size() / 2));
    KeepUndominated(kept);
    kept.insert(kept.end(), all.begin() + static_cast<ptrdiff_t>(all.size() / 2), all.end());
    KeepUndominated(kept);
    const Hiding hiding{random() % 7, 0, 0};
    Hide(std::span(&hiding, 1), all);
    Hide(std::span(&hiding, 1), kept);
    KeepUndominated(all);
    Samples of_all, of_kept;
    MergeStamped({}, all, of_all);
    MergeStamped({}, kept, of_kept);
    EXPECT_EQ(of_all.values, of_kept.values);
  }
}

TEST(MergeStamped, OfEachTimeTheOneThatCountsIsShown) {
  Samples prompt{{1, 3, 5}, {10, 30, 50}};
  std::vector<StampedSample> stamped = {{3, 31, 1}, {4, 40, 9}, {4, 41, 2}, {5, 1, 7}};
  Samples shown;
  MergeStamped(prompt, stamped, shown);
  EXPECT_THAT(shown.times, ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(shown.values, ElementsAre(10, 31, 41, 50));
}

TEST(Hide, PromptSamplesGoUpToTheMomentOfTheDeletion) {
  Samples prompt{{100, 200, 300, 400}, {1, 2, 3, 4}};
  const Hiding hiding{StampAt(300), 200, INT64_MAX};
  Hide(std::span(&hiding, 1), prompt);
  EXPECT_THAT(prompt.times, ElementsAre(100, 400));
  EXPECT_THAT(prompt.values, ElementsAre(1, 4));
}

TEST(Hide, StampedSamplesGoByTheirStamps) {
  std::vector<StampedSample> stamped = {{100, 1, 50}, {200, 2, 51}, {300, 3, 50}};
  const Hiding hiding{50, 0, 250};
  Hide(std::span(&hiding, 1), stamped);
  EXPECT_THAT(stamped, ElementsAre(StampedSample{200, 2, 51}, StampedSample{300, 3, 50}));
}

format::Labels Web() {
  return format::Labels::FromPairs(std::vector<format::LabelPair>{{"__name__", "up"}, {"job", "web"}}).value();
}

TEST(DeletionSet, HidesSeriesOfWhichAllConditionsHold) {
  DeletionSet set;
  EXPECT_TRUE(set.Add({7, 1, 2, {Match(MatchKind::kEqual, "job", "web")}}, 1).value());
  EXPECT_TRUE(
      set.Add({8, 1, 2, {Match(MatchKind::kEqual, "job", "web"), Match(MatchKind::kRegex, "__name__", "d.*")}}, 2)
          .value());
  EXPECT_TRUE(
      set.Add({9, 3, 4, {Match(MatchKind::kNotRegex, "__name__", "d.*"), Match(MatchKind::kEqual, "zone", "")}}, 3)
          .value());
  std::vector<Hiding> hidings{{1, 1, 1}};
  set.FindHidings(Web(), hidings);
  ASSERT_EQ(hidings.size(), 2u);
  EXPECT_EQ(hidings[0].stamp, 7u);
  EXPECT_EQ(hidings[1].stamp, 9u);
}

TEST(DeletionSet, AMemberIsAMemberOnce) {
  DeletionSet set;
  EXPECT_TRUE(set.Add({7, 1, 2, {Match(MatchKind::kEqual, "job", "web")}}, 5).value());
  EXPECT_FALSE(set.Add({7, 1, 2, {Match(MatchKind::kEqual, "job", "web")}}, 9).value());
  ASSERT_EQ(set.members().size(), 1u);
  EXPECT_EQ(set.members()[0].lsn, 5u);
}

TEST(DeletionSet, RefusesWhatIsNoDeletion) {
  DeletionSet set;
  EXPECT_EQ(set.Add({7, 2, 1, {Match(MatchKind::kEqual, "job", "web")}}, 1).status().field(), "to");
  EXPECT_EQ(set.Add({7, 1, 2, {}}, 1).status().field(), "matchers");
  EXPECT_TRUE(set.empty());
}

TEST(DeletionSet, EncodingRoundTrips) {
  DeletionSet set;
  ASSERT_TRUE(
      set.Add({8, 1, 2, {Match(MatchKind::kRegex, "job", "w.*"), Match(MatchKind::kNotEqual, "a", "")}}, 3).ok());
  ASSERT_TRUE(set.Add({7, INT64_MIN, INT64_MAX, {Match(MatchKind::kEqual, "job", "web")}}, 4).ok());
  std::string bytes;
  set.EncodeTo(bytes);
  format::Decoder in(bytes);
  const DeletionSet again = DeletionSet::Decode(in).value();
  ASSERT_TRUE(in.Finish("deletions").ok());
  ASSERT_EQ(again.members().size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again.members()[i].deletion, set.members()[i].deletion);
    EXPECT_EQ(again.members()[i].lsn, set.members()[i].lsn);
  }
}

TEST(DeletionSet, WhatIsNoEncodingIsCorruption) {
  DeletionSet set;
  ASSERT_TRUE(set.Add({7, 1, 2, {Match(MatchKind::kRegex, "job", "w.*")}}, 3).ok());
  std::string bytes;
  set.EncodeTo(bytes);
  for (size_t length = 0; length < bytes.size(); ++length) {
    format::Decoder in(std::string_view(bytes).substr(0, length));
    EXPECT_EQ(DeletionSet::Decode(in).status().code(), Code::kCorruption) << length;
  }
  std::string twice = bytes + bytes.substr(1);
  twice[0] = 2;
  format::Decoder not_ascending(twice);
  EXPECT_EQ(DeletionSet::Decode(not_ascending).status().code(), Code::kCorruption);
  std::string broken = bytes;
  broken[broken.size() - 2] = '(';  // no expression
  format::Decoder no_expression(broken);
  EXPECT_EQ(DeletionSet::Decode(no_expression).status().code(), Code::kCorruption);
  bytes[34] = 4;  // no such kind
  format::Decoder unknown(bytes);
  EXPECT_EQ(DeletionSet::Decode(unknown).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::series
