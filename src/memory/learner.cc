#include "memory/learner.h"

#include <map>

#include "format/graph_key.h"
#include "memory/document_task.h"
#include "shard/graph_shards.h"
#include "workers/intake.h"

namespace rhizome::memory {
namespace {

// Chunks read at once: a long document is not held twice.
constexpr uint32_t kChunksPerRead = 256;

Result<std::optional<DocumentText>> ReadText(cluster::Node& node, const std::string& collection,
                                             const format::PointId& document) {
  ASSIGN_OR_RETURN(const auto stored, node.GetDocument(collection, document, {}));
  if (!stored) return std::optional<DocumentText>();
  const format::DocumentRecord& record = stored->record;
  DocumentText read;
  read.title = record.title;
  for (uint32_t from = 0; from < record.chunk_count; from += kChunksPerRead) {
    std::vector<format::PointId> ids;
    for (uint32_t n = from; n < record.chunk_count && ids.size() < kChunksPerRead; ++n) {
      ids.push_back(format::PointId::OfChunk(record.id, n));
    }
    ASSIGN_OR_RETURN(const auto points, node.Get(collection, ids, false, {}));
    // One that is missing was changed a moment ago: the task of that change comes.
    for (const auto& point : points) read.Append(point ? std::string_view(point->point.text) : std::string_view());
  }
  return std::optional<DocumentText>(std::move(read));
}

format::GraphOrigin OriginOf(const format::PointId& document) {
  return {format::GraphOrigin::Kind::kDocument, document};
}

}  // namespace

Learner::Learner(const LearnerParts& parts, const workers::PipelineSettings& settings)
    : parts_(parts),
      settings_(settings),
      deriver_([&node = parts.node](const std::string& collection, const format::PointId& document) {
        return ReadText(node, collection, document);
      }) {}

Result<std::vector<std::string>> Learner::Changed(const std::string& collection,
                                                  std::span<const format::PointId> documents) {
  std::vector<std::string> tasks;
  ASSIGN_OR_RETURN(const auto graph, parts_.node.Graph(collection));
  if (graph == nullptr || documents.empty()) return tasks;
  std::vector<workers::Submission> submissions;
  for (const format::PointId& document : documents) {
    submissions.push_back(SubmissionOf(collection, document, parts_.node.versions().Next()));
    tasks.push_back(submissions.back().task);
  }
  RETURN_IF_ERROR(workers::Accept(parts_.queue, settings_, submissions, parts_.book));
  return tasks;
}

Status Learner::Deleted(const std::string& collection, const format::PointId& document) {
  ASSIGN_OR_RETURN(const auto graph, parts_.node.Graph(collection));
  if (graph == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(const auto said, graph->FindDerivation(OriginOf(document)));
  RETURN_IF_ERROR(graph->Write({{{}, format::DeleteRegister{format::GraphKeyOf(OriginOf(document))}}}));
  if (!said) return Status::Ok();
  // What is kept of entities that only this document named goes with it; after a crash here, with the next pass.
  std::vector<format::EntityId> ids;
  for (const format::DerivedEntity& entity : said->entities) ids.push_back(format::EntityIdOf(entity.name));
  return graph->ForgetUnnamed(ids).status();
}

std::vector<workers::Outcome> Learner::Work(std::span<const workers::Job> jobs) {
  std::vector<workers::Outcome> outcomes(jobs.size());
  std::map<std::string, Learned> by_collection;
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto payload = DecodeDocumentTask(jobs[i].payload);
    auto operation = payload.ok() ? deriver_.Derive(payload->collection, payload->document) : payload.status();
    // The collection was dropped meanwhile.
    if (payload.ok() && operation.status().code() == Code::kNotFound) continue;
    outcomes[i].status = operation.status();
    if (!operation.ok()) continue;
    operation->version = jobs[i].version;
    Learned& learned = by_collection[payload->collection];
    learned.operations.push_back(std::move(operation).value());
    learned.jobs.push_back(i);
  }
  for (auto& [collection, learned] : by_collection) Write(collection, std::move(learned), outcomes);
  return outcomes;
}

std::vector<workers::Outcome> Learner::WorkResolve(std::span<const workers::Job> jobs) {
  std::vector<workers::Outcome> outcomes(jobs.size());
  std::map<std::string, Learned> by_collection;
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto task = DecodeResolveTask(jobs[i].payload);
    outcomes[i].status = task.status();
    if (!task.ok()) continue;
    task->operation.version = jobs[i].version;
    Learned& learned = by_collection[task->collection];
    learned.operations.push_back(std::move(task->operation));
    learned.jobs.push_back(i);
  }
  for (auto& [collection, learned] : by_collection) Write(collection, std::move(learned), outcomes);
  return outcomes;
}

// All at once, for one sync; where that is refused, one by one, so that one job does not fail its neighbours.
void Learner::Write(const std::string& collection, Learned learned, std::vector<workers::Outcome>& outcomes) {
  const auto merge = [&](std::vector<format::GraphOperation> operations) -> Status {
    const auto graph = parts_.node.Graph(collection);
    // Made anew without a graph, or dropped while it was written.
    if (graph.ok() && *graph == nullptr) return Status::Ok();
    const Status written = graph.ok() ? (*graph)->Merge(std::move(operations)) : graph.status();
    return written.code() == Code::kNotFound ? Status::Ok() : written;
  };
  if (merge(learned.operations).ok()) return;
  for (size_t i = 0; i < learned.jobs.size(); ++i) {
    outcomes[learned.jobs[i]].status = merge({std::move(learned.operations[i])});
  }
}

}  // namespace rhizome::memory
