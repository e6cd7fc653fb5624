// Service: the backups that a server's clients ask for. Each request becomes a job; jobs run one after the other on a
// thread of their own, and can be watched.
//
// The last hundred jobs are remembered while the process lives. Destruction cancels what runs and what waits: a backup
// cut off so does not exist, a restore is to be continued. Thread-safe.
#pragma once

#include <deque>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "backup/create.h"
#include "backup/prune.h"
#include "backup/restore.h"
#include "backup/targets.h"
#include "base/mutex.h"

namespace rhizome::backup {

enum class JobKind { kCreate, kVerify, kRestore, kPrune };
std::string_view JobKindName(JobKind kind);

struct JobRequest {
  JobKind kind = JobKind::kCreate;
  std::string collection;  // whose backups
  std::string target;      // as configured; "": the first
  std::string snapshot;    // to verify or restore; "": the newest when the job begins
  RestoreTarget into;      // kRestore
  PruneOptions prune;      // kPrune
};

enum class JobState { kWaiting, kRunning, kDone, kFailed };
std::string_view JobStateName(JobState state);

struct Job {
  uint64_t number = 0;
  JobRequest request;
  JobState state = JobState::kWaiting;
  Progress progress;
  int64_t asked_ms = 0;
  int64_t ended_ms = 0;
  Status failure;
  std::variant<std::monostate, CreateReport, VerifyReport, RestoreReport, PruneReport> report;
};

struct ServiceParts {
  cluster::Database& database;
  cluster::Registers& registers;
  Clock& clock = SystemClock();
  uint64_t bytes_per_second_max = 0;
};

class Service {
 public:
  // The parts outlive it.
  Service(ServiceParts parts, std::vector<Target> targets);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::vector<std::string> Targets() const;
  // InvalidArgument names the field; FailedPrecondition: no target is configured; ResourceExhausted: too many wait.
  Result<Job> Start(JobRequest request) EXCLUDES(mutex_);
  std::vector<Job> Jobs() const EXCLUDES(mutex_);  // newest first
  Result<Job> Find(uint64_t number) const EXCLUDES(mutex_);

  // Of one collection, oldest first. What cannot be read is told by its id in `damaged`.
  struct Listing {
    std::vector<Summary> snapshots;
    std::vector<std::string> damaged;
  };
  Result<Listing> List(const std::string& collection, const std::string& target);

 private:
  Result<blob::BlobStore*> FindTarget(const std::string& name) const;
  void Run() EXCLUDES(mutex_);
  Status Perform(Job& job) EXCLUDES(mutex_);
  Status Note(uint64_t number, const Progress& progress) EXCLUDES(mutex_);
  Job* Locate(uint64_t number) REQUIRES(mutex_);

  const ServiceParts parts_;
  const std::vector<Target> targets_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);  // by number
  uint64_t last_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rhizome::backup
