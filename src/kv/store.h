// Store: the node's one ordered key-value database (RocksDB), where state derived from the log is kept by key.
//
// RocksDB's own log is off: the shard log is the only durability authority. What makes that safe is `atomic_flush`
// plus the rule that the LSN a batch brings a shard to is written in the same WriteBatch: after a crash every family
// stands at one and the same point of the log, and replay goes on from the LSN found there.
//
// Write returns when the batch is visible, not durable; Flush returns when everything written before it is.
// Thread-safe; Cursor and WriteBatch are not. Library exceptions and statuses become Status here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rocksdb {
class Env;
}

namespace rhizome::kv {

// Column families. Their names and key layouts are on the page docs/formats/database.md.
enum class Family : uint8_t { kMeta, kPoints, kDocuments, kContent, kGraph };
inline constexpr size_t kFamilyCount = 5;

// It deletes keys, never ranges: RocksDB 7.8 aborts when a compaction that leaves only range tombstones meets a full
// disk (CompactionJob::Install asks for the smallest key of an output that has none).
class WriteBatch {
 public:
  WriteBatch();
  ~WriteBatch();
  WriteBatch(WriteBatch&&) noexcept;
  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  // Either, of strings that are handed over: no value deletes. What comes in the order of keys is written faster.
  void Adopt(Family family, std::string key, std::optional<std::string> value);
  bool empty() const;

 private:
  friend class Store;
  struct Entry {
    enum class Kind : uint8_t { kPut, kDelete } kind;
    Family family;
    std::string key;
    std::string value;
  };
  std::vector<Entry> entries_;
};

// Walks keys with a prefix in order, over a fixed view of the database.
class Cursor {
 public:
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  bool Valid() const;
  void Next();
  std::string_view key() const;
  std::string_view value() const;
  // Not OK when the walk ended early because of damage.
  Status status() const;

 private:
  friend class Store;
  struct State;
  explicit Cursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The database as it was at one moment, for reads that name it. While it lives, what it sees is kept from compaction.
// The store outlives it. Thread-safe.
class Snapshot {
 public:
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;

 private:
  friend class Store;
  struct State;
  explicit Snapshot(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct StoreOptions {
  uint64_t memtable_bytes = 32ULL << 20;
  uint64_t block_cache_bytes = 64ULL << 20;
  rocksdb::Env* env = nullptr;  // null: the machine's; tests pass one over a simulated disk. Outlives the store.
};

class Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const std::string& path, const StoreOptions& options);
  ~Store();

  Status Write(const WriteBatch& batch);
  Status Flush();
  // After NoSpace: writes again if what waits can be flushed now. Not beside the destructor.
  Status TryResume();
  Snapshot TakeSnapshot() const;
  // Reads are of now, or of `at`.
  Result<std::optional<std::string>> Get(Family family, std::string_view key, const Snapshot* at = nullptr) const;
  // Values in the order of `keys`; a missing one is nullopt.
  Result<std::vector<std::optional<std::string>>> MultiGet(Family family, std::span<const std::string> keys,
                                                           const Snapshot* at = nullptr) const;
  // Starts at the first key ≥ `from` (or `prefix` when `from` is empty) and ends after the last one with `prefix`. A
  // scan of all there is spares the block cache: it would push out what is read often.
  enum class Cache { kFill, kSpare };
  Cursor Scan(Family family, std::string_view prefix, std::string_view from = {}, Cache cache = Cache::kFill,
              const Snapshot* at = nullptr) const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rhizome::kv
