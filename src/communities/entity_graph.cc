#include "communities/entity_graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/hash.h"
#include "extract/extract.h"
#include "format/graph_key.h"
#include "shard/graph_view.h"

namespace rhizome::communities {
namespace {

using format::EntityId;

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kTitlesMax = 4;  // of a document, that are in each of its chunks
constexpr size_t kEdgesBeforeMerging = 1 << 22;

class Collector {
 public:
  void Add(const format::GraphOperation& operation) {
    if (const auto* put = std::get_if<format::PutDerivation>(&operation.body)) {
      AddDerivation(put->origin, operation.version, put->derivation);
    } else if (const auto* merge = std::get_if<format::PutMerge>(&operation.body)) {
      if (merge->active) merged_.insert(merged_.end(), {merge->a, merge->b});
    } else if (const auto* property = std::get_if<format::PutProperty>(&operation.body)) {
      const auto* state = std::get_if<format::EntityState>(&property->value);
      if (state != nullptr && *state == format::EntityState::kDeleted) deleted_.push_back(NodeOf(property->entity));
    }
  }

  uint64_t origins() const { return origins_; }
  // The ends of merges that were said, each once: which of them count is another question.
  std::vector<EntityId> TakeMerged() {
    std::sort(merged_.begin(), merged_.end());
    merged_.erase(std::unique(merged_.begin(), merged_.end()), merged_.end());
    return std::move(merged_);
  }
  void Unite(const graph::MergeEdge& merge) { merges_.emplace_back(NodeOf(merge.a), NodeOf(merge.b)); }

  Result<EntityGraph> Finish() {
    for (const uint32_t node : deleted_) present_[node] = false;
    const std::vector<uint32_t> number = Renumber();
    std::erase_if(edges_, [&](leiden::Edge& edge) {
      edge.a = number[edge.a];
      edge.b = number[edge.b];
      return edge.a == kNone || edge.b == kNone || edge.a == edge.b;
    });
    made_.source_marks.assign(made_.ids.size(), 0);
    for (uint32_t node = 0; node < ids_.size(); ++node) {
      if (number[node] != kNone) made_.source_marks[number[node]] += source_marks_[node];
    }
    ASSIGN_OR_RETURN(made_.graph, leiden::WeightedGraph::FromEdges(static_cast<uint32_t>(made_.ids.size()), edges_));
    MarkEdges();
    made_.origins = origins_;
    return std::move(made_);
  }

 private:
  uint32_t NodeOf(const EntityId& id) {
    const auto [found, added] = numbers_.emplace(id, static_cast<uint32_t>(ids_.size()));
    if (added) {
      ids_.push_back(id);
      present_.push_back(false);
      source_marks_.push_back(0);
    }
    return found->second;
  }

  void AddDerivation(const format::GraphOrigin& origin, Version version, const format::Derivation& derivation) {
    ++origins_;
    std::string mark = format::GraphKeyOf(origin);
    format::AppendVersionKey(mark, version);
    nodes_.clear();
    for (const format::DerivedEntity& entity : derivation.entities) {
      const uint32_t node = NodeOf(format::EntityIdOf(entity.name));
      present_[node] = true;
      source_marks_[node] += Checksum(mark);
      nodes_.push_back(node);
    }
    for (const format::DerivedFact& fact : derivation.facts) {
      Connect(nodes_[fact.source], nodes_[fact.target], std::min(fact.weight, kFactWeightMax) * fact.confidence);
    }
    AddTogether(derivation);
    if (edges_.size() >= merge_at_) MergeEdges();
  }

  struct Named {
    uint32_t chunk;
    uint32_t count;
    uint32_t entity;  // of the derivation
  };

  void AddTogether(const format::Derivation& derivation) {
    std::vector<Named> named;
    for (uint32_t entity = 0; entity < derivation.entities.size(); ++entity) {
      for (const format::ChunkCount& mention : derivation.entities[entity].mentions) {
        named.push_back({mention.chunk, mention.count, entity});
      }
    }
    // The title's chunk comes last.
    std::sort(named.begin(), named.end(), [](const Named& a, const Named& b) {
      return std::tie(a.chunk, b.count, a.entity) < std::tie(b.chunk, a.count, b.entity);
    });
    std::vector<uint32_t> titles, together;
    for (auto it = named.rbegin(); it != named.rend() && it->chunk == extract::kTitleChunk; ++it) {
      titles.insert(titles.begin(), it->entity);
    }
    if (titles.size() > kTitlesMax) titles.resize(kTitlesMax);
    for (size_t i = 0; i < named.size();) {
      const uint32_t chunk = named[i].chunk;
      together = titles;
      for (; i < named.size() && named[i].chunk == chunk; ++i) {
        if (together.size() >= kTogetherMax) continue;
        if (std::find(titles.begin(), titles.end(), named[i].entity) == titles.end()) {
          together.push_back(named[i].entity);
        }
      }
      // What is only in the title is no more together for being there than in its chunks.
      if (chunk == extract::kTitleChunk && named.front().chunk != extract::kTitleChunk) break;
      ConnectAll(together);
    }
  }

  void ConnectAll(const std::vector<uint32_t>& entities) {
    if (entities.size() < 2) return;
    const float each = 1.0F / static_cast<float>(entities.size() - 1);
    for (size_t i = 0; i < entities.size(); ++i) {
      for (size_t j = i + 1; j < entities.size(); ++j) Connect(nodes_[entities[i]], nodes_[entities[j]], each);
    }
  }

  void Connect(uint32_t a, uint32_t b, float weight) {
    if (a != b && weight > 0) edges_.push_back({std::min(a, b), std::max(a, b), weight});
  }

  // Pairs that are there twice become one, so that memory follows pairs and not what was said of them.
  void MergeEdges() {
    std::sort(edges_.begin(), edges_.end(), [](const leiden::Edge& x, const leiden::Edge& y) {
      return std::tie(x.a, x.b, x.weight) < std::tie(y.a, y.b, y.weight);
    });
    size_t kept = 0;
    for (size_t i = 0; i < edges_.size();) {
      leiden::Edge sum = edges_[i];
      for (++i; i < edges_.size() && edges_[i].a == sum.a && edges_[i].b == sum.b; ++i) sum.weight += edges_[i].weight;
      edges_[kept++] = sum;
    }
    edges_.resize(kept);
    merge_at_ = std::max(kEdgesBeforeMerging, 2 * kept);
  }

  // Nodes in the order of ids, of those that are one the smallest that is there; kNone for what is not.
  std::vector<uint32_t> Renumber() {
    std::vector<uint32_t> root(ids_.size());
    std::iota(root.begin(), root.end(), 0U);
    const auto find = [&root](uint32_t node) {
      while (root[node] != node) node = root[node] = root[root[node]];
      return node;
    };
    for (const auto& [a, b] : merges_) root[find(a)] = find(b);
    std::vector<uint32_t> stands(ids_.size(), kNone);  // by root
    for (uint32_t node = 0; node < ids_.size(); ++node) {
      uint32_t& first = stands[find(node)];
      if (present_[node] && (first == kNone || ids_[node] < ids_[first])) first = node;
    }
    std::vector<uint32_t> number(ids_.size(), kNone), order;
    for (uint32_t node = 0; node < ids_.size(); ++node) {
      if (stands[find(node)] == node) order.push_back(node);
    }
    std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) { return ids_[a] < ids_[b]; });
    for (const uint32_t node : order) {
      number[node] = static_cast<uint32_t>(made_.ids.size());
      made_.ids.push_back(ids_[node]);
    }
    for (uint32_t node = 0; node < ids_.size(); ++node) {
      const uint32_t first = stands[find(node)];
      if (!present_[node] || first == node) continue;
      number[node] = number[first];
      made_.merged.emplace_back(ids_[node], number[first]);
    }
    std::sort(made_.merged.begin(), made_.merged.end());
    return number;
  }

  void MarkEdges() {
    made_.edge_marks.assign(made_.ids.size(), 0);
    for (uint32_t node = 0; node < made_.ids.size(); ++node) {
      for (const auto& arc : made_.graph.ArcsOf(node)) {
        // In sixteenths, so that rounding is no change.
        std::string mark = made_.ids[arc.to].Encode();
        const auto weight = static_cast<uint64_t>(std::llround(arc.weight * 16));
        mark.append(reinterpret_cast<const char*>(&weight), sizeof weight);
        made_.edge_marks[node] += Checksum(mark);
      }
    }
  }

  std::unordered_map<EntityId, uint32_t, format::EntityIdHash> numbers_;
  std::vector<EntityId> ids_;
  std::vector<bool> present_;  // named by an origin, and not deleted
  std::vector<uint64_t> source_marks_;
  std::vector<leiden::Edge> edges_;
  std::vector<EntityId> merged_;
  std::vector<std::pair<uint32_t, uint32_t>> merges_;
  std::vector<uint32_t> deleted_;
  std::vector<uint32_t> nodes_;  // of the derivation in hand
  uint64_t origins_ = 0;
  size_t merge_at_ = kEdgesBeforeMerging;
  EntityGraph made_;
};

// Whether a register says something that is wanted here.
bool IsWanted(const format::RegisterVersion& entry) {
  if (entry.tombstone) return false;
  const char kind = entry.key.front();
  if (kind == static_cast<char>(format::GraphKind::kProperty)) {
    const auto key = format::ParseGraphKey(entry.key);
    return key.ok() && key->field == format::PropertyField::kState;
  }
  return kind == static_cast<char>(format::GraphKind::kDocument) ||
         kind == static_cast<char>(format::GraphKind::kFact) || kind == static_cast<char>(format::GraphKind::kMerge);
}

Status ReadShard(const graph::GraphEngine& engine, const ReadOptions& options, Collector& collector) {
  std::string after;
  do {
    if (options.cancelled && options.cancelled()) return Status::Cancelled("told to end");
    ASSIGN_OR_RETURN(const format::InventoryPage page, engine.Inventory({0}, 0, after, options.page));
    std::vector<std::string> keys;
    for (const format::RegisterVersion& entry : page.entries) {
      if (entry.key.front() == format::kGraphHistoryKind) break;  // all that follows was replaced
      if (IsWanted(entry)) keys.push_back(entry.key);
    }
    ASSIGN_OR_RETURN(const auto operations, engine.ReadRegisters(keys));
    for (const auto& operation : operations) {
      if (operation) collector.Add(*operation);
    }
    if (options.progress) options.progress(collector.origins());
    const bool ends = !page.entries.empty() && page.entries.back().key.front() == format::kGraphHistoryKind;
    after = ends ? "" : page.next;
  } while (!after.empty());
  return Status::Ok();
}

}  // namespace

std::optional<uint32_t> FindNode(const std::vector<EntityId>& ids,
                                 const std::vector<std::pair<EntityId, uint32_t>>& merged, const EntityId& id) {
  const auto found = std::lower_bound(ids.begin(), ids.end(), id);
  if (found != ids.end() && *found == id) return static_cast<uint32_t>(found - ids.begin());
  const auto other = std::lower_bound(merged.begin(), merged.end(), std::pair(id, uint32_t{0}));
  if (other != merged.end() && other->first == id) return other->second;
  return std::nullopt;
}

std::optional<uint32_t> EntityGraph::NodeOf(const EntityId& id) const { return FindNode(ids, merged, id); }

Result<EntityGraph> ReadEntityGraph(const shard::GraphShards& graph, const ReadOptions& options) {
  Collector collector;
  for (uint32_t shard = 0; shard < graph.size(); ++shard) {
    RETURN_IF_ERROR(ReadShard(graph.at(shard).engine(), options, collector));
  }
  const shard::GraphView view(graph);
  const std::vector<EntityId> merged = collector.TakeMerged();
  for (size_t i = 0; i < merged.size(); i += options.page) {
    const auto some = std::span(merged).subspan(i, std::min<size_t>(options.page, merged.size() - i));
    ASSIGN_OR_RETURN(const auto merges, view.Merges(some));
    for (const graph::MergeEdge& merge : merges) collector.Unite(merge);
  }
  return collector.Finish();
}

}  // namespace rhizome::communities
