#include "memory/service.h"

namespace rhizome::memory {

Result<std::unique_ptr<Service>> Service::Open(const ServiceParts& parts, ServiceOptions options) {
  std::unique_ptr<Service> service(new Service(parts, std::move(options)));
  service->housekeeper_ = std::make_unique<Housekeeper>(parts.node, parts.clock, service->options_.housekeeping);
  ASSIGN_OR_RETURN(const auto collections, parts.node.ListCollections());
  for (const cluster::CollectionInfo& info : collections) {
    const auto graph = parts.node.Graph(info.spec.name);
    if (graph.ok() && *graph == nullptr) continue;
    RETURN_IF_ERROR(service->Start());
    break;
  }
  return service;
}

Service::~Service() {
  housekeeper_.reset();
  MutexLock lock(mutex_);
  running_ = nullptr;
  if (owned_ == nullptr) return;
  for (const auto& worker : owned_->workers) worker->Stop();
  owned_->mover->Stop();
  owned_->book->Stop();
  owned_.reset();
}

Status Service::Start() {
  MutexLock lock(mutex_);
  if (owned_ != nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(Running made, MakeRunning());
  owned_ = std::make_unique<Running>(std::move(made));
  housekeeper_->Start();
  owned_->book->Start();
  owned_->mover->Start();
  for (const auto& worker : owned_->workers) worker->Start();
  running_ = owned_.get();
  return Status::Ok();
}

Result<Service::Running> Service::MakeRunning() {
  Running made;
  ASSIGN_OR_RETURN(made.queue, queue::EmbeddedQueue::Open(parts_.disk, options_.data_dir + "/queue"));
  RETURN_IF_ERROR(workers::EnsureTopics(*made.queue, options_.settings));
  ASSIGN_OR_RETURN(made.book, workers::TaskBook::Open(*made.queue, options_.settings, options_.data_dir + "/tasks"));
  ASSIGN_OR_RETURN(made.mover, workers::RetryMover::Create(*made.queue, options_.settings));
  made.learner = std::make_unique<Learner>(LearnerParts{parts_.node, *made.queue, made.book.get()}, options_.settings);
  workers::WorkerOptions worker;
  worker.stage = std::string(workers::kExtract);
  worker.metrics = &parts_.metrics;
  for (uint32_t i = 0; i < options_.extract_workers; ++i) {
    ASSIGN_OR_RETURN(auto one,
                     workers::Worker::Create(*made.queue, options_.settings, worker,
                                             [learner = made.learner.get()](std::span<const workers::Job> jobs) {
                                               return learner->Work(jobs);
                                             }));
    made.workers.push_back(std::move(one));
  }
  return made;
}

Status Service::MakeMemory(const std::string& collection) {
  RETURN_IF_ERROR(parts_.node.GetSpec(collection).status());
  // First those who work, so that no graph is there that nobody feeds.
  RETURN_IF_ERROR(Start());
  return parts_.node.MakeGraph(collection).status();
}

Result<std::vector<std::string>> Service::Changed(const std::string& collection,
                                                  std::span<const format::PointId> documents) {
  Running* const now = running();
  if (now == nullptr) return std::vector<std::string>();
  return now->learner->Changed(collection, documents);
}

Status Service::Deleted(const std::string& collection, const format::PointId& document) {
  Running* const now = running();
  return now == nullptr ? Status::Ok() : now->learner->Deleted(collection, document);
}

Result<workers::Task> Service::Task(const std::string& id) {
  Running* const now = running();
  if (now == nullptr) return Status::NotFound("there is no task " + id);
  return now->book->Get(id);
}

Result<std::shared_ptr<shard::GraphShards>> Service::Graph(const std::string& collection) {
  ASSIGN_OR_RETURN(auto graph, parts_.node.Graph(collection));
  if (graph != nullptr) return graph;
  return Status::FailedPrecondition("collection " + collection +
                                    " has no knowledge graph: make it with \"graph\": true");
}

}  // namespace rhizome::memory
