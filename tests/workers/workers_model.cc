#include "workers_model.h"

#include <signal.h>

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::pipeline_model {

using workers::Job;
using workers::kEmbed;
using workers::kRaw;
using workers::Outcome;

namespace {

std::string KeyOf(const Job& job) { return job.task + " " + job.name; }

std::vector<Outcome> Raw(Effects& effects, std::span<const Job> jobs) {
  for (const Job& job : jobs) {
    if (job.task == kPoison) raise(SIGKILL);
  }
  const Status made = effects.Make({jobs.begin(), jobs.end()});
  return std::vector<Outcome>(jobs.size(),
                              {made, {{std::string(kEmbed) + "/0", "first"}, {std::string(kEmbed) + "/1", "second"}}});
}

Status Failure(const Job& job) {
  switch (FateOf(job.task)) {
    case Fate::kDeadAtOnce: return Status::InvalidArgument("text", "unreadable");
    case Fate::kDeadAfterRetries: return Status::Unavailable("model");
    case Fate::kDoneAfterRetry: return job.attempt == 0 ? Status::Unavailable("model") : Status::Ok();
    case Fate::kDone: return Status::Ok();
  }
  return Status::Internal("no fate");
}

std::vector<Outcome> Embed(Effects& effects, std::span<const Job> jobs) {
  std::vector<Outcome> outcomes;
  std::vector<Job> good;
  for (const Job& job : jobs) {
    outcomes.push_back({Failure(job), {}});
    if (outcomes.back().status.ok()) good.push_back(job);
  }
  const Status made = effects.Make(good);
  for (Outcome& outcome : outcomes) {
    if (outcome.status.ok()) outcome.status = made;
  }
  return outcomes;
}

}  // namespace

Fate FateOf(const std::string& task) {
  switch (Checksum(task) % 10) {
    case 0: return Fate::kDeadAtOnce;
    case 1: return Fate::kDeadAfterRetries;
    case 2:
    case 3: return Fate::kDoneAfterRetry;
    default: return Fate::kDone;
  }
}

workers::PipelineSettings Settings() {
  workers::PipelineSettings settings;
  settings.stages = {std::string(kRaw), std::string(kEmbed)};
  settings.partitions = 2;
  settings.backlog_messages_max = 400;
  settings.retries_max = 2;
  settings.retry_base_ms = 20;
  settings.deliveries_max = 8;  // so that kills at random do not meet one job so often
  return settings;
}

std::vector<std::string> JobsOf() { return {"ingest.raw", "ingest.embed/0", "ingest.embed/1"}; }

Status Effects::Open(io::Disk& disk, const std::string& path, bool background) {
  wal::LogOptions options;
  options.background_thread = background;
  if (!background) options.segment_bytes = 1u << 16;
  ASSIGN_OR_RETURN(log_, wal::Log::Open(disk, path, options));
  const MutexLock lock(mutex_);
  return log_->Read(0, [this](const wal::LogRecord& record) REQUIRES(mutex_) {
    format::Decoder in(record.payload);
    std::string key;
    Version version;
    if (!in.Bytes(key) || !in.U64(version.time) || !in.U32(version.node)) return in.Failure("effect");
    Made& made = made_[key];
    ++made.times;
    made.version = version;
    return Status::Ok();
  });
}

Status Effects::Make(const std::vector<Job>& jobs) {
  const MutexLock lock(mutex_);
  std::vector<std::string> records;
  std::vector<const Job*> missing;
  for (const Job& job : jobs) {
    const auto made = made_.find(KeyOf(job));
    if (made != made_.end() && made->second.version >= job.version) continue;
    missing.push_back(&job);
    std::string& bytes = records.emplace_back();
    format::PutBytes(bytes, KeyOf(job));
    format::PutU64(bytes, job.version.time);
    format::PutU32(bytes, job.version.node);
  }
  std::vector<wal::LogEntry> entries;
  for (const std::string& bytes : records) entries.push_back({0, bytes});
  // Unknown is told as a failure: the jobs are done again, by this process only after a restart.
  RETURN_IF_ERROR(log_->AppendBatch(entries).status());
  for (const Job* job : missing) {
    Made& made = made_[KeyOf(*job)];
    ++made.times;
    made.version = job->version;
  }
  return Status::Ok();
}

std::map<std::string, Effects::Made> Effects::all() {
  const MutexLock lock(mutex_);
  return made_;
}

Status Pipeline::Open(io::Disk& disk, const std::string& folder, Clock& clock, bool threads) {
  queue::EmbeddedQueueOptions options;
  options.background_thread = threads;
  options.clock = &clock;
  options.segment_bytes = threads ? 1u << 18 : 1u << 13;
  ASSIGN_OR_RETURN(queue, queue::EmbeddedQueue::Open(disk, folder + "/queue", options));
  RETURN_IF_ERROR(workers::EnsureTopics(*queue, Settings()));
  RETURN_IF_ERROR(effects.Open(disk, folder + "/effects", threads));
  for (const std::string_view stage : {kRaw, kEmbed}) {
    const auto handler = [this, stage](std::span<const Job> jobs) {
      return stage == kRaw ? Raw(effects, jobs) : Embed(effects, jobs);
    };
    for (int n = 0; n < (threads ? 2 : 1); ++n) {
      ASSIGN_OR_RETURN(
          auto worker,
          workers::Worker::Create(
              *queue, Settings(),
              {.stage = std::string(stage), .batch_max = threads ? 32u : 4u, .linger_ms = 0, .clock = &clock},
              handler));
      workers.push_back(std::move(worker));
    }
  }
  ASSIGN_OR_RETURN(mover, workers::RetryMover::Create(*queue, Settings(), clock));
  return Status::Ok();
}

void Pipeline::Start() {
  for (const auto& worker : workers) worker->Start();
  mover->Start();
}

void Pipeline::Stop() {
  for (const auto& worker : workers) worker->Stop();
  mover->Stop();
}

Result<size_t> Pipeline::Step() {
  size_t moved = 0;
  for (const auto& worker : workers) {
    ASSIGN_OR_RETURN(const size_t count, worker->Step(0));
    moved += count;
  }
  ASSIGN_OR_RETURN(const size_t count, mover->Step());
  return moved + count;
}

Result<uint64_t> Pipeline::Waiting() {
  uint64_t waiting = 0;
  for (const std::string& group : {workers::StageGroup(Settings(), kRaw), workers::StageGroup(Settings(), kEmbed),
                                   workers::RetryGroup(Settings())}) {
    ASSIGN_OR_RETURN(const std::vector<queue::Lag> lags, queue->Lags(group));
    for (const queue::Lag& lag : lags) waiting += lag.messages();
  }
  return waiting;
}

}  // namespace rhizome::pipeline_model
