#include "workers/intake.h"

#include <algorithm>

#include "workers/job.h"

namespace rhizome::workers {

namespace {
constexpr size_t kTaskIdMax = 200;
constexpr size_t kEventsPerMessage = 4096;
}  // namespace

Status Accept(queue::Queue& queue, const PipelineSettings& settings, std::span<const Submission> submissions,
              TaskBook* book, Clock& clock) {
  std::vector<queue::Outgoing> messages;
  std::vector<TaskEvent> events;
  const int64_t now_ms = clock.WallMs();
  for (const Submission& each : submissions) {
    if (each.task.empty() || each.task.size() > kTaskIdMax) {
      return Status::InvalidArgument("task", "a task's id is 1 to " + std::to_string(kTaskIdMax) + " bytes");
    }
    if (std::find(settings.stages.begin(), settings.stages.end(), each.stage) == settings.stages.end()) {
      return Status::InvalidArgument("stage", "there is no stage " + each.stage);
    }
    Job job{each.task, each.stage, each.key, each.version, each.payload, now_ms};
    messages.push_back(ToMessage(job, StageTopic(settings, each.stage)));
    events.push_back({each.task, each.key, each.stage, JobState::kWaiting, 0, 0, now_ms, now_ms, {}, {}});
  }
  for (size_t from = 0; from < events.size(); from += kEventsPerMessage) {
    const size_t count = std::min(kEventsPerMessage, events.size() - from);
    messages.push_back({TaskTopic(settings), {}, EncodeEvents(std::span(events).subspan(from, count)), {}});
  }
  RETURN_IF_ERROR(queue.Publish(messages));
  if (book != nullptr) book->Note(events);
  return Status::Ok();
}

}  // namespace rhizome::workers
