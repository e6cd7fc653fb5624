#include "workers/retry_mover.h"

#include <spdlog/spdlog.h>

#include <charconv>
#include <chrono>

#include "workers/job.h"

namespace rhizome::workers {
namespace {

constexpr size_t kWaitingMax = 1024;
constexpr uint64_t kWaitingBytesMax = 32u << 20;
constexpr int64_t kLookEveryMs = 100;

// A message without a time is due: it must not wait for ever.
int64_t DueMs(const queue::Message& message) {
  const std::string_view text = message.header(kDueHeader);
  int64_t due_ms = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), due_ms);
  return due_ms;
}

}  // namespace

Result<std::unique_ptr<RetryMover>> RetryMover::Create(queue::Queue& queue, const PipelineSettings& settings,
                                                       Clock& clock) {
  std::unique_ptr<RetryMover> mover(new RetryMover(queue, settings, clock));
  for (uint32_t attempt = 1; attempt <= settings.retries_max; ++attempt) {
    const std::string topic = RetryTopic(settings, attempt);
    ASSIGN_OR_RETURN(auto consumer, queue.Subscribe(RetryGroup(settings), {&topic, 1}));
    mover->lanes_.push_back({std::move(consumer), {}});
  }
  return mover;
}

RetryMover::~RetryMover() { Stop(); }

void RetryMover::Start() {
  thread_ = std::thread([this] { Run(); });
}

void RetryMover::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void RetryMover::Run() {
  bool complained = false;
  while (!stopping_) {
    const auto moved = Step();
    if (!moved.ok() && !complained) spdlog::warn("retries wait: {}", moved.status().ToString());
    complained = !moved.ok();
    if (moved.ok() && *moved > 0) continue;
    const MutexLock lock(mutex_);
    if (!stopping_) (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(kLookEveryMs));
  }
}

Result<size_t> RetryMover::Step() {
  size_t moved = 0;
  for (Lane& lane : lanes_) {
    ASSIGN_OR_RETURN(const size_t count, Move(lane));
    moved += count;
  }
  return moved;
}

Result<size_t> RetryMover::Move(Lane& lane) {
  if (lane.waiting.empty()) {
    ASSIGN_OR_RETURN(auto messages, lane.consumer->Poll({kWaitingMax, kWaitingBytesMax, 0, 0}));
    for (queue::Message& message : messages) lane.waiting.push_back(std::move(message));
  }
  std::vector<queue::Outgoing> out;
  std::vector<queue::Message> due;
  const int64_t now_ms = clock_.WallMs();
  size_t count = 0;
  while (count < lane.waiting.size() && DueMs(lane.waiting[count]) <= now_ms) {
    const queue::Message& message = lane.waiting[count++];
    const auto job = FromMessage(message);
    if (job.ok()) {
      out.push_back(ToMessage(*job, StageTopic(settings_, job->stage())));
    } else {
      out.push_back({DeadTopic(settings_), message.key, message.value, message.headers});
    }
  }
  if (count == 0) return 0;
  // They were in a stage's backlog before: a full one must not keep them, or retries would wait for what waits for
  // them.
  RETURN_IF_ERROR(queue_.Publish(out, {.beyond_backlog = true}));
  due.assign(std::make_move_iterator(lane.waiting.begin()),
             std::make_move_iterator(lane.waiting.begin() + static_cast<std::ptrdiff_t>(count)));
  lane.waiting.erase(lane.waiting.begin(), lane.waiting.begin() + static_cast<std::ptrdiff_t>(count));
  RETURN_IF_ERROR(lane.consumer->Commit(queue::PositionsAfter(due)));
  return count;
}

}  // namespace rhizome::workers
