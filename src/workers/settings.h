// Settings of the pipeline's queue: topic names, retries, bounds. Values only; constant once the pipeline runs, and the
// same for all of its processes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "queue/queue.h"

namespace rhizome::workers {

// Stages of the pipeline: what a job is for, and the topic it waits in. Any other name is a stage too, once it is in
// PipelineSettings::stages.
inline constexpr std::string_view kRaw = "ingest.raw";
inline constexpr std::string_view kEmbed = "ingest.embed";
inline constexpr std::string_view kExtract = "ingest.extract";
inline constexpr std::string_view kResolve = "graph.resolve";
inline constexpr std::string_view kEvolve = "graph.evolve";
inline constexpr std::string_view kQuery = "query.pending";

struct PipelineSettings {
  std::string prefix;  // before every topic's and group's name: "graphmem." makes "graphmem.ingest.raw"
  std::vector<std::string> stages = {std::string(kRaw),     std::string(kEmbed),  std::string(kExtract),
                                     std::string(kResolve), std::string(kEvolve), std::string(kQuery)};
  uint32_t partitions = 4;  // of each stage's topic
  uint64_t backlog_messages_max = 1'000'000;
  uint64_t backlog_bytes_max = 4ull << 30;
  // A job that failed waits retry_base_ms, then twice as long, …; after so many repetitions it is a dead letter.
  uint32_t retries_max = 3;  // 0 to 16
  int64_t retry_base_ms = 60'000;
  // A job that a process worked on alone when it ended, so often, is a dead letter (workers/deliveries.h). 1 to 1000.
  uint32_t deliveries_max = 5;
};

// Names with the prefix.
std::string StageTopic(const PipelineSettings& settings, std::string_view stage);
std::string RetryTopic(const PipelineSettings& settings, uint32_t attempt);  // where attempt 1 … retries_max waits
std::string DeadTopic(const PipelineSettings& settings);
std::string TaskTopic(const PipelineSettings& settings);  // what becomes of tasks (workers/task_events.h)
std::string StageGroup(const PipelineSettings& settings, std::string_view stage);
std::string RetryGroup(const PipelineSettings& settings);
std::string DeadGroup(const PipelineSettings& settings);
int64_t RetryDelayMs(const PipelineSettings& settings, uint32_t attempt);

// InvalidArgument naming the setting.
Status CheckSettings(const PipelineSettings& settings);
// Makes every topic, and declares every stage's group, so that nothing is let go before its worker was ever there.
// To be called by whoever uses a queue first; again changes nothing.
Status EnsureTopics(queue::Queue& queue, const PipelineSettings& settings);

}  // namespace rhizome::workers
