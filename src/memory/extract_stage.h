// Extraction apart from the graph: what a worker in a process of its own does with the jobs of stage ingest.extract.
//
// It stands on the queue and on a way to read documents, nothing else: what it finds is published as a job of stage
// graph.resolve, which the process that owns the graph's shards writes (WriteStage). Both carry the task's version, so
// however often either is repeated, the register ends as memory/learner.h says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "extract/extract.h"
#include "format/graph.h"
#include "format/point.h"
#include "workers/job.h"

namespace rhizome::memory {

// A document's text as its chunks hold it, and where each begins and ends; what two chunks share is there twice.
struct DocumentText {
  std::string title;
  std::string text;
  std::vector<extract::ChunkRange> chunks;

  void Append(std::string_view chunk);
};
// nullopt: the document is gone. NotFound: its collection is.
using ReadDocument =
    std::function<Result<std::optional<DocumentText>>(const std::string& collection, const format::PointId& document)>;

// From a document to what is to be written of it, a tombstone for one that is gone. Thread-safe.
class Deriver {
 public:
  explicit Deriver(ReadDocument read) : read_(std::move(read)) {}
  Result<format::GraphOperation> Derive(const std::string& collection, const format::PointId& document);

 private:
  std::unique_ptr<extract::Extractor> Borrow() EXCLUDES(mutex_);
  void Return(std::unique_ptr<extract::Extractor> extractor) EXCLUDES(mutex_);

  const ReadDocument read_;
  Mutex mutex_;
  std::vector<std::unique_ptr<extract::Extractor>> idle_ GUARDED_BY(mutex_);
};

// The handler of stage ingest.extract in a process without shards.
std::vector<workers::Outcome> ExtractJobs(Deriver& deriver, std::span<const workers::Job> jobs);

// The payload of a job of stage graph.resolve: one operation for one collection.
struct ResolveTask {
  std::string collection;
  format::GraphOperation operation;
};
std::string EncodeResolveTask(const ResolveTask& task);
// Corruption for other bytes, several operations among them.
Result<ResolveTask> DecodeResolveTask(std::string_view bytes);

}  // namespace rhizome::memory
