#include "cluster/housekeeper.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include "base/courtesy.h"
#include "cluster/node_state.h"

namespace rhizome::cluster {
namespace {

// Searches scan what is not linked: so many vectors of a shard cost about as much as the search itself.
constexpr uint64_t kBehindSlots = 8192;
// While more are written they may wait longer: a bulk load is worth a few milliseconds of each search.
constexpr uint64_t kBehindSlotsWritten = 65'536;
constexpr uint32_t kSlotsPerRound = 2048;
constexpr uint32_t kIdleSlotsPerRound = 64;  // few, because who falls behind meanwhile waits for the round's end
constexpr auto kIdle = std::chrono::milliseconds(100);
constexpr int64_t kForgetIntervalNs = 600'000'000'000;
constexpr int64_t kPauseAfterFailureNs = 10'000'000'000;

}  // namespace

Housekeeper::Housekeeper(NodeState& state)
    : state_(state), forget_requests_ns_(state.clock.MonotonicNs() + kForgetIntervalNs) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "housekeeper");
    Repeat([this] { return Work(); });
  });
  idle_thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "index-idle");
    TakeIdleTimeOnly();
    Repeat([this] { return ImproveIndexes(false); });
  });
}

Housekeeper::~Housekeeper() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
  idle_thread_.join();
}

void Housekeeper::Repeat(const std::function<bool()>& work) {
  for (;;) {
    const bool worked = work();
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (!worked) (void)wake_.WaitFor(mutex_, kIdle);
    if (stopping_) return;
  }
}

bool Housekeeper::Work() {
  if (state_.log->write_status().code() == Code::kNoSpace) (void)state_.log->TryResume();
  FindBehind();
  const bool improved = ImproveIndexes(true);
  if (state_.clock.MonotonicNs() >= not_before_ns_) {
    CompactIfDue();
    CheckpointIfDue();
    ForgetRequestsIfDue();
  }
  return improved;
}

void Housekeeper::FindBehind() {
  const auto shards = state_.OpenShards();
  MutexLock lock(mutex_);
  std::map<uint32_t, Pending> now;
  for (const auto& shard : shards) {
    const uint64_t slots = shard->engine().pending_index();
    const auto before = pending_.find(shard->number());
    const bool written = before != pending_.end() && slots > before->second.slots;
    now[shard->number()] = {slots, slots > (written ? kBehindSlotsWritten : kBehindSlots)};
  }
  pending_ = std::move(now);
}

bool Housekeeper::ImproveIndexes(bool behind) {
  const uint32_t slots = behind ? kSlotsPerRound : kIdleSlotsPerRound;
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  const uint32_t threads = state_.options.index_threads == 0 ? cores : state_.options.index_threads;
  bool improved = false;
  for (const auto& shard : state_.OpenShards()) {
    {
      MutexLock lock(mutex_);
      const auto found = pending_.find(shard->number());
      if ((found != pending_.end() && found->second.behind) != behind) continue;
    }
    improved |= shard->engine().ImproveIndex(slots, threads);
  }
  return improved;
}

void Housekeeper::CompactIfDue() {
  for (const auto& shard : state_.OpenShards()) {
    if (!shard->engine().NeedsCompaction()) continue;
    const Status status = state_.Compact(*shard);
    if (!status.ok()) Pause("compaction of shard " + std::to_string(shard->number()), status);
  }
}

void Housekeeper::CheckpointIfDue() {
  if (!shard::CheckpointDue(state_.Unwritten(), state_.options.checkpoint_log_bytes)) return;
  if (!state_.WriteStatus().ok()) return;
  const Status status = state_.Checkpoint();
  if (!status.ok()) Pause("checkpoint", status);
}

void Housekeeper::ForgetRequestsIfDue() {
  const int64_t now_ns = state_.clock.MonotonicNs();
  if (now_ns < forget_requests_ns_) return;
  forget_requests_ns_ = now_ns + kForgetIntervalNs;
  if (!state_.WriteStatus().ok()) return;
  for (const auto& shard : state_.OpenShards()) {
    const Status status = shard->engine().DropRequests(state_.clock.WallMs() - kRequestsKeptMs);
    if (!status.ok()) Pause("forgetting old requests of shard " + std::to_string(shard->number()), status);
  }
}

void Housekeeper::Pause(const std::string& what, const Status& failure) {
  spdlog::error("{} failed: {}", what, failure.ToString());
  not_before_ns_ = state_.clock.MonotonicNs() + kPauseAfterFailureNs;
}

}  // namespace rhizome::cluster
