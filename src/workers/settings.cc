#include "workers/settings.h"

#include <algorithm>

namespace rhizome::workers {

namespace {
constexpr uint32_t kRetriesMax = 16;
constexpr uint32_t kDeliveriesMax = 1000;
constexpr int64_t kDelayMsMax = 24LL * 3'600'000;
}  // namespace

std::string StageTopic(const PipelineSettings& settings, std::string_view stage) {
  return settings.prefix + std::string(stage);
}
std::string RetryTopic(const PipelineSettings& settings, uint32_t attempt) {
  return settings.prefix + "retry." + std::to_string(attempt);
}
std::string DeadTopic(const PipelineSettings& settings) { return settings.prefix + "dlq"; }
std::string TaskTopic(const PipelineSettings& settings) { return settings.prefix + "tasks"; }
std::string StageGroup(const PipelineSettings& settings, std::string_view stage) {
  return settings.prefix + "workers." + std::string(stage);
}
std::string RetryGroup(const PipelineSettings& settings) { return settings.prefix + "retry"; }
std::string DeadGroup(const PipelineSettings& settings) { return settings.prefix + "dlq"; }

int64_t RetryDelayMs(const PipelineSettings& settings, uint32_t attempt) {
  const uint32_t doublings = std::min(attempt == 0 ? 0 : attempt - 1, kRetriesMax);
  return std::min(settings.retry_base_ms << doublings, kDelayMsMax);
}

Status CheckSettings(const PipelineSettings& settings) {
  if (settings.retries_max > kRetriesMax) {
    return Status::InvalidArgument("retries_max", "at most " + std::to_string(kRetriesMax));
  }
  if (settings.retry_base_ms < 1 || settings.retry_base_ms > kDelayMsMax) {
    return Status::InvalidArgument("retry_base_ms", "1 ms to a day");
  }
  if (settings.deliveries_max < 1 || settings.deliveries_max > kDeliveriesMax) {
    return Status::InvalidArgument("deliveries_max", "1 to " + std::to_string(kDeliveriesMax));
  }
  if (settings.stages.empty()) return Status::InvalidArgument("stages", "at least one");
  for (const std::string& stage : settings.stages) {
    RETURN_IF_ERROR(queue::CheckName("stages", StageGroup(settings, stage)));
  }
  return Status::Ok();
}

Status EnsureTopics(queue::Queue& queue, const PipelineSettings& settings) {
  RETURN_IF_ERROR(CheckSettings(settings));
  const queue::TopicOptions bounded{settings.partitions, settings.backlog_messages_max, settings.backlog_bytes_max};
  // Refusing what was accepted before would lose it; these are as bounded as what flows into them.
  const queue::TopicOptions inner{1, UINT64_MAX, UINT64_MAX};
  for (const std::string& stage : settings.stages) {
    const std::string topic = StageTopic(settings, stage);
    RETURN_IF_ERROR(queue.EnsureTopic(topic, bounded));
    RETURN_IF_ERROR(queue.DeclareGroup(StageGroup(settings, stage), {&topic, 1}));
  }
  for (uint32_t attempt = 1; attempt <= settings.retries_max; ++attempt) {
    const std::string topic = RetryTopic(settings, attempt);
    RETURN_IF_ERROR(queue.EnsureTopic(topic, inner));
    RETURN_IF_ERROR(queue.DeclareGroup(RetryGroup(settings), {&topic, 1}));
  }
  const std::string dead = DeadTopic(settings);
  RETURN_IF_ERROR(queue.EnsureTopic(dead, inner));
  RETURN_IF_ERROR(queue.DeclareGroup(DeadGroup(settings), {&dead, 1}));
  return queue.EnsureTopic(TaskTopic(settings), inner);
}

}  // namespace rhizome::workers
