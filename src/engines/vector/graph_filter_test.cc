#include <gtest/gtest.h>

#include <random>

#include "engines/vector/graph/graph_test_data.h"
#include "engines/vector/graph_index.h"
#include "engines/vector/graph_link.h"
#include "engines/vector/traversal.h"

namespace rhizome::vector {
namespace {

SlotSet RandomFilter(Slot size, double selectivity) {
  std::mt19937 random(3);
  std::bernoulli_distribution pick(selectivity);
  SlotSet filter(size);
  for (Slot slot = 0; slot < size; ++slot) {
    if (pick(random)) filter.Add(slot);
  }
  return filter;
}

class Selectivity : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Shares, Selectivity, testing::Values(0.001, 0.01, 0.1, 0.3, 0.5, 0.9));

TEST_P(Selectivity, RecallHolds) {
  static const auto index = Filled(Metric::kCosine, Clustered(12000, 24, 50, 1));
  const SlotSet filter = RandomFilter(12000, GetParam());
  EXPECT_GE(Recall(*index, Clustered(50, 24, 50, 1, 2), {.k = 10, .filter = &filter}), 0.95);
}

TEST(GraphFilter, OnlyMatchesAnswer) {
  const Rows data = Clustered(5000, 8, 10, 4);
  auto index = Filled(Metric::kL2, data);
  const SlotSet filter = RandomFilter(5000, 0.4);
  for (const bool exact : {false, true}) {
    const auto hits = *index->Search(data[0], {.k = 100, .filter = &filter, .exact = exact});
    EXPECT_EQ(hits.size(), 100u);
    for (const ScoredSlot& hit : hits) EXPECT_TRUE(filter.Contains(hit.slot));
  }
}

TEST(GraphFilter, EmptyFilterAnswersNothing) {
  auto index = Filled(Metric::kL2, Clustered(3000, 8, 10, 4));
  const SlotSet none(3000), shorter;
  EXPECT_TRUE(index->Search(std::vector<float>(8, 1.0f), {.filter = &none})->empty());
  EXPECT_TRUE(index->Search(std::vector<float>(8, 1.0f), {.filter = &shorter})->empty());
}

TEST(GraphFilter, SlotsBeyondTheFilterDoNotMatch) {
  const Rows data = Clustered(3000, 8, 10, 5);
  auto index = Filled(Metric::kL2, data);
  const SlotSet first_half(1500, true);
  const auto hits = *index->Search(data[2000], {.k = 10, .filter = &first_half});
  ASSERT_EQ(hits.size(), 10u);
  for (const ScoredSlot& hit : hits) EXPECT_LT(hit.slot, 1500u);
}

TEST(GraphFilter, PendingSlotsAreFilteredToo) {
  const Rows data = Clustered(4000, 8, 10, 6);
  auto index = NewIndex(Metric::kL2, 8);
  AppendAll(*index, data, 0, 4000);
  index->Absorb(3000);
  SlotSet filter(4000);
  filter.Add(3999);
  filter.Add(5);
  const auto hits = *index->Search(data[0], {.k = 10, .filter = &filter});
  EXPECT_EQ(hits.size(), 2u);
}

TEST(GraphFilter, MatchesFarFromTheQueryAreFound) {
  // The filter passes one distant cluster only: a walk towards the query leads away from every match.
  Rows data = Clustered(12000, 16, 20, 7);
  SlotSet filter(12000);
  for (Slot slot = 0; slot < 12000; slot += 4) {
    for (float& x : data[slot]) x += 30;
    filter.Add(slot);
  }
  auto index = Filled(Metric::kL2, data);
  const Rows queries = Clustered(30, 16, 20, 7, 3);
  EXPECT_GE(Recall(*index, queries, {.k = 10, .filter = &filter}), 0.95);
}

// The planner prefers the scan on data this small, so the walks are called by themselves.
class MaskedWalks : public testing::TestWithParam<bool> {
 protected:
  void Build(const Rows& data) {
    const auto count = static_cast<Slot>(data.size());
    ASSERT_TRUE(store.Reserve(data.dimension(), 32, count).ok());
    ASSERT_TRUE(store.Commit(count).ok());
    for (Slot slot = 0; slot < count; ++slot) {
      store.facts_region.as<CodeFacts>()[slot] = codec.Encode(data[slot], store.code(slot));
      store.ClearRows(slot);
    }
    GraphLinker linker(store, codec, Metric::kL2, 128);
    for (Slot slot = 0; slot < count; ++slot) linker.Link(slot, slot, slot);
  }

  GraphStore store;
  Codec codec{Metric::kL2, std::vector<float>(24, 0.0f)};
};
INSTANTIATE_TEST_SUITE_P(Kinds, MaskedWalks, testing::Bool(),
                         [](const auto& param) { return std::string(param.param ? "TwoHop" : "Plain"); });

TEST_P(MaskedWalks, FindTheNearestMatches) {
  const bool two_hop = GetParam();
  const Rows data = Clustered(12000, 24, 50, 8), queries = Clustered(50, 24, 50, 8, 2);
  Build(data);
  auto reference = NewIndex(Metric::kL2, 24);
  AppendAll(*reference, data, 0, data.size());
  const SlotSet filter = RandomFilter(12000, two_hop ? 0.1 : 0.5);
  size_t found = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto truth = *reference->Search(queries[i], {.k = 10, .filter = &filter, .exact = true});
    SearchScratch& scratch = ThreadScratch();
    codec.PrepareQuery(queries[i], scratch.query);
    scratch.results.Reset(100);
    Descend(store, scratch, 12000, 0, 250);
    WalkMasked(store, scratch, 12000, {&store, &filter}, {100, 250, two_hop});
    for (size_t j = 0; j < scratch.results.size(); ++j) {
      const Slot slot = scratch.results[j].slot();
      EXPECT_TRUE(filter.Contains(slot));
      found += std::any_of(truth.begin(), truth.end(), [&](const ScoredSlot& t) { return t.slot == slot; }) ? 1 : 0;
    }
  }
  EXPECT_GE(found, 475u);
}

}  // namespace
}  // namespace rhizome::vector
