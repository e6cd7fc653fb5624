// LagGauges: how far each stage is behind, and how many dead letters lie there, as metrics: what autoscaling goes by.
//
//   queue_lag{topic}        messages that the topic's group has not passed: stages and repetitions
//   queue_dead_letters      messages in the dead-letter queue
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/metrics.h"
#include "base/status.h"
#include "queue/queue.h"
#include "workers/settings.h"

namespace rhizome::workers {

struct PipelineLag {
  std::map<std::string, uint64_t> topics;  // messages by topic
  uint64_t dead_letters = 0;
};

// Thread-safe.
class LagGauges {
 public:
  // Topics exist (EnsureTopics). Queue and registry outlive it.
  LagGauges(queue::Queue& queue, const PipelineSettings& settings, MetricRegistry& metrics);
  // Asks the queue and sets the gauges, to what it says. After an error they are as before.
  Result<PipelineLag> Update();

 private:
  queue::Queue& queue_;
  const PipelineSettings settings_;
  std::map<std::string, Gauge> lag_;  // by topic
  Gauge dead_letters_;
};

}  // namespace rhizome::workers
