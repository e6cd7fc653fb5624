// Index: what an embedded queue knows of its log: topics, where each run of messages stands, how far each group is.
// Pure state: it is told of records in log order and does no I/O. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "queue/queue.h"
#include "queue/record.h"
#include "wal/log.h"

namespace rhizome::queue {

class Index {
 public:
  // A run of messages in the log.
  struct Run {
    wal::Lsn lsn = 0;
    uint32_t count = 0;
    uint64_t bytes = 0;  // of its record
  };
  struct Partition {
    std::map<uint64_t, Run> runs;  // by first offset; those some group has not passed, or all without a group
    uint64_t end = 0;              // behind the last message that can be read
    uint64_t next = 0;             // to be given out; ≥ end
  };
  struct Topic {
    std::string name;  // empty: its record is yet to come
    TopicOptions options;
    std::vector<Partition> partitions;
    uint64_t messages = 0, bytes = 0;                  // held
    uint64_t pending_messages = 0, pending_bytes = 0;  // on their way into the log
  };
  struct RunPlace {
    PartitionId partition;
    uint64_t first_offset = 0;
  };

  // Records. Corruption for what cannot be.
  Status ApplyRun(const RunHeader& header, wal::Lsn lsn, uint64_t bytes);
  Status ApplyControl(const Control& control);
  // A run was written again at `lsn`, if it is still wanted.
  void MoveRun(const RunPlace& place, wal::Lsn from, wal::Lsn to);
  // After the last record of a replay: forgets what every group has passed. Corruption when a topic has no name.
  Status FinishReplay();

  std::optional<uint32_t> Find(const std::string& topic) const;
  Topic& topic(uint32_t number) { return topics_.at(number); }
  const Topic& topic(uint32_t number) const { return topics_.at(number); }
  Partition& partition(PartitionId id) { return topics_.at(id.first).partitions.at(id.second); }
  const std::map<uint32_t, Topic>& topics() const { return topics_; }
  const std::map<std::string, Control::Positions>& groups() const { return groups_; }
  // Of a group's position; "" for none.
  std::string Note(const std::string& group, PartitionId id) const;
  bool Has(PartitionId id) const;
  uint32_t next_topic_number() const { return topics_.empty() ? 1 : topics_.rbegin()->first + 1; }

  // The first offset at or above which anything may still be read.
  uint64_t Low(PartitionId id) const;
  // The group that is furthest behind on a topic, "" without groups.
  std::string Slowest(uint32_t topic) const;
  // All there is to know but the runs.
  Control Checkpoint() const;

  // Runs by their place in the log.
  const std::map<wal::Lsn, RunPlace>& by_lsn() const { return by_lsn_; }
  uint64_t live_bytes() const { return live_bytes_; }

 private:
  Partition& Touch(PartitionId id);
  void Forget(PartitionId id, std::map<uint64_t, Run>::iterator run);
  void DropPassed(PartitionId id);

  std::map<uint32_t, Topic> topics_;
  std::map<std::string, Control::Positions> groups_;
  std::map<std::string, Control::Notes> notes_;
  std::map<wal::Lsn, RunPlace> by_lsn_;
  uint64_t live_bytes_ = 0;
  bool replaying_ = true;
};

}  // namespace rhizome::queue
