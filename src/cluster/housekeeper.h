// Housekeeper: the node's background threads. One links new vectors into their graphs and mends around removed ones, in
// time that nobody else wants. The other does so too, like any other thread, where so many vectors wait that searches
// feel it, and while more are being written only where they would feel it much; it compacts shards that are mostly dead
// slots, checkpoints when enough log has been written, and tries to resume writing after the disk was full. Start with
// construction, stop with destruction.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "cluster/node.h"

namespace rhizome::cluster {

class Housekeeper {
 public:
  explicit Housekeeper(NodeState& state);
  ~Housekeeper();

 private:
  // Rounds of `work` until the end, at once after one that is true, after a while when it found nothing to do.
  void Repeat(const std::function<bool()>& work) EXCLUDES(mutex_);
  bool Work();
  // Decides which indexes are so far behind that they are worked on even when others want the processor.
  void FindBehind() EXCLUDES(mutex_);
  // Of the indexes that are, or of the others.
  bool ImproveIndexes(bool behind) EXCLUDES(mutex_);
  void CompactIfDue();
  void CheckpointIfDue();
  void ForgetRequestsIfDue();
  // Says what failed; the next try waits a while.
  void Pause(const std::string& what, const Status& failure);

  NodeState& state_;
  int64_t forget_requests_ns_;  // when next; the thread's own
  int64_t not_before_ns_ = 0;   // no checkpoint or compaction until then: the last one failed. The thread's own.
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  struct Pending {
    uint64_t slots = 0;
    bool behind = false;
  };
  std::map<uint32_t, Pending> pending_ GUARDED_BY(mutex_);  // by shard, when last looked at
  std::thread thread_;
  std::thread idle_thread_;
};

}  // namespace rhizome::cluster
