// Ingest: documents become chunks, chunks become vectors, and all of a document is written at once.
//
// parse → content hash (unchanged or duplicate documents stop here) → chunk → embed → Database::Write. Ids are
// deterministic, so ingesting the same thing again updates it and never duplicates it.
//
// Thread-safe: many callers at once; within one process two documents with the same content never both enter.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "cluster/database.h"
#include "pipeline/chunk.h"
#include "pipeline/embedders.h"

namespace rhizome::pipeline {

// A document as it reaches ingest, already plain text (pipeline/parse.h makes these from files).
struct IngestDocument {
  std::string id;  // "": derived from the source, else from the content
  std::string title;
  std::string text;
  std::string source;
  std::string metadata;  // JSON object as text; "" for none
};

enum class IngestOutcome { kCreated, kUpdated, kUnchanged, kDuplicate, kFailed };
std::string_view IngestOutcomeName(IngestOutcome outcome);

// Who has to hear what becomes of documents, each call after the write is durable.
struct DocumentWatch {
  // Ids of the tasks that follow, as many as documents, or none. After an error the caller of Ingest is told to send
  // the documents again.
  std::function<Result<std::vector<std::string>>(const std::string& collection,
                                                 std::span<const format::PointId> documents)>
      changed;
  std::function<Status(const std::string& collection, const format::PointId& document)> deleted;
};

struct IngestResult {
  std::string id;
  IngestOutcome outcome = IngestOutcome::kFailed;
  uint32_t chunks = 0;
  std::string duplicate_of;  // kDuplicate: the document that holds the same content
  std::string task;          // what follows from the change; "": nothing
  Status error;              // kFailed: why; the field is relative to the document
};

class Ingestor {
 public:
  // Without embedders only collections without one accept documents. The database and they outlive this.
  Ingestor(cluster::Database& database, Embedders embedders, DocumentWatch watch = {});
  ~Ingestor();

  // `options` is for each of the reads and writes this takes. With an idempotency key each document is a write of its
  // own under a key of its own, so that a repetition finds those that are there, whatever was changed since.
  // One result per document, in order; every document is durable and searchable, or its error says why not. The
  // outer status is for what concerns all of them (no such collection, read-only).
  Result<std::vector<IngestResult>> Ingest(const std::string& collection, std::vector<IngestDocument> documents,
                                           const ChunkSettings& chunking, const cluster::WriteOptions& options = {});
  // NotFound when there is no such document.
  Status Delete(const std::string& collection, const std::string& id, const cluster::WriteOptions& options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rhizome::pipeline
