// Applying operations: the write side of VectorEngine.
#include <map>

#include "engines/vector/engine.h"

namespace rhizome::vector {

using format::DeleteDocument;
using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;
using format::StoredDocument;
using format::UpsertPoint;

struct VectorEngine::Batch {
  Indexes& in;
  kv::WriteBatch database;
  bool store = true;  // false while replaying what the database already holds
  int64_t documents_added = 0;
  // Whether a document of `version` replaces one of version `stored`: a replay meets again what it has written.
  bool Replaces(Version version, Version stored) const { return store ? version > stored : version >= stored; }
};

Status VectorEngine::Validate(std::span<const Operation> operations) const {
  return ValidateOperations(operations, options_.dimension, options_.metric);
}

Status VectorEngine::Apply(uint64_t lsn, std::span<const Operation> operations,
                           std::span<const format::RequestFate> fates) {
  MutexLock lock(apply_mutex_);
  RETURN_IF_ERROR(CheckWhole());
  half_applied_ = true;
  applies_.fetch_add(1);
  const std::shared_ptr<Indexes> indexes = View();
  Batch batch{*indexes, {}, lsn > stored_lsn_, 0};
  Version version;
  for (const Operation& operation : operations) {
    RETURN_IF_ERROR(ApplyOne(operation, batch));
    version = std::max(version, operation.version);
  }
  if (batch.store) RETURN_IF_ERROR(Remember(operations, fates, batch.database));
  const Version highest = std::max(max_version_, version);
  const uint64_t documents = documents_.load() + static_cast<uint64_t>(batch.documents_added);
  if (batch.store) {
    batch.database.Put(kv::Family::kMeta, AppliedKey(options_.shard), EncodeApplied({lsn, highest, documents}));
  }
  prepared_.emplace(Prepared{lsn, highest, documents, batch.store, std::move(batch.database)});
  return Complete();
}

Status VectorEngine::Complete() {
  const std::shared_ptr<Indexes> indexes = View();
  changes_.fetch_add(1);
  const Status stored = prepared_->store ? store_.Write(prepared_->database) : Status::Ok();
  if (stored.ok()) {
    if (prepared_->store) {
      documents_ = prepared_->documents;
      stored_lsn_ = prepared_->lsn;
    }
    max_version_ = prepared_->max_version;
  }
  const std::vector<Slot> killed = stored.ok() ? indexes->table.killed() : std::vector<Slot>();
  if (stored.ok()) indexes->table.Publish();
  changes_.fetch_add(1);
  RETURN_IF_ERROR(stored);
  // Only now: a reader that still sees an old slot as live must be able to find it.
  for (const Slot slot : killed) {
    if (indexes->graph != nullptr) RETURN_IF_ERROR(indexes->graph->Remove(slot));
  }
  applied_lsn_ = prepared_->lsn;
  prepared_.reset();
  half_applied_ = false;
  applies_.fetch_add(1);
  return Status::Ok();
}

Status VectorEngine::Retry() {
  MutexLock lock(apply_mutex_);
  return prepared_ ? Complete() : CheckWhole();
}

Status VectorEngine::CheckWhole() const {
  return half_applied_ ? Status::ReadOnly("a write was applied in part: reopen the shard") : Status::Ok();
}

Status VectorEngine::ApplyOne(const Operation& operation, Batch& batch) {
  const Origin origin{operation.version, operation.request};
  if (const auto* op = std::get_if<UpsertPoint>(&operation.body)) return ApplyPoint(op->point, origin, batch);
  if (const auto* op = std::get_if<DeletePoint>(&operation.body)) return KillPoint(op->id, origin, batch);
  if (const auto* op = std::get_if<PutDocument>(&operation.body)) return ApplyDocument(*op, origin, batch);
  return KillDocument(std::get<DeleteDocument>(operation.body).id, origin, batch);
}

// Memory knows the versions of live points. Of what is dead or unknown there the database decides: it alone still
// knows deletes after a compaction, and forgets them in CollectTombstones. A replay that is behind the database brings
// back only what the database still holds: a write that lost since may have lost to a delete that nobody knows any
// more.
Result<bool> VectorEngine::Wins(const PointId& id, Version version, bool live, const Batch& batch) const {
  const auto newest = batch.in.table.FindUnpublished(id);
  const bool known_live = newest && newest->live;
  if (known_live && version <= newest->version) return false;
  if (known_live && (batch.store || !live)) return true;
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kPoints, Key(id)));
  if (!value) return batch.store;
  ASSIGN_OR_RETURN(const format::StoredVersion stored, format::DecodeStoredVersion(*value));
  return batch.store ? version > stored.version : version == stored.version && !stored.tombstone;
}

Status VectorEngine::ApplyPoint(const Point& point, const Origin& origin, Batch& batch) {
  ASSIGN_OR_RETURN(const bool wins, Wins(point.id, origin.version, true, batch));
  if (!wins) return Status::Ok();
  ASSIGN_OR_RETURN(const boost::json::value payload, ParsePayload(point.payload));
  RETURN_IF_ERROR(AppendPoint(point, payload, origin.version, batch.in));
  if (batch.store) {
    batch.database.Put(kv::Family::kPoints, Key(point.id),
                       format::EncodeStoredPoint({.version = origin.version,
                                                  .title = point.title,
                                                  .text = point.text,
                                                  .payload = point.payload,
                                                  .request = origin.request}));
  }
  return Status::Ok();
}

// Gives the point the next slot in every index. A point without a vector takes its place among the vectors with one
// that answers no search.
Status VectorEngine::AppendPoint(const Point& point, const boost::json::value& payload, Version version,
                                 Indexes& in) const {
  const Slot slot = in.table.Append(point.id, version, !point.vector.empty());
  if (in.graph != nullptr) {
    std::vector<float> absent;
    if (point.vector.empty()) {
      absent.assign(options_.dimension, 0.0f);
      absent[0] = 1.0f;
    }
    ASSIGN_OR_RETURN(const Slot same, in.graph->Append(point.vector.empty() ? absent : point.vector));
    CHECK(same == slot);
    if (point.vector.empty()) RETURN_IF_ERROR(in.graph->Remove(slot));
  }
  if (!point.title.empty() || !point.text.empty()) RETURN_IF_ERROR(in.text->Add(slot, point.text, point.title));
  return in.payload->Add(slot, payload);
}

Status VectorEngine::KillPoint(const PointId& id, const Origin& origin, Batch& batch) {
  ASSIGN_OR_RETURN(const bool wins, Wins(id, origin.version, false, batch));
  if (!wins) return Status::Ok();
  if (batch.in.table.FindUnpublished(id)) batch.in.table.Kill(id, origin.version);
  if (batch.store) {
    batch.database.Put(kv::Family::kPoints, Key(id),
                       format::EncodeStoredPoint({origin.version, true, {}, {}, {}, origin.request}));
  }
  return Status::Ok();
}

Result<std::optional<StoredDocument>> VectorEngine::ReadDocument(const PointId& id, const kv::Snapshot* at) const {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kDocuments, Key(id), at));
  if (!value) return std::optional<StoredDocument>();
  ASSIGN_OR_RETURN(StoredDocument document, format::DecodeStoredDocument(*value));
  return std::optional<StoredDocument>(std::move(document));
}

// However a register comes here, its request is remembered; also where the register itself is newer already, because
// it may have been seen before it was overwritten.
Status VectorEngine::Remember(std::span<const Operation> operations, std::span<const format::RequestFate> fates,
                              kv::WriteBatch& batch) const {
  std::map<std::string, format::RequestRecord> records;  // by database key
  const auto add = [&, forgotten_ms = forgotten_ms_](const format::IdempotencyKey& key,
                                                     const format::RequestRecord& record) {
    if (record.version.WallMs() < forgotten_ms) return;
    format::RequestRecord& kept = records[RequestKey(options_.shard, key)];
    kept = std::max(kept, record);
  };
  for (const Operation& operation : operations) {
    if (operation.request) add(operation.request->key, {operation.version, operation.request->content_hash});
  }
  for (const format::RequestFate& fate : fates) add(fate.key, fate.record);
  if (records.empty()) return Status::Ok();
  std::vector<std::string> keys;
  for (const auto& [key, record] : records) keys.push_back(key);
  ASSIGN_OR_RETURN(const auto known, store_.MultiGet(kv::Family::kMeta, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    const format::RequestRecord& record = records.at(keys[i]);
    if (known[i]) {
      ASSIGN_OR_RETURN(const format::RequestRecord kept, format::DecodeRequestRecord(*known[i]));
      if (kept >= record) continue;
    }
    batch.Put(kv::Family::kMeta, keys[i], format::EncodeRequestRecord(record));
  }
  return Status::Ok();
}

Status VectorEngine::ApplyDocument(const PutDocument& put, const Origin& origin, Batch& batch) {
  const PointId& id = put.record.id;
  const Version version = origin.version;
  ASSIGN_OR_RETURN(const auto stored, ReadDocument(id));
  if (stored && !batch.Replaces(version, stored->version)) return Status::Ok();
  for (const Point& chunk : put.chunks) RETURN_IF_ERROR(ApplyPoint(chunk, {version, std::nullopt}, batch));
  RETURN_IF_ERROR(KillChunksFrom(id, put.record.chunk_count, version, batch));
  if (!batch.store) return Status::Ok();
  const bool was_live = stored && !stored->tombstone;
  if (was_live)
    batch.database.Delete(kv::Family::kContent, ContentKey(options_.shard, stored->record.content_hash, id));
  batch.database.Put(kv::Family::kContent, ContentKey(options_.shard, put.record.content_hash, id), {});
  batch.database.Put(kv::Family::kDocuments, Key(id),
                     format::EncodeStoredDocument({version, false, put.record, origin.request}));
  batch.documents_added += was_live ? 0 : 1;
  return Status::Ok();
}

Status VectorEngine::KillDocument(const PointId& id, const Origin& origin, Batch& batch) {
  const Version version = origin.version;
  ASSIGN_OR_RETURN(const auto stored, ReadDocument(id));
  if (stored && !batch.Replaces(version, stored->version)) return Status::Ok();
  RETURN_IF_ERROR(KillChunksFrom(id, 0, version, batch));
  if (!batch.store) return Status::Ok();
  if (stored && !stored->tombstone) {
    batch.database.Delete(kv::Family::kContent, ContentKey(options_.shard, stored->record.content_hash, id));
    batch.documents_added -= 1;
  }
  batch.database.Put(kv::Family::kDocuments, Key(id),
                     format::EncodeStoredDocument({version, true, {}, origin.request}));
  return Status::Ok();
}

// Chunk numbers are dense and a dead one stays known, so the first unknown number ends the walk. Chunks need no
// tombstones of their own: their document's version decides.
Status VectorEngine::KillChunksFrom(const PointId& document, uint32_t first, Version version, Batch& batch) {
  for (uint32_t n = first;; ++n) {
    const PointId id = PointId::OfChunk(document, n);
    const auto newest = batch.in.table.FindUnpublished(id);
    if (!newest) return Status::Ok();
    if (!newest->live || newest->version >= version) continue;
    batch.in.table.Kill(id, version);
    if (batch.store) batch.database.Delete(kv::Family::kPoints, Key(id));
  }
}

}  // namespace rhizome::vector
