// Applying operations: the write side of VectorEngine.
#include <boost/json/parse.hpp>
#include <cmath>
#include <set>

#include "engines/vector/engine.h"

namespace rhizome::vector {
namespace {

using format::DeleteDocument;
using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;
using format::StoredDocument;
using format::UpsertPoint;

constexpr size_t kJsonDepthMax = 64;

// `graph` is null exactly when the collection has no vectors.
Status ValidateVector(std::span<const float> vector, uint32_t dimension, const GraphIndex* graph) {
  if (vector.empty()) return Status::Ok();
  if (vector.size() != dimension) {
    return Status::InvalidArgument(
        "vector", "has " + std::to_string(vector.size()) + " components, the collection " + std::to_string(dimension));
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (!std::isfinite(vector[i])) {
      return Status::InvalidArgument("vector[" + std::to_string(i) + "]", "must be a finite number");
    }
  }
  // The index's own bounds, asked before the log: what it refuses later would stop the shard at every replay.
  return graph->Validate(vector, "vector");
}

Status ValidatePoint(const Point& point, uint32_t dimension, const GraphIndex* graph) {
  RETURN_IF_ERROR(ValidateVector(point.vector, dimension, graph));
  if (point.vector.empty() && point.title.empty() && point.text.empty()) {
    return Status::InvalidArgument("vector", "a point needs a vector, a text or both");
  }
  return VectorEngine::ParsePayload(point.payload).status();
}

Status Within(const Status& status, const std::string& prefix) {
  if (status.ok()) return status;
  const std::string field = status.field().empty() ? prefix : prefix + "." + std::string(status.field());
  return Status(status.code(), std::string(status.message()), field);
}

Status ValidateOperation(const Operation& operation, uint32_t dimension, const GraphIndex* graph) {
  const bool point =
      std::holds_alternative<UpsertPoint>(operation.body) || std::holds_alternative<DeletePoint>(operation.body);
  if (point && operation.id().ToString().find('#') != std::string::npos) {
    return Status::InvalidArgument("id", "names a chunk: change or delete its document instead");
  }
  if (const auto* upsert = std::get_if<UpsertPoint>(&operation.body)) {
    return ValidatePoint(upsert->point, dimension, graph);
  }
  const auto* put = std::get_if<PutDocument>(&operation.body);
  if (put == nullptr) return Status::Ok();
  for (size_t i = 0; i < put->chunks.size(); ++i) {
    RETURN_IF_ERROR(Within(ValidatePoint(put->chunks[i], dimension, graph), "chunks[" + std::to_string(i) + "]"));
  }
  return Status::Ok();
}

}  // namespace

Result<boost::json::value> VectorEngine::ParsePayload(const std::string& payload) {
  if (payload.empty()) return boost::json::value(boost::json::object());
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(payload, error, {}, options);
  if (error) return Status::InvalidArgument("payload", "is not valid JSON: " + error.message());
  if (!value.is_object()) return Status::InvalidArgument("payload", "must be a JSON object");
  return value;
}

struct VectorEngine::Batch {
  Indexes& in;
  kv::WriteBatch database;
  bool store = true;  // false while replaying what the database already holds
  int64_t documents_added = 0;
};

Status VectorEngine::Validate(std::span<const Operation> operations) const {
  const std::shared_ptr<Indexes> in = View();
  std::set<std::string> keys;
  for (size_t i = 0; i < operations.size(); ++i) {
    const std::string where = "operations[" + std::to_string(i) + "]";
    if (!keys.insert(operations[i].Key()).second) {
      return Status::InvalidArgument(where + ".id", "id " + operations[i].id().ToString() + " is twice in the batch");
    }
    RETURN_IF_ERROR(Within(ValidateOperation(operations[i], options_.dimension, in->graph.get()), where));
  }
  return Status::Ok();
}

Status VectorEngine::Apply(uint64_t lsn, std::span<const Operation> operations) {
  MutexLock lock(apply_mutex_);
  RETURN_IF_ERROR(CheckWhole());
  half_applied_ = true;
  const std::shared_ptr<Indexes> indexes = View();
  Batch batch{*indexes, {}, lsn > stored_lsn_, 0};
  Version highest = max_version_;
  for (const Operation& operation : operations) {
    RETURN_IF_ERROR(ApplyOne(operation, batch));
    highest = std::max(highest, operation.version);
  }
  const uint64_t documents = documents_.load() + static_cast<uint64_t>(batch.documents_added);
  if (batch.store) {
    batch.database.Put(kv::Family::kMeta, AppliedKey(options_.shard), EncodeApplied({lsn, highest, documents}));
  }
  prepared_.emplace(Prepared{lsn, highest, documents, batch.store, std::move(batch.database)});
  return Complete();
}

Status VectorEngine::Complete() {
  const std::shared_ptr<Indexes> indexes = View();
  if (prepared_->store) {
    RETURN_IF_ERROR(store_.Write(prepared_->database));
    documents_ = prepared_->documents;
    stored_lsn_ = prepared_->lsn;
  }
  max_version_ = prepared_->max_version;
  const std::vector<Slot> killed = indexes->table.killed();
  indexes->table.Publish();
  // Only now: a reader that still sees an old slot as live must be able to find it.
  for (const Slot slot : killed) {
    if (indexes->graph != nullptr) RETURN_IF_ERROR(indexes->graph->Remove(slot));
  }
  applied_lsn_ = prepared_->lsn;
  prepared_.reset();
  half_applied_ = false;
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
  if (const auto* op = std::get_if<UpsertPoint>(&operation.body))
    return ApplyPoint(op->point, operation.version, batch);
  if (const auto* op = std::get_if<DeletePoint>(&operation.body)) return KillPoint(op->id, operation.version, batch);
  if (const auto* op = std::get_if<PutDocument>(&operation.body)) return ApplyDocument(*op, operation.version, batch);
  return KillDocument(std::get<DeleteDocument>(operation.body).id, operation.version, batch);
}

Result<bool> VectorEngine::IsNewer(const PointId& id, Version version, const Indexes& in) const {
  if (const auto newest = in.table.FindUnpublished(id)) return version > newest->version;
  // Not in memory: new, or a replay behind the database, or known there only as a delete.
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kPoints, Key(id)));
  if (!value) return true;
  ASSIGN_OR_RETURN(const format::StoredPoint stored, format::DecodeStoredPoint(*value));
  return version >= stored.version;
}

Status VectorEngine::ApplyPoint(const Point& point, Version version, Batch& batch) {
  ASSIGN_OR_RETURN(const bool newer, IsNewer(point.id, version, batch.in));
  if (!newer) return Status::Ok();
  ASSIGN_OR_RETURN(const boost::json::value payload, ParsePayload(point.payload));
  RETURN_IF_ERROR(AppendPoint(point, payload, version, batch.in));
  if (batch.store) {
    batch.database.Put(kv::Family::kPoints, Key(point.id),
                       format::EncodeStoredPoint({version, false, point.title, point.text, point.payload}));
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

Status VectorEngine::KillPoint(const PointId& id, Version version, Batch& batch) {
  ASSIGN_OR_RETURN(const bool newer, IsNewer(id, version, batch.in));
  if (!newer) return Status::Ok();
  if (batch.in.table.FindUnpublished(id)) batch.in.table.Kill(id, version);
  if (batch.store) {
    batch.database.Put(kv::Family::kPoints, Key(id), format::EncodeStoredPoint({version, true, {}, {}, {}}));
  }
  return Status::Ok();
}

Result<std::optional<StoredDocument>> VectorEngine::ReadDocument(const PointId& id) const {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kDocuments, Key(id)));
  if (!value) return std::optional<StoredDocument>();
  ASSIGN_OR_RETURN(StoredDocument document, format::DecodeStoredDocument(*value));
  return std::optional<StoredDocument>(std::move(document));
}

Status VectorEngine::ApplyDocument(const PutDocument& put, Version version, Batch& batch) {
  const PointId& id = put.record.id;
  ASSIGN_OR_RETURN(const auto stored, ReadDocument(id));
  if (stored && stored->version > version) return Status::Ok();
  for (const Point& chunk : put.chunks) RETURN_IF_ERROR(ApplyPoint(chunk, version, batch));
  RETURN_IF_ERROR(KillChunksFrom(id, put.record.chunk_count, version, batch));
  if (!batch.store) return Status::Ok();
  const bool was_live = stored && !stored->tombstone;
  if (was_live)
    batch.database.Delete(kv::Family::kContent, ContentKey(options_.shard, stored->record.content_hash, id));
  batch.database.Put(kv::Family::kContent, ContentKey(options_.shard, put.record.content_hash, id), {});
  batch.database.Put(kv::Family::kDocuments, Key(id), format::EncodeStoredDocument({version, false, put.record}));
  batch.documents_added += was_live ? 0 : 1;
  return Status::Ok();
}

Status VectorEngine::KillDocument(const PointId& id, Version version, Batch& batch) {
  ASSIGN_OR_RETURN(const auto stored, ReadDocument(id));
  if (stored && stored->version > version) return Status::Ok();
  RETURN_IF_ERROR(KillChunksFrom(id, 0, version, batch));
  if (!batch.store) return Status::Ok();
  if (stored && !stored->tombstone) {
    batch.database.Delete(kv::Family::kContent, ContentKey(options_.shard, stored->record.content_hash, id));
    batch.documents_added -= 1;
  }
  batch.database.Put(kv::Family::kDocuments, Key(id), format::EncodeStoredDocument({version, true, {}}));
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
