// Entities by id and by name, and which of them are one.
#include <algorithm>
#include <map>

#include "engines/graph/reading.h"

namespace rhizome::graph {
namespace {

constexpr size_t kAliasesShown = 256;
constexpr uint32_t kNameLimitMax = 10'000;

using Reading = GraphEngine::Reading;

// Every origin that counts at the reading's time, strongest first, with its posting of the entity; false: enough.
template <typename Visit>
Status ForEachOrigin(Reading& reading, const EntityId& id, const Visit& visit) {
  ASSIGN_OR_RETURN(PostingStream stream, PostingStream::Open(reading, id));
  for (; stream.Valid(); stream.Next()) {
    ASSIGN_OR_RETURN(const bool counts, stream.Counts(reading));
    if (!counts) continue;
    ASSIGN_OR_RETURN(const Posting posting, stream.posting());
    ASSIGN_OR_RETURN(const auto origin, reading.OriginAt(std::string(stream.origin_key())));
    if (origin == nullptr || posting.entity >= origin->derivation.entities.size()) {
      return Status::Corruption("a posting of an entity that is not there");
    }
    if (!visit(*origin, posting)) return Status::Ok();
  }
  return stream.status();
}

// The numbers that an entity had, by its origins then.
Result<EntityStatistics> CountThen(Reading& reading, const EntityId& id) {
  EntityStatistics statistics;
  RETURN_IF_ERROR(ForEachOrigin(reading, id, [&](const Reading::Origin& origin, const Posting& posting) {
    const format::DerivedEntity& entity = origin.derivation.entities[posting.entity];
    uint64_t mentions = 0;
    for (const format::ChunkCount& mention : posting.mentions) mentions += mention.count;
    statistics.name = entity.name;
    const bool about = !posting.mentions.empty() && posting.mentions.back().chunk == format::kAboutChunk;
    AddShare(statistics,
             {origin.id.kind == GraphOrigin::Kind::kDocument, mentions, posting.facts.size(), entity.type, about}, 1);
    return true;
  }));
  return statistics;
}

// As the strongest origin that has one writes it; "" where none does.
Result<std::string> SurfaceOf(Reading& reading, const EntityId& id) {
  std::string surface;
  RETURN_IF_ERROR(ForEachOrigin(reading, id, [&](const Reading::Origin& origin, const Posting& posting) {
    surface = origin.derivation.entities[posting.entity].surface;
    return surface.empty();
  }));
  return surface;
}

template <typename T>
Status ReadProperty(const Reading& reading, const EntityId& id, format::PropertyField field, Versioned<T>& out) {
  const std::string key = format::PropertyKeyOf(id, field);
  ASSIGN_OR_RETURN(const auto seen, reading.See(key));
  if (!seen) return Status::Ok();
  const Result<format::GraphBody> body = format::DecodeGraphValue(key, seen->value);
  if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
  out = {seen->version, std::get<T>(std::get<format::PutProperty>(*body).value)};
  return Status::Ok();
}

Status ReadAliases(const Reading& reading, Entity& entity) {
  const size_t begin = ShardPrefix(0).size() + 1 + format::kEntityIdBytes;
  kv::Cursor cursor = reading.Scan(Table::kAliases, entity.id.Encode());
  for (; cursor.Valid() && entity.aliases.size() < kAliasesShown; cursor.Next()) {
    const std::string_view rest = cursor.key().substr(begin);
    std::string alias(rest.substr(0, rest.find('\0')));
    if (entity.aliases.empty() || entity.aliases.back() != alias) entity.aliases.push_back(std::move(alias));
  }
  return cursor.status();
}

Status ReadAccesses(const Reading& reading, Entity& entity) {
  const std::string prefix = format::AccessKeyOf(entity.id, 0).substr(0, 1 + format::kEntityIdBytes);
  const size_t table_bytes = ShardPrefix(0).size() + 1;
  kv::Cursor cursor = reading.Scan(Table::kRegisters, prefix);
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(cursor.value()));
    const auto body = format::DecodeGraphValue(cursor.key().substr(table_bytes), stored.value);
    if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
    const auto& count = std::get<format::CountAccess>(*body);
    entity.accesses.push_back({count.node, count.count, count.last_ms});
  }
  return cursor.status();
}

Status ReadDetails(Reading& reading, Entity& entity) {
  using format::PropertyField;
  RETURN_IF_ERROR(ReadProperty(reading, entity.id, PropertyField::kDescription, entity.description));
  RETURN_IF_ERROR(ReadProperty(reading, entity.id, PropertyField::kImportance, entity.importance));
  RETURN_IF_ERROR(ReadProperty(reading, entity.id, PropertyField::kCritical, entity.critical));
  RETURN_IF_ERROR(ReadProperty(reading, entity.id, PropertyField::kState, entity.state));
  RETURN_IF_ERROR(ReadAliases(reading, entity));
  return ReadAccesses(reading, entity);
}

bool IsKnown(const Entity& entity) {
  return entity.statistics.origins > 0 || !entity.aliases.empty() || !entity.accesses.empty() ||
         entity.description.version != Version{} || entity.importance.version != Version{} ||
         entity.critical.version != Version{} || entity.state.version != Version{};
}

// Adds the edge between `a` and `b`, if it is active.
Status AddEdge(const Reading& reading, const EntityId& a, const EntityId& b,
               std::map<std::pair<EntityId, EntityId>, MergeEdge>& edges) {
  const std::string key = format::MergeKeyOf(a, b);
  ASSIGN_OR_RETURN(const auto seen, reading.See(key));
  if (!seen) return Status::Ok();
  const Result<format::GraphBody> body = format::DecodeGraphValue(key, seen->value);
  if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
  const auto& merge = std::get<format::PutMerge>(*body);
  if (merge.active) edges.try_emplace({merge.a, merge.b}, MergeEdge{merge.a, merge.b, seen->version, merge.cause});
  return Status::Ok();
}

// Registers and their rows back, by the entity that `table`'s keys begin with.
Status AddEdgesAt(const Reading& reading, Table table, const EntityId& id,
                  std::map<std::pair<EntityId, EntityId>, MergeEdge>& edges) {
  const std::string kind = table == Table::kRegisters ? "m" : "";
  const size_t begin = ShardPrefix(0).size() + 1 + kind.size() + format::kEntityIdBytes;
  kv::Cursor cursor = reading.Scan(table, kind + id.Encode());
  for (; cursor.Valid(); cursor.Next()) {
    if (cursor.key().size() != begin + format::kEntityIdBytes) return Status::Corruption("a merge of no entity");
    RETURN_IF_ERROR(AddEdge(reading, id, EntityId::Decode(cursor.key().substr(begin)), edges));
  }
  return cursor.status();
}

}  // namespace

Result<std::vector<EntityStatistics>> GraphEngine::Statistics(std::span<const EntityId> ids) const {
  ASSIGN_OR_RETURN(std::vector<StatisticsRow> rows, Reading(*this, std::nullopt).Statistics(ids));
  std::vector<EntityStatistics> all;
  for (StatisticsRow& row : rows) all.push_back(std::move(row.statistics));
  return all;
}

Result<std::vector<std::optional<Entity>>> GraphEngine::Entities(std::span<const EntityId> ids,
                                                                 std::optional<int64_t> known_at_ms) const {
  Reading reading(*this, known_at_ms);
  std::vector<StatisticsRow> statistics;
  if (reading.now()) {
    ASSIGN_OR_RETURN(statistics, reading.Statistics(ids));
  }
  std::vector<std::optional<Entity>> entities;
  for (size_t i = 0; i < ids.size(); ++i) {
    Entity entity;
    entity.id = ids[i];
    if (reading.now()) {
      entity.statistics = std::move(statistics[i].statistics);
    } else {
      ASSIGN_OR_RETURN(entity.statistics, CountThen(reading, ids[i]));
    }
    if (entity.statistics.origins > 0) {
      ASSIGN_OR_RETURN(entity.surface, SurfaceOf(reading, ids[i]));
    }
    RETURN_IF_ERROR(ReadDetails(reading, entity));
    entities.push_back(IsKnown(entity) ? std::optional<Entity>(std::move(entity)) : std::nullopt);
  }
  return entities;
}

Result<NamePage> GraphEngine::NamesFrom(const std::string& prefix, const std::string& after, uint32_t limit) const {
  if (limit == 0 || limit > kNameLimitMax) {
    return Status::InvalidArgument("limit", "must be from 1 to " + std::to_string(kNameLimitMax));
  }
  Reading reading(*this, std::nullopt);
  const size_t table_bytes = TablePrefix(prefix_, Table::kNames).size();
  // Several rows may say the same: an entity's name as its own and as somebody's alias for it.
  const std::string from = after.empty() ? prefix : std::max(prefix, after + '\xFF');
  NamePage page;
  kv::Cursor cursor = reading.Scan(Table::kNames, prefix, from);
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(NameEntry entry, ParseNameKey(cursor.key().substr(table_bytes)));
    if (!page.entries.empty() && page.entries.back().name == entry.name && page.entries.back().entity == entry.entity) {
      page.entries.back().alias = page.entries.back().alias && entry.alias;
      continue;
    }
    if (page.entries.size() == limit) {
      page.next = page.entries.back().name + std::string(1, '\0') + page.entries.back().entity.Encode();
      break;
    }
    page.entries.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(cursor.status());
  return page;
}

Result<std::vector<NameEntry>> GraphEngine::FindName(const std::string& name) const {
  ASSIGN_OR_RETURN(NamePage page, NamesFrom(name + std::string(1, '\0'), "", kNameLimitMax));
  return std::move(page.entries);
}

Result<bool> GraphEngine::HasMerges() const {
  const Reading reading(*this, std::nullopt);
  const kv::Cursor cursor = reading.Scan(Table::kMergesBack, {});
  RETURN_IF_ERROR(cursor.status());
  return cursor.Valid();
}

Result<std::vector<MergeEdge>> GraphEngine::MergesAt(std::span<const EntityId> ids,
                                                     std::optional<int64_t> known_at_ms) const {
  const Reading reading(*this, known_at_ms);
  std::map<std::pair<EntityId, EntityId>, MergeEdge> edges;
  for (const EntityId& id : ids) {
    RETURN_IF_ERROR(AddEdgesAt(reading, Table::kRegisters, id, edges));
    RETURN_IF_ERROR(AddEdgesAt(reading, Table::kMergesBack, id, edges));
  }
  std::vector<MergeEdge> found;
  for (auto& [ends, edge] : edges) found.push_back(edge);
  return found;
}

}  // namespace rhizome::graph
