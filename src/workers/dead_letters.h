// Dead letters: jobs that failed for good, to be looked at, sent on their way again, or given up. Thread-safe, as the
// queue is.
//
// They lie in the topic "dlq" until they are taken out. Taking some out reads the whole topic once: those that are to
// stay are written behind its end, then the group's offset passes all of them; a crash in between leaves some twice,
// and a listing shows each once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "queue/queue.h"
#include "workers/job.h"
#include "workers/settings.h"

namespace rhizome::workers {

struct DeadLetter {
  Job job;  // of a message that was no job: empty but for its payload
  std::string reason;
  int64_t died_ms = 0;
};

// How many messages are in the topic.
Result<uint64_t> CountDeadLetters(queue::Queue& queue, const PipelineSettings& settings);

struct DeadLetterChoice {
  std::vector<std::string> tasks;  // ids; empty: all of them
  std::string stage;               // only jobs of this stage; empty: of any
  std::string reason;              // only those whose reason begins so; empty: of any
};
// The oldest `most` of the chosen ones.
Result<std::vector<DeadLetter>> ListDeadLetters(queue::Queue& queue, const PipelineSettings& settings, size_t most,
                                                const DeadLetterChoice& choice = {});
// Sends the chosen ones to their stages again, as the first attempt of a new round. How many.
Result<uint64_t> Redrive(queue::Queue& queue, const PipelineSettings& settings, const DeadLetterChoice& choice,
                         Clock& clock = SystemClock());
// Gives the chosen ones up for good; their tasks stay dead-lettered. How many.
Result<uint64_t> Discard(queue::Queue& queue, const PipelineSettings& settings, const DeadLetterChoice& choice,
                         Clock& clock = SystemClock());

}  // namespace rhizome::workers
