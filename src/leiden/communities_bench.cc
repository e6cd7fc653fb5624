// communities_bench [--nodes N] [--edges FILE] [--json]: what finding communities costs, by processor time of one
// thread: edges per second, what an increment costs beside it, and how much of what was planted is found. --edges
// writes the graph (pairs of 32-bit numbers), so that others can be measured on it (tools/communities_bench does).
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/cpu_time.h"
#include "leiden/hierarchy.h"
#include "leiden/leiden_testing.h"

namespace rhizome::leiden {
namespace {

// Groups of 50 that are in the same ten of their kind, as topics are in fields, and noise between all.
Planted Made(uint32_t nodes) {
  Planted planted = PlantedPartition(nodes / 50, 50, 10, 2, 17);
  const Planted wide = PlantedPartition(nodes / 500, 500, 3, 0, 18);
  planted.edges.insert(planted.edges.end(), wide.edges.begin(), wide.edges.end());
  return planted;
}

bool WriteEdges(const std::string& path, const std::vector<Edge>& edges) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  bool written = true;
  for (const Edge& edge : edges) written = written && std::fwrite(&edge.a, sizeof edge.a, 2, file) == 2;
  return std::fclose(file) == 0 && written;
}

int Run(int argc, char** argv) {
  uint32_t nodes = 200'000;
  std::string path;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--nodes") == 0 && i + 1 < argc) {
      nodes = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10)) / 500 * 500;
    }
    if (std::strcmp(argv[i], "--edges") == 0 && i + 1 < argc) path = argv[++i];
  }
  Planted planted = Made(std::max(nodes, 500U));
  if (!path.empty() && !WriteEdges(path, planted.edges)) {
    fmt::print(stderr, "communities_bench: cannot write {}\n", path);
    return 1;
  }
  const auto timed = [](const auto& work) {
    const double before = ThreadCpuSeconds();
    work();
    return ThreadCpuSeconds() - before;
  };
  WeightedGraph graph;
  const double made_s = timed([&] { graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value(); });
  Partition found;
  const double once_s = timed([&] { found = Leiden(graph, {.repetitions = 1}); });
  const double leiden_s = timed([&] { found = Leiden(graph, {}); });
  Hierarchy hierarchy;
  const double hierarchy_s = timed([&] { hierarchy = BuildHierarchy(graph, {}); });

  // A thousandth of the edges leads somewhere else.
  Random random(5);
  std::vector<uint32_t> changed;
  for (size_t i = 0; i < planted.edges.size() / 1000; ++i) {
    Edge& edge = planted.edges[random.Next() % planted.edges.size()];
    changed.insert(changed.end(), {edge.a, edge.b});
    edge.b = random.Below(planted.nodes);
    changed.push_back(edge.b);
  }
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  graph = WeightedGraph::FromEdges(planted.nodes, planted.edges).value();
  HierarchyStart start;
  for (const Partition& level : hierarchy.levels) start.levels.push_back(level.community);
  start.changed = changed;
  Hierarchy after;
  const double increment_s = timed([&] { after = BuildHierarchy(graph, {}, &start); });

  const auto edges = static_cast<double>(graph.arcs()) / 2;
  const double modularity = Modularity(graph, found.community);
  const double agreement = Agreement(hierarchy.levels.back().community, planted.truth);
  const double kept = Agreement(hierarchy.levels[0].community, after.levels[0].community);
  constexpr const char* kJson =
      "{{\"nodes\": {}, \"edges\": {:.0f}, \"make_s\": {:.3f}, \"once_s\": {:.3f}, \"leiden_s\": {:.3f}, "
      "\"hierarchy_s\": {:.3f}, \"increment_s\": {:.3f}, \"edges_per_s\": {:.0f}, \"modularity\": {:.5f}, "
      "\"agreement\": {:.4f}, \"kept\": {:.4f}}}\n";
  constexpr const char* kText =
      "nodes {}, edges {:.0f}\nprocessor seconds: rows {:.3f}, Leiden once {:.3f}, until it gains nothing {:.3f}, "
      "hierarchy {:.3f}, after a thousandth of the edges changed {:.3f}\n{:.0f} edges/s, modularity {:.5f}, planted "
      "groups found (NMI) {:.4f}, kept by the increment (NMI) {:.4f}\n";
  fmt::print(fmt::runtime(json ? kJson : kText), planted.nodes, edges, made_s, once_s, leiden_s, hierarchy_s,
             increment_s, edges / leiden_s, modularity, agreement, kept);
  return 0;
}

}  // namespace
}  // namespace rhizome::leiden

int main(int argc, char** argv) { return rhizome::leiden::Run(argc, argv); }
