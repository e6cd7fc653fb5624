#include "workers/task_events.h"

#include <algorithm>
#include <tuple>

#include "format/coding.h"

namespace rhizome::workers {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kTextMax = 64u << 10;

using format::Decoder;
using format::PutBytes;
using format::PutI64;
using format::PutU8;
using format::PutVarint;

bool ReadState(Decoder& in, JobState& state) {
  uint8_t value = 0;
  if (!in.U8(value) || value > static_cast<uint8_t>(JobState::kDone)) return false;
  state = static_cast<JobState>(value);
  return true;
}

bool ReadU32(Decoder& in, uint32_t& value) {
  uint64_t wide = 0;
  if (!in.Varint(wide, UINT32_MAX)) return false;
  value = static_cast<uint32_t>(wide);
  return true;
}

// The further of two states of one job. Of two equal ones the earlier counts, and then the reason decides, so that the
// order they come in never matters.
bool IsFurther(const JobStatus& a, const JobStatus& than) {
  const auto rank = [](const JobStatus& s) {
    return std::make_tuple(s.state == JobState::kDone, s.round, s.attempt, static_cast<uint8_t>(s.state), -s.at_ms);
  };
  const auto left = rank(a), right = rank(than);
  return left != right ? left > right : a.reason > than.reason;
}

bool ReadEvent(Decoder& in, TaskEvent& event) {
  uint64_t next = 0;
  if (!in.Bytes(event.task, kTextMax) || !in.Bytes(event.key, kTextMax) || !in.Bytes(event.job, kTextMax) ||
      !ReadState(in, event.state) || !ReadU32(in, event.round) || !ReadU32(in, event.attempt) || !in.I64(event.at_ms) ||
      !in.I64(event.accepted_ms) || !in.Bytes(event.reason, kTextMax) || !in.Count(next, 1)) {
    return false;
  }
  event.next.resize(next);
  return std::all_of(event.next.begin(), event.next.end(), [&](std::string& name) { return in.Bytes(name, kTextMax); });
}

}  // namespace

std::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kRetrying: return "retrying";
    case JobState::kDead: return "dead_lettered";
    case JobState::kDropped: return "dropped";
    case JobState::kDone: return "done";
  }
  return "unknown";
}

std::string_view TaskStateName(TaskState state) {
  switch (state) {
    case TaskState::kWorking: return "working";
    case TaskState::kDone: return "done";
    case TaskState::kDeadLettered: return "dead_lettered";
  }
  return "unknown";
}

TaskState Task::state() const {
  bool dead = false;
  for (const auto& [name, job] : jobs) {
    if (job.state == JobState::kWaiting || job.state == JobState::kRetrying) return TaskState::kWorking;
    dead |= job.state != JobState::kDone;
  }
  return dead ? TaskState::kDeadLettered : TaskState::kDone;
}

int64_t Task::changed_ms() const {
  int64_t last = accepted_ms;
  for (const auto& [name, job] : jobs) last = std::max(last, job.at_ms);
  return last;
}

std::string Task::reason() const {
  for (const auto& [name, job] : jobs) {
    if (job.state == JobState::kDead || job.state == JobState::kDropped) return name + ": " + job.reason;
  }
  return {};
}

bool Merge(const TaskEvent& event, Task& task) {
  bool changed = false;
  if (task.key.empty() && !event.key.empty()) task.key = event.key, changed = true;
  if (event.accepted_ms != 0 && (task.accepted_ms == 0 || event.accepted_ms < task.accepted_ms)) {
    task.accepted_ms = event.accepted_ms;
    changed = true;
  }
  const JobStatus now{event.state, event.round, event.attempt, event.at_ms, event.reason};
  const auto [job, added] = task.jobs.emplace(event.job, now);
  if (!added && IsFurther(now, job->second)) job->second = now, changed = true;
  changed |= added;
  for (const std::string& name : event.next) {
    const JobStatus waiting{JobState::kWaiting, 0, 0, event.at_ms, {}};
    const auto [next, made] = task.jobs.emplace(name, waiting);
    if (!made && IsFurther(waiting, next->second)) next->second = waiting, changed = true;
    changed |= made;
  }
  return changed;
}

std::string EncodeEvents(std::span<const TaskEvent> events) {
  std::string out;
  PutU8(out, kVersion);
  PutVarint(out, events.size());
  for (const TaskEvent& event : events) {
    PutBytes(out, event.task);
    PutBytes(out, event.key);
    PutBytes(out, event.job);
    PutU8(out, static_cast<uint8_t>(event.state));
    PutVarint(out, event.round);
    PutVarint(out, event.attempt);
    PutI64(out, event.at_ms);
    PutI64(out, event.accepted_ms);
    PutBytes(out, event.reason);
    PutVarint(out, event.next.size());
    for (const std::string& name : event.next) PutBytes(out, name);
  }
  return out;
}

Result<std::vector<TaskEvent>> DecodeEvents(std::string_view bytes) {
  Decoder in(bytes);
  uint8_t version = 0;
  uint64_t count = 0;
  if (!in.U8(version) || version != kVersion || !in.Count(count, 24)) return in.Failure("task events");
  std::vector<TaskEvent> events(count);
  for (TaskEvent& event : events) {
    if (!ReadEvent(in, event)) return in.Failure("task events");
  }
  RETURN_IF_ERROR(in.Finish("task events"));
  return events;
}

std::string EncodeTask(const Task& task) {
  std::string out;
  PutU8(out, kVersion);
  PutBytes(out, task.key);
  PutI64(out, task.accepted_ms);
  PutVarint(out, task.jobs.size());
  for (const auto& [name, job] : task.jobs) {
    PutBytes(out, name);
    PutU8(out, static_cast<uint8_t>(job.state));
    PutVarint(out, job.round);
    PutVarint(out, job.attempt);
    PutI64(out, job.at_ms);
    PutBytes(out, job.reason);
  }
  return out;
}

Result<Task> DecodeTask(std::string id, std::string_view bytes) {
  Decoder in(bytes);
  Task task;
  task.id = std::move(id);
  uint8_t version = 0;
  uint64_t jobs = 0;
  if (!in.U8(version) || version != kVersion || !in.Bytes(task.key, kTextMax) || !in.I64(task.accepted_ms) ||
      !in.Count(jobs, 13)) {
    return in.Failure("task");
  }
  for (uint64_t i = 0; i < jobs; ++i) {
    std::string name;
    JobStatus job;
    if (!in.Bytes(name, kTextMax) || !ReadState(in, job.state) || !ReadU32(in, job.round) ||
        !ReadU32(in, job.attempt) || !in.I64(job.at_ms) || !in.Bytes(job.reason, kTextMax)) {
      return in.Failure("task");
    }
    task.jobs[std::move(name)] = std::move(job);
  }
  RETURN_IF_ERROR(in.Finish("task"));
  return task;
}

}  // namespace rhizome::workers
