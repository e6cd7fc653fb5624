// Housekeeper: the node's background threads. One links new vectors into their graphs and mends around removed ones, in
// time that nobody else wants. The other does so too, like any other thread, where so many vectors wait that searches
// feel it; it compacts shards that are mostly dead slots, checkpoints when enough log has been written, and tries to
// resume writing after the disk was full. Start with construction, stop with destruction.
#pragma once

#include <functional>
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
  // Of the indexes that are far behind, or of the others.
  bool ImproveIndexes(bool behind);
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
  std::thread thread_;
  std::thread idle_thread_;
};

}  // namespace rhizome::cluster
