#include "cluster/catalogue.h"

#include "engines/vector/snapshot.h"
#include "format/coding.h"
#include "shard/series_shards.h"

namespace rhizome::cluster {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kReplicaFormat = 1;
constexpr uint8_t kSeriesReplicaFormat = 2;
constexpr std::string_view kPrefix = "collection/";
constexpr std::string_view kReplicaPrefix = "replica/";
constexpr uint8_t kStreamsFormat = 1;

constexpr std::string_view kSeriesKey = "series";
constexpr std::string_view kGraphPrefix = "graph/";
constexpr std::string_view kNextShardKey = "next_shard";

std::string EntryKey(const std::string& name) { return std::string(kPrefix) + name; }
std::string GraphKey(const Uuid& collection) { return std::string(kGraphPrefix) + collection.ToString(); }
std::string ReplicaKey(uint32_t shard) { return std::string(kReplicaPrefix) + vector::ShardPrefix(shard); }

Status ValidateReplica(const ReplicaSpec& spec) {
  if (spec.kind == ReplicaKind::kPoints) RETURN_IF_ERROR(ValidateSpec(spec.spec));
  if (spec.shard == 0) return Status::InvalidArgument("shard", "must not be 0");
  if (spec.collection.is_nil()) return Status::InvalidArgument("collection", "must not be nil");
  return Status::Ok();
}

// Whether both mean the same data, kept in the same way.
bool IsSameReplica(const ReplicaSpec& a, const ReplicaSpec& b) {
  return a.kind == b.kind && a.collection == b.collection && a.partition == b.partition && a.spec.name == b.spec.name &&
         a.spec.dimension == b.spec.dimension && a.spec.metric == b.spec.metric && a.spec.language == b.spec.language;
}

}  // namespace

std::string EncodeEntry(const CatalogueEntry& entry) {
  std::string out;
  format::PutU8(out, kFormat);
  format::PutBytes(out, entry.spec.name);
  format::PutU32(out, entry.spec.dimension);
  format::PutU8(out, static_cast<uint8_t>(entry.spec.metric));
  format::PutBytes(out, entry.spec.embedder);
  format::PutBytes(out, entry.spec.language);
  format::PutU32(out, entry.spec.shards);
  out.append(reinterpret_cast<const char*>(entry.id.bytes.data()), entry.id.bytes.size());
  format::PutI64(out, entry.created_ms);
  format::PutU32(out, entry.first_shard);
  return out;
}

namespace {

// Whatever the values.
Result<CatalogueEntry> ReadEntry(std::string_view bytes) {
  format::Decoder in(bytes);
  CatalogueEntry entry;
  uint8_t format = 0, metric = 0;
  std::string_view id;
  if (!in.U8(format) || format != kFormat || !in.Bytes(entry.spec.name) || !in.U32(entry.spec.dimension) ||
      !in.U8(metric) || metric > static_cast<uint8_t>(vector::Metric::kL2) || !in.Bytes(entry.spec.embedder) ||
      !in.Bytes(entry.spec.language) || !in.U32(entry.spec.shards) || !in.Raw(id, entry.id.bytes.size()) ||
      !in.I64(entry.created_ms) || !in.U32(entry.first_shard)) {
    return in.Failure("catalogue entry");
  }
  RETURN_IF_ERROR(in.Finish("catalogue entry"));
  entry.spec.metric = static_cast<vector::Metric>(metric);
  std::memcpy(entry.id.bytes.data(), id.data(), id.size());
  return entry;
}

}  // namespace

Result<CatalogueEntry> DecodeEntry(std::string_view bytes) {
  ASSIGN_OR_RETURN(CatalogueEntry entry, ReadEntry(bytes));
  if (!ValidateSpec(entry.spec).ok()) return Status::Corruption("catalogue entry: impossible values");
  return entry;
}

std::string EncodeReplica(const ReplicaEntry& entry) {
  std::string out;
  const bool series = entry.spec.kind == ReplicaKind::kSeries;
  format::PutU8(out, series ? kSeriesReplicaFormat : kReplicaFormat);
  format::PutU32(out, entry.spec.shard);
  format::PutU32(out, entry.spec.partition);
  format::PutU64(out, entry.spec.since);
  format::PutU8(out, entry.spec.complete ? 1 : 0);
  format::PutBytes(out, EncodeEntry({entry.spec.spec, entry.spec.collection, entry.created_ms, entry.stream}));
  return out;
}

Result<ReplicaEntry> DecodeReplica(std::string_view bytes) {
  format::Decoder in(bytes);
  ReplicaEntry entry;
  uint8_t format = 0, complete = 0;
  std::string_view collection;
  if (!in.U8(format) || (format != kReplicaFormat && format != kSeriesReplicaFormat) || !in.U32(entry.spec.shard) ||
      !in.U32(entry.spec.partition) || !in.U64(entry.spec.since) || !in.U8(complete) || complete > 1 ||
      !in.Bytes(collection)) {
    return in.Failure("replica entry");
  }
  RETURN_IF_ERROR(in.Finish("replica entry"));
  if (format == kSeriesReplicaFormat) entry.spec.kind = ReplicaKind::kSeries;
  ASSIGN_OR_RETURN(CatalogueEntry kept, ReadEntry(collection));
  if (entry.spec.kind == ReplicaKind::kPoints && !ValidateSpec(kept.spec).ok()) {
    return Status::Corruption("replica entry: impossible values");
  }
  entry.spec.spec = std::move(kept.spec);
  entry.spec.collection = kept.id;
  entry.spec.complete = complete == 1;
  entry.created_ms = kept.created_ms;
  entry.stream = kept.first_shard;
  if (!ValidateReplica(entry.spec).ok()) return Status::Corruption("replica entry: impossible values");
  return entry;
}

std::string EncodeStreams(const StreamsEntry& entry) {
  std::string out;
  format::PutU8(out, kStreamsFormat);
  format::PutU32(out, entry.first_stream);
  format::PutU32(out, entry.shards);
  format::PutI64(out, entry.created_ms);
  return out;
}

Result<StreamsEntry> DecodeStreams(std::string_view bytes) {
  format::Decoder in(bytes);
  StreamsEntry entry;
  uint8_t format = 0;
  if (!in.U8(format) || format != kStreamsFormat || !in.U32(entry.first_stream) || !in.U32(entry.shards) ||
      !in.I64(entry.created_ms)) {
    return in.Failure("streams entry");
  }
  RETURN_IF_ERROR(in.Finish("streams entry"));
  if (entry.shards < 1 || entry.shards > shard::SeriesShards::kShardsMax ||
      entry.first_stream > UINT32_MAX - entry.shards) {
    return Status::Corruption("streams entry: impossible values");
  }
  return entry;
}

Result<std::unique_ptr<Catalogue>> Catalogue::Open(kv::Store& store) {
  std::unique_ptr<Catalogue> catalogue(new Catalogue(store));
  MutexLock lock(catalogue->mutex_);
  RETURN_IF_ERROR(catalogue->Load());
  return catalogue;
}

Status Catalogue::Load() {
  ASSIGN_OR_RETURN(const auto next, store_.Get(kv::Family::kMeta, kNextShardKey));
  if (next) {
    format::Decoder in(*next);
    if (!in.U32(next_shard_)) return in.Failure("next shard number");
  }
  kv::Cursor collections = store_.Scan(kv::Family::kMeta, kPrefix);
  for (; collections.Valid(); collections.Next()) {
    ASSIGN_OR_RETURN(CatalogueEntry entry, DecodeEntry(collections.value()));
    entries_.emplace(entry.spec.name, std::move(entry));
  }
  RETURN_IF_ERROR(collections.status());
  kv::Cursor replicas = store_.Scan(kv::Family::kMeta, kReplicaPrefix);
  for (; replicas.Valid(); replicas.Next()) {
    ASSIGN_OR_RETURN(ReplicaEntry entry, DecodeReplica(replicas.value()));
    replicas_.emplace(entry.spec.shard, std::move(entry));
  }
  RETURN_IF_ERROR(replicas.status());
  ASSIGN_OR_RETURN(const auto series, store_.Get(kv::Family::kMeta, kSeriesKey));
  if (series) {
    ASSIGN_OR_RETURN(series_, DecodeStreams(*series));
  }
  kv::Cursor graphs = store_.Scan(kv::Family::kMeta, kGraphPrefix);
  for (; graphs.Valid(); graphs.Next()) {
    const auto collection = Uuid::Parse(std::string(graphs.key().substr(kGraphPrefix.size())));
    if (!collection) return Status::Corruption("a graph's entry names no collection");
    ASSIGN_OR_RETURN(graphs_[*collection], DecodeStreams(graphs.value()));
  }
  RETURN_IF_ERROR(graphs.status());
  return Status::Ok();
}

Result<uint32_t> Catalogue::Reserve(uint32_t count, const std::function<void(uint32_t, kv::WriteBatch&)>& fill) {
  const uint32_t first = next_shard_;
  if (first > UINT32_MAX - count - 1) return Status::ResourceExhausted("all shard numbers of this node are used up");
  next_shard_ += count;
  std::string next;
  format::PutU32(next, next_shard_);
  kv::WriteBatch batch;
  batch.Put(kv::Family::kMeta, kNextShardKey, next);
  fill(first, batch);
  RETURN_IF_ERROR(store_.Write(batch));
  RETURN_IF_ERROR(store_.Flush());
  return first;
}

Result<CatalogueEntry> Catalogue::Add(const CollectionSpec& spec, int64_t now_ms, bool with_graph) {
  RETURN_IF_ERROR(ValidateSpec(spec));
  MutexLock lock(mutex_);
  if (entries_.contains(spec.name)) return Status::AlreadyExists("collection " + spec.name + " exists already");
  CatalogueEntry entry{spec, Uuid::Random(), now_ms, 0};
  StreamsEntry graph{0, spec.shards, now_ms};
  const auto fill = [&](uint32_t first, kv::WriteBatch& batch) {
    entry.first_shard = first;
    batch.Put(kv::Family::kMeta, EntryKey(entry.spec.name), EncodeEntry(entry));
    if (!with_graph) return;
    graph.first_stream = first + spec.shards;
    batch.Put(kv::Family::kMeta, GraphKey(entry.id), EncodeStreams(graph));
  };
  RETURN_IF_ERROR(Reserve(with_graph ? 2 * spec.shards : spec.shards, fill).status());
  entries_.emplace(spec.name, entry);
  if (with_graph) graphs_.emplace(entry.id, graph);
  return entry;
}

Result<StreamsEntry> Catalogue::AddSeries(uint32_t shards, int64_t now_ms) {
  if (shards < 1 || shards > shard::SeriesShards::kShardsMax)
    return Status::InvalidArgument("shards", "must be 1 to 64");
  MutexLock lock(mutex_);
  if (series_) return Status::AlreadyExists("there is a metrics store already");
  StreamsEntry entry{0, shards, now_ms};
  const auto fill = [&entry](uint32_t first, kv::WriteBatch& batch) {
    entry.first_stream = first;
    batch.Put(kv::Family::kMeta, kSeriesKey, EncodeStreams(entry));
  };
  RETURN_IF_ERROR(Reserve(shards, fill).status());
  series_ = entry;
  return entry;
}

std::optional<StreamsEntry> Catalogue::Series() const {
  MutexLock lock(mutex_);
  return series_;
}

Result<StreamsEntry> Catalogue::AddGraph(const std::string& collection, int64_t now_ms) {
  MutexLock lock(mutex_);
  const auto of = entries_.find(collection);
  if (of == entries_.end()) return Status::NotFound("there is no collection " + collection);
  if (graphs_.contains(of->second.id))
    return Status::AlreadyExists("collection " + collection + " has a graph already");
  StreamsEntry entry{0, of->second.spec.shards, now_ms};
  const auto fill = [&](uint32_t first, kv::WriteBatch& batch) {
    entry.first_stream = first;
    batch.Put(kv::Family::kMeta, GraphKey(of->second.id), EncodeStreams(entry));
  };
  RETURN_IF_ERROR(Reserve(entry.shards, fill).status());
  graphs_.emplace(of->second.id, entry);
  return entry;
}

std::map<Uuid, StreamsEntry> Catalogue::Graphs() const {
  MutexLock lock(mutex_);
  return graphs_;
}

Result<ReplicaEntry> Catalogue::AddReplica(const ReplicaSpec& spec, int64_t now_ms, const Prepare& prepare) {
  RETURN_IF_ERROR(ValidateReplica(spec));
  MutexLock lock(mutex_);
  if (const auto it = replicas_.find(spec.shard); it != replicas_.end()) {
    if (IsSameReplica(it->second.spec, spec)) return it->second;
    return Status::AlreadyExists("the replica of shard " + std::to_string(spec.shard) + " is of another collection");
  }
  if (prepare) RETURN_IF_ERROR(prepare(next_shard_));
  ReplicaEntry entry{spec, now_ms, 0};
  const auto fill = [&entry](uint32_t stream, kv::WriteBatch& batch) {
    entry.stream = stream;
    batch.Put(kv::Family::kMeta, ReplicaKey(entry.spec.shard), EncodeReplica(entry));
  };
  RETURN_IF_ERROR(Reserve(1, fill).status());
  replicas_.emplace(spec.shard, entry);
  return entry;
}

Status Catalogue::RemoveReplica(uint32_t shard) {
  MutexLock lock(mutex_);
  if (!replicas_.contains(shard)) return Status::NotFound("there is no replica of shard " + std::to_string(shard));
  kv::WriteBatch batch;
  batch.Delete(kv::Family::kMeta, ReplicaKey(shard));
  RETURN_IF_ERROR(store_.Write(batch));
  RETURN_IF_ERROR(store_.Flush());
  replicas_.erase(shard);
  return Status::Ok();
}

Status Catalogue::CompleteReplica(uint32_t shard, uint64_t since) {
  MutexLock lock(mutex_);
  const auto it = replicas_.find(shard);
  if (it == replicas_.end() || it->second.spec.since != since) {
    return Status::NotFound("there is no replica of shard " + std::to_string(shard) + " since " +
                            std::to_string(since));
  }
  ReplicaEntry entry = it->second;
  entry.spec.complete = true;
  kv::WriteBatch batch;
  batch.Put(kv::Family::kMeta, ReplicaKey(shard), EncodeReplica(entry));
  RETURN_IF_ERROR(store_.Write(batch));
  RETURN_IF_ERROR(store_.Flush());
  it->second = std::move(entry);
  return Status::Ok();
}

Result<ReplicaEntry> Catalogue::FindReplica(uint32_t shard) const {
  MutexLock lock(mutex_);
  const auto it = replicas_.find(shard);
  if (it == replicas_.end()) return Status::NotFound("there is no replica of shard " + std::to_string(shard));
  return it->second;
}

std::vector<ReplicaEntry> Catalogue::Replicas() const {
  MutexLock lock(mutex_);
  std::vector<ReplicaEntry> entries;
  for (const auto& [number, entry] : replicas_) entries.push_back(entry);
  return entries;
}

Status Catalogue::Remove(const std::string& name) {
  MutexLock lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return Status::NotFound("there is no collection " + name);
  kv::WriteBatch batch;
  batch.Delete(kv::Family::kMeta, EntryKey(name));
  batch.Delete(kv::Family::kMeta, GraphKey(entry->second.id));
  RETURN_IF_ERROR(store_.Write(batch));
  RETURN_IF_ERROR(store_.Flush());
  graphs_.erase(entry->second.id);
  entries_.erase(entry);
  return Status::Ok();
}

std::vector<CatalogueEntry> Catalogue::List() const {
  MutexLock lock(mutex_);
  std::vector<CatalogueEntry> entries;
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

}  // namespace rhizome::cluster
