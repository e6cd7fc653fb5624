#include "engines/graph/engine.h"

#include <algorithm>
#include <array>
#include <thread>

#include "engines/graph/writer.h"

namespace rhizome::graph {
namespace {

constexpr kv::Family kFamily = kv::Family::kGraph;
constexpr size_t kKeysPerBatch = 256;  // dropped in one step; others write to the database meanwhile
constexpr size_t kShardBytes = 4;

}  // namespace

GraphEngine::GraphEngine(kv::Store& store, EngineOptions options)
    : store_(store),
      options_(options),
      prefix_(ShardPrefix(options.shard)),
      book_(prefix_, options.statistics_cached) {}

GraphEngine::~GraphEngine() = default;

// What is in the database when it is opened has been flushed.
Result<std::unique_ptr<GraphEngine>> GraphEngine::Open(kv::Store& store, EngineOptions options) {
  std::unique_ptr<GraphEngine> engine(new GraphEngine(store, options));
  ASSIGN_OR_RETURN(const auto value, store.Get(kFamily, TablePrefix(engine->prefix_, Table::kState)));
  if (!value) return engine;
  MutexLock lock(engine->apply_mutex_);
  ASSIGN_OR_RETURN(engine->state_, DecodeState(*value));
  engine->applied_lsn_ = engine->checkpoint_lsn_ = engine->state_.lsn;
  return engine;
}

Status GraphEngine::CheckWhole() const {
  return half_applied_ ? Status::ReadOnly("a write was applied in part: reopen the shard") : Status::Ok();
}

Status GraphEngine::Apply(uint64_t lsn, std::span<const format::GraphOperation> operations) {
  MutexLock lock(apply_mutex_);
  RETURN_IF_ERROR(CheckWhole());
  if (lsn <= state_.lsn) return Status::Ok();
  half_applied_ = true;
  Writer writer(store_, prefix_, options_.history_max, state_, book_);
  RETURN_IF_ERROR(writer.Add(operations));
  writer.state().lsn = lsn;
  ASSIGN_OR_RETURN(kv::WriteBatch rows, writer.Take());
  prepared_.emplace(Prepared{std::move(rows), writer.state()});
  return Complete();
}

Status GraphEngine::Complete() {
  RETURN_IF_ERROR(store_.Write(prepared_->rows));
  state_ = prepared_->state;
  applied_lsn_ = state_.lsn;
  prepared_.reset();
  half_applied_ = false;
  return Status::Ok();
}

Status GraphEngine::Retry() {
  MutexLock lock(apply_mutex_);
  return prepared_ ? Complete() : CheckWhole();
}

Version GraphEngine::max_version() const {
  MutexLock lock(apply_mutex_);
  return state_.max_version;
}

Counts GraphEngine::counts() const {
  MutexLock lock(apply_mutex_);
  return state_.counts;
}

Status GraphEngine::Checkpoint() {
  uint64_t lsn = 0;
  {
    MutexLock lock(apply_mutex_);
    RETURN_IF_ERROR(CheckWhole());
    lsn = state_.lsn;
  }
  RETURN_IF_ERROR(store_.Flush());
  uint64_t before = checkpoint_lsn_.load();
  while (before < lsn && !checkpoint_lsn_.compare_exchange_weak(before, lsn)) {
  }
  return Status::Ok();
}

Status GraphEngine::DropRows(kv::Store& store, uint32_t shard, std::chrono::milliseconds pause) {
  kv::Cursor cursor = store.Scan(kFamily, ShardPrefix(shard), {}, kv::Store::Cache::kSpare);
  while (cursor.Valid()) {
    kv::WriteBatch batch;
    for (size_t i = 0; i < kKeysPerBatch && cursor.Valid(); ++i, cursor.Next()) batch.Delete(kFamily, cursor.key());
    RETURN_IF_ERROR(store.Write(batch));
    if (pause.count() > 0 && cursor.Valid()) std::this_thread::sleep_for(pause);
  }
  return cursor.status();
}

Status GraphEngine::DropRowsExcept(kv::Store& store, const std::set<uint32_t>& kept) {
  for (uint64_t from = 0; from <= UINT32_MAX;) {
    uint32_t shard = 0;
    {
      const kv::Cursor cursor = store.Scan(kFamily, "", ShardPrefix(static_cast<uint32_t>(from)));
      if (!cursor.Valid()) return cursor.status();
      if (cursor.key().size() < kShardBytes) return Status::Corruption("a row of no shard in the graph's family");
      for (const char byte : cursor.key().substr(0, kShardBytes)) {
        shard = shard << 8 | static_cast<unsigned char>(byte);
      }
    }
    if (!kept.contains(shard)) RETURN_IF_ERROR(DropRows(store, shard, {}));
    from = uint64_t{shard} + 1;
  }
  return Status::Ok();
}

}  // namespace rhizome::graph
