// What replicas of a shard tell each other: versions, whole registers, inventories and digests, all read from the
// live state; and forgetting what no replica needs any more.
#include <algorithm>
#include <thread>

#include "engines/vector/engine.h"
#include "format/inventory.h"

namespace rhizome::vector {

using format::DeleteDocument;
using format::DeletePoint;
using format::InventoryPage;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;
using format::RangeDigest;
using format::RegisterKey;
using format::RegisterVersion;
using format::RequestRecord;
using format::StoredDocument;
using format::StoredPoint;
using format::StoredVersion;
using format::UpsertPoint;

namespace {

constexpr int kAttempts = 16;          // to read one moment beside the writer, before it is asked to wait
constexpr size_t kKeysPerSweep = 512;  // deleted in one step

Result<std::vector<RegisterKey>> ParseKeys(std::span<const std::string> keys) {
  std::vector<RegisterKey> parsed;
  parsed.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    Result<RegisterKey> key = format::ParseRegisterKey(keys[i]);
    if (!key.ok()) {
      return Status::InvalidArgument("keys[" + std::to_string(i) + "]", std::string(key.status().message()));
    }
    parsed.push_back(std::move(key).value());
  }
  return parsed;
}

}  // namespace

// What is live is told from memory, if no batch is half applied there: a search asks for the versions of many.
Result<std::vector<RegisterVersion>> VectorEngine::Versions(std::span<const std::string> keys) const {
  ASSIGN_OR_RETURN(const std::vector<RegisterKey> parsed, ParseKeys(keys));
  std::vector<Version> live(keys.size());
  const uint64_t before = applies_.load();
  if (before % 2 == 0) {
    FindLive(parsed, live);
    if (applies_.load() != before) live.assign(keys.size(), Version{});
  }
  std::vector<RegisterVersion> versions;
  for (size_t i = 0; i < keys.size(); ++i) versions.push_back({keys[i], live[i], false});
  RETURN_IF_ERROR(FindStored(kv::Family::kPoints, parsed, versions));
  RETURN_IF_ERROR(FindStored(kv::Family::kDocuments, parsed, versions));
  return versions;
}

// A document has the version of its first chunk.
void VectorEngine::FindLive(std::span<const RegisterKey> keys, std::span<Version> versions) const {
  const std::shared_ptr<Indexes> in = View();
  const std::shared_ptr<const SlotSet> live = in->table.Live();
  for (size_t i = 0; i < keys.size(); ++i) {
    const Slot slot = in->table.Find(keys[i].document ? PointId::OfChunk(keys[i].id, 0) : keys[i].id, *live);
    if (slot != kNoSlot) versions[i] = in->table.VersionOf(slot);
  }
}

// Fills in from one family of the database what is not known yet.
Status VectorEngine::FindStored(kv::Family family, std::span<const RegisterKey> keys,
                                std::span<RegisterVersion> versions) const {
  std::vector<size_t> positions;
  std::vector<std::string> stored_keys;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (versions[i].version != Version{} || keys[i].document != (family == kv::Family::kDocuments)) continue;
    positions.push_back(i);
    stored_keys.push_back(Key(keys[i].id));
  }
  if (positions.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(family, stored_keys));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(const StoredVersion stored, format::DecodeStoredVersion(*values[i]));
    versions[positions[i]].version = stored.version;
    versions[positions[i]].tombstone = stored.tombstone;
  }
  return Status::Ok();
}

Result<std::vector<std::optional<Operation>>> VectorEngine::ReadRegisters(std::span<const std::string> keys) const {
  ASSIGN_OR_RETURN(const std::vector<RegisterKey> parsed, ParseKeys(keys));
  std::vector<std::optional<Operation>> operations;
  for (const RegisterKey& key : parsed) {
    const auto read = [&] { return ReadRegister(key, Now()); };
    ASSIGN_OR_RETURN(std::optional<Operation> operation, ReadOneMoment(read));
    operations.push_back(std::move(operation));
  }
  return operations;
}

// What `read` finds at one moment. An error counts only if it was of one moment: between two, anything may be missing.
Result<std::optional<Operation>> VectorEngine::ReadOneMoment(const ReadOperation& read) const {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t before = changes_.load();
    if (before % 2 == 0) {
      Result<std::optional<Operation>> found = read();
      if (changes_.load() == before) return found;
    }
    std::this_thread::yield();
  }
  MutexLock lock(apply_mutex_);
  return read();
}

VectorEngine::Moment VectorEngine::Now() const {
  std::shared_ptr<const Indexes> in = View();
  std::shared_ptr<const SlotSet> live = in->table.Live();
  return {std::move(in), std::move(live), std::nullopt};
}

Result<std::optional<Operation>> VectorEngine::ReadRegister(const RegisterKey& key, const Moment& moment) const {
  return key.document ? ReadDocumentRegister(key.id, moment) : ReadPointRegister(key.id, moment);
}

Result<std::optional<Operation>> VectorEngine::ReadPointRegister(const PointId& id, const Moment& moment) const {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kPoints, Key(id), moment.at()));
  if (!value) return std::optional<Operation>();
  ASSIGN_OR_RETURN(const StoredVersion stored, format::DecodeStoredVersion(*value));
  if (stored.tombstone) return std::optional<Operation>({stored.version, DeletePoint{id}, stored.request});
  ASSIGN_OR_RETURN(Point point, ReadLive(id, value, stored.version, moment));
  return std::optional<Operation>({stored.version, UpsertPoint{std::move(point)}, stored.request});
}

Result<std::optional<Operation>> VectorEngine::ReadDocumentRegister(const PointId& id, const Moment& moment) const {
  ASSIGN_OR_RETURN(std::optional<StoredDocument> document, ReadDocument(id, moment.at()));
  if (!document) return std::optional<Operation>();
  if (document->tombstone) return std::optional<Operation>({document->version, DeleteDocument{id}, document->request});
  PutDocument put{std::move(document->record), {}};
  std::vector<PointId> ids;
  std::vector<std::string> keys;
  for (uint32_t n = 0; n < put.record.chunk_count; ++n) {
    ids.push_back(PointId::OfChunk(id, n));
    keys.push_back(Key(ids.back()));
  }
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(kv::Family::kPoints, keys, moment.at()));
  for (uint32_t n = 0; n < put.record.chunk_count; ++n) {
    ASSIGN_OR_RETURN(Point chunk, ReadLive(ids[n], values[n], document->version, moment));
    put.chunks.push_back(std::move(chunk));
  }
  return std::optional<Operation>({document->version, std::move(put), document->request});
}

// The live point that `value` says is there at `version`, with its vector.
Result<Point> VectorEngine::ReadLive(const PointId& id, const std::optional<std::string>& value, Version version,
                                     const Moment& moment) const {
  if (!value) return Status::Corruption("the database lacks point " + id.ToString());
  ASSIGN_OR_RETURN(StoredPoint stored, format::DecodeStoredPoint(*value));
  if (stored.tombstone || stored.version != version) {
    return Status::Corruption("point " + id.ToString() + " is not of its register's version");
  }
  if (moment.in->table.Find(id, *moment.live) == kNoSlot) {
    return Status::Corruption("the index lacks point " + id.ToString());
  }
  return Point{id, VectorOf(id, *moment.in, *moment.live), std::move(stored.title), std::move(stored.text),
               std::move(stored.payload)};
}

// 'd' sorts before 'p', and the database keys of either sort as the ids do.
Status VectorEngine::ScanRegisters(const std::string& after, const VisitRegister& visit, const kv::Snapshot* at) const {
  bool enough = false;
  const VisitRegister until = [&](const RegisterVersion& entry) {
    enough = !visit(entry);
    return !enough;
  };
  if (!after.starts_with('p')) RETURN_IF_ERROR(ScanFamily(kv::Family::kDocuments, after, until, at));
  if (enough) return Status::Ok();
  return ScanFamily(kv::Family::kPoints, after.starts_with('p') ? after : "", until, at);
}

Status VectorEngine::ScanFamily(kv::Family family, const std::string& after, const VisitRegister& visit,
                                const kv::Snapshot* at) const {
  const std::string prefix = ShardPrefix(options_.shard);
  const bool points = family == kv::Family::kPoints;
  // The smallest key above `after` is that key and a zero byte.
  const std::string from = after.empty() ? prefix : prefix + after.substr(1) + std::string(1, '\0');
  kv::Cursor cursor = store_.Scan(family, prefix, from, kv::Store::Cache::kSpare, at);
  for (bool enough = false; cursor.Valid() && !enough; cursor.Next()) {
    const std::string_view id = cursor.key().substr(prefix.size());
    if (points && PointId::IsChunk(id)) continue;  // part of its document's register
    ASSIGN_OR_RETURN(const StoredVersion stored, format::DecodeStoredVersion(cursor.value()));
    enough = !visit({(points ? "p" : "d") + std::string(id), stored.version, stored.tombstone});
  }
  return cursor.status();
}

Result<InventoryPage> VectorEngine::Inventory(const std::vector<uint32_t>& leaves, uint32_t bits,
                                              const std::string& after, uint32_t limit) const {
  if (!after.empty() && !format::ParseRegisterKey(after).ok()) {
    return Status::InvalidArgument("after", "is not the key of a register");
  }
  return format::TakeInventory(leaves, bits, limit,
                               [&](const VisitRegister& visit) { return ScanRegisters(after, visit); });
}

Result<RangeDigest> VectorEngine::Digest(uint32_t bits, const std::optional<Version>& below) const {
  const uint64_t before = changes_.load();
  {
    MutexLock lock(digest_mutex_);
    if (known_digest_ && known_digest_->changes == before && known_digest_->digest.bits == bits &&
        known_digest_->below == below) {
      return known_digest_->digest;
    }
  }
  ASSIGN_OR_RETURN(RangeDigest digest, format::TakeDigest(bits, below, [&](const VisitRegister& visit) {
                     return ScanRegisters("", visit);
                   }));
  MutexLock lock(digest_mutex_);
  if (before % 2 == 0 && changes_.load() == before) known_digest_ = KnownDigest{before, below, digest};
  return digest;
}

Status VectorEngine::CollectTombstones(Version below) {
  const Condemned condemned = [below](std::string_view value) -> Result<bool> {
    ASSIGN_OR_RETURN(const StoredVersion stored, format::DecodeStoredVersion(value));
    return stored.tombstone && stored.version < below;
  };
  RETURN_IF_ERROR(Sweep(kv::Family::kPoints, ShardPrefix(options_.shard), condemned));
  return Sweep(kv::Family::kDocuments, ShardPrefix(options_.shard), condemned);
}

Result<std::optional<RequestRecord>> VectorEngine::FindRequest(const format::IdempotencyKey& key) const {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kMeta, RequestKey(options_.shard, key)));
  if (!value) return std::optional<RequestRecord>();
  ASSIGN_OR_RETURN(const RequestRecord record, format::DecodeRequestRecord(*value));
  return std::optional<RequestRecord>(record);
}

Result<format::RequestPage> VectorEngine::Requests(const std::string& after, uint32_t limit) const {
  if (limit == 0) return Status::InvalidArgument("limit", "must be at least 1");
  if (!after.empty()) RETURN_IF_ERROR(format::ParseIdempotencyKey(after).status());
  const std::string prefix = RequestPrefix(options_.shard);
  // The smallest key above `after` is that key and a zero byte.
  const std::string from = after.empty() ? prefix : prefix + after + std::string(1, '\0');
  format::RequestPage page;
  kv::Cursor cursor = store_.Scan(kv::Family::kMeta, prefix, from, kv::Store::Cache::kSpare);
  for (; cursor.Valid(); cursor.Next()) {
    if (page.fates.size() == limit) {
      page.next = format::ToBytes(page.fates.back().key);
      break;
    }
    ASSIGN_OR_RETURN(const auto key, format::ParseIdempotencyKey(cursor.key().substr(prefix.size())));
    ASSIGN_OR_RETURN(const RequestRecord record, format::DecodeRequestRecord(cursor.value()));
    page.fates.push_back({key, record});
  }
  RETURN_IF_ERROR(cursor.status());
  return page;
}

Status VectorEngine::DropRequests(int64_t before_ms) {
  {
    MutexLock lock(apply_mutex_);
    forgotten_ms_ = before_ms;  // not the highest ever: the clock that said so may have been wrong
  }
  return Sweep(kv::Family::kMeta, RequestPrefix(options_.shard), [before_ms](std::string_view value) -> Result<bool> {
    ASSIGN_OR_RETURN(const RequestRecord record, format::DecodeRequestRecord(value));
    return record.version.WallMs() < before_ms;
  });
}

Status VectorEngine::Sweep(kv::Family family, const std::string& prefix, const Condemned& condemned) {
  std::vector<std::string> keys;
  kv::Cursor cursor = store_.Scan(family, prefix, {}, kv::Store::Cache::kSpare);
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(const bool goes, condemned(cursor.value()));
    if (goes) keys.emplace_back(cursor.key());
    if (keys.size() < kKeysPerSweep) continue;
    RETURN_IF_ERROR(DeleteIf(family, keys, condemned));
    keys.clear();
  }
  RETURN_IF_ERROR(cursor.status());
  return DeleteIf(family, keys, condemned);
}

// The keys were found beside the writer, so each is looked at again.
Status VectorEngine::DeleteIf(kv::Family family, std::span<const std::string> keys, const Condemned& condemned) {
  if (keys.empty()) return Status::Ok();
  MutexLock lock(apply_mutex_);
  RETURN_IF_ERROR(CheckWhole());
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(family, keys));
  kv::WriteBatch batch;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(const bool goes, condemned(*values[i]));
    if (goes) batch.Delete(family, keys[i]);
  }
  changes_.fetch_add(1);
  const Status written = store_.Write(batch);
  changes_.fetch_add(1);
  return written;
}

}  // namespace rhizome::vector
