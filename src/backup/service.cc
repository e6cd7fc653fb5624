#include "backup/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace rhizome::backup {
namespace {

constexpr size_t kJobsKept = 100;
constexpr size_t kWaitingMax = 16;

bool Ended(const Job& job) { return job.state == JobState::kDone || job.state == JobState::kFailed; }

// A name that may be part of objects' names; which collections there are is another matter.
Status CheckCollection(const std::string& name) {
  cluster::CollectionSpec spec;
  spec.name = name;
  const Status status = cluster::ValidateSpec(spec);
  return status.field() == "name" ? Status::InvalidArgument("collection", std::string(status.message())) : Status::Ok();
}

}  // namespace

std::string_view JobKindName(JobKind kind) {
  switch (kind) {
    case JobKind::kCreate: return "create";
    case JobKind::kVerify: return "verify";
    case JobKind::kRestore: return "restore";
    case JobKind::kPrune: return "prune";
  }
  return "";
}

std::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kRunning: return "running";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
  }
  return "";
}

Service::Service(ServiceParts parts, std::vector<Target> targets) : parts_(parts), targets_(std::move(targets)) {
  thread_ = std::thread([this] { Run(); });
}

Service::~Service() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

std::vector<std::string> Service::Targets() const {
  std::vector<std::string> names;
  for (const Target& target : targets_) names.push_back(target.name);
  return names;
}

Result<blob::BlobStore*> Service::FindTarget(const std::string& name) const {
  if (targets_.empty()) {
    return Status::FailedPrecondition("this server has nowhere to put snapshots: set snapshot_targets");
  }
  for (const Target& target : targets_) {
    if (name.empty() || target.name == name) return target.store.get();
  }
  return Status::InvalidArgument("target", "is none of this server's snapshot_targets");
}

Result<Job> Service::Start(JobRequest request) {
  RETURN_IF_ERROR(FindTarget(request.target).status());
  if (request.target.empty()) request.target = targets_[0].name;
  RETURN_IF_ERROR(CheckCollection(request.collection));
  if (!request.snapshot.empty()) RETURN_IF_ERROR(CheckId(request.snapshot));
  if (request.kind == JobKind::kRestore) RETURN_IF_ERROR(CheckCollection(request.into.collection));
  if (request.kind == JobKind::kCreate) RETURN_IF_ERROR(parts_.database.GetSpec(request.collection).status());
  MutexLock lock(mutex_);
  const auto waiting =
      static_cast<size_t>(std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return !Ended(job); }));
  if (waiting >= kWaitingMax) return Status::ResourceExhausted("too many snapshot jobs wait");
  if (jobs_.size() >= kJobsKept && Ended(jobs_.front())) jobs_.pop_front();
  Job& job = jobs_.emplace_back();
  job.number = ++last_;
  job.request = std::move(request);
  job.asked_ms = parts_.clock.WallMs();
  changed_.NotifyAll();
  return job;
}

std::vector<Job> Service::Jobs() const {
  MutexLock lock(mutex_);
  return {jobs_.rbegin(), jobs_.rend()};
}

Result<Job> Service::Find(uint64_t number) const {
  MutexLock lock(mutex_);
  for (const Job& job : jobs_) {
    if (job.number == number) return job;
  }
  return Status::NotFound("there is no snapshot job " + std::to_string(number));
}

Result<Service::Listing> Service::List(const std::string& collection, const std::string& target) {
  RETURN_IF_ERROR(CheckCollection(collection));
  ASSIGN_OR_RETURN(blob::BlobStore * store, FindTarget(target));
  Archive archive(*store, collection);
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, archive.Ids());
  Listing listing;
  for (const std::string& id : ids) {
    Result<Summary> summary = archive.ReadSummary(id);
    if (summary.ok()) {
      listing.snapshots.push_back(std::move(summary).value());
    } else if (summary.status().code() == Code::kCorruption) {
      listing.damaged.push_back(id);
    } else if (summary.status().code() != Code::kNotFound) {  // pruned meanwhile
      return summary.status();
    }
  }
  return listing;
}

Job* Service::Locate(uint64_t number) {
  const auto found =
      std::find_if(jobs_.begin(), jobs_.end(), [number](const Job& job) { return job.number == number; });
  CHECK(found != jobs_.end());  // one that has not ended is kept
  return &*found;
}

Status Service::Note(uint64_t number, const Progress& progress) {
  MutexLock lock(mutex_);
  Locate(number)->progress = progress;
  return stopping_ ? Status::Cancelled("the server is stopping") : Status::Ok();
}

Status Service::Perform(Job& job) {
  JobRequest& request = job.request;
  ASSIGN_OR_RETURN(blob::BlobStore * store, FindTarget(request.target));
  Archive archive(*store, request.collection);
  Work work{parts_.clock, [this, number = job.number](const Progress& progress) { return Note(number, progress); }};
  work.bytes_per_second_max = parts_.bytes_per_second_max;
  const bool reads = request.kind == JobKind::kVerify || request.kind == JobKind::kRestore;
  if (reads && request.snapshot.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> ids, archive.Ids());
    if (ids.empty())
      return Status::NotFound("collection " + request.collection + " has no snapshot in " + request.target);
    request.snapshot = ids.back();
  }
  const auto keep = [&job](auto report) {
    if (report.ok()) job.report = std::move(report).value();
    return report.status();
  };
  switch (request.kind) {
    case JobKind::kCreate: return keep(Create(archive, parts_.database, parts_.registers, work));
    case JobKind::kVerify: return keep(Verify(archive, request.snapshot, work));
    case JobKind::kRestore:
      return keep(Restore(archive, request.snapshot, parts_.database, parts_.registers, request.into, work));
    case JobKind::kPrune: return keep(Prune(archive, request.prune, work));
  }
  return Status::Internal("no such job");
}

void Service::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      const auto waits = [](const Job& one) { return one.state == JobState::kWaiting; };
      auto next = std::find_if(jobs_.begin(), jobs_.end(), waits);
      while (!stopping_ && next == jobs_.end()) {
        changed_.Wait(mutex_);
        next = std::find_if(jobs_.begin(), jobs_.end(), waits);
      }
      if (stopping_) return;
      next->state = JobState::kRunning;
      job = *next;
    }
    job.failure = Perform(job);
    job.state = job.failure.ok() ? JobState::kDone : JobState::kFailed;
    job.ended_ms = parts_.clock.WallMs();
    spdlog::info("snapshot job {}: {} of {} in {}: {}", job.number, JobKindName(job.request.kind),
                 job.request.collection, job.request.target, job.failure.ToString());
    MutexLock lock(mutex_);
    Job* const kept = Locate(job.number);
    job.progress = kept->progress;
    *kept = std::move(job);
  }
}

}  // namespace rhizome::backup
