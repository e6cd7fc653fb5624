#include "cluster/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::cluster {
namespace {

using format::PointId;
using testing::ElementsAre;
using vector::Candidate;
using vector::Candidates;

std::vector<uint64_t> Numbers(const std::vector<Candidate>& candidates) {
  std::vector<uint64_t> numbers;
  for (const Candidate& candidate : candidates) numbers.push_back(candidate.id.number());
  return numbers;
}

Candidate C(uint64_t id, float score) { return {PointId(id), score}; }

TEST(Rank, PartitionsMergeByScore) {
  SearchRequest request;
  request.mode = SearchMode::kDense;
  request.top_k = 3;
  const std::vector<Candidates> answers = {{{C(1, 0.9f), C(2, 0.1f)}, {}}, {{C(3, 0.5f), C(4, 0.4f)}, {}}};
  EXPECT_THAT(Numbers(Rank(request, answers)), ElementsAre(1, 3, 4));
}

TEST(Rank, EqualScoresAreOrderedById) {
  SearchRequest request;
  request.mode = SearchMode::kText;
  const std::vector<Candidates> answers = {{{}, {C(9, 1)}}, {{}, {C(2, 1)}}};
  EXPECT_THAT(Numbers(Rank(request, answers)), ElementsAre(2, 9));
}

TEST(Rank, FusionPrefersWhatBothLegsFound) {
  SearchRequest request;
  request.mode = SearchMode::kHybrid;
  const std::vector<Candidates> answers = {{{C(1, 0.9f), C(2, 0.8f)}, {C(3, 12), C(2, 11)}}};
  EXPECT_EQ(Numbers(Rank(request, answers)).front(), 2u);
}

TEST(Rank, FusionKeepsHowFarApartScoresAre) {
  SearchRequest request;
  request.mode = SearchMode::kHybrid;
  const std::vector<Candidates> answers = {{{C(1, 0.9f), C(2, 0.3f), C(3, 0.2f)}, {C(2, 8), C(1, 7)}}};
  const auto ranked = Rank(request, answers);  // the second is a little better by words, much worse by meaning
  EXPECT_THAT(Numbers(ranked), ElementsAre(1, 2, 3));
  EXPECT_FLOAT_EQ(ranked[0].score, (1 + 7.0f / 8) / 2);
}

TEST(Rank, OfATextLegThatGoesOnTheWorstIsNearlyNothing) {
  SearchRequest request;
  request.mode = SearchMode::kHybrid;
  Candidates answer;
  for (uint64_t i = 0; i < 100; ++i) answer.text.push_back(C(i, 50 - 0.1f * static_cast<float>(i)));
  request.top_k = 100;
  const auto ranked = Rank(request, {answer});
  ASSERT_EQ(ranked.size(), 100u);
  EXPECT_NEAR(ranked.back().score, 0.01, 1e-4);
}

TEST(Rank, OnePerDocumentKeepsTheBestChunk) {
  SearchRequest request;
  request.mode = SearchMode::kText;
  request.one_per_document = true;
  const PointId a = PointId::FromString("a").value(), b = PointId::FromString("b").value();
  const std::vector<Candidates> answers = {
      {{}, {{PointId::OfChunk(a, 2), 3}, {PointId::OfChunk(a, 0), 2}, {PointId::OfChunk(b, 1), 1}}}};
  const auto ranked = Rank(request, answers);
  ASSERT_EQ(ranked.size(), 2u);
  EXPECT_EQ(ranked[0].id.ToString(), "a#2");
  EXPECT_EQ(ranked[1].id.ToString(), "b#1");
}

TEST(Rank, MinScoreCutsTheList) {
  SearchRequest request;
  request.mode = SearchMode::kDense;
  request.min_score = 0.5f;
  const std::vector<Candidates> answers = {{{C(1, 0.9f), C(2, 0.4f)}, {}}};
  EXPECT_THAT(Numbers(Rank(request, answers)), ElementsAre(1));
}

}  // namespace
}  // namespace rhizome::cluster
