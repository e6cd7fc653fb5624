// What is kept of entities themselves, whoever names them: events by time, and what goes with an entity.
#include <algorithm>

#include "engines/graph/engine.h"
#include "engines/graph/reading.h"
#include "format/graph_key.h"

namespace rhizome::graph {
namespace {

constexpr kv::Family kFamily = kv::Family::kGraph;
constexpr size_t kPlaceBytes = 2 * sizeof(uint64_t) + format::kEntityIdBytes;

using Reading = GraphEngine::Reading;

// Keys of live registers of one kind at an entity, ascending.
Status AddRegisters(const Reading& reading, size_t table_bytes, format::GraphKind kind, const EntityId& entity,
                    std::vector<std::string>& keys) {
  kv::Cursor cursor = reading.Scan(Table::kRegisters, static_cast<char>(kind) + entity.Encode());
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(cursor.value()));
    if (!stored.tombstone) keys.emplace_back(cursor.key().substr(table_bytes));
  }
  return cursor.status();
}

// Places behind `after` of one entity's events, newest first.
Result<std::vector<std::string>> PlacesOf(const Reading& reading, size_t table_bytes, const EntityId& entity,
                                          const std::string& after) {
  std::vector<std::string> keys;
  RETURN_IF_ERROR(AddRegisters(reading, table_bytes, format::GraphKind::kEvent, entity, keys));
  std::vector<std::string> places;
  for (const std::string& key : keys) {
    const auto parsed = format::ParseGraphKey(key);
    if (!parsed.ok()) return Status::Corruption(std::string(parsed.status().message()));
    std::string place = EventPlaceOf(entity, parsed->at_ms, parsed->number);
    if (place > after) places.push_back(std::move(place));
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

Result<EventPage> GraphEngine::Events(const std::optional<EntityId>& entity, const std::string& after,
                                      uint32_t limit) const {
  if (!after.empty() && after.size() != kPlaceBytes) {
    return Status::InvalidArgument("after", "is not what a page gave as next");
  }
  const Reading reading(*this, std::nullopt);
  const size_t table_bytes = TablePrefix(prefix_, Table::kEvents).size();
  std::vector<std::string> places;
  if (entity) {
    ASSIGN_OR_RETURN(places, PlacesOf(reading, table_bytes, *entity, after));
  } else {
    kv::Cursor cursor = reading.Scan(Table::kEvents, "", after.empty() ? after : after + std::string(1, '\0'));
    for (; cursor.Valid() && places.size() <= limit; cursor.Next()) {
      places.emplace_back(cursor.key().substr(table_bytes));
    }
    RETURN_IF_ERROR(cursor.status());
  }
  EventPage page;
  for (const std::string& place : places) {
    if (page.events.size() == limit) {
      page.next = EventPlaceOf(page.events.back().entity, page.events.back().at_ms, page.events.back().number);
      break;
    }
    ASSIGN_OR_RETURN(const format::PutEvent at, ParseEventPlace(place));
    const std::string key = format::EventKeyOf(at.entity, at.at_ms, at.number);
    ASSIGN_OR_RETURN(const auto seen, reading.See(key));
    if (!seen) return Status::Corruption("an event's row without its register");
    Result<format::GraphBody> body = format::DecodeGraphValue(key, seen->value);
    if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
    page.events.push_back(std::get<format::PutEvent>(std::move(*body)));
  }
  return page;
}

Result<std::vector<std::string>> GraphEngine::RegistersOf(const EntityId& entity) const {
  using format::GraphKind;
  const Reading reading(*this, std::nullopt);
  const size_t table_bytes = TablePrefix(prefix_, Table::kRegisters).size();
  std::vector<std::string> keys;
  for (const GraphKind kind :
       {GraphKind::kAlias, GraphKind::kEvent, GraphKind::kMerge, GraphKind::kAccess, GraphKind::kProperty}) {
    RETURN_IF_ERROR(AddRegisters(reading, table_bytes, kind, entity, keys));
  }
  kv::Cursor back = reading.Scan(Table::kMergesBack, entity.Encode());
  for (; back.Valid(); back.Next()) {
    const std::string_view smaller = back.key().substr(table_bytes + format::kEntityIdBytes);
    if (smaller.size() != format::kEntityIdBytes) return Status::Corruption("a merge of no entity");
    keys.push_back(format::MergeKeyOf(EntityId::Decode(smaller), entity));
  }
  RETURN_IF_ERROR(back.status());
  std::sort(keys.begin(), keys.end());
  return keys;
}

Status GraphEngine::ForgetAccesses(const EntityId& entity) {
  const std::string any = format::AccessKeyOf(entity, 0);
  const std::string prefix = TablePrefix(prefix_, Table::kRegisters) + any.substr(0, any.size() - sizeof(uint32_t));
  MutexLock lock(apply_mutex_);
  RETURN_IF_ERROR(CheckWhole());
  kv::WriteBatch batch;
  kv::Cursor cursor = store_.Scan(kFamily, prefix);
  for (; cursor.Valid(); cursor.Next()) batch.Delete(kFamily, std::string(cursor.key()));
  RETURN_IF_ERROR(cursor.status());
  return store_.Write(batch);
}

}  // namespace rhizome::graph
