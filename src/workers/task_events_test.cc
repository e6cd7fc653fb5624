#include "workers/task_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

namespace rhizome::workers {
namespace {

TaskEvent Event(const std::string& job, JobState state, uint32_t round, uint32_t attempt, int64_t at_ms) {
  return {"t", "a:b", job, state, round, attempt, at_ms, 5, state == JobState::kDead ? "why" : "", {}};
}

std::vector<TaskEvent> Story() {
  std::vector<TaskEvent> story = {
      Event("raw", JobState::kWaiting, 0, 0, 5),     Event("raw", JobState::kDone, 0, 0, 10),
      Event("raw", JobState::kDone, 0, 0, 12),       Event("embed", JobState::kRetrying, 0, 1, 20),
      Event("embed", JobState::kDead, 0, 3, 30),     Event("embed", JobState::kWaiting, 1, 0, 40),
      Event("embed", JobState::kRetrying, 1, 1, 50), Event("extract", JobState::kDead, 0, 0, 35)};
  story[1].next = {"embed", "extract"};
  story[2].next = {"embed", "extract"};
  return story;
}

TEST(TaskEvents, AnyOrderAndAnyRepetitionGivesTheSameTask) {
  std::vector<TaskEvent> events = Story();
  Task expected{"t"};
  for (const TaskEvent& event : events) Merge(event, expected);
  EXPECT_EQ(expected.state(), TaskState::kWorking);
  EXPECT_EQ(expected.jobs.at("raw").at_ms, 10);
  EXPECT_EQ(expected.jobs.at("embed").round, 1u);
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::vector<TaskEvent> mixed = events;
    for (int n = 0; n < 4; ++n) mixed.push_back(events[random() % events.size()]);
    std::shuffle(mixed.begin(), mixed.end(), random);
    Task task{"t"};
    for (const TaskEvent& event : mixed) Merge(event, task);
    ASSERT_EQ(task, expected) << i;
  }
}

TEST(TaskEvents, ATaskIsDoneWhenAllOfItsJobsAre) {
  Task task{"t"};
  TaskEvent raw = Event("raw", JobState::kDone, 0, 0, 1);
  raw.next = {"embed"};
  EXPECT_TRUE(Merge(raw, task));
  EXPECT_FALSE(Merge(raw, task));
  EXPECT_EQ(task.state(), TaskState::kWorking);
  Merge(Event("embed", JobState::kDead, 0, 3, 2), task);
  EXPECT_EQ(task.state(), TaskState::kDeadLettered);
  EXPECT_EQ(task.reason(), "embed: why");
  Merge(Event("embed", JobState::kDone, 0, 1, 3), task);  // of a copy that came through
  EXPECT_EQ(task.state(), TaskState::kDone);
  EXPECT_EQ(task.reason(), "");
  EXPECT_EQ(task.changed_ms(), 5);
}

TEST(TaskEvents, BytesAreReadAsTheyWereWrittenAndCutAnywhereAreCorruption) {
  const std::vector<TaskEvent> events = Story();
  const std::string bytes = EncodeEvents(events);
  EXPECT_EQ(DecodeEvents(bytes).value(), events);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeEvents(bytes.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  Task task{"t"};
  for (const TaskEvent& event : events) Merge(event, task);
  const std::string stored = EncodeTask(task);
  EXPECT_EQ(DecodeTask("t", stored).value(), task);
  for (size_t length = 0; length < stored.size(); ++length) {
    EXPECT_EQ(DecodeTask("t", stored.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
}

TEST(TaskEvents, TheBytesStayWhatTheyAre) {
  Task task{"t"};
  for (const TaskEvent& event : Story()) Merge(event, task);
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/workers/testdata/tasks_v1.bin", std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(golden, EncodeEvents(Story()) + EncodeTask(task));
}

}  // namespace
}  // namespace rhizome::workers
