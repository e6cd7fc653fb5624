// Service: the memories of a server alone: the queue, its workers, the book of tasks and the learner, in two folders
// of the data directory (queue/, unless the queue is Kafka; tasks/). They are there from the first collection with a
// graph on, and not before.
//
// Thread-safe. What it is given outlives it; the destructor lets each worker finish the batch in hand.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
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
#include "memory/build.h"
#include "memory/housekeeper.h"
#include "memory/learner.h"
#include "queue/queue.h"
#include "shard/graph_shards.h"
#include "workers/dead_letters.h"
#include "workers/lag_gauges.h"
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
  uint32_t extract_workers = 1;  // 0: those of other processes do the extraction
  std::string kafka_brokers;     // "host:port,…"; "": the queue lies in the data directory
  workers::PipelineSettings settings = {};
  HousekeepingOptions housekeeping = {};
  graph::FunctionalRelations functional = graph::FunctionalRelations::Default();
};

class Service {
 public:
  // Starts at once where a collection has a graph. Errors: those of the queue's and the book's Open; Unavailable when
  // Kafka cannot be reached.
  static Result<std::unique_ptr<Service>> Open(const ServiceParts& parts, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // A new collection that has a graph: it learns what is written to it. Both are made or neither.
  Result<cluster::CollectionInfo> CreateMemory(const cluster::CollectionSpec& spec) EXCLUDES(mutex_);
  // Gives a collection a graph, unless it has one: from then on it learns what is written to it. NotFound: no such
  // collection.
  Status MakeMemory(const std::string& collection) EXCLUDES(mutex_);
  // The same, and has what is in it learned too, in the background (memory/build.h): the task's id.
  Result<std::string> LearnAll(const std::string& collection) EXCLUDES(mutex_);
  // How far that is; nullopt when no such task is known. FailedPrecondition: the collection has no graph.
  Result<std::optional<BuildProgress>> LearnProgress(const std::string& collection);
  // As Learner's; without a memory there is nothing to learn.
  Result<std::vector<std::string>> Changed(const std::string& collection, std::span<const format::PointId> documents)
      EXCLUDES(mutex_);
  Status Deleted(const std::string& collection, const format::PointId& document) EXCLUDES(mutex_);
  // NotFound: never heard of, or forgotten (a day after its end).
  Result<workers::Task> Task(const std::string& id) EXCLUDES(mutex_);
  // As the book's: `watcher` hears of each change of the task until Unwatch. NotFound without a memory.
  Result<uint64_t> Watch(const std::string& id, workers::TaskBook::Watcher watcher);
  void Unwatch(uint64_t number);
  // As the book's; empty without a memory.
  Result<workers::TaskPage> Tasks(const workers::TaskQuery& query);
  // As workers/dead_letters.h says; none without a memory.
  Result<std::vector<workers::DeadLetter>> DeadLetters(const workers::DeadLetterChoice& choice, size_t most);
  Result<uint64_t> Redrive(const workers::DeadLetterChoice& choice) EXCLUDES(dead_letters_mutex_);
  Result<uint64_t> Discard(const workers::DeadLetterChoice& choice) EXCLUDES(dead_letters_mutex_);
  // Sets the gauges of workers/lag_gauges.h and says the same; empty without a memory. Asks the queue, so it may fail.
  Result<workers::PipelineLag> Lag();
  // The graph of a collection. NotFound: no such collection; FailedPrecondition: it has none.
  Result<std::shared_ptr<shard::GraphShards>> Graph(const std::string& collection);
  // Which relations' facts contradict each other, for shard::GraphView.
  const graph::FunctionalRelations& functional() const { return options_.functional; }
  // Of all memories: how they age and mend themselves.
  Housekeeper& housekeeper() { return *housekeeper_; }

 private:
  // Everything that is there once there is a memory; goes down in the order that is the other way round.
  struct Running {
    std::unique_ptr<queue::Queue> queue;
    std::unique_ptr<workers::LagGauges> lags;
    std::unique_ptr<workers::TaskBook> book;
    std::unique_ptr<workers::RetryMover> mover;
    std::unique_ptr<Learner> learner;
    std::unique_ptr<Builder> builder;
    std::vector<std::unique_ptr<workers::Worker>> workers;
  };
  Service(const ServiceParts& parts, ServiceOptions options) : parts_(parts), options_(std::move(options)) {}
  Status Start() EXCLUDES(mutex_);
  Result<Running> MakeRunning();
  Result<std::unique_ptr<queue::Queue>> OpenQueue();
  Status AddWorkers(std::string_view stage, uint32_t count, const workers::Handler& handler, Running& made);
  // Null before the first memory.
  Running* running() { return running_.load(); }

  const ServiceParts parts_;
  const ServiceOptions options_;
  Mutex dead_letters_mutex_;  // taking some out is one's work at a time
  Mutex mutex_;
  std::unique_ptr<Running> owned_ GUARDED_BY(mutex_);
  std::atomic<Running*> running_{nullptr};
  std::unique_ptr<Housekeeper> housekeeper_;  // constant after Open; goes first
};

}  // namespace rhizome::memory
