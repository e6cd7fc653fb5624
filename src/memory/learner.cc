#include "memory/learner.h"

#include <fmt/format.h>

#include <map>

#include "base/hash.h"
#include "format/coding.h"
#include "format/graph_key.h"
#include "memory/derive.h"
#include "shard/graph_shards.h"
#include "workers/intake.h"

namespace rhizome::memory {
namespace {

// Chunks read at once: a long document is not held twice.
constexpr uint32_t kChunksPerRead = 256;

struct Payload {
  std::string collection;
  format::PointId document;
};

std::string EncodePayload(const std::string& collection, const format::PointId& document) {
  std::string out;
  format::PutBytes(out, collection);
  format::PutBytes(out, document.Encode());
  return out;
}

Result<Payload> DecodePayload(std::string_view bytes) {
  format::Decoder in(bytes);
  Payload payload;
  std::string_view document;
  if (!in.Bytes(payload.collection) || !in.Bytes(document)) return in.Failure("task of a document");
  RETURN_IF_ERROR(in.Finish("task of a document"));
  ASSIGN_OR_RETURN(payload.document, format::PointId::Decode(document));
  return payload;
}

// The same document at the same version is the same task.
std::string TaskOf(std::string_view payload, Version version) {
  const auto [high, low] = ContentHash(payload);
  return fmt::format("{:016x}{:016x}-{:x}.{:x}", high, low, version.time, version.node);
}

// A document's text as its chunks hold it, and where each begins and ends; what two chunks share is there twice.
struct ChunkedText {
  std::string text;
  std::vector<extract::ChunkRange> chunks;
};

Result<ChunkedText> ReadText(cluster::Node& node, const std::string& collection, const format::DocumentRecord& record) {
  ChunkedText read;
  for (uint32_t from = 0; from < record.chunk_count; from += kChunksPerRead) {
    std::vector<format::PointId> ids;
    for (uint32_t n = from; n < record.chunk_count && ids.size() < kChunksPerRead; ++n) {
      ids.push_back(format::PointId::OfChunk(record.id, n));
    }
    ASSIGN_OR_RETURN(const auto points, node.Get(collection, ids, false, {}));
    for (const auto& point : points) {
      const auto begin = static_cast<uint32_t>(read.text.size());
      // One that is missing was changed a moment ago: the task of that change comes.
      if (point) read.text += point->point.text;
      read.chunks.push_back({begin, static_cast<uint32_t>(read.text.size())});
      read.text += "\n\n";
    }
  }
  return read;
}

format::GraphOrigin OriginOf(const format::PointId& document) {
  return {format::GraphOrigin::Kind::kDocument, document};
}

}  // namespace

Result<std::vector<std::string>> Learner::Changed(const std::string& collection,
                                                  std::span<const format::PointId> documents) {
  std::vector<std::string> tasks;
  ASSIGN_OR_RETURN(const auto graph, parts_.node.Graph(collection));
  if (graph == nullptr || documents.empty()) return tasks;
  std::vector<workers::Submission> submissions;
  for (const format::PointId& document : documents) {
    workers::Submission submission;
    submission.version = parts_.node.versions().Next();
    submission.payload = EncodePayload(collection, document);
    submission.task = TaskOf(submission.payload, submission.version);
    submission.key = collection + ":" + document.ToString();
    submission.stage = std::string(workers::kExtract);
    tasks.push_back(submission.task);
    submissions.push_back(std::move(submission));
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
    auto payload = DecodePayload(jobs[i].payload);
    auto operation = payload.ok() ? Derive(payload->collection, payload->document) : payload.status();
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

Result<format::GraphOperation> Learner::Derive(const std::string& collection, const format::PointId& document) {
  ASSIGN_OR_RETURN(const auto stored, parts_.node.GetDocument(collection, document, {}));
  if (!stored) return format::GraphOperation{{}, format::DeleteRegister{format::GraphKeyOf(OriginOf(document))}};
  ASSIGN_OR_RETURN(const ChunkedText read, ReadText(parts_.node, collection, stored->record));
  std::unique_ptr<extract::Extractor> extractor = Borrow();
  const extract::Extraction extraction = extractor->Extract(stored->record.title, read.text, read.chunks);
  Return(std::move(extractor));
  return format::GraphOperation{{}, format::PutDerivation{OriginOf(document), DerivationOf(extraction)}};
}

std::unique_ptr<extract::Extractor> Learner::Borrow() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return std::make_unique<extract::Extractor>();
  std::unique_ptr<extract::Extractor> extractor = std::move(idle_.back());
  idle_.pop_back();
  return extractor;
}

void Learner::Return(std::unique_ptr<extract::Extractor> extractor) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(extractor));
}

}  // namespace rhizome::memory
