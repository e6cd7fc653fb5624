// Graphs with known communities, what to compare answers with, and Louvain as a yardstick. For tests and the benchmark.

#ifndef RHIZOME_LEIDEN_LEIDEN_TESTING_H_
#define RHIZOME_LEIDEN_LEIDEN_TESTING_H_

#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "leiden/leiden.h"
#include "leiden/random.h"

namespace rhizome::leiden {

struct Planted {
  uint32_t nodes = 0;
  std::vector<Edge> edges;
  std::vector<uint32_t> truth;
};

// `groups` of `size` nodes; each node has about `inside` neighbours in its group and `outside` in others.
inline Planted PlantedPartition(uint32_t groups, uint32_t size, double inside, double outside, uint64_t seed) {
  Planted planted;
  planted.nodes = groups * size;
  planted.truth.resize(planted.nodes);
  for (uint32_t node = 0; node < planted.nodes; ++node) planted.truth[node] = node / size;
  Random random(seed);
  const auto draw = [&](double degree, bool own) {
    const auto edges = static_cast<uint64_t>(degree * planted.nodes / 2);
    for (uint64_t i = 0; i < edges; ++i) {
      const uint32_t a = random.Below(planted.nodes);
      const uint32_t b = own ? a / size * size + random.Below(size) : random.Below(planted.nodes);
      if (a != b) planted.edges.push_back({a, b, 1});
    }
  };
  draw(inside, true);
  draw(outside, false);
  return planted;
}

// Normalised mutual information, by the mean of both entropies: 1 for the same division, 0 for an independent one.
inline double Agreement(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::map<uint32_t, double> in_a, in_b;
  std::map<std::pair<uint32_t, uint32_t>, double> in_both;
  const double each = 1.0 / static_cast<double>(a.size());
  for (size_t i = 0; i < a.size(); ++i) in_a[a[i]] += each, in_b[b[i]] += each, in_both[{a[i], b[i]}] += each;
  double entropy = 0, shared = 0;
  for (const auto& [label, p] : in_a) entropy -= p * std::log(p);
  for (const auto& [label, p] : in_b) entropy -= p * std::log(p);
  for (const auto& [labels, p] : in_both) shared += p * std::log(p / (in_a[labels.first] * in_b[labels.second]));
  return entropy == 0 ? 1 : 2 * shared / entropy;
}

// Whether each community is connected.
inline bool AllConnected(const WeightedGraph& graph, const std::vector<uint32_t>& community) {
  const std::set<uint32_t> communities(community.begin(), community.end());
  return ConnectedParts(graph, community).count == communities.size();
}

// Blondel et al., "Fast unfolding of communities in large networks", 2008, plainly: rounds over all nodes.
inline std::vector<uint32_t> Louvain(const WeightedGraph& whole, uint64_t seed) {
  std::vector<uint32_t> node_of(whole.nodes());
  std::iota(node_of.begin(), node_of.end(), 0U);
  WeightedGraph graph = whole;
  Random random(seed);
  while (true) {
    std::vector<uint32_t> community(graph.nodes());
    std::iota(community.begin(), community.end(), 0U);
    std::vector<double> strength(graph.nodes());
    for (uint32_t node = 0; node < graph.nodes(); ++node) strength[node] = graph.StrengthOf(node);
    std::vector<uint32_t> order = community;
    random.Shuffle(order);
    for (bool moved = true; moved;) {
      moved = false;
      for (const uint32_t node : order) {
        std::map<uint32_t, double> weight_to;
        for (const auto& arc : graph.ArcsOf(node)) weight_to[community[arc.to]] += arc.weight;
        const double mine = graph.StrengthOf(node);
        strength[community[node]] -= mine;
        const auto gain = [&](uint32_t c) { return weight_to[c] - mine * strength[c] / graph.TotalStrength(); };
        uint32_t best = community[node];
        for (const auto& [c, weight] : std::map<uint32_t, double>(weight_to)) {
          if (gain(c) > gain(best) + 1e-9) best = c;
        }
        moved = moved || best != community[node];
        community[node] = best;
        strength[best] += mine;
      }
    }
    std::map<uint32_t, uint32_t> number;
    for (uint32_t& c : community) c = number.emplace(c, static_cast<uint32_t>(number.size())).first->second;
    for (uint32_t& node : node_of) node = community[node];
    if (number.size() == graph.nodes()) return node_of;
    graph = graph.Grouped(community, static_cast<uint32_t>(number.size()));
  }
}

}  // namespace rhizome::leiden

#endif  // RHIZOME_LEIDEN_LEIDEN_TESTING_H_
