#include "workers/lag_gauges.h"

#include "workers/dead_letters.h"

namespace rhizome::workers {

LagGauges::LagGauges(queue::Queue& queue, const PipelineSettings& settings, MetricRegistry& metrics)
    : queue_(queue),
      settings_(settings),
      dead_letters_(metrics.GetGauge("queue_dead_letters", "Messages in the dead-letter queue.")) {
  const auto add = [&](const std::string& topic) {
    lag_.emplace(
        topic, metrics.GetGauge("queue_lag", "Messages of a topic that its group has not passed.", {{"topic", topic}}));
  };
  for (const std::string& stage : settings.stages) add(StageTopic(settings, stage));
  for (uint32_t attempt = 1; attempt <= settings.retries_max; ++attempt) add(RetryTopic(settings, attempt));
}

Result<PipelineLag> LagGauges::Update() {
  std::vector<std::string> groups;
  for (const std::string& stage : settings_.stages) groups.push_back(StageGroup(settings_, stage));
  if (settings_.retries_max > 0) groups.push_back(RetryGroup(settings_));
  PipelineLag lag;
  for (const auto& [topic, gauge] : lag_) lag.topics[topic] = 0;
  for (const std::string& group : groups) {
    ASSIGN_OR_RETURN(const std::vector<queue::Lag> lags, queue_.Lags(group));
    for (const queue::Lag& each : lags) lag.topics[each.topic] += each.messages();
  }
  ASSIGN_OR_RETURN(lag.dead_letters, CountDeadLetters(queue_, settings_));
  for (auto& [topic, gauge] : lag_) gauge.Set(static_cast<double>(lag.topics.at(topic)));
  dead_letters_.Set(static_cast<double>(lag.dead_letters));
  return lag;
}

}  // namespace rhizome::workers
