#include "leiden/leiden.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "leiden/random.h"

namespace rhizome::leiden {
namespace {

using Arc = WeightedGraph::Arc;

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kBetweenQuestions = 4096;  // nodes looked at before it is asked whether to end

// Gains below this share of the graph's weight are rounding.
constexpr double kGainMin = 1e-12;

// A partition of one graph on its way, with what moving needs to know of each community.
class Mover {
 public:
  Mover(const WeightedGraph& graph, const LeidenOptions& options, std::vector<uint32_t> community)
      : graph_(graph),
        options_(options),
        scale_(graph.TotalStrength() > 0 ? options.resolution / graph.TotalStrength() : 0),
        gain_min_(kGainMin * graph.TotalStrength()),
        community_(std::move(community)),
        strength_(graph.nodes(), 0),
        size_(graph.nodes(), 0),
        weight_to_(graph.nodes(), 0) {
    for (uint32_t node = 0; node < graph.nodes(); ++node) {
      strength_[community_[node]] += graph.StrengthOf(node);
      ++size_[community_[node]];
    }
    for (uint32_t c = 0; c < graph.nodes(); ++c) {
      if (size_[c] == 0) empty_.push_back(c);
    }
  }

  // Looks at the nodes of `queue` and at whoever they move. Communities that lost or won a node, or whose node was
  // queued, are `touched` (where given). False: told to end.
  bool Move(std::vector<uint32_t> queue, std::vector<bool>* touched) {
    std::vector<bool> queued(graph_.nodes(), false);
    for (const uint32_t node : queue) queued[node] = true;
    uint32_t looked_at = 0;
    // A ring would do; what is behind `head` is dropped when it is most of it.
    for (size_t head = 0; head < queue.size(); ++head) {
      if (++looked_at % kBetweenQuestions == 0 && options_.cancelled && options_.cancelled()) return false;
      if (head > 2 * size_t{graph_.nodes()}) {
        queue.erase(queue.begin(), queue.begin() + static_cast<int64_t>(head));
        head = 0;
      }
      const uint32_t node = queue[head];
      queued[node] = false;
      const uint32_t from = community_[node];
      const uint32_t to = Best(node);
      if (touched != nullptr) (*touched)[from] = (*touched)[to] = true;
      if (to == from) continue;
      Relocate(node, to);
      for (const Arc& arc : graph_.ArcsOf(node)) {
        if (queued[arc.to] || community_[arc.to] == to) continue;
        queued[arc.to] = true;
        queue.push_back(arc.to);
      }
    }
    return true;
  }

  const std::vector<uint32_t>& community() const { return community_; }
  std::vector<uint32_t> TakeCommunity() { return std::move(community_); }
  double StrengthOfCommunity(uint32_t community) const { return strength_[community]; }
  double scale() const { return scale_; }

 private:
  uint32_t Best(uint32_t node) {
    const uint32_t from = community_[node];
    const double strength = graph_.StrengthOf(node);
    near_.clear();
    for (const Arc& arc : graph_.ArcsOf(node)) {
      const uint32_t c = community_[arc.to];
      if (weight_to_[c] == 0) near_.push_back(c);
      weight_to_[c] += arc.weight;
    }
    const double stay = weight_to_[from] - scale_ * strength * (strength_[from] - strength);
    uint32_t best = from;
    double best_gain = stay + gain_min_;
    for (const uint32_t c : near_) {
      const double gain = weight_to_[c] - scale_ * strength * strength_[c];
      if (c != from && gain > best_gain) best = c, best_gain = gain;
    }
    for (const uint32_t c : near_) weight_to_[c] = 0;
    // Alone it gains nothing and loses nothing.
    if (best_gain < 0 && size_[from] > 1 && !empty_.empty()) best = empty_.back();
    return best;
  }

  void Relocate(uint32_t node, uint32_t to) {
    const uint32_t from = community_[node];
    if (size_[to] == 0) empty_.pop_back();
    strength_[from] -= graph_.StrengthOf(node);
    strength_[to] += graph_.StrengthOf(node);
    ++size_[to];
    if (--size_[from] == 0) {
      strength_[from] = 0;
      empty_.push_back(from);
    }
    community_[node] = to;
  }

  const WeightedGraph& graph_;
  const LeidenOptions& options_;
  const double scale_;  // resolution / total strength
  const double gain_min_;
  std::vector<uint32_t> community_;  // of nodes
  std::vector<double> strength_;     // of communities
  std::vector<uint32_t> size_;
  std::vector<uint32_t> empty_;    // numbers without nodes
  std::vector<double> weight_to_;  // of the node in hand; zero between nodes
  std::vector<uint32_t> near_;
};

// Takes communities apart and joins their nodes along edges; never beyond the community.
class Refiner {
 public:
  Refiner(const WeightedGraph& graph, const LeidenOptions& options, const Mover& mover, Random& random)
      : graph_(graph),
        mover_(mover),
        community_(mover.community()),
        // Weights of any size are the same to it.
        heat_(options.randomness *
              (graph.arcs() > 0 ? graph.TotalStrength() / static_cast<double>(graph.arcs()) : 1.0)),
        random_(random),
        part_(graph.nodes()),
        strength_(graph.nodes()),
        cut_(graph.nodes(), 0),
        alone_(graph.nodes(), true),
        weight_to_(graph.nodes(), 0) {}

  // Parts of each node's community, by numbers below nodes(); a community that `untouched` names stays whole.
  std::vector<uint32_t> Run(const std::vector<bool>* touched) {
    std::vector<uint32_t> first(graph_.nodes(), kNone);
    std::vector<uint32_t> order;
    for (uint32_t node = 0; node < graph_.nodes(); ++node) {
      part_[node] = node;
      const uint32_t c = community_[node];
      if (touched != nullptr && !(*touched)[c]) {
        if (first[c] == kNone) first[c] = node;
        part_[node] = first[c];
        continue;
      }
      strength_[node] = graph_.StrengthOf(node);
      for (const Arc& arc : graph_.ArcsOf(node)) {
        if (community_[arc.to] == c) cut_[node] += arc.weight;
      }
      order.push_back(node);
    }
    random_.Shuffle(order);
    for (const uint32_t node : order) {
      if (alone_[node] && WellConnected(node)) Join(node);
    }
    return std::move(part_);
  }

 private:
  // Of a part with its community's rest: at least what chance would give.
  bool WellConnected(uint32_t part) const {
    const double rest = mover_.StrengthOfCommunity(community_[part]) - strength_[part];
    return cut_[part] >= mover_.scale() * strength_[part] * rest;
  }

  void Join(uint32_t node) {
    near_.clear();
    for (const Arc& arc : graph_.ArcsOf(node)) {
      if (community_[arc.to] != community_[node]) continue;
      const uint32_t part = part_[arc.to];
      if (weight_to_[part] == 0) near_.push_back(part);
      weight_to_[part] += arc.weight;
    }
    gains_.clear();
    double most = 0;
    for (const uint32_t part : near_) {
      const double gain = weight_to_[part] - mover_.scale() * strength_[node] * strength_[part];
      gains_.push_back(gain >= 0 && WellConnected(part) ? gain : -1);
      most = std::max(most, gains_.back());
    }
    const uint32_t to = Choose(most);
    if (to != kNone) {
      part_[node] = to;
      alone_[to] = false;
      cut_[to] += cut_[node] - 2 * weight_to_[to];
      strength_[to] += strength_[node];
    }
    for (const uint32_t part : near_) weight_to_[part] = 0;
  }

  // One of near_, each as likely as exp(gain / heat).
  uint32_t Choose(double most) {
    double sum = 0;
    for (double& gain : gains_) {
      gain = gain < 0 ? 0 : std::exp((gain - most) / heat_);
      sum += gain;
    }
    if (sum == 0) return kNone;
    double drawn = random_.Uniform() * sum;
    uint32_t chosen = kNone;
    for (size_t i = 0; i < near_.size(); ++i) {
      if (gains_[i] == 0) continue;
      chosen = near_[i];
      drawn -= gains_[i];
      if (drawn < 0) break;
    }
    return chosen;
  }

  const WeightedGraph& graph_;
  const Mover& mover_;
  const std::vector<uint32_t>& community_;
  const double heat_;
  Random& random_;
  std::vector<uint32_t> part_;     // of nodes; a part has the number of the node that it began with
  std::vector<double> strength_;   // of parts
  std::vector<double> cut_;        // of parts: weight to the rest of their community
  std::vector<bool> alone_;        // parts that nobody has joined
  std::vector<double> weight_to_;  // of the node in hand; zero between nodes
  std::vector<uint32_t> near_;
  std::vector<double> gains_;
};

// Numbers 0, 1, 2 … in the order of first appearance; returns how many.
uint32_t Renumber(std::vector<uint32_t>& labels, uint32_t below) {
  std::vector<uint32_t> number(below, kNone);
  uint32_t count = 0;
  for (uint32_t& label : labels) {
    if (number[label] == kNone) number[label] = count++;
    label = number[label];
  }
  return count;
}

std::vector<uint32_t> Shuffled(uint32_t nodes, Random& random) {
  std::vector<uint32_t> order(nodes);
  std::iota(order.begin(), order.end(), 0U);
  random.Shuffle(order);
  return order;
}

// Move, refine and aggregate until nothing joins. `changed`: only these nodes first; null: all.
std::vector<uint32_t> RunOnce(const WeightedGraph& whole, const LeidenOptions& options, Random& random,
                              std::vector<uint32_t> community, const std::vector<uint32_t>* changed) {
  std::vector<uint32_t> node_of(whole.nodes());  // of the graph in hand, for each node of the whole
  std::iota(node_of.begin(), node_of.end(), 0U);
  WeightedGraph smaller;
  const WeightedGraph* graph = &whole;
  while (true) {
    const bool first = graph == &whole;
    std::vector<bool> touched(graph->nodes(), false);
    std::vector<bool>* const marks = first && changed != nullptr ? &touched : nullptr;
    Mover mover(*graph, options, std::move(community));
    const bool goes_on = mover.Move(marks != nullptr ? *changed : Shuffled(graph->nodes(), random), marks);
    std::vector<uint32_t> moved = mover.community();
    const uint32_t communities = Renumber(moved, graph->nodes());
    std::vector<uint32_t> part;
    uint32_t parts = 0;
    if (goes_on && communities < graph->nodes()) {
      part = Refiner(*graph, options, mover, random).Run(marks);
      parts = Renumber(part, graph->nodes());
    }
    if (parts == 0 || parts == graph->nodes()) {
      for (uint32_t& node : node_of) node = moved[node];
      return node_of;
    }
    community.assign(parts, 0);
    for (uint32_t node = 0; node < graph->nodes(); ++node) community[part[node]] = moved[node];
    for (uint32_t& node : node_of) node = part[node];
    smaller = graph->Grouped(part, parts);
    graph = &smaller;
  }
}

}  // namespace

double Modularity(const WeightedGraph& graph, std::span<const uint32_t> community, double resolution) {
  if (graph.TotalStrength() <= 0) return 0;
  std::vector<double> strength(graph.nodes(), 0);
  double within = 0;
  for (uint32_t node = 0; node < graph.nodes(); ++node) {
    strength[community[node]] += graph.StrengthOf(node);
    within += 2 * graph.LoopOf(node);
    for (const Arc& arc : graph.ArcsOf(node)) {
      if (community[arc.to] == community[node]) within += arc.weight;
    }
  }
  double expected = 0;
  for (const double s : strength) expected += s * s;
  return within / graph.TotalStrength() - resolution * expected / (graph.TotalStrength() * graph.TotalStrength());
}

Partition ConnectedParts(const WeightedGraph& graph, std::span<const uint32_t> community) {
  Partition parts;
  parts.community.assign(graph.nodes(), kNone);
  std::vector<uint32_t> reached;
  for (uint32_t node = 0; node < graph.nodes(); ++node) {
    if (parts.community[node] != kNone) continue;
    parts.community[node] = parts.count;
    reached.assign(1, node);
    while (!reached.empty()) {
      const uint32_t at = reached.back();
      reached.pop_back();
      for (const Arc& arc : graph.ArcsOf(at)) {
        if (parts.community[arc.to] != kNone || community[arc.to] != community[at]) continue;
        parts.community[arc.to] = parts.count;
        reached.push_back(arc.to);
      }
    }
    ++parts.count;
  }
  return parts;
}

Partition Leiden(const WeightedGraph& graph, const LeidenOptions& options, const Start* start) {
  CHECK(options.resolution > 0 && options.randomness > 0);
  Random random(options.seed);
  std::vector<uint32_t> community(graph.nodes());
  if (start == nullptr) {
    std::iota(community.begin(), community.end(), 0U);
  } else {
    CHECK(start->community.size() == graph.nodes());
    community.assign(start->community.begin(), start->community.end());
    if (start->changed.empty()) return ConnectedParts(graph, community);
    std::vector<uint32_t> changed(start->changed.begin(), start->changed.end());
    random.Shuffle(changed);
    return ConnectedParts(graph, RunOnce(graph, options, random, std::move(community), &changed));
  }
  Partition best = ConnectedParts(graph, community);
  double quality = Modularity(graph, best.community, options.resolution);
  for (uint32_t i = 0; i < options.repetitions; ++i) {
    Partition next = ConnectedParts(graph, RunOnce(graph, options, random, best.community, nullptr));
    const double reached = Modularity(graph, next.community, options.resolution);
    if (i > 0 && reached <= quality + kGainMin) break;
    best = std::move(next);
    quality = reached;
    if (options.cancelled && options.cancelled()) break;
  }
  return best;
}

}  // namespace rhizome::leiden
