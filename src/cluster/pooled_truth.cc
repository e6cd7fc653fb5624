#include "cluster/pooled_truth.h"

#include <utility>

namespace rhizome::cluster {

using coordination::Committed;
using coordination::LeaseId;
using coordination::Listing;
using coordination::Transaction;

namespace {

constexpr uint32_t kThreads = 3;  // a lease's renewal does not wait behind one slow listing
constexpr uint32_t kQueueLenMax = 1'000;

}  // namespace

PooledTruth::PooledTruth(fabric::Loop& loop, coordination::Coordination& coordination)
    : coordination_(coordination),
      outstanding_(loop),
      calls_("coord", kThreads, kQueueLenMax),
      waits_("coord-wait", 1, kQueueLenMax) {}

template <typename R>
Task<R> PooledTruth::Run(WorkerPool& pool, std::function<R()> call) {
  co_return co_await outstanding_.Call<R>([&pool, &call](std::function<void(R)> done) {
    std::function<void()> task = [call = std::move(call), done] { done(call()); };
    if (!pool.TrySubmit(task)) done(Status::ResourceExhausted("too many calls to coordination wait already"));
  });
}

Task<Result<Committed>> PooledTruth::Commit(Transaction transaction) {
  return Run<Result<Committed>>(
      calls_, [this, transaction = std::move(transaction)] { return coordination_.Commit(transaction); });
}

Task<Result<Listing>> PooledTruth::List(std::string prefix) {
  return Run<Result<Listing>>(calls_, [this, prefix = std::move(prefix)] { return coordination_.List(prefix); });
}

Task<Result<LeaseId>> PooledTruth::Grant(int64_t ttl_ms) {
  return Run<Result<LeaseId>>(calls_, [this, ttl_ms] { return coordination_.Grant(ttl_ms); });
}

Task<Result<int64_t>> PooledTruth::KeepAlive(LeaseId lease) {
  return Run<Result<int64_t>>(calls_, [this, lease] { return coordination_.KeepAlive(lease); });
}

Task<Status> PooledTruth::Revoke(LeaseId lease) {
  return Run<Status>(calls_, [this, lease] { return coordination_.Revoke(lease); });
}

Task<Result<int64_t>> PooledTruth::AwaitChange(std::string prefix, int64_t after_revision, int64_t timeout_ms) {
  return Run<Result<int64_t>>(waits_, [this, prefix = std::move(prefix), after_revision, timeout_ms] {
    return coordination_.AwaitChange(prefix, after_revision, timeout_ms);
  });
}

}  // namespace rhizome::cluster
