// The pipeline through every power loss: at each operation of the disk, what could be left of it is worked on to the
// end.
#include <gtest/gtest.h>

#include "io/crash_enumeration.h"
#include "io/sim_disk.h"
#include "workers/intake.h"
#include "workers/task_events.h"
#include "workers_model.h"

namespace rhizome::pipeline_model {
namespace {

using io::SimDisk;

std::string TaskOf(uint64_t n) { return "d" + std::to_string(n); }

// Documents come in and are worked on, in one thread; the disk's marks say how many were acknowledged.
void Live(SimDisk& disk, uint64_t documents) {
  SimClock clock;
  Pipeline pipeline;
  if (!pipeline.Open(disk, "", clock, false).ok()) return;
  for (uint64_t n = 0; n < documents; ++n) {
    const workers::Submission submission{TaskOf(n), "t:m", {n + 1, 1}, "text"};
    if (!workers::Accept(*pipeline.queue, Settings(), {&submission, 1}, nullptr, clock).ok()) return;
    disk.Mark(n + 1);
    if (n % 3 != 2) continue;
    for (int step = 0; step < 3; ++step) {
      if (!pipeline.Step().ok()) return;
      clock.AdvanceMs(25);
    }
  }
}

Status WorkToTheEnd(Pipeline& pipeline, SimClock& clock) {
  for (int step = 0; step < 10'000; ++step) {
    RETURN_IF_ERROR(pipeline.Step().status());
    clock.AdvanceMs(20);
    ASSIGN_OR_RETURN(const uint64_t waiting, pipeline.Waiting());
    if (waiting == 0) return Status::Ok();
  }
  return Status::Internal("it never ends");
}

Result<std::map<std::string, workers::Task>> ReadTasks(queue::Queue& queue) {
  std::map<std::string, workers::Task> tasks;
  ASSIGN_OR_RETURN(const auto messages, queue.Browse({workers::TaskTopic(Settings()), 0, 0}, 100'000));
  for (const queue::Message& message : messages) {
    ASSIGN_OR_RETURN(const auto events, workers::DecodeEvents(message.value));
    for (const workers::TaskEvent& event : events) workers::Merge(event, tasks[event.task]);
  }
  return tasks;
}

// What is wrong after everything that is left was worked on; "" when nothing is.
std::string Verdict(SimDisk& disk, uint64_t acknowledged) {
  SimClock clock(1'800'000'000'000);
  Pipeline pipeline;
  if (const Status opened = pipeline.Open(disk, "", clock, false); !opened.ok()) return opened.ToString();
  if (const Status worked = WorkToTheEnd(pipeline, clock); !worked.ok()) return worked.ToString();
  const auto effects = pipeline.effects.all();
  const auto tasks = ReadTasks(*pipeline.queue);
  if (!tasks.ok()) return tasks.status().ToString();
  for (uint64_t n = 0; n < acknowledged; ++n) {
    const std::string task = TaskOf(n);
    const bool dead = EndsDead(FateOf(task));
    const auto found = tasks->find(task);
    if (found == tasks->end()) return "no status of " + task;
    const auto wanted = dead ? workers::TaskState::kDeadLettered : workers::TaskState::kDone;
    if (found->second.state() != wanted) return task + " is " + std::string(TaskStateName(found->second.state()));
    for (const std::string& job : JobsOf()) {
      const auto made = effects.find(task + " " + job);
      const uint64_t times = made == effects.end() ? 0 : made->second.times;
      if (times != (dead && job != "ingest.raw" ? 0u : 1u))
        return task + " " + job + " " + std::to_string(times) + " times";
      if (times > 0 && made->second.version != Version{n + 1, 1}) return task + " has another version";
    }
  }
  return {};
}

TEST(PipelineCrash, EveryPowerLossLeavesWhatEndsAsItShould) {
  SimDisk disk;
  disk.StartTrace();
  Live(disk, 30);
  uint64_t failures = 0;
  const auto counts = io::EnumerateCrashStates(disk.trace(), {.states_per_point_max = 3, .operations_per_point = 2},
                                               [&](SimDisk& crashed, const io::CrashPoint& point) {
                                                 const std::string wrong = Verdict(crashed, point.mark);
                                                 if (!wrong.empty() && ++failures < 5)
                                                   ADD_FAILURE() << "crash after " << point.after << ": " << wrong;
                                               });
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(counts.states, 200u);
  RecordProperty("crash_states", static_cast<int>(counts.states));
}

// It must be able to fail.
TEST(PipelineCrash, ADiskWhoseSyncsDoNothingIsCaught) {
  SimDisk disk({.sync_does_nothing = true});
  disk.StartTrace();
  Live(disk, 9);
  uint64_t caught = 0;
  io::EnumerateCrashStates(
      disk.trace(), {.states_per_point_max = 2, .operations_per_point = 5},
      [&](SimDisk& crashed, const io::CrashPoint& point) { caught += Verdict(crashed, point.mark).empty() ? 0 : 1; });
  EXPECT_GT(caught, 0u);
}

}  // namespace
}  // namespace rhizome::pipeline_model
