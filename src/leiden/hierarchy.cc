#include "leiden/hierarchy.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace rhizome::leiden {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// Nodes by community, ascending within each.
struct Members {
  std::vector<uint32_t> begins;
  std::vector<uint32_t> nodes;
  std::span<const uint32_t> Of(uint32_t community) const {
    return std::span(nodes).subspan(begins[community], begins[community + 1] - begins[community]);
  }
};

Members MembersOf(const Partition& partition) {
  Members members;
  members.begins.assign(partition.count + 1, 0);
  members.nodes.resize(partition.community.size());
  for (const uint32_t c : partition.community) ++members.begins[c + 1];
  for (uint32_t c = 0; c < partition.count; ++c) members.begins[c + 1] += members.begins[c];
  std::vector<uint32_t> next(members.begins.begin(), members.begins.end() - 1);
  for (uint32_t node = 0; node < partition.community.size(); ++node) {
    members.nodes[next[partition.community[node]]++] = node;
  }
  return members;
}

// Any labels as 0, 1, 2 … in the order of appearance.
std::vector<uint32_t> Compact(std::span<const uint32_t> nodes, const std::vector<uint32_t>& labels) {
  std::vector<std::pair<uint32_t, uint32_t>> sorted;  // label, position
  for (uint32_t i = 0; i < nodes.size(); ++i) sorted.emplace_back(labels[nodes[i]], i);
  std::sort(sorted.begin(), sorted.end());
  std::vector<uint32_t> compact(nodes.size());
  uint32_t count = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].first != sorted[i - 1].first) ++count;
    compact[sorted[i].second] = count;
  }
  return compact;
}

class Divider {
 public:
  Divider(const WeightedGraph& graph, const HierarchyOptions& options, const HierarchyStart* start)
      : graph_(graph), options_(options), start_(start), scratch_(graph.nodes(), kNone) {
    if (start == nullptr) return;
    changed_.assign(graph.nodes(), false);
    for (const uint32_t node : start->changed) changed_[node] = true;
  }

  // The level below `partition`, which is number `level`.
  Partition Divide(const Partition& partition, size_t level) {
    const Members members = MembersOf(partition);
    Partition finer;
    finer.community.resize(graph_.nodes());
    for (uint32_t c = 0; c < partition.count; ++c) {
      const std::span<const uint32_t> nodes = members.Of(c);
      uint32_t parts = 1;
      std::vector<uint32_t> part(nodes.size(), 0);
      if (nodes.size() > options_.divide_above) std::tie(part, parts) = PartsOf(nodes, level);
      for (size_t i = 0; i < nodes.size(); ++i) finer.community[nodes[i]] = finer.count + part[i];
      finer.count += parts;
    }
    return finer;
  }

 private:
  std::pair<std::vector<uint32_t>, uint32_t> PartsOf(std::span<const uint32_t> nodes, size_t level) {
    const WeightedGraph within = graph_.Within(nodes, scratch_);
    Partition found;
    if (start_ == nullptr || level + 1 >= start_->levels.size()) {
      found = Leiden(within, options_.leiden);
    } else {
      const std::vector<uint32_t> before = Compact(nodes, start_->levels[level + 1]);
      std::vector<uint32_t> changed;
      for (uint32_t i = 0; i < nodes.size(); ++i) {
        if (changed_[nodes[i]]) changed.push_back(i);
      }
      const Start start{before, changed};
      found = Leiden(within, options_.leiden, &start);
    }
    return {std::move(found.community), found.count};
  }

  const WeightedGraph& graph_;
  const HierarchyOptions& options_;
  const HierarchyStart* const start_;
  std::vector<bool> changed_;
  std::vector<uint32_t> scratch_;
};

}  // namespace

Hierarchy BuildHierarchy(const WeightedGraph& graph, const HierarchyOptions& options, const HierarchyStart* start) {
  CHECK(options.levels_max >= 1);
  Hierarchy hierarchy;
  if (start != nullptr && !start->levels.empty()) {
    const Start from{start->levels[0], start->changed};
    hierarchy.levels.push_back(Leiden(graph, options.leiden, &from));
  } else {
    start = nullptr;
    hierarchy.levels.push_back(Leiden(graph, options.leiden));
  }
  Divider divider(graph, options, start);
  while (hierarchy.levels.size() < options.levels_max) {
    if (options.leiden.cancelled && options.leiden.cancelled()) break;
    Partition finer = divider.Divide(hierarchy.levels.back(), hierarchy.levels.size() - 1);
    if (finer.count == hierarchy.levels.back().count) break;
    hierarchy.levels.push_back(std::move(finer));
  }
  return hierarchy;
}

}  // namespace rhizome::leiden
