// POST /query: a question put to a collection. POST /ingest and /ingest/batch: documents into a memory.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "ask/asker.h"
#include "ask/instant.h"
#include "gateway/api_parts.h"

namespace rhizome::gateway {
namespace {

// A moment as a client writes it: milliseconds since 1970, or a date.
Result<std::optional<int64_t>> ReadInstant(JsonView value, const std::string& field) {
  if (value == nullptr) return std::optional<int64_t>();
  boost::json::error_code error;
  if (value->is_int64() || value->is_uint64()) {
    const auto ms = value->to_number<int64_t>(error);
    if (!error) return std::optional<int64_t>(ms);
  }
  if (value->is_string()) {
    const auto ms = ask::ParseInstantMs(value->get_string());
    if (ms) return ms;
  }
  return Status::InvalidArgument(
      field, "must be milliseconds since 1970 or a date such as \"1998-07-12\" or \"1998-07-12T20:45:00Z\"");
}

struct Wanted {
  ask::Question question;
  cluster::ReadOptions read;
};

Result<Wanted> ReadWanted(const ApiOptions& options, const Request& request, const JsonDocument& document) {
  Wanted wanted;
  ask::Question& question = wanted.question;
  std::optional<std::string> collection, mode, consistency;
  JsonView filters = nullptr, as_of = nullptr, known_at = nullptr;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Required("query", question.text, LengthBetween{1, kQueryBytesMax})
      .Optional("collection", collection)
      .Optional("mode", mode)
      .Optional("top_k", question.top_k, Between{1, ask::kTopKMax})
      .Optional("filters", filters)
      .Optional("as_of", as_of)
      .Optional("known_at", known_at)
      .Optional("consistency", consistency);
  RETURN_IF_ERROR(fields.Finish());
  const auto is_space = [](unsigned char c) { return c <= ' '; };
  if (std::all_of(question.text.begin(), question.text.end(), is_space)) {
    return Status::InvalidArgument("query", "must not be empty");
  }
  const auto parsed = ask::ParseMode(mode.value_or("auto"));
  if (!parsed) return Status::InvalidArgument("mode", "must be " + std::string(ask::kModeNames));
  question.mode = *parsed;
  ASSIGN_OR_RETURN(question.collection, CollectionName(options, collection));
  const auto filter = ReadFilter(filters);
  if (!filter.ok()) return RenameField(filter.status(), "filter", "filters");
  question.filter = *filter;
  ASSIGN_OR_RETURN(question.times.as_of_ms, ReadInstant(as_of, "as_of"));
  ASSIGN_OR_RETURN(question.times.known_at_ms, ReadInstant(known_at, "known_at"));
  ASSIGN_OR_RETURN(wanted.read, ReadOptionsOf(request, consistency));
  return wanted;
}

void WriteCitation(JsonWriter& writer, const ask::Citation& citation) {
  writer.BeginObject().Key("document");
  WriteId(writer, citation.id.document);
  if (citation.id.chunk != ask::kWholePoint) writer.Key("chunk").Integer(citation.id.chunk);
  writer.Key("begin").Integer(citation.begin).Key("end").Integer(citation.end);
  writer.Key("score").Number(citation.score).Key("title").String(citation.title);
  writer.Key("source").String(citation.source).Key("text").String(citation.text).EndObject();
}

void WriteFact(JsonWriter& writer, const ask::FactAnswer& one) {
  const graph::FoundFact& fact = one.fact;
  writer.BeginObject().Key("id").String(fact.id.ToString()).Key("source").String(fact.source.name);
  writer.Key("type").String(fact.type).Key("target").String(fact.target.name);
  writer.Key("answer").String(one.answer).Key("confidence").Number(fact.confidence);
  if (fact.valid_from != format::kAlways) writer.Key("valid_from_ms").Integer(fact.valid_from);
  if (fact.valid_until != format::kForever) writer.Key("valid_until_ms").Integer(fact.valid_until);
  writer.Key("recorded_ms").Integer(fact.recorded_at.WallMs());
  if (fact.origin.kind == graph::GraphOrigin::Kind::kDocument) {
    writer.Key("document").String(fact.origin.id.ToString()).Key("chunks").BeginArray();
    for (const uint32_t chunk : fact.chunks) writer.Integer(chunk);
    writer.EndArray();
  }
  writer.EndObject();
}

Response Render(const ask::Answer& answer) {
  JsonWriter writer;
  writer.BeginObject().Key("answer").String(answer.text).Key("kind").String(ask::AnswerKindName(answer.kind));
  writer.Key("in_memory").Bool(answer.kind != ask::AnswerKind::kNone).Key("confidence").Number(answer.confidence);
  writer.Key("mode").String(ask::ModeName(answer.mode)).Key("citations").BeginArray();
  for (const ask::Citation& citation : answer.citations) WriteCitation(writer, citation);
  writer.EndArray().Key("facts").BeginArray();
  for (const ask::FactAnswer& fact : answer.facts) WriteFact(writer, fact);
  writer.EndArray().Key("note").String(answer.note);
  writer.Key("partial").Bool(!answer.failed_partitions.empty()).Key("failed_partitions").BeginArray();
  for (const uint32_t partition : answer.failed_partitions) writer.Integer(partition);
  writer.EndArray().Key("latency_ms").BeginObject();
  for (const auto& [step, ns] : answer.latencies) writer.Key(step).Number(static_cast<double>(ns) / 1e6);
  writer.EndObject().EndObject();
  return JsonResponse(writer);
}

Result<Response> Query(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  ASSIGN_OR_RETURN(const Wanted wanted, ReadWanted(options, request, document));
  ASSIGN_OR_RETURN(const ask::Answer answer, backend.asker->Ask(wanted.question, wanted.read));
  return Render(answer);
}

// One document is a batch of one; what concerns all of a batch stands beside it.
Result<Response> IngestOne(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  if (!document.root().is_object()) return WrongType(document.root(), JsonPath(), "an object");
  boost::json::object batch, one;
  for (const auto& member : document.root().get_object()) {
    const bool of_batch = member.key() == "collection" || member.key() == "chunking" || member.key() == "consistency";
    (of_batch ? batch : one)[member.key()] = member.value();
  }
  batch["documents"] = boost::json::array{std::move(one)};
  Request as_batch = request;
  as_batch.body = boost::json::serialize(batch);
  auto response = IngestDocuments(options, slot, as_batch, true);
  if (!response.ok()) return RenameField(response.status(), "documents[0].", "");
  return response;
}

}  // namespace

std::vector<Route> AskRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  const auto batch = [options, &slot](const Request& request) { return IngestDocuments(options, slot, request, true); };
  return {{"POST", "/query", Lane::kQuery, false, "Ask a collection a question", bind(Query)},
          {"POST", "/ingest", Lane::kIngest, false, "Put a document into a memory", bind(IngestOne)},
          {"POST", "/ingest/batch", Lane::kIngest, false, "Put documents into a memory", batch}};
}

}  // namespace rhizome::gateway
