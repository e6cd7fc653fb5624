// Data and measures for the graph index's tests: clustered rows, filled indexes, recall against the full scan.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <span>
#include <vector>

#include "engines/vector/graph_index.h"

namespace rhizome::vector {

class Rows {
 public:
  Rows(size_t count, size_t dimension) : dimension_(dimension), values_(count * dimension) {}
  size_t size() const { return values_.size() / dimension_; }
  size_t dimension() const { return dimension_; }
  std::span<float> operator[](size_t i) { return {&values_[i * dimension_], dimension_}; }
  std::span<const float> operator[](size_t i) const { return {&values_[i * dimension_], dimension_}; }
  Rows Slice(size_t begin, size_t end) const {
    Rows slice(end - begin, dimension_);
    std::copy(&values_[begin * dimension_], &values_[0] + end * dimension_, slice.values_.begin());
    return slice;
  }

 private:
  size_t dimension_;
  std::vector<float> values_;
};

// Gaussian clusters; the same `seed` gives the same centres, `draw` other members.
inline Rows Clustered(size_t count, size_t dimension, size_t clusters, uint32_t seed, uint32_t draw = 0) {
  std::mt19937 centres_random(seed), random(seed * 1000 + draw + 1);
  std::normal_distribution<float> normal;
  Rows centres(clusters, dimension), rows(count, dimension);
  for (size_t c = 0; c < clusters; ++c) {
    for (float& x : centres[c]) x = normal(centres_random);
  }
  for (size_t i = 0; i < count; ++i) {
    const auto centre = centres[random() % clusters];
    for (size_t j = 0; j < dimension; ++j) rows[i][j] = centre[j] + 0.5f * normal(random);
  }
  return rows;
}

inline std::unique_ptr<GraphIndex> NewIndex(Metric metric, size_t dimension) {
  auto index = GraphIndex::Create({.dimension = dimension, .metric = metric, .capacity = 1 << 20});
  EXPECT_TRUE(index.ok()) << index.status().ToString();
  return std::move(index).value();
}

inline void AppendAll(GraphIndex& index, const Rows& rows, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    const auto slot = index.Append(rows[i]);
    ASSERT_TRUE(slot.ok()) << slot.status().ToString();
    ASSERT_EQ(*slot, i);
  }
}

inline std::unique_ptr<GraphIndex> Filled(Metric metric, const Rows& rows) {
  auto index = NewIndex(metric, rows.dimension());
  AppendAll(*index, rows, 0, rows.size());
  index->Absorb(static_cast<Slot>(rows.size()), 2);
  return index;
}

// Share of the full scan's answers that score no worse than what the search gave: equal vectors are equally right.
inline double Recall(const GraphIndex& index, const Rows& queries, GraphSearch search) {
  size_t wanted = 0, found = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto hits = index.Search(queries[i], search);
    GraphSearch exact = search;
    exact.exact = true;
    const auto truth = index.Search(queries[i], exact);
    EXPECT_TRUE(hits.ok() && truth.ok());
    if (truth->empty()) continue;
    wanted += truth->size();
    const float last = truth->back().score;
    for (const ScoredSlot& hit : *hits) found += hit.score >= last - 1e-5f * std::abs(last) ? 1 : 0;
  }
  return wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
}

}  // namespace rhizome::vector
