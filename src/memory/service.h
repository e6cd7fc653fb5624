// Service: the memories of a server alone: the queue, its workers, the book of tasks and the learner, in two folders
// of the data directory (queue/, tasks/). They are there from the first collection with a graph on, and not before.
//
// Thread-safe. What it is given outlives it; the destructor lets each worker finish the batch in hand.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "cluster/node.h"
#include "engines/graph/conflicts.h"
#include "io/disk.h"
#include "memory/housekeeper.h"
#include "memory/learner.h"
#include "queue/embedded.h"
#include "shard/graph_shards.h"
#include "workers/retry_mover.h"
#include "workers/task_book.h"
#include "workers/worker.h"

namespace rhizome::memory {

struct ServiceParts {
  cluster::Node& node;
  io::Disk& disk;
  MetricRegistry& metrics;
  Clock& clock = SystemClock();  // of ageing
};

struct ServiceOptions {
  std::string data_dir;
  uint32_t extract_workers = 1;
  workers::PipelineSettings settings = {};
  HousekeepingOptions housekeeping = {};
  graph::FunctionalRelations functional = graph::FunctionalRelations::Default();
};

class Service {
 public:
  // Starts at once where a collection has a graph. Errors: those of the queue's and the book's Open.
  static Result<std::unique_ptr<Service>> Open(const ServiceParts& parts, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Gives a collection a graph, unless it has one: from then on it learns what is written to it. NotFound: no such
  // collection.
  Status MakeMemory(const std::string& collection) EXCLUDES(mutex_);
  // As Learner's; without a memory there is nothing to learn.
  Result<std::vector<std::string>> Changed(const std::string& collection, std::span<const format::PointId> documents)
      EXCLUDES(mutex_);
  Status Deleted(const std::string& collection, const format::PointId& document) EXCLUDES(mutex_);
  // NotFound: never heard of, or forgotten (a day after its end).
  Result<workers::Task> Task(const std::string& id) EXCLUDES(mutex_);
  // The graph of a collection. NotFound: no such collection; FailedPrecondition: it has none.
  Result<std::shared_ptr<shard::GraphShards>> Graph(const std::string& collection);
  // Which relations' facts contradict each other, for shard::GraphView.
  const graph::FunctionalRelations& functional() const { return options_.functional; }
  // Of all memories: how they age and mend themselves.
  Housekeeper& housekeeper() { return *housekeeper_; }

 private:
  // Everything that is there once there is a memory; goes down in the order that is the other way round.
  struct Running {
    std::unique_ptr<queue::EmbeddedQueue> queue;
    std::unique_ptr<workers::TaskBook> book;
    std::unique_ptr<workers::RetryMover> mover;
    std::unique_ptr<Learner> learner;
    std::vector<std::unique_ptr<workers::Worker>> workers;
  };
  Service(const ServiceParts& parts, ServiceOptions options) : parts_(parts), options_(std::move(options)) {}
  Status Start() EXCLUDES(mutex_);
  Result<Running> MakeRunning();
  // Null before the first memory.
  Running* running() { return running_.load(); }

  const ServiceParts parts_;
  const ServiceOptions options_;
  Mutex mutex_;
  std::unique_ptr<Running> owned_ GUARDED_BY(mutex_);
  std::atomic<Running*> running_{nullptr};
  std::unique_ptr<Housekeeper> housekeeper_;  // constant after Open; goes first
};

}  // namespace rhizome::memory
