// EmbeddedQueue: the queue of a process alone, on a log of its own (wal/log.h). Bytes: docs/formats/queue.md; why so:
// docs/decisions/0029-queue-on-a-log-of-its-own.md.
//
// Every change is one record: a run of messages, a commit, a topic. Many callers share one fdatasync (group commit).
// What the records say is applied in log order once they are durable, so what can be read is durable and a restart
// finds what was acknowledged. In memory there is per run of messages its place in the log, and the newest bytes.
//
// Segments of the log whose messages every group has passed are deleted. Where a few old messages (dead letters) stand
// in the way of many passed ones, they are written again at the log's end.
//
// A full disk makes the queue read-only (NoSpace) until there is room again, which it finds out by itself when it is
// next asked to write. Damage makes it read-only for good (Health says where); salvage of its log (wal/salvage.h) is
// the way out. One process at a time.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "io/disk.h"
#include "queue/queue.h"

namespace rhizome::queue {

struct EmbeddedQueueOptions {
  uint64_t segment_bytes = 16u << 20;
  uint64_t cache_bytes = 64u << 20;  // of messages in memory, so that readers who keep up read no file
  uint64_t chunk_bytes = 4u << 20;   // what a reader that lags behind takes from the log at once
  // Without it (simulation in one thread) each call does its own writing.
  bool background_thread = true;
  Clock* clock = &SystemClock();  // stamps messages; waiting is by the machine's
};

struct EmbeddedQueueStats {
  uint64_t log_bytes = 0;   // on disk
  uint64_t live_bytes = 0;  // of runs that some group has not passed
  uint64_t live_runs = 0;
  uint64_t carried_runs = 0;  // written again since Open
  uint64_t syncs = 0;         // fdatasyncs since Open
};

class EmbeddedQueue final : public Queue {
 public:
  // Opens what is in directory `path`, or makes it. Errors: FailedPrecondition (another process has it), Corruption (a
  // record that the log holds to be whole makes no sense), IoError, NoSpace. Damage of the log is no error here.
  static Result<std::unique_ptr<EmbeddedQueue>> Open(io::Disk& disk, const std::string& path,
                                                     const EmbeddedQueueOptions& options = {});
  ~EmbeddedQueue() override;

  using Queue::Publish;
  Status EnsureTopic(const std::string& topic, const TopicOptions& options) override;
  Status Publish(std::span<const Outgoing> messages, const PublishOptions& options) override;
  Status DeclareGroup(const std::string& group, std::span<const std::string> topics) override;
  Result<std::unique_ptr<Consumer>> Subscribe(const std::string& group, std::span<const std::string> topics) override;
  Status RemoveGroup(const std::string& group) override;
  Result<std::vector<Lag>> Lags(const std::string& group) override;
  Result<std::vector<Message>> Browse(const Position& from, uint32_t messages_max) override;
  Result<uint32_t> Partitions(const std::string& topic) override;
  Status Health() override;

  EmbeddedQueueStats stats() const;
  // Names the damage found at Open; "" when there was none.
  std::string damage() const;

 private:
  class Core;
  explicit EmbeddedQueue(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace rhizome::queue
