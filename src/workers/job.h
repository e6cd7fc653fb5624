// Job: one message of the pipeline as a handler sees it, and what a handler says became of it.
//
// A task is one accepted document (or request); it begins as one job of its first stage, and every job may end in jobs
// of later stages. Within a task a job has a name that is the same however often it is made: the stage, or the stage
// and a part ("ingest.embed/3"). So whatever is delivered twice is recognised, and effects are made once by handlers
// whose effects are idempotent: written under ids made of the task and stamped with the version the task was accepted
// with.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "queue/queue.h"

namespace rhizome::workers {

struct Job {
  std::string task;  // the task's id, 1 to 200 bytes
  std::string name;  // within the task
  std::string key;   // "tenant:memory": what decides the partition
  Version version;   // assigned when the task was accepted; every effect is stamped with it
  std::string payload;
  int64_t accepted_ms = 0;
  uint32_t attempt = 0;  // repetitions so far in this round
  uint32_t round = 0;    // how often it was redriven from the dead letters

  // The name's part before '/': the topic the job waits in.
  std::string_view stage() const { return std::string_view(name).substr(0, name.find('/')); }
};

// A job that follows from one that is done. Task, key, version and time are its parent's.
struct Next {
  std::string name;
  std::string payload;
};

struct Outcome {
  // OK: done. InvalidArgument, TooLarge, NotFound, Corruption: a dead letter at once, since repeating cannot help.
  // Anything else: repeated later, and a dead letter after the last repetition.
  Status status;
  std::vector<Next> next;  // of a job that is done
};
bool IsPermanent(const Status& status);

// One outcome per job, in their order. No job is twice in a batch. May run on several threads at once, for different
// jobs or (after a reader was thought dead) for the same. Blocks as long as it works. Exceptions are failures, and a
// batch that throws is tried again job by job, so that one job does not fail its neighbours.
using Handler = std::function<std::vector<Outcome>(std::span<const Job>)>;

// Jobs as messages. The topic is whichever it is to wait in.
queue::Outgoing ToMessage(const Job& job, std::string topic, std::vector<queue::Header> more = {});
// Corruption for a message that is no job.
Result<Job> FromMessage(const queue::Message& message);

// Headers beside a job's own.
inline constexpr std::string_view kReasonHeader = "reason";  // why it failed last
inline constexpr std::string_view kDueHeader = "due_ms";     // when it is to be tried again
inline constexpr std::string_view kDiedHeader = "died_ms";

}  // namespace rhizome::workers
