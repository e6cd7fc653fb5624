// Clearing up: what every group has passed leaves the disk.
#include "queue/embedded_core.h"
#include "queue/record.h"

namespace rhizome::queue {

void EmbeddedQueue::Core::UpkeepIfDue() {
  if (bytes_since_upkeep_.load() < options_.segment_bytes || upkeep_runs_.exchange(true)) return;
  bytes_since_upkeep_ = 0;
  {
    const MutexLock control(control_mutex_);
    // What is not cleared up today is tomorrow; a log that takes no more says so to who writes.
    (void)Upkeep().ok();
  }
  upkeep_runs_ = false;
}

Status EmbeddedQueue::Core::Upkeep() {
  Control checkpoint;
  wal::Lsn keep = 0;
  uint64_t live_bytes = 0;
  {
    const MutexLock lock(mutex_);
    checkpoint = index_.Checkpoint();
    // What is applied up to here is in the checkpoint or in a run; what comes behind it stays in the log.
    keep = applied_lsn_ + 1;
    if (!index_.by_lsn().empty()) keep = std::min(keep, index_.by_lsn().begin()->first);
    live_bytes = index_.live_bytes();
  }
  RETURN_IF_ERROR(WriteControl(checkpoint));
  RETURN_IF_ERROR(log_->TruncateBefore(keep));
  // More than half is passed and something old keeps it there.
  if (log_->stats().bytes_on_disk > 2 * live_bytes + 4 * options_.segment_bytes) return Carry();
  return Status::Ok();
}

Status EmbeddedQueue::Core::Carry() {
  struct Carried {
    wal::Lsn from;
    Index::RunPlace place;
    Bytes bytes;
  };
  std::vector<Carried> carried;
  {
    const MutexLock lock(mutex_);
    uint64_t bytes = 0;
    for (const auto& [lsn, place] : index_.by_lsn()) {
      if (bytes >= options_.segment_bytes) break;
      carried.push_back({lsn, place, nullptr});
      bytes += index_.partition(place.partition).runs.at(place.first_offset).bytes;
    }
  }
  std::vector<wal::LogEntry> entries;
  for (Carried& each : carried) {
    ASSIGN_OR_RETURN(each.bytes, Load(each.from));
    entries.push_back({kMessageStream, *each.bytes});
  }
  return Write(
      entries,
      [this, carried](wal::Lsn first) REQUIRES(mutex_) {
        if (first == 0) return Status::Ok();
        for (const Carried& each : carried) index_.MoveRun(each.place, each.from, first++);
        carried_runs_ += carried.size();
        return Status::Ok();
      },
      60'000);
}

}  // namespace rhizome::queue
