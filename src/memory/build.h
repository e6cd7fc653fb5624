// Builder: gives a graph to a collection that has documents already, in the background.
//
//   Begin: one durable task, "learn-<collection's id>" → a worker of stage ingest.raw calls Work with one page of the
//   collection after the other: the page's documents become tasks of stage ingest.extract, the next page the next job
//
// A page's job is named "ingest.raw/N": N documents were taken before it, which is the progress that Progress tells.
// All tasks that a build makes have the version that the build was accepted with and ids that follow from it, so a page
// that is done twice changes nothing, and whatever is written to the collection meanwhile is newer and wins. A build
// waits while much waits in ingest.extract, so that documents written meanwhile are not far behind.
//
// Thread-safe. What it is given outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "cluster/node.h"
#include "memory/learner.h"
#include "queue/queue.h"
#include "workers/job.h"
#include "workers/settings.h"
#include "workers/task_book.h"

namespace rhizome::memory {

struct BuildProgress {
  std::string task;
  workers::TaskState state = workers::TaskState::kWorking;  // of handing out; what was handed out may wait still
  std::string reason;                                       // why it is dead-lettered
  uint64_t documents_taken = 0;
};

class Builder {
 public:
  Builder(const LearnerParts& parts, const workers::PipelineSettings& settings) : parts_(parts), settings_(settings) {}

  // The collection has a graph. Returns once the task is durable, or at once when it is under way or done already
  // (until the book forgets it): its id.
  Result<std::string> Begin(const std::string& collection);
  // nullopt: the book knows no build of this collection. NotFound: there is no such collection.
  Result<std::optional<BuildProgress>> Progress(const std::string& collection);

  // The handler of stage ingest.raw.
  std::vector<workers::Outcome> Work(std::span<const workers::Job> jobs);
  // What waits in Work gives up, as a failure.
  void Stop() { stopping_ = true; }

 private:
  struct Page {
    std::vector<format::PointId> documents;
    std::optional<format::PointId> next;
  };
  workers::Outcome WorkOne(const workers::Job& job);
  Result<Page> ReadPage(const std::string& collection, const std::optional<format::PointId>& after);
  // Until little enough waits for the extraction.
  Status AwaitRoom();

  const LearnerParts parts_;
  const workers::PipelineSettings settings_;
  std::atomic<bool> stopping_{false};
};

}  // namespace rhizome::memory
