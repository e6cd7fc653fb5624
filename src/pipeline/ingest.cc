#include "pipeline/ingest.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "base/mutex.h"
#include "base/utf8.h"
#include "pipeline/document.h"

namespace rhizome::pipeline {

using format::DeleteDocument;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;

namespace {

// Chunks embedded and written together: enough to fill the model's batches, little enough to hold in memory.
constexpr size_t kChunksPerWindow = 512;
constexpr size_t kJsonDepthMax = 64;
// The key of a chunk's payload that says where it comes from; metadata may not use it.
constexpr std::string_view kOriginKey = "document";

// One document on its way: what was decided about it and what is to be written.
struct Draft {
  size_t position = 0;  // in the caller's batch
  bool existed = false;
  PutDocument put;
  std::vector<std::string> embed_texts;
};

// What the caller asked for beside the documents.
struct Call {
  const ChunkSettings& chunking;
  const cluster::WriteOptions& options;
};

// The reads before a write: at the default level, which for keys is a majority, whatever the write is asked for.
cluster::ReadOptions ReadsOf(const cluster::WriteOptions& options) {
  cluster::ReadOptions reads;
  static_cast<cluster::CallOptions&>(reads) = options;
  reads.consistency = cluster::Consistency::kDefault;
  return reads;
}

// One request may write many documents; what is told apart is each of them.
cluster::WriteOptions OptionsFor(const PointId& document, const cluster::WriteOptions& options) {
  cluster::WriteOptions own = options;
  if (!own.idempotency_key.empty()) own.idempotency_key.append("\n").append(document.ToString());
  return own;
}

Status ValidateDocument(const IngestDocument& document) {
  if (!IsUtf8(document.title)) return Status::InvalidArgument("title", "is not valid UTF-8");
  const size_t valid = Utf8ValidPrefix(document.text);
  if (valid != document.text.size()) {
    return Status::InvalidArgument("text", "is not valid UTF-8 at byte " + std::to_string(valid));
  }
  if (document.title.empty() && document.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Status::InvalidArgument("text", "must not be empty");
  }
  return Status::Ok();
}

Result<boost::json::object> ParseMetadata(const std::string& metadata) {
  if (metadata.empty()) return boost::json::object();
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(metadata, error, {}, options);
  if (error || !value.is_object()) return Status::InvalidArgument("metadata", "must be a JSON object");
  if (value.as_object().contains(kOriginKey)) {
    return Status::InvalidArgument("metadata.document", "is kept for the origin of a chunk; name the key otherwise");
  }
  return std::move(value.as_object());
}

Result<PointId> IdOf(const IngestDocument& document) {
  if (!document.id.empty()) return PointId::FromString(document.id);
  return PointId::FromString(DeriveDocumentId(document.source, document.title, document.text));
}

// Chunks, payloads and the text to embed for each. The vectors come later.
Status FillChunks(const IngestDocument& document, const boost::json::object& metadata, const ChunkSettings& chunking,
                  Draft& draft) {
  ASSIGN_OR_RETURN(std::vector<Chunk> chunks, ChunkText(document.text, chunking));
  if (chunks.empty()) chunks.push_back({});  // a title alone is worth finding too
  draft.put.record.chunk_count = static_cast<uint32_t>(chunks.size());
  for (uint32_t i = 0; i < chunks.size(); ++i) {
    boost::json::object payload = metadata;
    payload[kOriginKey] = {{"id", draft.put.record.id.ToString()},
                           {"source", document.source},
                           {"chunk", i},
                           {"chunks", chunks.size()},
                           {"begin", chunks[i].begin},
                           {"end", chunks[i].end}};
    draft.embed_texts.push_back(ChunkForEmbedding(document.title, chunks[i].text));
    draft.put.chunks.push_back({PointId::OfChunk(draft.put.record.id, i),
                                {},
                                document.title,
                                std::move(chunks[i].text),
                                boost::json::serialize(payload)});
  }
  return Status::Ok();
}

}  // namespace

std::string_view IngestOutcomeName(IngestOutcome outcome) {
  switch (outcome) {
    case IngestOutcome::kCreated: return "created";
    case IngestOutcome::kUpdated: return "updated";
    case IngestOutcome::kUnchanged: return "unchanged";
    case IngestOutcome::kDuplicate: return "duplicate";
    case IngestOutcome::kFailed: return "failed";
  }
  return "";
}

struct Ingestor::State {
  cluster::Database& database;
  const Embedders embedders;
  const DocumentWatch watch;
  // Held from the last look for duplicates to the end of the write: of two calls with the same content one sees the
  // other's.
  Mutex write_mutex{};

  Status CheckCollection(const cluster::CollectionSpec& spec) const;
  // Decides about one document; a draft when it has to be written.
  Result<std::optional<Draft>> Prepare(const std::string& collection, const IngestDocument& document, const Call& call,
                                       IngestResult& result);
  Status EmbedWindow(const cluster::CollectionSpec& spec, std::vector<Draft>& drafts);
  Status WriteWindow(const std::string& collection, const cluster::WriteOptions& options, std::vector<Draft>& drafts,
                     std::vector<IngestResult>& results) EXCLUDES(write_mutex);
  Result<bool> IsDuplicate(const std::string& collection, const cluster::WriteOptions& options,
                           const format::DocumentRecord& record, IngestResult& result);
  Status TellChanged(const std::string& collection, std::vector<IngestResult>& results);
};

Ingestor::Ingestor(cluster::Database& database, Embedders embedders, DocumentWatch watch)
    : state_(new State{database, std::move(embedders), std::move(watch)}) {}
Ingestor::~Ingestor() = default;

Status Ingestor::State::CheckCollection(const cluster::CollectionSpec& spec) const {
  if (spec.embedder.empty() && spec.dimension == 0) return Status::Ok();
  if (spec.embedder.empty()) {
    return Status::FailedPrecondition("collection " + spec.name +
                                      " takes vectors from its clients: create one with an embedder for documents");
  }
  return embedders.For(spec.name, spec.embedder).status();
}

Result<bool> Ingestor::State::IsDuplicate(const std::string& collection, const cluster::WriteOptions& options,
                                          const format::DocumentRecord& record, IngestResult& result) {
  ASSIGN_OR_RETURN(const auto holder, database.FindContent(collection, record.content_hash, ReadsOf(options)));
  if (!holder || *holder == record.id) return false;
  result.outcome = IngestOutcome::kDuplicate;
  result.duplicate_of = holder->ToString();
  return true;
}

Result<std::optional<Draft>> Ingestor::State::Prepare(const std::string& collection, const IngestDocument& document,
                                                      const Call& call, IngestResult& result) {
  result.id = document.id;
  RETURN_IF_ERROR(ValidateDocument(document));
  ASSIGN_OR_RETURN(const boost::json::object metadata, ParseMetadata(document.metadata));
  Draft draft;
  format::DocumentRecord& record = draft.put.record;
  ASSIGN_OR_RETURN(record.id, IdOf(document));
  result.id = record.id.ToString();
  record.content_hash = DocumentContentHash(document.title, document.text);
  record.title = document.title;
  record.source = document.source;
  record.metadata = metadata.empty() ? "" : boost::json::serialize(metadata);
  ASSIGN_OR_RETURN(const auto stored, database.GetDocument(collection, record.id, ReadsOf(call.options)));
  draft.existed = stored.has_value();
  if (stored && stored->record.content_hash == record.content_hash && stored->record.title == record.title &&
      stored->record.metadata == record.metadata) {
    result.outcome = IngestOutcome::kUnchanged;
    result.chunks = stored->record.chunk_count;
    return std::optional<Draft>();
  }
  ASSIGN_OR_RETURN(const bool duplicate, IsDuplicate(collection, call.options, record, result));
  if (duplicate) return std::optional<Draft>();
  RETURN_IF_ERROR(FillChunks(document, metadata, call.chunking, draft));
  result.chunks = record.chunk_count;
  return std::optional<Draft>(std::move(draft));
}

Status Ingestor::State::EmbedWindow(const cluster::CollectionSpec& spec, std::vector<Draft>& drafts) {
  if (spec.embedder.empty()) return Status::Ok();
  std::vector<std::string> texts;
  for (Draft& draft : drafts) {
    for (std::string& text : draft.embed_texts) texts.push_back(std::move(text));
  }
  ASSIGN_OR_RETURN(Embedder* const embedder, embedders.For(spec.name, spec.embedder));
  ASSIGN_OR_RETURN(std::vector<std::vector<float>> vectors, embedder->Embed(texts));
  size_t next = 0;
  for (Draft& draft : drafts) {
    for (Point& chunk : draft.put.chunks) chunk.vector = std::move(vectors[next++]);
  }
  return Status::Ok();
}

Status Ingestor::State::WriteWindow(const std::string& collection, const cluster::WriteOptions& options,
                                    std::vector<Draft>& drafts, std::vector<IngestResult>& results) {
  std::vector<Operation> operations;
  std::vector<const Draft*> written;
  MutexLock lock(write_mutex);
  for (Draft& draft : drafts) {
    ASSIGN_OR_RETURN(const bool duplicate, IsDuplicate(collection, options, draft.put.record, results[draft.position]));
    if (duplicate) continue;
    operations.push_back({{}, std::move(draft.put)});
    written.push_back(&draft);
  }
  if (operations.empty()) return Status::Ok();
  if (options.idempotency_key.empty()) {
    RETURN_IF_ERROR(database.Write(collection, std::move(operations), options));
  } else {
    for (Operation& operation : operations) {
      const cluster::WriteOptions own = OptionsFor(operation.id(), options);
      RETURN_IF_ERROR(database.Write(collection, {std::move(operation)}, own));
    }
  }
  for (const Draft* draft : written) {
    results[draft->position].outcome = draft->existed ? IngestOutcome::kUpdated : IngestOutcome::kCreated;
  }
  return Status::Ok();
}

// Unchanged ones too: the call that wrote them may not have come so far.
Status Ingestor::State::TellChanged(const std::string& collection, std::vector<IngestResult>& results) {
  if (!watch.changed) return Status::Ok();
  std::vector<PointId> documents;
  std::vector<size_t> positions;
  for (size_t i = 0; i < results.size(); ++i) {
    const IngestOutcome outcome = results[i].outcome;
    if (outcome == IngestOutcome::kFailed || outcome == IngestOutcome::kDuplicate) continue;
    ASSIGN_OR_RETURN(PointId id, PointId::FromString(results[i].id));
    documents.push_back(std::move(id));
    positions.push_back(i);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> tasks, watch.changed(collection, documents));
  for (size_t i = 0; i < tasks.size(); ++i) results[positions[i]].task = tasks[i];
  return Status::Ok();
}

Result<std::vector<IngestResult>> Ingestor::Ingest(const std::string& collection, std::vector<IngestDocument> documents,
                                                   const ChunkSettings& chunking,
                                                   const cluster::WriteOptions& options) {
  RETURN_IF_ERROR(ValidateChunkSettings(chunking));
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, state_->database.GetSpec(collection));
  RETURN_IF_ERROR(state_->CheckCollection(spec));
  if (const std::string reason = state_->database.ReadOnlyReason(); !reason.empty()) return Status::ReadOnly(reason);

  std::vector<IngestResult> results(documents.size());
  std::vector<Draft> window;
  size_t window_chunks = 0;
  std::set<std::string> ids;
  std::map<std::pair<uint64_t, uint64_t>, std::string> contents;  // of this call
  const auto flush = [&]() -> Status {
    RETURN_IF_ERROR(state_->EmbedWindow(spec, window));
    RETURN_IF_ERROR(state_->WriteWindow(collection, options, window, results));
    window.clear();
    window_chunks = 0;
    return Status::Ok();
  };
  for (size_t i = 0; i < documents.size(); ++i) {
    IngestResult& result = results[i];
    Result<std::optional<Draft>> draft = state_->Prepare(collection, documents[i], {chunking, options}, result);
    if (!draft.ok()) {
      result.error = draft.status();
      continue;
    }
    if (!ids.insert(result.id).second) {
      result.outcome = IngestOutcome::kFailed;
      result.error = Status::InvalidArgument("id", "id " + result.id + " is twice in the batch");
      continue;
    }
    if (!*draft) continue;
    const auto [same, inserted] = contents.try_emplace((*draft)->put.record.content_hash, result.id);
    if (!inserted) {
      result.outcome = IngestOutcome::kDuplicate;
      result.duplicate_of = same->second;
      continue;
    }
    (*draft)->position = i;
    window_chunks += (*draft)->put.chunks.size();
    window.push_back(std::move(**draft));
    if (window_chunks >= kChunksPerWindow) RETURN_IF_ERROR(flush());
  }
  if (!window.empty()) RETURN_IF_ERROR(flush());
  RETURN_IF_ERROR(state_->TellChanged(collection, results));
  return results;
}

Status Ingestor::Delete(const std::string& collection, const std::string& id, const cluster::WriteOptions& options) {
  ASSIGN_OR_RETURN(const PointId document, PointId::FromString(id));
  ASSIGN_OR_RETURN(const auto stored, state_->database.GetDocument(collection, document, ReadsOf(options)));
  // Of one that is gone too: whoever deleted it may not have come to say so.
  if (stored) {
    RETURN_IF_ERROR(
        state_->database.Write(collection, {{{}, DeleteDocument{document}}}, OptionsFor(document, options)));
  }
  if (state_->watch.deleted) RETURN_IF_ERROR(state_->watch.deleted(collection, document));
  if (!stored) return Status::NotFound("there is no document " + id + " in collection " + collection);
  return Status::Ok();
}

}  // namespace rhizome::pipeline
