// PooledTruth: coordination for coroutines: its blocking calls on a few threads of their own. A wait for a change has a
// thread to itself, so that it holds up nothing else.
//
// On the loop. `coordination` outlives it. The destructor waits for the calls under way, up to their time limits.
#pragma once

#include <functional>
#include <string>

#include "base/worker_pool.h"
#include "cluster/outstanding.h"
#include "coordination/coordination.h"
#include "fabric/ports.h"

namespace rhizome::cluster {

class PooledTruth final : public fabric::Truth {
 public:
  PooledTruth(fabric::Loop& loop, coordination::Coordination& coordination);

  Task<Result<coordination::Committed>> Commit(coordination::Transaction transaction) override;
  Task<Result<coordination::Listing>> List(std::string prefix) override;
  Task<Result<coordination::LeaseId>> Grant(int64_t ttl_ms) override;
  Task<Result<int64_t>> KeepAlive(coordination::LeaseId lease) override;
  Task<Status> Revoke(coordination::LeaseId lease) override;
  Task<Result<int64_t>> AwaitChange(std::string prefix, int64_t after_revision, int64_t timeout_ms) override;

  void CancelAll() { outstanding_.CancelAll(); }

 private:
  template <typename R>
  Task<R> Run(WorkerPool& pool, std::function<R()> call);

  coordination::Coordination& coordination_;
  Outstanding outstanding_;
  WorkerPool calls_;
  WorkerPool waits_;
};

}  // namespace rhizome::cluster
