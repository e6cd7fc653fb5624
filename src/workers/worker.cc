#include "workers/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
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
    events.back().reason = reason;
  } else {
    Bury(job, reason, hand, events);
  }
}

void Worker::Bury(const Job& job, const std::string& reason, InHand& hand, std::vector<TaskEvent>& events) {
  const int64_t now_ms = options_.clock->WallMs();
  hand.out.push_back(
      ToMessage(job, DeadTopic(settings_),
                {{std::string(kReasonHeader), reason}, {std::string(kDiedHeader), std::to_string(now_ms)}}));
  events.push_back(EventOf(job, JobState::kDead, now_ms));
  events.back().reason = reason;
  Count(dead_, dead_total_);
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
  if (hand_.run.empty()) {
    RETURN_IF_ERROR(Fetch(wait_ms));
    if (waiting_.empty()) return 0;
    std::vector<queue::Message> run = NextRun();
    // Stopped while waiting for its turn: nothing is begun, so another one will be given it.
    if (!AwaitTokens(run.size())) return 0;
    RETURN_IF_ERROR(Handle(std::move(run)));
  }
  const size_t jobs = hand_.run.size();
  RETURN_IF_ERROR(Deliver());
  return jobs;
}

Status Worker::Fetch(int64_t wait_ms) {
  if (!waiting_.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(std::vector<queue::Message> messages,
                   consumer_->Poll({options_.batch_max, options_.batch_bytes_max, wait_ms, options_.linger_ms}));
  std::map<uint32_t, uint64_t> firsts;
  bool follows = true;
  for (const queue::Message& message : messages) {
    if (firsts.try_emplace(message.partition, message.offset).second) follows &= deliveries_.Follows(message);
  }
  waiting_.assign(std::make_move_iterator(messages.begin()), std::make_move_iterator(messages.end()));
  if (follows) return Status::Ok();
  auto committed = consumer_->Committed();
  if (!committed.ok()) {
    // Not begun, so they come again when the partition is given anew; here they are asked for until it can be said.
    while (!committed.ok() && Pause(kPauseMs)) committed = consumer_->Committed();
    if (!committed.ok()) waiting_.clear();
    RETURN_IF_ERROR(committed.status());
  }
  deliveries_.Learn(*committed);
  return Status::Ok();
}

std::vector<queue::Message> Worker::NextRun() const {
  std::vector<queue::Message> run;
  for (const queue::Message& message : waiting_) {
    const bool suspect = deliveries_.IsSuspect(message);
    if (suspect && !run.empty()) break;
    run.push_back(message);
    if (suspect) break;
  }
  return run;
}

std::vector<Job> Worker::JobsOf(std::span<const queue::Message> run, InHand& hand) {
  std::vector<Job> jobs;
  std::set<std::tuple<std::string, std::string, uint32_t, Version>> seen;
  for (const queue::Message& message : run) {
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
  return jobs;
}

Status Worker::Handle(std::vector<queue::Message> run) {
  const uint32_t ended = deliveries_.CountOf(run.front());
  const bool poisonous = ended >= settings_.deliveries_max;
  if (!poisonous) {
    const Status begun = consumer_->Commit(deliveries_.Before(run));
    if (!begun.ok()) {
      // The group is another one by now, which is given these.
      if (begun.code() == Code::kFailedPrecondition) {
        waiting_.clear();
        deliveries_.Forget();
      }
      return begun;
    }
  }
  InHand hand;
  std::vector<TaskEvent> events;
  const std::vector<Job> jobs = JobsOf(run, hand);
  if (poisonous) {
    for (const Job& job : jobs) {
      Bury(job, fmt::format("{} processes ended while they worked on it alone", ended), hand, events);
    }
  } else if (!jobs.empty()) {
    std::vector<Outcome> outcomes = Call(jobs);
    for (size_t i = 0; i < jobs.size(); ++i) Settle(jobs[i], std::move(outcomes[i]), hand, events);
  }
  if (!events.empty()) hand.out.push_back({TaskTopic(settings_), {}, EncodeEvents(events), {}});
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(run.size()));
  hand.run = std::move(run);
  hand_ = std::move(hand);
  return Status::Ok();
}

Status Worker::Deliver() {
  if (!hand_.published) {
    RETURN_IF_ERROR(queue_.Publish(hand_.out));
    hand_.published = true;
  }
  const Status committed = consumer_->Commit(deliveries_.After(hand_.run));
  if (committed.ok()) {
    deliveries_.Done(hand_.run);
    hand_ = {};
  } else if (committed.code() == Code::kFailedPrecondition) {
    // The group is another one by now. Whoever has its partitions is given these jobs again.
    hand_ = {};
    waiting_.clear();
    deliveries_.Forget();
  }
  return committed;
}

Worker::Counts Worker::counts() const { return {done_, retried_, dead_}; }

}  // namespace rhizome::workers
