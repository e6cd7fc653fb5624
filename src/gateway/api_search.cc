// POST /search: by meaning, by words, or both.
#include <algorithm>

#include "base/clock.h"
#include "base/steps.h"
#include "gateway/api_parts.h"

namespace rhizome::gateway {
namespace {

using cluster::SearchMode;

struct Wanted {
  std::optional<std::string> collection;
  std::optional<std::string> query;
  std::optional<std::string> mode;
  std::optional<std::string> consistency;
  bool all_or_error = false;
  JsonView filter = nullptr;
  cluster::SearchRequest search;  // the rest
};

Status ReadWanted(const JsonDocument& document, Wanted& wanted) {
  cluster::SearchRequest& search = wanted.search;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("collection", wanted.collection)
      .Optional("query", wanted.query, LengthBetween{1, kQueryBytesMax})
      .Optional("vector", search.vector, LengthBetween{1, 4096})
      .Optional("mode", wanted.mode)
      .Optional("top_k", search.top_k, Between{1, 10'000})
      .Optional("filter", wanted.filter)
      .Optional("min_score", search.min_score)
      .Optional("with_payload", search.with_payload)
      .Optional("with_vector", search.with_vector)
      .Optional("one_per_document", search.one_per_document)
      .Optional("exact", search.exact)
      .Optional("ef", search.ef, Between{0, 100'000})
      .Optional("consistency", wanted.consistency)
      .Optional("all_or_error", wanted.all_or_error);
  RETURN_IF_ERROR(fields.Finish());
  if (!wanted.query && search.vector.empty()) {
    return Status::InvalidArgument("query", "give a query, a vector, or both");
  }
  const auto is_space = [](unsigned char c) { return c <= ' '; };
  if (wanted.query && std::all_of(wanted.query->begin(), wanted.query->end(), is_space)) {
    return Status::InvalidArgument("query", "must not be empty");
  }
  return Status::Ok();
}

std::string_view ModeName(SearchMode mode) {
  switch (mode) {
    case SearchMode::kDense: return "dense";
    case SearchMode::kText: return "text";
    case SearchMode::kHybrid: return "hybrid";
  }
  return "";
}

// Asked for, or what the input and the collection allow.
Result<SearchMode> ModeOf(const Wanted& wanted, const cluster::CollectionSpec& spec) {
  const bool has_dense = !wanted.search.vector.empty() || !spec.embedder.empty();
  if (!wanted.mode) {
    if (!wanted.query) return SearchMode::kDense;
    return has_dense ? SearchMode::kHybrid : SearchMode::kText;
  }
  for (const SearchMode mode : {SearchMode::kDense, SearchMode::kText, SearchMode::kHybrid}) {
    if (*wanted.mode != ModeName(mode)) continue;
    if (mode != SearchMode::kDense && !wanted.query) {
      return Status::InvalidArgument("query", "is required in mode " + *wanted.mode);
    }
    if (mode != SearchMode::kText && !has_dense) {
      return Status::InvalidArgument("vector",
                                     "is required in mode " + *wanted.mode + ": the collection has no embedder");
    }
    return mode;
  }
  return Status::InvalidArgument("mode", "must be dense, text or hybrid");
}

void WriteHit(JsonWriter& writer, const cluster::Hit& hit, const cluster::SearchRequest& search) {
  writer.BeginObject().Key("id");
  WriteId(writer, hit.id);
  writer.Key("score").Number(hit.score);
  if (search.with_payload) {
    writer.Key("title").String(hit.title).Key("text").String(hit.text);
    writer.Key("payload").Raw(hit.payload.empty() ? "{}" : hit.payload);
  }
  if (search.with_vector) {
    writer.Key("vector").BeginArray();
    for (const float value : hit.vector) writer.Number(value);
    writer.EndArray();
  }
  writer.EndObject();
}

Response Render(const cluster::SearchResponse& found, const cluster::SearchRequest& search) {
  JsonWriter writer;
  writer.BeginObject().Key("hits").BeginArray();
  for (const auto& hit : found.hits) WriteHit(writer, hit, search);
  writer.EndArray().Key("mode").String(ModeName(search.mode));
  writer.Key("partial").Bool(!found.failed_partitions.empty()).Key("failed_partitions").BeginArray();
  for (const uint32_t partition : found.failed_partitions) writer.Integer(partition);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

// THE read path begins here: decode, embed, Database::Search, render.
Result<Response> Search(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  Wanted wanted;
  RETURN_IF_ERROR(ReadWanted(document, wanted));
  cluster::SearchRequest& search = wanted.search;
  ASSIGN_OR_RETURN(search.collection, CollectionName(options, wanted.collection));
  ASSIGN_OR_RETURN(search.filter, ReadFilter(wanted.filter));
  ASSIGN_OR_RETURN(cluster::ReadOptions read, ReadOptionsOf(request, wanted.consistency));
  read.all_or_error = wanted.all_or_error;
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, backend.database->GetSpec(search.collection));
  ASSIGN_OR_RETURN(search.mode, ModeOf(wanted, spec));
  if (search.mode != SearchMode::kText && search.vector.empty()) {
    ASSIGN_OR_RETURN(auto vectors, EmbedFor(backend, spec, {*wanted.query}));
    search.vector = std::move(vectors[0]);
  }
  if (search.mode == SearchMode::kText) search.vector.clear();
  if (search.mode != SearchMode::kDense) search.text = std::move(*wanted.query);
  if (SystemClock().MonotonicNs() > request.deadline_ns) {
    return Status::DeadlineExceeded("embedding the query used up the request's time");
  }
  const auto find = [&] {
    const Step step("search");
    return backend.database->Search(search, read);
  };
  ASSIGN_OR_RETURN(const cluster::SearchResponse found, find());
  return Render(found, search);
}

}  // namespace

std::vector<Route> SearchRoutes(const ApiOptions& options, const BackendSlot& slot) {
  return {{"POST", "/search", Lane::kQuery, false, "Search by meaning, by words, or both",
           [options, &slot](const Request& request) { return Search(options, slot, request); }}};
}

}  // namespace rhizome::gateway
