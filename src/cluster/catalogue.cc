#include "cluster/catalogue.h"

#include "format/coding.h"

namespace rhizome::cluster {
namespace {

constexpr uint8_t kFormat = 1;
constexpr std::string_view kPrefix = "collection/";
constexpr std::string_view kNextShardKey = "next_shard";

std::string EntryKey(const std::string& name) { return std::string(kPrefix) + name; }

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

Result<CatalogueEntry> DecodeEntry(std::string_view bytes) {
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
  if (!ValidateSpec(entry.spec).ok()) return Status::Corruption("catalogue entry: impossible values");
  return entry;
}

Result<std::unique_ptr<Catalogue>> Catalogue::Open(kv::Store& store) {
  std::unique_ptr<Catalogue> catalogue(new Catalogue(store));
  MutexLock lock(catalogue->mutex_);
  ASSIGN_OR_RETURN(const auto next, store.Get(kv::Family::kMeta, kNextShardKey));
  if (next) {
    format::Decoder in(*next);
    if (!in.U32(catalogue->next_shard_)) return in.Failure("next shard number");
  }
  kv::Cursor cursor = store.Scan(kv::Family::kMeta, kPrefix);
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(CatalogueEntry entry, DecodeEntry(cursor.value()));
    catalogue->entries_.emplace(entry.spec.name, std::move(entry));
  }
  RETURN_IF_ERROR(cursor.status());
  return catalogue;
}

Result<CatalogueEntry> Catalogue::Add(const CollectionSpec& spec, int64_t now_ms) {
  RETURN_IF_ERROR(ValidateSpec(spec));
  MutexLock lock(mutex_);
  if (entries_.contains(spec.name)) return Status::AlreadyExists("collection " + spec.name + " exists already");
  const CatalogueEntry entry{spec, Uuid::Random(), now_ms, next_shard_};
  std::string next;
  format::PutU32(next, next_shard_ + spec.shards);
  kv::WriteBatch batch;
  batch.Put(kv::Family::kMeta, kNextShardKey, next);
  batch.Put(kv::Family::kMeta, EntryKey(spec.name), EncodeEntry(entry));
  RETURN_IF_ERROR(store_.Write(batch));
  RETURN_IF_ERROR(store_.Flush());
  next_shard_ += spec.shards;
  entries_.emplace(spec.name, entry);
  return entry;
}

Status Catalogue::Remove(const std::string& name, kv::WriteBatch cleanup) {
  MutexLock lock(mutex_);
  if (!entries_.contains(name)) return Status::NotFound("there is no collection " + name);
  cleanup.Delete(kv::Family::kMeta, EntryKey(name));
  RETURN_IF_ERROR(store_.Write(cleanup));
  RETURN_IF_ERROR(store_.Flush());
  entries_.erase(name);
  return Status::Ok();
}

std::vector<CatalogueEntry> Catalogue::List() const {
  MutexLock lock(mutex_);
  std::vector<CatalogueEntry> entries;
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

}  // namespace rhizome::cluster
