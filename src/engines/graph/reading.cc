#include "engines/graph/reading.h"

#include <algorithm>

namespace rhizome::graph {
namespace {

constexpr kv::Family kFamily = kv::Family::kGraph;
constexpr size_t kOriginsKept = 4096;  // by one read
constexpr size_t kPostingPrefixBytes = sizeof(uint32_t) + 1 + format::kEntityIdBytes;

std::optional<Version> BoundOf(std::optional<int64_t> known_at_ms) {
  if (!known_at_ms) return std::nullopt;
  if (*known_at_ms < 0) return Version{};
  const uint64_t ms = std::min<uint64_t>(static_cast<uint64_t>(*known_at_ms), UINT64_MAX >> 16);
  return Version{ms << 16 | 0xFFFF, UINT32_MAX};
}

Status Missing(std::string_view what) { return Status::Corruption("a graph's " + std::string(what) + " is not there"); }

}  // namespace

GraphEngine::Reading::Reading(const GraphEngine& engine, std::optional<int64_t> known_at_ms)
    : engine_(engine), bound_(BoundOf(known_at_ms)), snapshot_(engine.store_.TakeSnapshot()) {}

kv::Cursor GraphEngine::Reading::Scan(Table table, const std::string& prefix, const std::string& from) const {
  const std::string begin = TablePrefix(engine_.prefix_, table);
  return engine_.store_.Scan(kFamily, begin + prefix, from.empty() ? std::string() : begin + from,
                             kv::Store::Cache::kFill, &snapshot_);
}

Result<std::vector<std::optional<std::string>>> GraphEngine::Reading::MultiGet(
    Table table, std::span<const std::string> keys) const {
  std::vector<std::string> rows;
  rows.reserve(keys.size());
  for (const std::string& key : keys) rows.push_back(TablePrefix(engine_.prefix_, table) + key);
  return engine_.store_.MultiGet(kFamily, rows, &snapshot_);
}

Result<std::vector<StatisticsRow>> GraphEngine::Reading::Statistics(std::span<const EntityId> ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const EntityId& id : ids) keys.push_back(id.Encode());
  ASSIGN_OR_RETURN(const auto values, MultiGet(Table::kStatistics, keys));
  std::vector<StatisticsRow> all(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(all[i], DecodeStatistics(*values[i]));
  }
  return all;
}

Result<std::optional<GraphEngine::Reading::Seen>> GraphEngine::Reading::See(const std::string& key) const {
  ASSIGN_OR_RETURN(const auto value,
                   engine_.store_.Get(kFamily, TablePrefix(engine_.prefix_, Table::kRegisters) + key, &snapshot_));
  if (!value) return std::optional<Seen>();
  ASSIGN_OR_RETURN(StoredRegister stored, DecodeStored(*value));
  if (stored.tombstone) return std::optional<Seen>();
  if (!bound_ || stored.version <= *bound_) {
    return std::optional<Seen>({stored.version, std::nullopt, std::move(stored.value)});
  }
  // The newest of the history that is old enough.
  std::optional<Seen> seen;
  kv::Cursor cursor = Scan(Table::kHistory, key);
  const size_t bytes = TablePrefix(engine_.prefix_, Table::kHistory).size() + key.size() + format::kGraphVersionBytes;
  for (; cursor.Valid(); cursor.Next()) {
    if (cursor.key().size() != bytes) continue;
    ASSIGN_OR_RETURN(StoredRegister replaced, DecodeStored(cursor.value()));
    if (replaced.tombstone) continue;
    if (seen && !seen->replaced_at) seen->replaced_at = replaced.version;
    if (replaced.version > *bound_) break;
    seen = Seen{replaced.version, std::nullopt, std::move(replaced.value)};
  }
  RETURN_IF_ERROR(cursor.status());
  if (seen && !seen->replaced_at) seen->replaced_at = stored.version;
  return seen;
}

Result<std::shared_ptr<GraphEngine::Reading::Origin>> GraphEngine::Reading::OriginAt(const std::string& key) {
  const auto known = origins_.find(key);
  if (known != origins_.end()) return known->second;
  if (origins_.size() >= kOriginsKept) origins_.clear();
  const Result<format::GraphKey> parsed = format::ParseGraphKey(key);
  if (!parsed.ok() || (parsed->kind != format::GraphKind::kDocument && parsed->kind != format::GraphKind::kFact)) {
    return Status::Corruption("a posting of no origin");
  }
  ASSIGN_OR_RETURN(std::optional<Seen> seen, See(key));
  std::shared_ptr<Origin> origin;
  if (seen) {
    origin = std::make_shared<Origin>(Origin{parsed->origin, seen->version, seen->replaced_at, {}, {}, {}});
    ASSIGN_OR_RETURN(origin->derivation, format::DecodeDerivation(seen->value));
    for (const auto& entity : origin->derivation.entities) {
      origin->entities.push_back(format::EntityIdOf(entity.name));
    }
  }
  origins_.emplace(key, origin);
  return origin;
}

Result<GraphEngine::Reading::Origin::Closures> GraphEngine::Reading::ReadClosures(const GraphOrigin& origin) const {
  Origin::Closures closures;
  const std::string any = format::ClosureKeyOf(origin, 0);
  const std::string prefix = any.substr(0, any.size() - sizeof(uint64_t));
  const size_t table_bytes = TablePrefix(engine_.prefix_, Table::kRegisters).size();
  kv::Cursor cursor = Scan(Table::kRegisters, prefix);
  for (; cursor.Valid(); cursor.Next()) {
    const std::string key(cursor.key().substr(table_bytes));
    if (key.size() != any.size()) continue;
    ASSIGN_OR_RETURN(const std::optional<Seen> seen, See(key));
    if (!seen) continue;
    Result<format::GraphBody> body = format::DecodeGraphValue(key, seen->value);
    if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
    auto& closure = std::get<format::PutClosure>(*body);
    closures.emplace(closure.fact, std::pair(seen->version, std::move(closure)));
  }
  RETURN_IF_ERROR(cursor.status());
  return closures;
}

Result<std::optional<FoundFact>> GraphEngine::Reading::FactOf(Origin& origin, uint32_t position,
                                                              std::optional<int64_t> as_of_ms) const {
  const format::Derivation& derivation = origin.derivation;
  if (position >= derivation.facts.size()) return Missing("fact");
  if (!origin.closures) {
    ASSIGN_OR_RETURN(origin.closures, ReadClosures(origin.id));
  }
  const format::DerivedFact& fact = derivation.facts[position];
  FoundFact found;
  found.id = derivation.IdOf(origin.id, position);
  found.valid_from = fact.valid_from;
  found.valid_until = found.asserted_until = fact.valid_until;
  if (const auto closure = origin.closures->find(found.id.fact); closure != origin.closures->end()) {
    const auto& [version, said] = closure->second;
    if (said.closed) {
      found.valid_until = std::min(found.valid_until, said.valid_until);
      found.closed_at = version;
      found.superseded_by = said.superseded_by;
    } else {
      found.opened_at = version;
    }
  }
  if (as_of_ms && (*as_of_ms < found.valid_from || *as_of_ms >= found.valid_until)) return std::optional<FoundFact>();
  found.origin = origin.id;
  found.chunks = fact.chunks;
  found.source = {origin.entities[fact.source], derivation.entities[fact.source].name};
  found.target = {origin.entities[fact.target], derivation.entities[fact.target].name};
  found.type = fact.type;
  found.weight = fact.weight;
  found.confidence = fact.confidence;
  found.recorded_at = origin.version;
  found.superseded_at = origin.replaced_at;
  return std::optional<FoundFact>(std::move(found));
}

PostingStream::PostingStream(GraphEngine::Reading& reading, const EntityId& entity, const StatisticsRow& row,
                             const std::string& from)
    : now_(reading.now()) {
  const std::string prefix = entity.Encode();
  if (row.only_place >= from) {
    only_place_ = row.only_place;
    only_posting_ = row.only_posting;
  }
  if (row.statistics.origins > 1) posted_.emplace(reading.Scan(Table::kPostings, prefix, prefix + from));
  if (!now_) replaced_.emplace(reading.Scan(Table::kReplacedPostings, prefix, prefix + from));
  Choose();
}

Result<PostingStream> PostingStream::Open(GraphEngine::Reading& reading, const EntityId& entity,
                                          const std::string& from) {
  ASSIGN_OR_RETURN(const auto rows, reading.Statistics({&entity, 1}));
  return PostingStream(reading, entity, rows[0], from);
}

// Whichever comes first.
void PostingStream::Choose() {
  source_ = Source::kNone;
  std::string_view first;
  const auto offer = [&](Source source, std::string_view place) {
    if (place.size() <= kRankBytes) damage_ = Missing("posting's origin");
    if (source_ == Source::kNone || place < first) {
      source_ = source;
      first = place;
    }
  };
  if (!only_place_.empty()) offer(Source::kOnly, only_place_);
  if (posted_ && posted_->Valid()) offer(Source::kPosted, posted_->key().substr(kPostingPrefixBytes));
  if (!replaced_ || !replaced_->Valid()) return;
  const std::string_view key = replaced_->key();
  const size_t bytes = kPostingPrefixBytes + format::kGraphVersionBytes;
  offer(Source::kReplaced, key.size() < bytes ? "" : key.substr(kPostingPrefixBytes, key.size() - bytes));
}

Status PostingStream::status() const {
  RETURN_IF_ERROR(damage_);
  if (posted_) RETURN_IF_ERROR(posted_->status());
  return replaced_ ? replaced_->status() : Status::Ok();
}

void PostingStream::Next() {
  switch (source_) {
    case Source::kOnly: only_place_.clear(); break;
    case Source::kPosted: posted_->Next(); break;
    case Source::kReplaced: replaced_->Next(); break;
    case Source::kNone: return;
  }
  Choose();
}

std::string_view PostingStream::place() const {
  if (source_ == Source::kOnly) return only_place_;
  if (source_ == Source::kPosted) return posted_->key().substr(kPostingPrefixBytes);
  const std::string_view key = replaced_->key();
  return key.substr(kPostingPrefixBytes, key.size() - kPostingPrefixBytes - format::kGraphVersionBytes);
}

Result<Posting> PostingStream::posting() const {
  if (source_ == Source::kOnly) return DecodePosting(only_posting_);
  return DecodePosting(source_ == Source::kPosted ? posted_->value() : replaced_->value());
}

Result<bool> PostingStream::Counts(GraphEngine::Reading& reading) const {
  if (now_) return true;
  ASSIGN_OR_RETURN(const auto origin, reading.OriginAt(std::string(origin_key())));
  if (origin == nullptr) return false;
  if (source_ != Source::kReplaced) return !origin->replaced_at;
  const std::string_view key = replaced_->key();
  return origin->replaced_at &&
         format::VersionFromKey(key.substr(key.size() - format::kGraphVersionBytes)) == origin->version;
}

}  // namespace rhizome::graph
