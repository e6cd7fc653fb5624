// What becomes of tasks: events, and the state of a task that they add up to. Pure; bytes: docs/formats/tasks.md.
//
// Events may come twice, late and in any order: merging them is commutative, associative and idempotent, so every book
// of tasks that has seen the same events says the same. Per job the furthest counts (round, then attempt, then how far
// within it; done beats everything), and the jobs a task has are those named by its acceptance or by a done job.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::workers {

enum class JobState : uint8_t {
  kWaiting = 0,   // in its topic
  kRetrying = 1,  // failed, waits to be repeated
  kDead = 2,      // a dead letter
  kDropped = 3,   // a dead letter that was given up for good
  kDone = 4,
};
std::string_view JobStateName(JobState state);

struct TaskEvent {
  std::string task;
  std::string key;  // tenant:memory
  std::string job;
  JobState state = JobState::kWaiting;
  uint32_t round = 0;
  uint32_t attempt = 0;
  int64_t at_ms = 0;
  int64_t accepted_ms = 0;
  std::string reason;             // of kRetrying, kDead
  std::vector<std::string> next;  // of kDone: the jobs it made
  bool operator==(const TaskEvent&) const = default;
};

enum class TaskState : uint8_t { kWorking, kDone, kDeadLettered };
std::string_view TaskStateName(TaskState state);

struct JobStatus {
  JobState state = JobState::kWaiting;
  uint32_t round = 0;
  uint32_t attempt = 0;
  int64_t at_ms = 0;
  std::string reason;
  bool operator==(const JobStatus&) const = default;
};

struct Task {
  std::string id;
  std::string key;
  int64_t accepted_ms = 0;
  std::map<std::string, JobStatus> jobs;  // by name
  bool operator==(const Task&) const = default;

  // Done when every job is, dead-lettered when at least one is and no other is under way.
  TaskState state() const;
  // When something last became of it.
  int64_t changed_ms() const;
  // Why it is dead-lettered; "".
  std::string reason() const;
};

// True when it changed anything.
bool Merge(const TaskEvent& event, Task& task);

std::string EncodeEvents(std::span<const TaskEvent> events);
Result<std::vector<TaskEvent>> DecodeEvents(std::string_view bytes);
std::string EncodeTask(const Task& task);  // without its id, which is its key
Result<Task> DecodeTask(std::string id, std::string_view bytes);

}  // namespace rhizome::workers
