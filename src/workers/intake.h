// Intake: tasks come in. Thread-safe, as the queue is.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "base/version.h"
#include "queue/queue.h"
#include "workers/settings.h"
#include "workers/task_book.h"

namespace rhizome::workers {

struct Submission {
  std::string task;  // 1 to 200 bytes; the same id again is the same task
  std::string key;   // "tenant:memory"
  Version version;   // of the write that this is, assigned by whoever accepts it
  std::string payload;
  std::string stage = std::string(kRaw);  // where it begins
};

// Returns OK once every submission is durable: from then on each ends done or dead-lettered. Errors are those of
// queue::Queue::Publish: ResourceExhausted means that the pipeline is behind and says where; after DeadlineExceeded and
// IoError the same submissions may be sent again, under the same ids and versions. `book` may be null; else it knows
// the tasks when this returns.
Status Accept(queue::Queue& queue, const PipelineSettings& settings, std::span<const Submission> submissions,
              TaskBook* book, Clock& clock = SystemClock());

}  // namespace rhizome::workers
