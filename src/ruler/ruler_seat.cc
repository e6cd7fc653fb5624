#include "ruler/ruler_seat.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace rhizome::ruler {

RulerSeat::RulerSeat(RulerSeatOptions options, Ports ports)
    : options_(options), ports_(std::move(ports)), thread_([this] { Run(); }) {}

RulerSeat::~RulerSeat() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

bool RulerSeat::Wait() {
  const int64_t until_ns = ports_.clock.MonotonicNs() + options_.look_ms * 1'000'000;
  MutexLock lock(mutex_);
  while (!stopping_) {
    const int64_t left_ns = until_ns - ports_.clock.MonotonicNs();
    if (left_ns <= 0) return true;
    (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(left_ns / 1'000'000 + 1));
  }
  return false;
}

void RulerSeat::Run() {
  do {
    const auto now = ports_.look();
    if (now.ok()) Follow(*now);
  } while (Wait());
  Follow({});
}

void RulerSeat::Follow(const Leadership::Now& now) {
  if (ruler_ != nullptr && (!now.here || now.epoch != epoch_)) {
    ports_.slot.Withdraw("another process of the cluster evaluates them");
    ruler_.reset();
    spdlog::info("this process evaluates no rules any more");
  }
  if (ruler_ != nullptr || !now.here) return;
  auto started = ports_.start([this, epoch = now.epoch] { return Holds(epoch); });
  const std::string problem = started.ok() ? "" : started.status().ToString();
  if (started.ok()) {
    spdlog::info("this process leads the cluster and evaluates its rules");
    epoch_ = now.epoch;
    ruler_ = std::move(*started);
    ports_.slot.Publish(ruler_);
  } else if (problem != said_) {
    spdlog::error("this process leads the cluster and cannot evaluate its rules: {}", problem);
    ports_.slot.Explain("the leader cannot evaluate them: " + problem);
  }
  said_ = problem;
}

bool RulerSeat::Holds(int64_t epoch) {
  const int64_t now_ns = ports_.clock.MonotonicNs();
  {
    const MutexLock lock(mutex_);
    if (sure_epoch_ == epoch && now_ns < sure_until_ns_) return true;
  }
  const auto confirmed = ports_.confirm();
  const auto now = confirmed.ok() ? confirmed : ports_.look();
  if (!now.ok() || !now->here || now->epoch != epoch) return false;
  if (confirmed.ok()) {
    const MutexLock lock(mutex_);
    sure_epoch_ = epoch;
    // From before the question: what coordination said was so after that.
    sure_until_ns_ = now_ns + options_.sure_ms * 1'000'000;
  }
  return true;
}

}  // namespace rhizome::ruler
