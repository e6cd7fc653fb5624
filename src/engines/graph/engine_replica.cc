// What replicas of a shard tell each other: versions, whole registers, inventories and digests, all read from the live
// state; and forgetting what no replica needs any more.
#include <algorithm>

#include "engines/graph/engine.h"
#include "engines/graph/writer.h"
#include "format/graph_key.h"
#include "format/inventory.h"

namespace rhizome::graph {

using format::GraphKey;
using format::GraphOperation;
using format::InventoryPage;
using format::RangeDigest;
using format::RegisterVersion;

namespace {

constexpr kv::Family kFamily = kv::Family::kGraph;
constexpr size_t kKeysPerSweep = 512;  // forgotten in one step

// Where a key's row is, and the key of its register.
struct Row {
  Table table = Table::kRegisters;
  std::string key_in_table;
  std::string register_key;
};

Result<std::vector<Row>> RowsOf(std::span<const std::string> keys) {
  std::vector<Row> rows;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Result<GraphKey> key = format::ParseGraphKey(keys[i]);
    if (!key.ok()) {
      return Status::InvalidArgument("keys[" + std::to_string(i) + "]", std::string(key.status().message()));
    }
    if (key->replaced == Version{}) {
      rows.push_back({Table::kRegisters, keys[i], keys[i]});
    } else {
      const std::string in_table = keys[i].substr(1);
      rows.push_back({Table::kHistory, in_table, in_table.substr(0, in_table.size() - format::kGraphVersionBytes)});
    }
  }
  return rows;
}

}  // namespace

Result<std::vector<RegisterVersion>> GraphEngine::Versions(std::span<const std::string> keys) const {
  ASSIGN_OR_RETURN(const std::vector<Row> rows, RowsOf(keys));
  std::vector<std::string> stored_keys;
  for (const Row& row : rows) stored_keys.push_back(TablePrefix(prefix_, row.table) + row.key_in_table);
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(kFamily, stored_keys));
  std::vector<RegisterVersion> versions;
  for (size_t i = 0; i < keys.size(); ++i) {
    versions.push_back({keys[i], {}, false});
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(*values[i]));
    versions.back().version = stored.version;
    versions.back().tombstone = stored.tombstone;
  }
  return versions;
}

Result<std::vector<std::optional<GraphOperation>>> GraphEngine::ReadRegisters(std::span<const std::string> keys) const {
  ASSIGN_OR_RETURN(const std::vector<Row> rows, RowsOf(keys));
  std::vector<std::string> stored_keys;
  for (const Row& row : rows) stored_keys.push_back(TablePrefix(prefix_, row.table) + row.key_in_table);
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(kFamily, stored_keys));
  std::vector<std::optional<GraphOperation>> operations;
  for (size_t i = 0; i < keys.size(); ++i) {
    operations.emplace_back();
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(*values[i]));
    GraphOperation& operation = operations.back().emplace();
    operation.version = stored.version;
    if (stored.tombstone) {
      operation.body = format::DeleteRegister{rows[i].register_key};
      continue;
    }
    Result<format::GraphBody> body = format::DecodeGraphValue(rows[i].register_key, stored.value);
    if (!body.ok()) return Status::Corruption(std::string(body.status().message()));
    operation.body = std::move(body).value();
  }
  return operations;
}

// Replaced values come behind all registers, as 'z' does behind every kind.
Status GraphEngine::ScanRegisters(const std::string& after, const VisitRegister& visit) const {
  const kv::Snapshot moment = store_.TakeSnapshot();
  for (const Table table : {Table::kRegisters, Table::kHistory}) {
    const bool history = table == Table::kHistory;
    const bool begun = after.starts_with(format::kGraphHistoryKind);
    if (begun && !history) continue;
    const std::string prefix = TablePrefix(prefix_, table);
    // The smallest key above `after` is that key and a zero byte.
    const std::string from =
        after.empty() || begun != history ? prefix : prefix + after.substr(history ? 1 : 0) + std::string(1, '\0');
    kv::Cursor cursor = store_.Scan(kFamily, prefix, from, kv::Store::Cache::kSpare, &moment);
    for (; cursor.Valid(); cursor.Next()) {
      ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(cursor.value()));
      std::string key = history ? std::string(1, format::kGraphHistoryKind) : std::string();
      key += cursor.key().substr(prefix.size());
      if (!visit({std::move(key), stored.version, stored.tombstone})) return Status::Ok();
    }
    RETURN_IF_ERROR(cursor.status());
  }
  return Status::Ok();
}

Result<InventoryPage> GraphEngine::Inventory(const std::vector<uint32_t>& leaves, uint32_t bits,
                                             const std::string& after, uint32_t limit) const {
  if (!after.empty() && !format::ParseGraphKey(after).ok()) {
    return Status::InvalidArgument("after", "is not the key of a register");
  }
  return format::TakeInventory(leaves, bits, limit,
                               [&](const VisitRegister& visit) { return ScanRegisters(after, visit); });
}

Result<RangeDigest> GraphEngine::Digest(uint32_t bits, const std::optional<Version>& below) const {
  return format::TakeDigest(bits, below, [&](const VisitRegister& visit) { return ScanRegisters("", visit); });
}

// The keys are found beside the writer, so each is looked at again under the lock.
Status GraphEngine::CollectTombstones(Version below) {
  std::vector<std::string> keys;
  const auto forget = [&]() -> Status {
    MutexLock lock(apply_mutex_);
    RETURN_IF_ERROR(CheckWhole());
    ASSIGN_OR_RETURN(const auto values, store_.MultiGet(kFamily, keys));
    kv::WriteBatch batch;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!values[i]) continue;
      ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(*values[i]));
      if (stored.tombstone && stored.version < below) batch.Delete(kFamily, keys[i]);
    }
    keys.clear();
    return store_.Write(batch);
  };
  for (const Table table : {Table::kRegisters, Table::kHistory}) {
    kv::Cursor cursor = store_.Scan(kFamily, TablePrefix(prefix_, table), {}, kv::Store::Cache::kSpare);
    for (; cursor.Valid(); cursor.Next()) {
      ASSIGN_OR_RETURN(const StoredRegister stored, DecodeStored(cursor.value()));
      if (stored.tombstone && stored.version < below) keys.emplace_back(cursor.key());
      if (keys.size() == kKeysPerSweep) RETURN_IF_ERROR(forget());
    }
    RETURN_IF_ERROR(cursor.status());
  }
  return forget();
}

Status GraphEngine::CollectHistory(Version below) {
  std::vector<std::string> keys;
  const auto forget = [&]() -> Status {
    MutexLock lock(apply_mutex_);
    RETURN_IF_ERROR(CheckWhole());
    half_applied_ = true;
    StateRow state = state_;
    state.history_horizon = std::max(state.history_horizon, below);
    Writer writer(store_, prefix_, options_.history_max, state, book_);
    for (const std::string& key : keys) RETURN_IF_ERROR(writer.Trim(key));
    keys.clear();
    ASSIGN_OR_RETURN(kv::WriteBatch rows, writer.Take());
    prepared_.emplace(Prepared{std::move(rows), writer.state()});
    return Complete();
  };
  const std::string prefix = TablePrefix(prefix_, Table::kHistory);
  kv::Cursor cursor = store_.Scan(kFamily, prefix, {}, kv::Store::Cache::kSpare);
  for (; cursor.Valid(); cursor.Next()) {
    if (cursor.key().size() <= prefix.size() + format::kGraphVersionBytes) {
      return Status::Corruption("a row of a graph's history without a register");
    }
    std::string key(
        cursor.key().substr(prefix.size(), cursor.key().size() - prefix.size() - format::kGraphVersionBytes));
    if (keys.empty() || keys.back() != key) keys.push_back(std::move(key));
    if (keys.size() == kKeysPerSweep) RETURN_IF_ERROR(forget());
  }
  RETURN_IF_ERROR(cursor.status());
  return forget();
}

}  // namespace rhizome::graph
