#include "workers/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

namespace rhizome::workers {
namespace {

constexpr size_t kReasonBytesMax = 2048;
constexpr int64_t kPauseMs = 50;

std::string ReasonOf(const Status& status) { return status.ToString().substr(0, kReasonBytesMax); }

TaskEvent EventOf(const Job& job, JobState state, int64_t now_ms) {
  return {job.task, job.key, job.name, state, job.round, job.attempt, now_ms, job.accepted_ms, {}, {}};
}

}  // namespace

Worker::Worker(queue::Queue& queue, const PipelineSettings& settings, const WorkerOptions& options, Handler handler)
    : queue_(queue), settings_(settings), options_(options), handler_(std::move(handler)) {}

Result<std::unique_ptr<Worker>> Worker::Create(queue::Queue& queue, const PipelineSettings& settings,
                                               const WorkerOptions& options, Handler handler) {
  if (std::find(settings.stages.begin(), settings.stages.end(), options.stage) == settings.stages.end()) {
    return Status::InvalidArgument("stage", "there is no stage \"" + options.stage + "\"");
  }
  std::unique_ptr<Worker> worker(new Worker(queue, settings, options, std::move(handler)));
  if (options.metrics != nullptr) {
    const auto counter = [&](const char* outcome) {
      return options.metrics->GetCounter("worker_jobs_total", "Jobs of the pipeline by what became of them.",
                                         {{"stage", options.stage}, {"outcome", outcome}});
    };
    worker->done_total_ = counter("done");
    worker->retried_total_ = counter("retried");
    worker->dead_total_ = counter("dead_lettered");
  }
  const std::string topic = StageTopic(settings, options.stage);
  ASSIGN_OR_RETURN(worker->consumer_, queue.Subscribe(StageGroup(settings, options.stage), {&topic, 1}));
  return worker;
}

Worker::~Worker() { Stop(); }

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Worker::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  if (!thread_.joinable()) return;
  consumer_->Wake();
  thread_.join();
}

void Worker::Run() {
  bool complained = false;
  while (!stopping_) {
    const auto stepped = Step(500);
    if (stepped.ok()) {
      complained = false;
      continue;
    }
    if (!complained && stepped.status().code() != Code::kResourceExhausted) {
      spdlog::warn("a worker of {} waits: {}", options_.stage, stepped.status().ToString());
      complained = true;
    }
    (void)Pause(kPauseMs);
  }
}

bool Worker::Pause(int64_t ms) {
  const MutexLock lock(mutex_);
  if (!stopping_) (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(ms));
  return !stopping_;
}

bool Worker::AwaitTokens(size_t jobs) {
  if (options_.limits == nullptr || options_.endpoint.empty()) return true;
  while (true) {
    const int64_t wait_ms = options_.limits->TryTake(options_.endpoint, static_cast<double>(jobs));
    if (wait_ms == 0) return true;
    if (!Pause(std::min<int64_t>(wait_ms, 100))) return false;
  }
}

std::vector<Outcome> Worker::Call(std::span<const Job> jobs) {
  std::string failure;
  try {
    std::vector<Outcome> outcomes = handler_(jobs);
    if (outcomes.size() == jobs.size()) return outcomes;
    failure = "the handler gave " + std::to_string(outcomes.size()) + " outcomes for " + std::to_string(jobs.size()) +
              " jobs";
  } catch (const std::exception& error) {
    failure = std::string("the handler failed: ") + error.what();
  }
  if (jobs.size() == 1) return {{Status::Internal(failure), {}}};
  std::vector<Outcome> outcomes;
  for (const Job& job : jobs) outcomes.push_back(std::move(Call({&job, 1}).front()));
  return outcomes;
}

void Worker::Count(std::atomic<uint64_t>& count, std::optional<Counter>& total) {
  ++count;
  if (total) total->Add();
}

void Worker::Fail(const Job& job, const Status& why, InHand& hand, std::vector<TaskEvent>& events) {
  const int64_t now_ms = options_.clock->WallMs();
  const std::string reason = ReasonOf(why);
  if (!IsPermanent(why) && job.attempt < settings_.retries_max) {
    Job again = job;
    ++again.attempt;
    const int64_t due_ms = now_ms + RetryDelayMs(settings_, again.attempt);
    hand.out.push_back(
        ToMessage(again, RetryTopic(settings_, again.attempt),
                  {{std::string(kReasonHeader), reason}, {std::string(kDueHeader), std::to_string(due_ms)}}));
    events.push_back(EventOf(again, JobState::kRetrying, now_ms));
    Count(retried_, retried_total_);
  } else {
    hand.out.push_back(
        ToMessage(job, DeadTopic(settings_),
                  {{std::string(kReasonHeader), reason}, {std::string(kDiedHeader), std::to_string(now_ms)}}));
    events.push_back(EventOf(job, JobState::kDead, now_ms));
    Count(dead_, dead_total_);
  }
  events.back().reason = reason;
}

void Worker::Settle(const Job& job, Outcome outcome, InHand& hand, std::vector<TaskEvent>& events) {
  if (!outcome.status.ok()) return Fail(job, outcome.status, hand, events);
  std::vector<queue::Outgoing> next;
  TaskEvent done = EventOf(job, JobState::kDone, options_.clock->WallMs());
  for (Next& each : outcome.next) {
    Job child{job.task, std::move(each.name), job.key, job.version, std::move(each.payload), job.accepted_ms};
    const std::string stage(child.stage());
    if (std::find(settings_.stages.begin(), settings_.stages.end(), stage) == settings_.stages.end()) {
      return Fail(job, Status::InvalidArgument("next", "there is no stage \"" + stage + "\""), hand, events);
    }
    done.next.push_back(child.name);
    next.push_back(ToMessage(child, StageTopic(settings_, stage)));
    if (const Status fits = queue::CheckOutgoing(next.back()); !fits.ok()) return Fail(job, fits, hand, events);
  }
  for (queue::Outgoing& message : next) hand.out.push_back(std::move(message));
  events.push_back(std::move(done));
  Count(done_, done_total_);
}

Result<size_t> Worker::Step(int64_t wait_ms) {
  if (hand_.jobs > 0) {
    const size_t jobs = hand_.jobs;
    RETURN_IF_ERROR(Deliver());
    return jobs;
  }
  ASSIGN_OR_RETURN(const std::vector<queue::Message> messages,
                   consumer_->Poll({options_.batch_max, options_.batch_bytes_max, wait_ms, options_.linger_ms}));
  if (messages.empty()) return 0;
  InHand hand;
  std::vector<Job> jobs;
  std::set<std::tuple<std::string, std::string, uint32_t, Version>> seen;
  for (const queue::Message& message : messages) {
    auto job = FromMessage(message);
    if (job.ok()) {
      // What was published twice by somebody who died in between: the first copy stands for both.
      if (seen.emplace(job->task, job->name, job->round, job->version).second) jobs.push_back(std::move(job).value());
      continue;
    }
    // Nobody's task, but nobody's to throw away either.
    spdlog::error("{}", job.status().ToString());
    queue::Outgoing dead{DeadTopic(settings_), message.key, message.value, message.headers};
    dead.headers.push_back({std::string(kReasonHeader), ReasonOf(job.status())});
    hand.out.push_back(std::move(dead));
    Count(dead_, dead_total_);
  }
  // Stopped while waiting for its turn: uncommitted, so another one will be given it.
  if (!jobs.empty() && !AwaitTokens(jobs.size())) return 0;
  std::vector<TaskEvent> events;
  if (!jobs.empty()) {
    std::vector<Outcome> outcomes = Call(jobs);
    for (size_t i = 0; i < jobs.size(); ++i) Settle(jobs[i], std::move(outcomes[i]), hand, events);
  }
  if (!events.empty()) hand.out.push_back({TaskTopic(settings_), {}, EncodeEvents(events), {}});
  hand.positions = queue::PositionsAfter(messages);
  hand.jobs = messages.size();
  hand_ = std::move(hand);
  RETURN_IF_ERROR(Deliver());
  return messages.size();
}

Status Worker::Deliver() {
  if (!hand_.published) {
    RETURN_IF_ERROR(queue_.Publish(hand_.out));
    hand_.published = true;
  }
  const Status committed = consumer_->Commit(hand_.positions);
  // FailedPrecondition: the group is another one by now. Whoever has its partitions is given these jobs again.
  if (committed.ok() || committed.code() == Code::kFailedPrecondition) hand_ = {};
  return committed;
}

Worker::Counts Worker::counts() const { return {done_, retried_, dead_}; }

}  // namespace rhizome::workers
