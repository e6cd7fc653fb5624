// Catalogue: the collections of this data directory and the shards they are made of, kept in the node's database.
//
// A change is durable when the call returns. Shard numbers are never given twice, so records of a dropped collection
// that are still in the log cannot reach another one. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "cluster/node.h"
#include "kv/store.h"

namespace rhizome::cluster {

struct CatalogueEntry {
  CollectionSpec spec;
  Uuid id;
  int64_t created_ms = 0;
  uint32_t first_shard = 0;  // spec.shards numbers from here
};

std::string EncodeEntry(const CatalogueEntry& entry);
Result<CatalogueEntry> DecodeEntry(std::string_view bytes);

class Catalogue {
 public:
  // Reads what `store` holds; Corruption when it cannot be understood.
  static Result<std::unique_ptr<Catalogue>> Open(kv::Store& store);

  // Reserves shard numbers and records the collection. AlreadyExists.
  Result<CatalogueEntry> Add(const CollectionSpec& spec, int64_t now_ms) EXCLUDES(mutex_);
  // Forgets the collection together with what `cleanup` removes. NotFound.
  Status Remove(const std::string& name, kv::WriteBatch cleanup) EXCLUDES(mutex_);
  std::vector<CatalogueEntry> List() const EXCLUDES(mutex_);

 private:
  explicit Catalogue(kv::Store& store) : store_(store) {}

  kv::Store& store_;
  mutable Mutex mutex_;
  std::map<std::string, CatalogueEntry> entries_ GUARDED_BY(mutex_);
  uint32_t next_shard_ GUARDED_BY(mutex_) = 1;
};

}  // namespace rhizome::cluster
