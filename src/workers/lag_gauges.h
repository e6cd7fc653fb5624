// LagGauges: how far each stage is behind, and how many dead letters lie there, as metrics: what autoscaling goes by.
//
//   queue_lag{topic}        messages that the topic's group has not passed: stages and repetitions
//   queue_dead_letters      messages in the dead-letter queue
#pragma once

#include <map>
#include <string>

#include "base/metrics.h"
#include "base/status.h"
#include "queue/queue.h"
#include "workers/settings.h"

namespace rhizome::workers {

class LagGauges {
 public:
  // Topics exist (EnsureTopics). Queue and registry outlive it.
  LagGauges(queue::Queue& queue, const PipelineSettings& settings, MetricRegistry& metrics);
  // Asks the queue and sets the gauges; to be called every few seconds by one thread. After an error some are as
  // before.
  Status Update();

 private:
  queue::Queue& queue_;
  const PipelineSettings settings_;
  std::map<std::string, Gauge> lag_;  // by topic
  Gauge dead_letters_;
};

}  // namespace rhizome::workers
