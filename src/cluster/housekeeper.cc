#include "cluster/housekeeper.h"

#include <spdlog/spdlog.h>

#include "cluster/node_state.h"

namespace rhizome::cluster {
namespace {

constexpr uint32_t kSlotsPerRound = 2048;
constexpr uint64_t kRoomToResumeBytes = 4 << 20;
constexpr auto kIdle = std::chrono::milliseconds(100);

}  // namespace

Housekeeper::Housekeeper(NodeState& state) : state_(state), thread_([this] { Run(); }) {}

Housekeeper::~Housekeeper() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void Housekeeper::Run() {
  for (;;) {
    const bool worked = Work();
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (!worked) (void)wake_.WaitFor(mutex_, kIdle);
    if (stopping_) return;
  }
}

bool Housekeeper::Work() {
  if (state_.log->write_status().code() == Code::kNoSpace) (void)state_.log->TryResume();
  ResumeShards();
  const bool improved = ImproveIndexes();
  CompactIfDue();
  CheckpointIfDue();
  return improved;
}

void Housekeeper::ResumeShards() {
  std::vector<std::pair<std::shared_ptr<Collection>, shard::Shard*>> waiting;
  for (const auto& collection : state_.Collections()) {
    for (Partition& partition : collection->partitions()) {
      if (partition.shard == nullptr || partition.shard->write_status().code() != Code::kNoSpace) continue;
      waiting.emplace_back(collection, partition.shard.get());
    }
  }
  if (waiting.empty() && !checkpoint_lacked_room_) return;
  const Result<uint64_t> free = state_.disk.FreeBytes(state_.options.data_dir);
  if (!free.ok() || *free < kRoomToResumeBytes || !state_.store->TryResume().ok()) return;
  checkpoint_lacked_room_ = false;
  for (const auto& [collection, shard] : waiting) {
    if (shard->TryResume().ok()) spdlog::info("shard {} takes writes again", shard->number());
  }
}

bool Housekeeper::ImproveIndexes() {
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  const uint32_t threads = state_.options.index_threads == 0 ? cores : state_.options.index_threads;
  bool improved = false;
  for (const auto& collection : state_.Collections()) {
    for (Partition& partition : collection->partitions()) {
      if (partition.shard != nullptr) improved |= partition.shard->engine().ImproveIndex(kSlotsPerRound, threads);
    }
  }
  return improved;
}

void Housekeeper::CompactIfDue() {
  for (const auto& collection : state_.Collections()) {
    for (Partition& partition : collection->partitions()) {
      if (partition.shard == nullptr || !partition.shard->engine().NeedsCompaction()) continue;
      const Status status = state_.Compact(*partition.shard);
      if (!status.ok()) spdlog::error("compaction of shard {} failed: {}", partition.number, status.ToString());
    }
  }
}

void Housekeeper::CheckpointIfDue() {
  if (state_.BytesSinceCheckpoint() < state_.options.checkpoint_log_bytes) return;
  if (!state_.WriteStatus().ok() || checkpoint_lacked_room_) return;
  const Status status = state_.Checkpoint();
  checkpoint_lacked_room_ = status.code() == Code::kNoSpace;
  if (!status.ok()) spdlog::error("checkpoint failed: {}", status.ToString());
}

}  // namespace rhizome::cluster
