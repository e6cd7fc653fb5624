#include "memory/service.h"

#include "queue/embedded.h"
#include "queue/kafka.h"

namespace rhizome::memory {

namespace {
// Each batch is made durable four times: what is begun, the effects, what follows, that it is done.
constexpr uint32_t kJobsPerBatch = 256;
}  // namespace

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
  owned_->builder->Stop();
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
  ASSIGN_OR_RETURN(made.queue, OpenQueue());
  if (const Status made_topics = workers::EnsureTopics(*made.queue, options_.settings); !made_topics.ok()) {
    return made_topics.Annotate("the queue");
  }
  made.lags = std::make_unique<workers::LagGauges>(*made.queue, options_.settings, parts_.metrics);
  ASSIGN_OR_RETURN(made.book, workers::TaskBook::Open(*made.queue, options_.settings, options_.data_dir + "/tasks"));
  ASSIGN_OR_RETURN(made.mover, workers::RetryMover::Create(*made.queue, options_.settings));
  const LearnerParts parts{parts_.node, *made.queue, made.book.get()};
  made.learner = std::make_unique<Learner>(parts, options_.settings);
  made.builder = std::make_unique<Builder>(parts, options_.settings);
  RETURN_IF_ERROR(AddWorkers(
      workers::kExtract, options_.extract_workers,
      [learner = made.learner.get()](std::span<const workers::Job> jobs) { return learner->Work(jobs); }, made));
  RETURN_IF_ERROR(AddWorkers(
      workers::kResolve, 1,
      [learner = made.learner.get()](std::span<const workers::Job> jobs) { return learner->WorkResolve(jobs); }, made));
  RETURN_IF_ERROR(AddWorkers(
      workers::kRaw, 1,
      [builder = made.builder.get()](std::span<const workers::Job> jobs) { return builder->Work(jobs); }, made));
  return made;
}

Result<std::unique_ptr<queue::Queue>> Service::OpenQueue() {
  if (options_.kafka_brokers.empty()) {
    ASSIGN_OR_RETURN(auto embedded, queue::EmbeddedQueue::Open(parts_.disk, options_.data_dir + "/queue"));
    return std::unique_ptr<queue::Queue>(std::move(embedded));
  }
  queue::KafkaQueueOptions kafka;
  kafka.brokers = options_.kafka_brokers;
  ASSIGN_OR_RETURN(auto opened, queue::KafkaQueue::Open(kafka));
  return std::unique_ptr<queue::Queue>(std::move(opened));
}

Status Service::AddWorkers(std::string_view stage, uint32_t count, const workers::Handler& handler, Running& made) {
  workers::WorkerOptions worker;
  worker.stage = std::string(stage);
  worker.metrics = &parts_.metrics;
  worker.batch_max = kJobsPerBatch;
  for (uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(auto one, workers::Worker::Create(*made.queue, options_.settings, worker, handler));
    made.workers.push_back(std::move(one));
  }
  return Status::Ok();
}

Result<cluster::CollectionInfo> Service::CreateMemory(const cluster::CollectionSpec& spec) {
  RETURN_IF_ERROR(cluster::ValidateSpec(spec));
  // First those who work, so that no graph is there that nobody feeds.
  RETURN_IF_ERROR(Start());
  return parts_.node.CreateWithGraph(spec);
}

Result<std::string> Service::LearnAll(const std::string& collection) {
  RETURN_IF_ERROR(MakeMemory(collection));
  return running()->builder->Begin(collection);
}

Result<std::optional<BuildProgress>> Service::LearnProgress(const std::string& collection) {
  RETURN_IF_ERROR(Graph(collection).status());
  return running()->builder->Progress(collection);
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

Result<uint64_t> Service::Watch(const std::string& id, workers::TaskBook::Watcher watcher) {
  Running* const now = running();
  if (now == nullptr) return Status::NotFound("there is no task " + id);
  return now->book->Watch(id, std::move(watcher));
}

void Service::Unwatch(uint64_t number) {
  if (Running* const now = running()) now->book->Unwatch(number);
}

Result<workers::TaskPage> Service::Tasks(const workers::TaskQuery& query) {
  Running* const now = running();
  if (now == nullptr) return workers::TaskPage();
  return now->book->List(query);
}

Result<std::vector<workers::DeadLetter>> Service::DeadLetters(const workers::DeadLetterChoice& choice, size_t most) {
  Running* const now = running();
  if (now == nullptr) return std::vector<workers::DeadLetter>();
  return workers::ListDeadLetters(*now->queue, options_.settings, most, choice);
}

Result<uint64_t> Service::Redrive(const workers::DeadLetterChoice& choice) {
  Running* const now = running();
  if (now == nullptr) return 0;
  const MutexLock lock(dead_letters_mutex_);
  return workers::Redrive(*now->queue, options_.settings, choice);
}

Result<uint64_t> Service::Discard(const workers::DeadLetterChoice& choice) {
  Running* const now = running();
  if (now == nullptr) return 0;
  const MutexLock lock(dead_letters_mutex_);
  return workers::Discard(*now->queue, options_.settings, choice);
}

Result<workers::PipelineLag> Service::Lag() {
  Running* const now = running();
  if (now == nullptr) return workers::PipelineLag();
  return now->lags->Update();
}

Result<std::shared_ptr<shard::GraphShards>> Service::Graph(const std::string& collection) {
  ASSIGN_OR_RETURN(auto graph, parts_.node.Graph(collection));
  if (graph != nullptr) return graph;
  return Status::FailedPrecondition("collection " + collection + " has no knowledge graph: POST /collections/" +
                                    collection + "/graph gives it one");
}

}  // namespace rhizome::memory
