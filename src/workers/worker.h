// Worker: one reader of one stage. It takes a batch, hands it to the stage's handler, publishes what follows and only
// then commits, so that a crash anywhere repeats work and loses none:
//
//   poll → note what is begun → handler (its effects are durable when it returns) → publish next jobs, retries, dead
//        letters, task events → commit
//
// A job that ends its process is given to the next one, alone, and after some times it is a dead letter
// (workers/deliveries.h).
//
// A job that fails goes to the topic where its next repetition waits (RetryMover brings it back), or among the dead
// letters with its reason; its neighbours go on. While a later stage's backlog is full the worker waits with its batch
// in hand and takes no more: the pipeline slows down to its slowest stage, up to the intake.
//
// Any number of workers, in any number of processes, share a stage. Start, Step and Stop belong to one thread.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "queue/queue.h"
#include "workers/deliveries.h"
#include "workers/job.h"
#include "workers/rate_limits.h"
#include "workers/settings.h"
#include "workers/task_events.h"

namespace rhizome::workers {

struct WorkerOptions {
  std::string stage;
  uint32_t batch_max = 64;
  uint64_t batch_bytes_max = 8u << 20;
  int64_t linger_ms = 5;  // for a fuller batch
  // A job takes one token of this endpoint before the handler sees it.
  std::string endpoint;
  RateLimits* limits = nullptr;       // outlives the worker; null: no limit
  MetricRegistry* metrics = nullptr;  // outlives the worker; null: none
  Clock* clock = &SystemClock();
};

class Worker {
 public:
  // Topics exist (EnsureTopics). The queue outlives the worker. InvalidArgument: no such stage.
  static Result<std::unique_ptr<Worker>> Create(queue::Queue& queue, const PipelineSettings& settings,
                                                const WorkerOptions& options, Handler handler);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // A thread of its own that steps until Stop, which lets it finish the batch in hand.
  void Start();
  void Stop();
  // One batch, waiting up to `wait_ms` for it; how many jobs. After an error the same batch is brought further by the
  // next step: its handler does not run again unless the process does.
  Result<size_t> Step(int64_t wait_ms);

  struct Counts {
    uint64_t done = 0, retried = 0, dead = 0;
  };
  Counts counts() const;

 private:
  // What is left to do with a run of messages that was handled.
  struct InHand {
    std::vector<queue::Outgoing> out;
    std::vector<queue::Message> run;
    bool published = false;
  };
  Worker(queue::Queue& queue, const PipelineSettings& settings, const WorkerOptions& options, Handler handler);

  void Run();
  // False when the worker was stopped before.
  bool AwaitTokens(size_t jobs);
  std::vector<Outcome> Call(std::span<const Job> jobs);
  // Fills waiting_ when it is empty, and learns of suspects in it.
  Status Fetch(int64_t wait_ms);
  // The next messages of waiting_: a suspect alone, others up to the next suspect.
  std::vector<queue::Message> NextRun() const;
  // The run's jobs, without repetitions; what is no job goes among the dead letters.
  std::vector<Job> JobsOf(std::span<const queue::Message> run, InHand& hand);
  Status Handle(std::vector<queue::Message> run);
  void Settle(const Job& job, Outcome outcome, InHand& hand, std::vector<TaskEvent>& events);
  void Count(std::atomic<uint64_t>& count, std::optional<Counter>& total);
  void Fail(const Job& job, const Status& why, InHand& hand, std::vector<TaskEvent>& events);
  void Bury(const Job& job, const std::string& reason, InHand& hand, std::vector<TaskEvent>& events);
  Status Deliver();
  bool Pause(int64_t ms) EXCLUDES(mutex_);

  queue::Queue& queue_;
  const PipelineSettings settings_;
  const WorkerOptions options_;
  const Handler handler_;
  std::unique_ptr<queue::Consumer> consumer_;
  std::deque<queue::Message> waiting_;  // polled, not begun
  Deliveries deliveries_;
  InHand hand_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> done_{0}, retried_{0}, dead_{0};
  std::optional<Counter> done_total_, retried_total_, dead_total_;
  Mutex mutex_;
  CondVar wake_;
};

}  // namespace rhizome::workers
