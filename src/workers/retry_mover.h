// RetryMover: brings jobs that wait for their repetition back to their stage once they are due.
//
// Each repetition has a topic of its own, so those that wait in one are due in the order in which they lie. It
// publishes first and commits then. Any number of movers share the work; one per process is enough. Start, Step and
// Stop belong to one thread.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "queue/queue.h"
#include "workers/settings.h"

namespace rhizome::workers {

class RetryMover {
 public:
  // Topics exist (EnsureTopics). The queue outlives the mover.
  static Result<std::unique_ptr<RetryMover>> Create(queue::Queue& queue, const PipelineSettings& settings,
                                                    Clock& clock = SystemClock());
  ~RetryMover();
  RetryMover(const RetryMover&) = delete;
  RetryMover& operator=(const RetryMover&) = delete;

  void Start();
  void Stop();
  // Moves what is due now; how many.
  Result<size_t> Step();

 private:
  // One topic of repetitions.
  struct Lane {
    std::unique_ptr<queue::Consumer> consumer;
    std::deque<queue::Message> waiting;  // read, not due yet
  };
  RetryMover(queue::Queue& queue, const PipelineSettings& settings, Clock& clock)
      : queue_(queue), settings_(settings), clock_(clock) {}
  Result<size_t> Move(Lane& lane);
  void Run() EXCLUDES(mutex_);

  queue::Queue& queue_;
  const PipelineSettings settings_;
  Clock& clock_;
  std::vector<Lane> lanes_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  CondVar wake_;
};

}  // namespace rhizome::workers
