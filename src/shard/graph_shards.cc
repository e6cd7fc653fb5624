#include "shard/graph_shards.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engines/graph/unite.h"
#include "format/graph_key.h"

namespace rhizome::shard {
namespace {

using graph::GraphEngine;

// What every shard answers, or the first error.
template <typename Ask>
auto AskAll(const std::vector<std::unique_ptr<GraphShard>>& shards, const Ask& ask)
    -> Result<std::vector<std::decay_t<decltype(*ask(std::declval<const GraphEngine&>()))>>> {
  std::vector<std::decay_t<decltype(*ask(std::declval<const GraphEngine&>()))>> parts;
  parts.reserve(shards.size());
  for (const auto& shard : shards) {
    ASSIGN_OR_RETURN(auto part, ask(shard->engine()));
    parts.push_back(std::move(part));
  }
  return parts;
}

bool IsAccess(std::string_view key) { return key.starts_with(static_cast<char>(format::GraphKind::kAccess)); }

// "operations[3].name" of a shard's part becomes the place in the whole.
Status InTheWhole(const Status& status, const std::vector<size_t>& positions) {
  const std::string field(status.field());
  constexpr std::string_view kBefore = "operations[";
  const size_t close = field.find(']');
  if (!field.starts_with(kBefore) || close == std::string::npos) return status;
  const size_t position = std::stoul(field.substr(kBefore.size(), close - kBefore.size()));
  if (position >= positions.size()) return status;
  return Status(status.code(), std::string(status.message()),
                std::string(kBefore) + std::to_string(positions[position]) + field.substr(close));
}

}  // namespace

Result<std::unique_ptr<GraphShards>> GraphShards::Open(const Place& place, wal::Log& log, HybridClock& clock) {
  std::unique_ptr<GraphShards> shards(new GraphShards);
  for (uint32_t stream = place.first_stream; stream < place.first_stream + place.count; ++stream) {
    graph::EngineOptions options;
    options.shard = stream;
    ASSIGN_OR_RETURN(auto engine, GraphEngine::Open(place.store, options));
    shards->shards_.push_back(std::make_unique<GraphShard>(stream, std::move(engine), log, clock));
  }
  return shards;
}

GraphShard* GraphShards::FindStream(uint32_t stream) {
  const uint32_t first = shards_.front()->stream();
  return stream < first || stream - first >= shards_.size() ? nullptr : shards_[stream - first].get();
}

Status GraphShards::Write(std::vector<format::GraphOperation> operations) {
  return Route(std::move(operations), Stamp::kAssign);
}

Status GraphShards::Merge(std::vector<format::GraphOperation> operations) {
  return Route(std::move(operations), Stamp::kKeep);
}

Status GraphShards::Route(std::vector<format::GraphOperation> operations, Stamp stamp) {
  std::vector<std::vector<format::GraphOperation>> parts(shards_.size());
  std::vector<std::vector<size_t>> positions(shards_.size());
  for (size_t i = 0; i < operations.size(); ++i) {
    const auto key = format::ParseGraphKey(operations[i].Key());
    if (!key.ok()) return Status::InvalidArgument("operations[" + std::to_string(i) + "].key", "names no register");
    const uint32_t partition = format::GraphPartitionOf(*key, size());
    positions[partition].push_back(i);
    parts[partition].push_back(std::move(operations[i]));
  }
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].empty()) continue;
    const Status checked = stamp == Stamp::kAssign ? shards_[p]->Check(parts[p]) : shards_[p]->CheckMerge(parts[p]);
    if (!checked.ok()) return InTheWhole(checked, positions[p]);
  }
  // All are begun before the first is waited for, so that they share a sync.
  std::vector<std::pair<size_t, PendingGraphWrite>> pending;
  for (size_t p = 0; p < parts.size(); ++p) {
    if (!parts[p].empty()) pending.emplace_back(p, shards_[p]->Begin(std::move(parts[p]), stamp));
  }
  Status status;
  for (auto& [p, write] : pending) {
    const Status finished = shards_[p]->Finish(std::move(write));
    if (status.ok()) status = finished;
  }
  return status;
}

graph::Counts GraphShards::counts() const {
  graph::Counts sum;
  for (const auto& shard : shards_) {
    const graph::Counts one = shard->engine().counts();
    sum.documents += one.documents;
    sum.client_facts += one.client_facts;
    sum.facts += one.facts;
    sum.entities += one.entities;
    sum.closures += one.closures;
  }
  return sum;
}

Result<std::vector<graph::EntityStatistics>> GraphShards::Statistics(std::span<const graph::EntityId> ids) const {
  ASSIGN_OR_RETURN(const auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.Statistics(ids); }));
  return graph::UniteStatistics(parts);
}

Result<std::vector<std::optional<graph::Entity>>> GraphShards::Entities(std::span<const graph::EntityId> ids,
                                                                        std::optional<int64_t> known_at_ms) const {
  ASSIGN_OR_RETURN(const auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.Entities(ids, known_at_ms); }));
  return graph::UniteEntities(parts);
}

Result<graph::NamePage> GraphShards::NamesFrom(const std::string& prefix, const std::string& after,
                                               uint32_t limit) const {
  ASSIGN_OR_RETURN(const auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.NamesFrom(prefix, after, limit); }));
  return graph::UniteNames(parts, limit);
}

Result<std::vector<graph::NameEntry>> GraphShards::FindName(const std::string& name) const {
  ASSIGN_OR_RETURN(const auto parts, AskAll(shards_, [&](const GraphEngine& engine) { return engine.FindName(name); }));
  std::vector<graph::NameEntry> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<graph::FactPage> GraphShards::Facts(const graph::FactQuery& query) const {
  ASSIGN_OR_RETURN(auto parts, AskAll(shards_, [&](const GraphEngine& engine) { return engine.Facts(query); }));
  return graph::UniteFacts(std::move(parts), query.limit);
}

Result<std::optional<graph::FoundFact>> GraphShards::FindFact(const graph::FactId& id,
                                                              const graph::Times& times) const {
  for (const auto& shard : shards_) {
    ASSIGN_OR_RETURN(auto found, shard->engine().FindFact(id, times));
    if (found) return found;
  }
  return std::optional<graph::FoundFact>();
}

Result<graph::Neighbours> GraphShards::FindNeighbours(const graph::NeighbourQuery& query) const {
  ASSIGN_OR_RETURN(auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.FindNeighbours(query); }));
  graph::Neighbours neighbours = graph::UniteNeighbours(std::move(parts), query);
  if (shards_.size() == 1) return neighbours;  // its numbers are all
  const std::vector<graph::EntityId> mentioned = graph::MentionedBy(neighbours);
  ASSIGN_OR_RETURN(const auto statistics, Statistics(mentioned));
  graph::UniteFrequencies(mentioned, statistics, neighbours);
  return neighbours;
}

Result<bool> GraphShards::HasMerges() const {
  for (const auto& shard : shards_) {
    ASSIGN_OR_RETURN(const bool merges, shard->engine().HasMerges());
    if (merges) return true;
  }
  return false;
}

Result<std::optional<format::Derivation>> GraphShards::FindDerivation(const graph::GraphOrigin& origin,
                                                                      std::optional<int64_t> known_at_ms) const {
  ASSIGN_OR_RETURN(const format::GraphKey key, format::ParseGraphKey(format::GraphKeyOf(origin)));
  return shards_[format::GraphPartitionOf(key, size())]->engine().FindDerivation(origin, known_at_ms);
}

Result<std::vector<graph::MergeEdge>> GraphShards::MergesAt(std::span<const graph::EntityId> ids,
                                                            std::optional<int64_t> known_at_ms) const {
  ASSIGN_OR_RETURN(const auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.MergesAt(ids, known_at_ms); }));
  std::vector<graph::MergeEdge> edges;
  for (const auto& part : parts) edges.insert(edges.end(), part.begin(), part.end());
  std::sort(edges.begin(), edges.end(), [](const graph::MergeEdge& a, const graph::MergeEdge& b) {
    return std::tie(a.a, a.b) < std::tie(b.a, b.b);
  });
  return edges;
}

Result<graph::EventPage> GraphShards::Events(const std::optional<graph::EntityId>& entity, const std::string& after,
                                             uint32_t limit) const {
  ASSIGN_OR_RETURN(const auto parts,
                   AskAll(shards_, [&](const GraphEngine& engine) { return engine.Events(entity, after, limit); }));
  return graph::UniteEvents(parts, limit);
}

Result<uint64_t> GraphShards::ForgetUnnamed(std::span<const graph::EntityId> ids) {
  ASSIGN_OR_RETURN(const auto statistics, Statistics(ids));
  std::set<std::string> keys;  // a merge of two of them is one register
  uint64_t forgotten = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (statistics[i].origins > 0) continue;
    for (const auto& shard : shards_) {
      ASSIGN_OR_RETURN(const auto of_shard, shard->engine().RegistersOf(ids[i]));
      const bool counted = std::any_of(of_shard.begin(), of_shard.end(), IsAccess);
      if (counted) RETURN_IF_ERROR(shard->engine().ForgetAccesses(ids[i]));
      for (const std::string& key : of_shard) {
        IsAccess(key) ? void(++forgotten) : void(keys.insert(key));
      }
    }
  }
  forgotten += keys.size();
  std::vector<format::GraphOperation> operations;
  for (const std::string& key : keys) operations.push_back({{}, format::DeleteRegister{key}});
  if (!operations.empty()) RETURN_IF_ERROR(Write(std::move(operations)));
  return forgotten;
}

bool GraphShards::dirty() const {
  return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->dirty(); });
}

Status GraphShards::Checkpoint() {
  for (const auto& shard : shards_) {
    if (shard->write_status().ok() && shard->dirty()) RETURN_IF_ERROR(shard->engine().Checkpoint());
  }
  return Status::Ok();
}

wal::Lsn GraphShards::UnneededLsn() {
  wal::Lsn unneeded = UINT64_MAX;
  for (const auto& shard : shards_) unneeded = std::min(unneeded, shard->UnneededLsn());
  return unneeded;
}

Status GraphShards::write_status() const {
  for (const auto& shard : shards_) RETURN_IF_ERROR(shard->write_status());
  return Status::Ok();
}

void GraphShards::Stop(const Status& reason) {
  for (const auto& shard : shards_) shard->Stop(reason);
}

}  // namespace rhizome::shard
