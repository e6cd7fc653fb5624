// Learner: what documents say goes into the knowledge graph of their collection, through the queue, on a server alone.
//
//   a document was written → Changed: one durable task → a worker of stage ingest.extract calls Work: reads the
//   document as it is then, extracts, writes its derivation under the task's version
//
// Workers in processes of their own extract too (memory/extract_stage.h); what they found comes as jobs of stage
// graph.resolve, which WorkResolve writes.
//
// Work may be repeated, by crashes or by the queue: a derivation is one register and the highest version wins. A task
// that comes after its document was changed again writes what the document says by then, and the later task comes too;
// one whose document is gone writes a tombstone. So when all tasks are done the graph says what the documents say. A
// collection without a graph learns nothing (Node::MakeGraph gives it one).
//
// Thread-safe. What it is given outlives it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "cluster/node.h"
#include "format/graph.h"
#include "format/point.h"
#include "memory/extract_stage.h"
#include "queue/queue.h"
#include "workers/job.h"
#include "workers/settings.h"
#include "workers/task_book.h"

namespace rhizome::memory {

struct LearnerParts {
  cluster::Node& node;
  queue::Queue& queue;
  workers::TaskBook* book = nullptr;  // knows the tasks as soon as they are accepted; null: none does
};

class Learner {
 public:
  Learner(const LearnerParts& parts, const workers::PipelineSettings& settings);

  // These documents of a collection were written, and are durable. Returns their tasks' ids, in order, once those are
  // durable; none where the collection has no graph. Errors are those of workers::Accept and NotFound (no such
  // collection); whoever gets one says so again, or the graph does not learn of them.
  Result<std::vector<std::string>> Changed(const std::string& collection, std::span<const format::PointId> documents);
  // This document was deleted. Returns once the graph says nothing that it said, and keeps nothing of entities that it
  // alone named; doing it again changes nothing.
  Status Deleted(const std::string& collection, const format::PointId& document);

  // The handler of stage ingest.extract.
  std::vector<workers::Outcome> Work(std::span<const workers::Job> jobs);
  // The handler of stage graph.resolve.
  std::vector<workers::Outcome> WorkResolve(std::span<const workers::Job> jobs);

 private:
  // What documents of one collection say, and whose job each is.
  struct Learned {
    std::vector<format::GraphOperation> operations;
    std::vector<size_t> jobs;
  };
  void Write(const std::string& collection, Learned learned, std::vector<workers::Outcome>& outcomes);

  const LearnerParts parts_;
  const workers::PipelineSettings settings_;
  Deriver deriver_;
};

}  // namespace rhizome::memory
