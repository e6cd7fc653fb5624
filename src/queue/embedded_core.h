// EmbeddedQueue::Core: the state behind an embedded queue. Three locks, taken in this order and none of them across a
// wait for the device but the first: control_mutex_ lets one at a time change topics and groups or tidy up;
// order_mutex_ makes the order of offsets the order of the log; mutex_ guards what readers see.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "queue/embedded.h"
#include "queue/index.h"

namespace rhizome::queue {

class EmbeddedQueue::Core {
 public:
  using Bytes = std::shared_ptr<const std::string>;  // of one record

  explicit Core(const EmbeddedQueueOptions& options) : options_(options) {}
  ~Core();

  Status Open(io::Disk& disk, const std::string& path);

  Status EnsureTopic(const std::string& name, const TopicOptions& options) EXCLUDES(control_mutex_, mutex_);
  Status Publish(std::span<const Outgoing> messages, const PublishOptions& options) EXCLUDES(order_mutex_, mutex_);
  Status DeclareGroup(const std::string& group, std::span<const std::string> topics) EXCLUDES(control_mutex_, mutex_);
  Status RemoveGroup(const std::string& group) EXCLUDES(control_mutex_, mutex_);
  Result<std::vector<Lag>> Lags(const std::string& group) EXCLUDES(mutex_);
  Result<std::vector<Message>> Browse(const Position& from, uint32_t messages_max) EXCLUDES(mutex_);
  Result<uint32_t> Partitions(const std::string& topic) EXCLUDES(mutex_);
  Status Health();
  EmbeddedQueueStats stats() EXCLUDES(mutex_);
  std::string damage() const { return log_->damage().ToString(); }

  // Members of groups (embedded_consumer.cc).
  class Member;
  Result<std::unique_ptr<Consumer>> Subscribe(const std::string& group, std::span<const std::string> topics);

 private:
  // A run on its way into the log.
  struct Draft {
    RunHeader header;
    std::vector<const Outgoing*> messages;
    uint64_t bytes_reserved = 0;
    Bytes bytes;
  };
  // A part of a run to be read: messages from `from` on, at most `count`.
  struct Piece {
    PartitionId partition;
    uint64_t from = 0;
    uint32_t count = 0;
    uint64_t run_end = 0;
    wal::Lsn lsn = 0;
    Bytes bytes;  // null: to be loaded
  };
  struct Group {
    std::map<uint64_t, std::set<uint32_t>> members;  // by number: the topics each reads
    uint64_t generation = 0;                         // rises when members change
  };

  // Writes records and, once they are durable, applies them; returns when both is done.
  Status Write(std::span<const wal::LogEntry> entries, std::function<Status(wal::Lsn first)> apply, int64_t deadline_ms)
      EXCLUDES(mutex_);
  std::future<Status> Begin(std::span<const wal::LogEntry> entries, std::function<Status(wal::Lsn first)> apply)
      EXCLUDES(mutex_);
  Status Await(std::future<Status> outcome, int64_t deadline_ms) EXCLUDES(mutex_);
  Status WriteControl(const Control& control) EXCLUDES(mutex_);
  // After a full disk: tries, at most once a second, whether there is room again.
  void ResumeIfRoom() EXCLUDES(mutex_);

  Result<std::vector<Draft>> Plan(std::span<const Outgoing> messages, const PublishOptions& options)
      REQUIRES(order_mutex_) EXCLUDES(mutex_);
  Status Reserve(std::span<const Outgoing> messages, const std::vector<uint32_t>& topics, bool beyond) REQUIRES(mutex_);
  Status ApplyDrafts(const std::vector<Draft>& drafts, wal::Lsn first) REQUIRES(mutex_);
  void Release(const std::vector<Draft>& drafts) REQUIRES(mutex_);
  // The positions that say something new, and their notes.
  Result<Control> Resolve(std::span<const Position> positions, const std::string& group) REQUIRES(mutex_);
  std::vector<Position> CommittedOf(const std::string& group, std::span<const PartitionId> partitions) REQUIRES(mutex_);
  Status Commit(const std::string& group, std::span<const Position> positions) EXCLUDES(control_mutex_, mutex_);

  // Reading.
  void Gather(PartitionId partition, uint64_t from, uint32_t count, std::vector<Piece>& to) REQUIRES(mutex_);
  Result<Bytes> Load(wal::Lsn lsn) EXCLUDES(mutex_);
  void Remember(wal::Lsn lsn, Bytes bytes) REQUIRES(mutex_);
  Status Decode(const Piece& piece, uint64_t& bytes_left, std::vector<Message>& to) EXCLUDES(mutex_);

  // Clearing up (embedded_upkeep.cc).
  void UpkeepIfDue() EXCLUDES(control_mutex_, mutex_);
  Status Upkeep() REQUIRES(control_mutex_) EXCLUDES(mutex_);
  Status Carry() REQUIRES(control_mutex_) EXCLUDES(mutex_);

  // Constant after Open.
  const EmbeddedQueueOptions options_;
  std::unique_ptr<wal::Log> log_;

  Mutex control_mutex_;
  Mutex order_mutex_;
  std::atomic<uint64_t> bytes_since_upkeep_{0};
  std::atomic<int64_t> resume_tried_ns_{0};
  std::atomic<bool> upkeep_runs_{false};

  mutable Mutex mutex_;
  CondVar changed_;  // there is something to read, or a group has other members
  Index index_ GUARDED_BY(mutex_);
  wal::Lsn applied_lsn_ GUARDED_BY(mutex_) = 0;  // everything up to here is in index_
  std::map<std::string, Group> members_ GUARDED_BY(mutex_);
  uint64_t next_member_ GUARDED_BY(mutex_) = 1;
  uint64_t next_unkeyed_ GUARDED_BY(mutex_) = 0;
  uint64_t carried_runs_ GUARDED_BY(mutex_) = 0;
  std::unordered_map<wal::Lsn, Bytes> cache_ GUARDED_BY(mutex_);
  std::deque<wal::Lsn> cache_order_ GUARDED_BY(mutex_);
  uint64_t cache_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace rhizome::queue
