#include "sim_loop.h"

#include "base/check.h"

namespace rhizome::sim {

namespace {

constexpr int64_t kWakeNsMax = 30'000;
// More tasks in one moment than any honest member has: it goes round in circles.
constexpr uint64_t kTasksMax = 2'000'000;
constexpr size_t kExpectedSweep = 256;

}  // namespace

SimLoop::SimLoop(World& world, const WallClock& wall, sim::Random random)
    : world_(world), wall_(wall), random_(random), self_(std::make_shared<SimLoop*>(this)) {}

SimLoop::~SimLoop() { CHECK(ready_.empty() || world_.failed()); }

int64_t SimLoop::NowNs() { return world_.NowNs(); }

int64_t SimLoop::WallMs() { return WallClock::kStartMs + world_.NowNs() / kMillisecond + wall_.offset_ms; }

void SimLoop::Post(std::function<void()> task) {
  ready_.push_back(std::move(task));
  if (!stopping_) ScheduleRun();
}

void SimLoop::ScheduleRun() {
  if (scheduled_) return;
  scheduled_ = true;
  const int64_t wake_ns = world_.NowNs() + random_.Between(1'000, kWakeNsMax);
  world_.At(std::max(wake_ns, paused_until_ns_), [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->Run();
  });
}

void SimLoop::Run() {
  scheduled_ = false;
  if (paused_until_ns_ > world_.NowNs()) return ScheduleRun();
  for (uint64_t tasks = 0; !ready_.empty(); ++tasks) {
    if (tasks == kTasksMax) return world_.Fail("a loop does not come to rest");
    const std::function<void()> task = std::move(ready_.front());
    ready_.pop_front();
    task();
  }
}

fabric::Loop::TimerId SimLoop::After(int64_t delay_ns, std::function<void()> task) {
  const TimerId id = next_timer_++;
  if (stopping_) {
    Post(std::move(task));
    return id;
  }
  timers_.emplace(id, std::move(task));
  world_.In(std::max<int64_t>(delay_ns, 0), [weak = std::weak_ptr(self_), id] {
    const auto self = weak.lock();
    if (!self) return;
    SimLoop& loop = **self;
    const auto timer = loop.timers_.find(id);
    if (timer == loop.timers_.end()) return;
    loop.Post(std::move(timer->second));
    loop.timers_.erase(timer);
  });
  return id;
}

void SimLoop::Cancel(TimerId timer) { timers_.erase(timer); }

void SimLoop::PauseUntil(int64_t time_ns) { paused_until_ns_ = std::max(paused_until_ns_, time_ns); }

bool SimLoop::paused() const { return paused_until_ns_ > world_.NowNs(); }

void SimLoop::Stop() {
  stopping_ = true;
  paused_until_ns_ = 0;
  while (!timers_.empty()) {
    Post(std::move(timers_.begin()->second));
    timers_.erase(timers_.begin());
  }
  while (!expected_.empty()) {
    const Expected next = std::move(expected_.front());
    expected_.pop_front();
    next.cancel();
  }
  Run();
}

void SimLoop::ExpectUntilStop(std::function<void()> cancel, std::function<bool()> done) {
  if (stopping_) return cancel();
  if (expected_.size() >= kExpectedSweep && expected_.size() % kExpectedSweep == 0) {
    std::erase_if(expected_, [](const Expected& expected) { return expected.done(); });
  }
  expected_.push_back({std::move(cancel), std::move(done)});
}

}  // namespace rhizome::sim
