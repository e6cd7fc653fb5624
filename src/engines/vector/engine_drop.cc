// Removes what a dropped shard kept in the database, key by key (why not by range: kv/store.h).
#include <thread>

#include "engines/vector/engine.h"

namespace rhizome::vector {

namespace {

constexpr size_t kKeysPerBatch = 256;  // others write to the database meanwhile

// Where shards keep keys.
struct Place {
  kv::Family family;
  std::string_view base;  // before the shard's number

  std::string Prefix(uint32_t shard) const { return std::string(base) + ShardPrefix(shard); }
};
constexpr std::array<Place, 5> kPlaces = {{{kv::Family::kPoints, ""},
                                           {kv::Family::kDocuments, ""},
                                           {kv::Family::kContent, ""},
                                           {kv::Family::kMeta, kRequestBase},
                                           {kv::Family::kMeta, kAppliedBase}}};

Status DropKeys(kv::Store& store, kv::Family family, const std::string& prefix, std::chrono::milliseconds pause) {
  kv::Cursor cursor = store.Scan(family, prefix, {}, kv::Store::Cache::kSpare);
  while (cursor.Valid()) {
    kv::WriteBatch batch;
    for (size_t i = 0; i < kKeysPerBatch && cursor.Valid(); ++i, cursor.Next()) batch.Delete(family, cursor.key());
    RETURN_IF_ERROR(store.Write(batch));
    if (pause.count() > 0 && cursor.Valid()) std::this_thread::sleep_for(pause);
  }
  return cursor.status();
}

// The first shard ≥ `from` that keeps keys there.
Result<std::optional<uint32_t>> NextShard(const kv::Store& store, const Place& place, uint32_t from) {
  const kv::Cursor cursor = store.Scan(place.family, place.base, place.Prefix(from));
  if (!cursor.Valid()) {
    RETURN_IF_ERROR(cursor.status());
    return std::optional<uint32_t>();
  }
  ASSIGN_OR_RETURN(const uint32_t shard, ShardOf(cursor.key().substr(place.base.size())));
  return std::optional<uint32_t>(shard);
}

}  // namespace

Status VectorEngine::DropRows(kv::Store& store, uint32_t shard, std::chrono::milliseconds pause) {
  for (const Place& place : kPlaces) RETURN_IF_ERROR(DropKeys(store, place.family, place.Prefix(shard), pause));
  return Status::Ok();
}

Status VectorEngine::DropRowsExcept(kv::Store& store, const std::set<uint32_t>& kept) {
  for (const Place& place : kPlaces) {
    ASSIGN_OR_RETURN(std::optional<uint32_t> shard, NextShard(store, place, 0));
    while (shard) {
      if (!kept.contains(*shard)) RETURN_IF_ERROR(DropKeys(store, place.family, place.Prefix(*shard), {}));
      if (*shard == UINT32_MAX) break;
      ASSIGN_OR_RETURN(shard, NextShard(store, place, *shard + 1));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::vector
