#include "engines/graph/writer.h"

#include <algorithm>

namespace rhizome::graph {

using format::Derivation;
using format::GraphBody;
using format::GraphKey;
using format::GraphKind;
using format::GraphOperation;
using format::PutDerivation;

namespace {

constexpr kv::Family kFamily = kv::Family::kGraph;

bool IsOrigin(std::string_view key) { return key.starts_with('d') || key.starts_with('f'); }

std::string WithVersion(const std::string& key, Version version) {
  std::string out = key;
  format::AppendVersionKey(out, version);
  return out;
}

}  // namespace

GraphEngine::Writer::Writer(const kv::Store& store, const std::string& prefix, uint32_t history_max, StateRow state,
                            StatisticsBook& book)
    : store_(store), prefix_(prefix), history_max_(history_max), state_(state), book_(book) {}

Result<kv::WriteBatch> GraphEngine::Writer::Take() {
  RETURN_IF_ERROR(book_.Write(store_, rows_));
  rows_.Put(TablePrefix(prefix_, Table::kState), EncodeState(state_));
  return rows_.Take();
}

// Closures come last: one that its origin's deletion erases must see it, in whatever order they came.
Status GraphEngine::Writer::Add(std::span<const GraphOperation> operations) {
  RETURN_IF_ERROR(Prefetch(operations));
  for (const bool closures : {false, true}) {
    for (const GraphOperation& operation : operations) {
      const auto* deletion = std::get_if<format::DeleteRegister>(&operation.body);
      const bool closure = deletion != nullptr ? deletion->key.starts_with('c')
                                               : std::holds_alternative<format::PutClosure>(operation.body);
      if (closure != closures) continue;
      if (const auto* count = std::get_if<format::CountAccess>(&operation.body)) {
        RETURN_IF_ERROR(Count(*count));
        continue;
      }
      state_.max_version = std::max(state_.max_version, operation.version);
      RETURN_IF_ERROR(deletion != nullptr ? Delete(deletion->key, operation.version) : Put(operation));
    }
  }
  return Status::Ok();
}

// What nearly every batch needs, read at once.
Status GraphEngine::Writer::Prefetch(std::span<const GraphOperation> operations) {
  std::vector<std::string> keys;
  std::vector<EntityId> entities;
  keys.reserve(operations.size());
  for (const GraphOperation& operation : operations) {
    keys.push_back(TablePrefix(prefix_, Table::kRegisters) + operation.Key());
    const auto* put = std::get_if<PutDerivation>(&operation.body);
    if (put == nullptr) continue;
    for (const format::DerivedEntity& entity : put->derivation.entities) {
      entities.push_back(format::EntityIdOf(entity.name));
    }
  }
  ASSIGN_OR_RETURN(auto values, store_.MultiGet(kFamily, keys));
  for (size_t i = 0; i < keys.size(); ++i) seen_.try_emplace(std::move(keys[i]), std::move(values[i]));
  return book_.Load(store_, entities);
}

Result<std::optional<StoredRegister>> GraphEngine::Writer::Load(Table table, const std::string& key_in_table) {
  const std::string key = TablePrefix(prefix_, table) + key_in_table;
  auto found = seen_.find(key);
  if (found == seen_.end()) {
    ASSIGN_OR_RETURN(std::optional<std::string> value, store_.Get(kFamily, key));
    found = seen_.emplace(key, std::move(value)).first;
  }
  if (!found->second) return std::optional<StoredRegister>();
  ASSIGN_OR_RETURN(StoredRegister stored, DecodeStored(*found->second));
  return std::optional<StoredRegister>(std::move(stored));
}

void GraphEngine::Writer::PutRow(Table table, const std::string& key_in_table, std::string value) {
  std::string key = TablePrefix(prefix_, table) + key_in_table;
  rows_.Put(key, value);
  seen_.insert_or_assign(std::move(key), std::move(value));
}

void GraphEngine::Writer::DeleteRow(Table table, const std::string& key_in_table) {
  std::string key = TablePrefix(prefix_, table) + key_in_table;
  rows_.Delete(key);
  seen_.insert_or_assign(std::move(key), std::nullopt);
}

Status GraphEngine::Writer::Put(const GraphOperation& operation) {
  const std::string key = operation.Key();
  ASSIGN_OR_RETURN(const std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
  const Version erased = stored ? stored->erased : Version{};
  if (operation.version <= erased) return Status::Ok();
  if (const auto* closure = std::get_if<format::PutClosure>(&operation.body)) {
    ASSIGN_OR_RETURN(const auto origin, Load(Table::kRegisters, format::GraphKeyOf(closure->origin)));
    if (origin && operation.version <= origin->erased) return Status::Ok();
  }
  const StoredRegister fresh{operation.version, false, erased, format::EncodeGraphValue(operation.body)};
  if (!stored || stored->tombstone) {
    if (stored) MarkErased(key, {}, erased);
    return Install(key, fresh, operation.body);
  }
  if (operation.version == stored->version) return Status::Ok();
  const bool newer = operation.version > stored->version;
  if (newer) {
    RETURN_IF_ERROR(Uninstall(key, *stored));
    RETURN_IF_ERROR(Install(key, fresh, operation.body));
  }
  const StoredRegister& replaced = newer ? *stored : fresh;
  RETURN_IF_ERROR(Keep(key, replaced.version, replaced.value));
  return Trim(key, std::max(operation.version, stored->version));
}

// A count is its own version: each node counts upwards.
Status GraphEngine::Writer::Count(const format::CountAccess& body) {
  const std::string key = format::AccessKeyOf(body.entity, body.node);
  ASSIGN_OR_RETURN(const std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
  if (stored) {
    ASSIGN_OR_RETURN(const GraphBody known, format::DecodeGraphValue(key, stored->value));
    const auto& before = std::get<format::CountAccess>(known);
    if (std::tie(before.count, before.last_ms) >= std::tie(body.count, body.last_ms)) return Status::Ok();
  }
  PutRow(Table::kRegisters, key,
         EncodeStored({{body.count, body.node}, false, {}, format::EncodeGraphValue(GraphBody(body))}));
  return Status::Ok();
}

Status GraphEngine::Writer::Delete(const std::string& key, Version version) {
  ASSIGN_OR_RETURN(const GraphKey parsed, format::ParseGraphKey(key));
  ASSIGN_OR_RETURN(std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
  if (stored && version <= stored->erased) return Status::Ok();
  if (parsed.kind == GraphKind::kClosure) {
    ASSIGN_OR_RETURN(const auto origin, Load(Table::kRegisters, format::GraphKeyOf(parsed.origin)));
    if (origin && version <= origin->erased) return Status::Ok();
  }
  if (IsOrigin(key)) RETURN_IF_ERROR(EraseClosures(parsed.origin, version));
  RETURN_IF_ERROR(ForgetUpTo(key, version));
  if (stored && !stored->tombstone && stored->version > version) {
    MarkErased(key, stored->erased, version);
    stored->erased = version;
    PutRow(Table::kRegisters, key, EncodeStored(*stored));
    return Status::Ok();
  }
  if (stored && !stored->tombstone) RETURN_IF_ERROR(Uninstall(key, *stored));
  PutRow(Table::kRegisters, key, EncodeStored({version, true, version, {}}));
  return Status::Ok();
}

Status GraphEngine::Writer::Install(const std::string& key, const StoredRegister& stored, const GraphBody& body) {
  PutRow(Table::kRegisters, key, EncodeStored(stored));
  return Index(body, true);
}

Status GraphEngine::Writer::Uninstall(const std::string& key, const StoredRegister& stored) {
  ASSIGN_OR_RETURN(const GraphBody body, format::DecodeGraphValue(key, stored.value));
  return Index(body, false);
}

Status GraphEngine::Writer::Index(const GraphBody& body, bool add) {
  if (const auto* put = std::get_if<PutDerivation>(&body)) return IndexOrigin(*put, add);
  if (std::holds_alternative<format::PutClosure>(body)) state_.counts.closures += add ? 1 : -1;
  if (const auto* alias = std::get_if<format::PutAlias>(&body); alias != nullptr && alias->active) {
    IndexAlias(alias->alias, alias->entity, kAliasRegisterOwner, add);
  }
  if (const auto* merge = std::get_if<format::PutMerge>(&body)) {
    const std::string key = TablePrefix(prefix_, Table::kMergesBack) + std::max(merge->a, merge->b).Encode() +
                            std::min(merge->a, merge->b).Encode();
    add ? rows_.Put(key, {}) : rows_.Delete(key);
  }
  if (const auto* event = std::get_if<format::PutEvent>(&body)) {
    const std::string key =
        TablePrefix(prefix_, Table::kEvents) + EventPlaceOf(event->entity, event->at_ms, event->number);
    add ? rows_.Put(key, {}) : rows_.Delete(key);
  }
  return Status::Ok();
}

Status GraphEngine::Writer::IndexOrigin(const PutDerivation& body, bool add) {
  const Derivation& derivation = body.derivation;
  const std::string origin_key = format::GraphKeyOf(body.origin);
  const bool document = body.origin.kind == GraphOrigin::Kind::kDocument;
  const int sign = add ? 1 : -1;
  Draw(derivation);
  std::vector<EntityId> ids;
  for (size_t i = 0; i < derivation.entities.size(); ++i) ids.push_back(drafts_[i].id);
  RETURN_IF_ERROR(book_.Load(store_, ids));
  for (size_t i = 0; i < derivation.entities.size(); ++i) {
    const format::DerivedEntity& entity = derivation.entities[i];
    EntityStatistics& statistics = book_.Change(ids[i]);
    if (add && statistics.origins == 0) {
      statistics.name = entity.name;
      ++state_.counts.entities;
      rows_.Put(TablePrefix(prefix_, Table::kNames) + NameKeyOf(entity.name, ids[i], kNameOwner), {});
    }
    if (!add && statistics.origins == 0) return Status::Corruption("an entity's numbers lack an origin");
    const bool about = !entity.mentions.empty() && entity.mentions.back().chunk == format::kAboutChunk;
    AddShare(statistics, {document, drafts_[i].mentions, drafts_[i].facts.size(), entity.type, about}, sign);
    if (statistics.origins == 0) {
      --state_.counts.entities;
      rows_.Delete(TablePrefix(prefix_, Table::kNames) + NameKeyOf(entity.name, ids[i], kNameOwner));
      statistics = {};
    }
    book_.Post(ids[i], PlaceOf(drafts_[i], origin_key),
               add ? std::optional<std::string>(PostingOf(derivation, i)) : std::nullopt);
    for (const std::string& alias : entity.aliases) IndexAlias(alias, ids[i], origin_key, add);
  }
  (document ? state_.counts.documents : state_.counts.client_facts) += static_cast<uint64_t>(sign);
  state_.counts.facts += static_cast<uint64_t>(sign) * derivation.facts.size();
  return Status::Ok();
}

void GraphEngine::Writer::IndexAlias(std::string_view alias, const EntityId& entity, std::string_view owner, bool add) {
  const std::string by_name = TablePrefix(prefix_, Table::kNames) + NameKeyOf(alias, entity, owner);
  std::string by_entity = TablePrefix(prefix_, Table::kAliases) + entity.Encode();
  by_entity.append(alias).push_back('\0');
  by_entity.append(owner);
  for (const std::string& key : {by_name, by_entity}) add ? rows_.Put(key, {}) : rows_.Delete(key);
}

// Fills drafts_, one for each of the derivation's entities.
void GraphEngine::Writer::Draw(const Derivation& derivation) {
  if (drafts_.size() < derivation.entities.size()) drafts_.resize(derivation.entities.size());
  for (size_t i = 0; i < derivation.entities.size(); ++i) {
    Draft& draft = drafts_[i];
    draft.id = format::EntityIdOf(derivation.entities[i].name);
    draft.weight_max.reset();
    draft.facts.clear();
    draft.mentions = 0;
    for (const format::ChunkCount& mention : derivation.entities[i].mentions) draft.mentions += mention.count;
  }
  for (uint32_t i = 0; i < derivation.facts.size(); ++i) {
    const format::DerivedFact& fact = derivation.facts[i];
    const bool loop = fact.source == fact.target;
    drafts_[fact.source].facts.push_back({i, true, loop});
    if (!loop) drafts_[fact.target].facts.push_back({i, false, true});
    for (const uint32_t end : {fact.source, fact.target}) {
      drafts_[end].weight_max = std::max(drafts_[end].weight_max.value_or(0), fact.weight);
    }
  }
}

std::string GraphEngine::Writer::PlaceOf(const Draft& draft, std::string_view origin_key) {
  std::string place;
  place.reserve(kRankBytes + origin_key.size());
  AppendRank(place, draft.weight_max, draft.mentions);
  return place.append(origin_key);
}

// Of the derivation that was drawn last.
std::string GraphEngine::Writer::PostingOf(const Derivation& derivation, size_t entity) const {
  Posting posting;
  posting.entity = static_cast<uint32_t>(entity);
  posting.mentions = derivation.entities[entity].mentions;
  posting.facts = drafts_[entity].facts;
  std::string bytes;
  AppendPosting(bytes, posting);
  return bytes;
}

// The postings of a value that was replaced.
void GraphEngine::Writer::PostReplaced(const std::string& origin_key, const Derivation& derivation, Version version,
                                       bool add) {
  Draw(derivation);
  for (size_t i = 0; i < derivation.entities.size(); ++i) {
    std::string key = TablePrefix(prefix_, Table::kReplacedPostings);
    key += drafts_[i].id.Encode();
    key += PlaceOf(drafts_[i], origin_key);
    format::AppendVersionKey(key, version);
    if (add) {
      rows_.Put(std::move(key), PostingOf(derivation, i));
    } else {
      rows_.Delete(std::move(key));
    }
  }
}

Result<std::vector<Version>*> GraphEngine::Writer::HistoryOf(const std::string& key) {
  const auto [found, fresh] = histories_.try_emplace(key);
  if (!fresh) return &found->second;
  const std::string prefix = TablePrefix(prefix_, Table::kHistory) + key;
  kv::Cursor cursor = store_.Scan(kFamily, prefix);
  for (; cursor.Valid(); cursor.Next()) {
    if (cursor.key().size() != prefix.size() + format::kGraphVersionBytes) continue;  // of a longer key
    ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(cursor.value()));
    if (!stored.tombstone) found->second.push_back(stored.version);
  }
  RETURN_IF_ERROR(cursor.status());
  return &found->second;
}

Status GraphEngine::Writer::Keep(const std::string& key, Version version, const std::string& value) {
  ASSIGN_OR_RETURN(std::vector<Version>* const history, HistoryOf(key));
  const auto place = std::lower_bound(history->begin(), history->end(), version);
  if (place != history->end() && *place == version) return Status::Ok();
  history->insert(place, version);
  PutRow(Table::kHistory, WithVersion(key, version), EncodeStored({version, false, {}, value}));
  if (!IsOrigin(key)) return Status::Ok();
  ASSIGN_OR_RETURN(const Derivation derivation, format::DecodeDerivation(value));
  PostReplaced(key, derivation, version, true);
  return Status::Ok();
}

Status GraphEngine::Writer::Forget(const std::string& key, Version version) {
  const std::string row = WithVersion(key, version);
  ASSIGN_OR_RETURN(const std::optional<StoredRegister> stored, Load(Table::kHistory, row));
  DeleteRow(Table::kHistory, row);
  if (!stored || !IsOrigin(key)) return Status::Ok();
  ASSIGN_OR_RETURN(const Derivation derivation, format::DecodeDerivation(stored->value));
  PostReplaced(key, derivation, version, false);
  return Status::Ok();
}

Status GraphEngine::Writer::ForgetUpTo(const std::string& key, Version version) {
  ASSIGN_OR_RETURN(std::vector<Version>* const history, HistoryOf(key));
  const auto end = std::upper_bound(history->begin(), history->end(), version);
  for (auto it = history->begin(); it != end; ++it) RETURN_IF_ERROR(Forget(key, *it));
  history->erase(history->begin(), end);
  ASSIGN_OR_RETURN(const std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
  if (stored && !stored->tombstone && stored->erased != Version{} && stored->erased <= version) {
    DeleteRow(Table::kHistory, WithVersion(key, stored->erased));
  }
  return Status::Ok();
}

Status GraphEngine::Writer::Trim(const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
  return stored ? Trim(key, stored->version) : Status::Corruption("a history without its register");
}

Status GraphEngine::Writer::Trim(const std::string& key, Version current) {
  ASSIGN_OR_RETURN(std::vector<Version>* const history, HistoryOf(key));
  size_t gone = history->size() > history_max_ ? history->size() - history_max_ : 0;
  const auto replaced_at = [&](size_t i) { return i + 1 < history->size() ? (*history)[i + 1] : current; };
  while (gone < history->size() && replaced_at(gone) <= state_.history_horizon) ++gone;
  for (size_t i = 0; i < gone; ++i) RETURN_IF_ERROR(Forget(key, (*history)[i]));
  history->erase(history->begin(), history->begin() + static_cast<std::ptrdiff_t>(gone));
  return Status::Ok();
}

// Replicas tell each other of what is erased by a row of the history, as long as a newer value hides the tombstone.
void GraphEngine::Writer::MarkErased(const std::string& key, Version before, Version now) {
  if (before != Version{}) DeleteRow(Table::kHistory, WithVersion(key, before));
  PutRow(Table::kHistory, WithVersion(key, now), EncodeStored({now, true, now, {}}));
}

Status GraphEngine::Writer::EraseClosures(const format::GraphOrigin& origin, Version version) {
  const std::string table = TablePrefix(prefix_, Table::kRegisters);
  const std::string any = format::ClosureKeyOf(origin, 0);
  const std::string prefix = table + any.substr(0, any.size() - sizeof(uint64_t));
  std::vector<std::string> keys;
  kv::Cursor cursor = store_.Scan(kFamily, prefix);
  for (; cursor.Valid(); cursor.Next()) {
    if (cursor.key().size() == prefix.size() + sizeof(uint64_t)) keys.emplace_back(cursor.key().substr(table.size()));
  }
  RETURN_IF_ERROR(cursor.status());
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(std::optional<StoredRegister> stored, Load(Table::kRegisters, key));
    if (!stored) continue;
    RETURN_IF_ERROR(ForgetUpTo(key, version));
    if (stored->version <= version) {
      if (!stored->tombstone) RETURN_IF_ERROR(Uninstall(key, *stored));
      DeleteRow(Table::kRegisters, key);
    } else if (!stored->tombstone && stored->erased != Version{} && stored->erased <= version) {
      stored->erased = {};
      PutRow(Table::kRegisters, key, EncodeStored(*stored));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::graph
