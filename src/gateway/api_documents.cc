// Routes on documents: ingest, show, delete.
#include <boost/json/serialize.hpp>

#include "base/base64.h"
#include "base/steps.h"
#include "gateway/api_parts.h"
#include "memory/service.h"
#include "pipeline/parse.h"

namespace rhizome::gateway {
namespace {

constexpr size_t kDocumentsMax = 1000;

struct DocumentInput {
  std::optional<std::string> id;
  std::optional<std::string> title;
  std::optional<std::string> text;
  std::optional<std::string> content_base64;
  std::string format = "text";
  JsonView metadata = nullptr;
  std::string source;
};

}  // namespace

// Outside the unnamed namespace, where ReadJson of a vector finds them.
Status ReadJson(const boost::json::value& value, const JsonPath& path, DocumentInput& out) {
  Fields fields(value, path);
  fields.Optional("id", out.id, LengthBetween{1, format::PointId::kStringLenMax})
      .Optional("title", out.title, LengthBetween{0, 4096})
      .Optional("text", out.text)
      .Optional("content_base64", out.content_base64)
      .Optional("format", out.format)
      .Optional("metadata", out.metadata)
      .Optional("source", out.source, LengthBetween{0, 4096});
  RETURN_IF_ERROR(fields.Finish());
  if (out.text.has_value() == out.content_base64.has_value()) {
    return Status::InvalidArgument(JsonPath(path, "text").ToString(), "give either text or content_base64");
  }
  if (out.metadata != nullptr && !out.metadata->is_object()) {
    return WrongType(*out.metadata, JsonPath(path, "metadata"), "an object");
  }
  return Status::Ok();
}

Status ReadJson(const boost::json::value& value, const JsonPath& path, pipeline::ChunkSettings& out) {
  Fields fields(value, path);
  fields.Optional("strategy", out.strategy)
      .Optional("size_tokens", out.size_tokens, Between{16, 2000})
      .Optional("overlap_tokens", out.overlap_tokens);
  RETURN_IF_ERROR(fields.Finish());
  if (out.strategy != "sentences" && out.strategy != "tokens") {
    return Status::InvalidArgument(JsonPath(path, "strategy").ToString(), "must be sentences or tokens");
  }
  if (out.overlap_tokens * 2 >= out.size_tokens) {
    return Status::InvalidArgument(JsonPath(path, "overlap_tokens").ToString(), "must be below half of size_tokens");
  }
  return Status::Ok();
}

namespace {

// A file name that makes the parser take the format asked for.
Result<std::string> ParseName(const DocumentInput& input) {
  static constexpr std::pair<std::string_view, std::string_view> kEndings[] = {
      {"text", ".txt"},    {"markdown", ".md"}, {"html", ".html"}, {"json", ".json"},
      {"jsonl", ".jsonl"}, {"csv", ".csv"},     {"pdf", ".pdf"}};
  for (const auto& [format, ending] : kEndings) {
    if (input.format != format) continue;
    const std::string stem = input.source.empty() ? "document" : input.source;
    return stem.ends_with(ending) ? stem : stem + std::string(ending);
  }
  return Status::InvalidArgument("format", "must be text, markdown, html, json, jsonl, csv or pdf");
}

Result<std::string> ContentOf(DocumentInput& input) {
  if (input.format == "pdf" && !input.content_base64) {
    return Status::InvalidArgument("content_base64", "is required for pdf");
  }
  if (!input.content_base64) return std::move(*input.text);
  auto bytes = DecodeBase64(*input.content_base64);
  if (!bytes.ok()) return Status::InvalidArgument("content_base64", std::string(bytes.status().message()));
  return bytes;
}

// One input is one document, except json, jsonl and csv, which may hold many.
Status ParseInput(DocumentInput& input, std::vector<pipeline::IngestDocument>& out) {
  const std::string_view content_field = input.content_base64 ? "content_base64" : "text";
  ASSIGN_OR_RETURN(const std::string name, ParseName(input));
  ASSIGN_OR_RETURN(const std::string content, ContentOf(input));
  auto parsed = pipeline::Parse(name, content);
  if (!parsed.ok()) {
    const Status& status = parsed.status();
    return Status(status.code(), std::string(status.message()), std::string(content_field));
  }
  if (input.id && parsed->size() != 1) {
    return Status::InvalidArgument("id", "this input holds " + std::to_string(parsed->size()) + " documents");
  }
  for (pipeline::Document& document : *parsed) {
    if (input.metadata != nullptr) {
      for (const auto& member : input.metadata->get_object()) document.metadata[member.key()] = member.value();
    }
    pipeline::IngestDocument ingest;
    ingest.id = input.id ? *input.id : std::move(document.id);
    ingest.title = input.title ? *input.title : std::move(document.title);
    ingest.text = std::move(document.text);
    ingest.source = input.source;
    if (!document.metadata.empty()) ingest.metadata = boost::json::serialize(document.metadata);
    out.push_back(std::move(ingest));
  }
  return Status::Ok();
}

// The default collection comes into being with its first document; any other must have been made.
Status MakeDefaultCollection(const ApiOptions& options, const Backend& backend, const std::string& name,
                             bool as_memory) {
  if (name != options.default_collection || backend.database->GetSpec(name).ok()) return Status::Ok();
  const Status made = backend.database->CreateCollection(DefaultSpec(backend, name)).status();
  if (!made.ok() && made.code() != Code::kAlreadyExists) return made;
  return as_memory && backend.memory != nullptr ? backend.memory->MakeMemory(name) : Status::Ok();
}

std::string FieldOf(size_t input, std::string_view field) {
  std::string path = "documents[" + std::to_string(input) + "]";
  if (!field.empty()) path.append(".").append(field);
  return path;
}

void WriteResult(JsonWriter& writer, const pipeline::IngestResult& result, size_t input) {
  writer.BeginObject().Key("document").Integer(input).Key("id").String(result.id);
  writer.Key("outcome").String(pipeline::IngestOutcomeName(result.outcome)).Key("chunks").Integer(result.chunks);
  if (!result.task.empty()) writer.Key("task").String(result.task);
  if (!result.duplicate_of.empty()) writer.Key("duplicate_of").String(result.duplicate_of);
  if (!result.error.ok()) {
    writer.Key("error").BeginObject().Key("type").String(CodeName(result.error.code()));
    writer.Key("detail").String(result.error.message()).Key("field").String(FieldOf(input, result.error.field()));
    writer.EndObject();
  }
  writer.EndObject();
}

}  // namespace

Result<Response> IngestDocuments(const ApiOptions& options, const BackendSlot& slot, const Request& request,
                                 bool into_memory) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, consistency;
  std::vector<DocumentInput> inputs;
  pipeline::ChunkSettings chunking;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", collection)
      .Required("documents", inputs, LengthBetween{1, kDocumentsMax})
      .Optional("chunking", chunking)
      .Optional("consistency", consistency);
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  ASSIGN_OR_RETURN(const cluster::WriteOptions write, WriteOptionsOf(request, consistency));

  // Everything is parsed before anything is stored: bad input stores nothing.
  std::vector<pipeline::IngestDocument> documents;
  std::vector<size_t> input_of;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Status status = ParseInput(inputs[i], documents);
    if (!status.ok()) return Status(status.code(), std::string(status.message()), FieldOf(i, status.field()));
    input_of.resize(documents.size(), i);
  }
  RETURN_IF_ERROR(MakeDefaultCollection(options, backend, name, into_memory));
  const Step step("ingest");
  ASSIGN_OR_RETURN(const auto results, backend.ingestor->Ingest(name, std::move(documents), chunking, write));
  if (results.size() == 1 && !results[0].error.ok()) {
    const Status& error = results[0].error;
    return Status(error.code(), std::string(error.message()), FieldOf(0, error.field()));
  }
  JsonWriter writer;
  writer.BeginObject().Key("collection").String(name).Key("results").BeginArray();
  for (size_t i = 0; i < results.size(); ++i) WriteResult(writer, results[i], input_of[i]);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

namespace {

Result<Response> Ingest(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  return IngestDocuments(options, slot, request, false);
}

Result<std::string> QueryCollection(const ApiOptions& options, const Request& request) {
  std::optional<std::string> collection;
  for (const auto& [key, value] : request.query) {
    if (key != "collection") return Status::InvalidArgument("query." + key, "is not known here (known: collection)");
    collection = value;
  }
  return CollectionName(options, collection);
}

Result<Response> Show(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const std::string name, QueryCollection(options, request));
  ASSIGN_OR_RETURN(const format::PointId id, format::PointId::FromString(request.PathParam("id")));
  ASSIGN_OR_RETURN(const cluster::ReadOptions read, ReadOptionsOf(request, {}));
  ASSIGN_OR_RETURN(const auto found, backend.database->GetDocument(name, id, read));
  if (!found) return Status::NotFound("no document " + id.ToString() + " in " + name);
  const format::DocumentRecord& record = found->record;
  JsonWriter writer;
  writer.BeginObject().Key("id").String(record.id.ToString()).Key("title").String(record.title);
  writer.Key("source").String(record.source).Key("metadata").Raw(record.metadata.empty() ? "{}" : record.metadata);
  writer.Key("chunks").Integer(record.chunk_count).Key("updated_ms").Integer(found->version.WallMs()).EndObject();
  return JsonResponse(writer);
}

Result<Response> DeleteOne(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const std::string name, QueryCollection(options, request));
  ASSIGN_OR_RETURN(const cluster::WriteOptions write, WriteOptionsOf(request, {}));
  RETURN_IF_ERROR(backend.ingestor->Delete(name, request.PathParam("id"), write));
  JsonWriter writer;
  writer.BeginObject().Key("deleted").Integer(1).Key("missing").BeginArray().EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> DeleteMany(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  std::optional<std::string> collection, consistency;
  std::vector<std::string> ids;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", collection)
      .Required("ids", ids, LengthBetween{1, kDocumentsMax})
      .Optional("consistency", consistency);
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  ASSIGN_OR_RETURN(const cluster::WriteOptions write, WriteOptionsOf(request, consistency));
  std::vector<std::string> missing;
  for (size_t i = 0; i < ids.size(); ++i) {
    const Status status = backend.ingestor->Delete(name, ids[i], write);
    if (status.code() == Code::kNotFound) {
      RETURN_IF_ERROR(backend.database->GetSpec(name).status());
      missing.push_back(ids[i]);
    } else if (!status.ok()) {
      return Status(status.code(), std::string(status.message()), "ids[" + std::to_string(i) + "]");
    }
  }
  JsonWriter writer;
  writer.BeginObject().Key("deleted").Integer(ids.size() - missing.size()).Key("missing").BeginArray();
  for (const std::string& id : missing) writer.String(id);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> DocumentRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {{"POST", "/documents", Lane::kIngest, false, "Ingest documents", bind(Ingest)},
          {"POST", "/documents/delete", Lane::kWrite, false, "Delete documents with their chunks", bind(DeleteMany)},
          {"GET", "/documents/{id}", Lane::kQuery, false, "Show what is known of a document", bind(Show)},
          {"DELETE", "/documents/{id}", Lane::kWrite, false, "Delete a document with its chunks", bind(DeleteOne)}};
}

}  // namespace rhizome::gateway
