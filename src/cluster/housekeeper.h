// Housekeeper: the node's background thread. It links new vectors into their graphs, mends around removed ones,
// compacts shards that are mostly dead slots, checkpoints when enough log has been written, and tries to resume writing
// after the disk was full. Starts with construction, stops with destruction.
#pragma once

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
  void Run() EXCLUDES(mutex_);
  // One round; false when there was nothing to do.
  bool Work();
  bool ImproveIndexes();
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
};

}  // namespace rhizome::cluster
