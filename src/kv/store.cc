#include "kv/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>

#include "kv/rocks_file_system.h"

namespace rhizome::kv {
namespace {

constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "points", "documents", "content", "graph"};

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  std::string text = "database: " + status.ToString();
  if (status.IsNoSpace()) return Status::NoSpace(std::move(text));
  if (status.IsCorruption()) return Status::Corruption(std::move(text));
  if (status.IsNotFound()) return Status::NotFound(std::move(text));
  return Status::IoError(std::move(text));
}

// RocksDB's own recovery from a full disk runs in a thread that can wait for ever for a database being closed. Here the
// owner recovers instead, by Store::TryResume.
class NoOwnRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::Options MakeOptions(const StoreOptions& options) {
  rocksdb::Options db;
  // Never RocksDB's own environment: its diary aborts the process on a full disk (kv/rocks_file_system.cc).
  static rocksdb::Env& machine = *NewDiskEnv(io::RealDisk()).release();  // outlives every store
  db.env = options.env != nullptr ? options.env : &machine;
  db.listeners.push_back(std::make_shared<NoOwnRecovery>());
  db.max_bgerror_resume_count = 0;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.atomic_flush = true;
  db.paranoid_checks = true;
  // Every change of the database's files makes a new MANIFEST, which counts once CURRENT names it. Appended to the one
  // before, a change that spans two sectors can be torn by a power loss, and then the database does not open.
  db.max_manifest_file_size = 1;
  db.write_buffer_size = options.memtable_bytes;
  db.max_background_jobs = 2;
  db.compression = rocksdb::kLZ4Compression;
  db.bottommost_compression = rocksdb::kZSTD;
  db.level_compaction_dynamic_level_bytes = true;
  db.keep_log_file_num = 2;
  db.max_open_files = 512;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

}  // namespace

WriteBatch::WriteBatch() = default;
WriteBatch::~WriteBatch() = default;
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;

void WriteBatch::Put(Family family, std::string_view key, std::string_view value) {
  entries_.push_back({Entry::Kind::kPut, family, std::string(key), std::string(value)});
}

void WriteBatch::Delete(Family family, std::string_view key) {
  entries_.push_back({Entry::Kind::kDelete, family, std::string(key), {}});
}

void WriteBatch::Adopt(Family family, std::string key, std::optional<std::string> value) {
  const auto kind = value ? Entry::Kind::kPut : Entry::Kind::kDelete;
  entries_.push_back({kind, family, std::move(key), std::move(value).value_or(std::string())});
}

bool WriteBatch::empty() const { return entries_.empty(); }

struct Store::State {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles[static_cast<size_t>(family)]; }
  ~State() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
};

struct Cursor::State {
  std::string prefix;
  std::unique_ptr<rocksdb::Iterator> iterator;
};

Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
bool Cursor::Valid() const {
  return state_->iterator->Valid() && state_->iterator->key().starts_with(ToSlice(state_->prefix));
}
void Cursor::Next() { state_->iterator->Next(); }
std::string_view Cursor::key() const { return ToView(state_->iterator->key()); }
std::string_view Cursor::value() const { return ToView(state_->iterator->value()); }
Status Cursor::status() const { return ToStatus(state_->iterator->status()); }

struct Snapshot::State {
  explicit State(rocksdb::DB* db_in) : db(db_in), snapshot(db_in->GetSnapshot()) {}
  ~State() { db->ReleaseSnapshot(snapshot); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  rocksdb::DB* const db;
  const rocksdb::Snapshot* const snapshot;
};

Snapshot::Snapshot(std::unique_ptr<State> state) : state_(std::move(state)) {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const std::string& path, const StoreOptions& options) {
  // RocksDB makes its directory but does not sync the parent.
  if (options.env == nullptr) RETURN_IF_ERROR(io::CreateDirectories(io::RealDisk(), path));
  const rocksdb::Options db_options = MakeOptions(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kFamilyNames) families.emplace_back(name, rocksdb::ColumnFamilyOptions(db_options));
  // A graph asks for many keys that are not there: of every entity and document that comes for the first time.
  rocksdb::ColumnFamilyOptions& graph = families[static_cast<size_t>(Family::kGraph)].options;
  graph.memtable_whole_key_filtering = true;
  graph.memtable_prefix_bloom_size_ratio = 0.05;
  auto state = std::make_unique<State>();
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::Open(db_options, path, families, &state->handles, &db)));
  state->db.reset(db);
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Status Store::Write(const WriteBatch& batch) {
  rocksdb::WriteBatch out;
  for (const WriteBatch::Entry& entry : batch.entries_) {
    rocksdb::ColumnFamilyHandle* family = state_->handle(entry.family);
    rocksdb::Status status;
    switch (entry.kind) {
      case WriteBatch::Entry::Kind::kPut: status = out.Put(family, entry.key, entry.value); break;
      case WriteBatch::Entry::Kind::kDelete: status = out.Delete(family, entry.key); break;
    }
    RETURN_IF_ERROR(ToStatus(status));
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return ToStatus(state_->db->Write(options, &out));
}

Status Store::Flush() {
  rocksdb::FlushOptions options;
  // Else it waits for compaction, which on a full disk waits for space: for ever.
  options.allow_write_stall = true;
  return ToStatus(state_->db->Flush(options, state_->handles));
}

Status Store::TryResume() { return ToStatus(state_->db->Resume()); }

Snapshot Store::TakeSnapshot() const { return Snapshot(std::make_unique<Snapshot::State>(state_->db.get())); }

Result<std::optional<std::string>> Store::Get(Family family, std::string_view key, const Snapshot* at) const {
  rocksdb::ReadOptions options;
  if (at != nullptr) options.snapshot = at->state_->snapshot;
  std::string value;
  const rocksdb::Status status = state_->db->Get(options, state_->handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  RETURN_IF_ERROR(ToStatus(status));
  return std::optional<std::string>(std::move(value));
}

Result<std::vector<std::optional<std::string>>> Store::MultiGet(Family family, std::span<const std::string> keys,
                                                                const Snapshot* at) const {
  rocksdb::ReadOptions options;
  if (at != nullptr) options.snapshot = at->state_->snapshot;
  std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  state_->db->MultiGet(options, state_->handle(family), slices.size(), slices.data(), values.data(), statuses.data());
  std::vector<std::optional<std::string>> found(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    RETURN_IF_ERROR(ToStatus(statuses[i]));
    found[i] = values[i].ToString();
  }
  return found;
}

Cursor Store::Scan(Family family, std::string_view prefix, std::string_view from, Cache cache,
                   const Snapshot* at) const {
  auto state = std::make_unique<Cursor::State>();
  state->prefix = prefix;
  rocksdb::ReadOptions options;
  options.fill_cache = cache == Cache::kFill;
  if (at != nullptr) options.snapshot = at->state_->snapshot;
  state->iterator.reset(state_->db->NewIterator(options, state_->handle(family)));
  state->iterator->Seek(ToSlice(from.empty() ? prefix : from));
  return Cursor(std::move(state));
}

}  // namespace rhizome::kv
