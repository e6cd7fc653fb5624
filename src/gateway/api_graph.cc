// Routes that show a knowledge graph: a part of it as nodes and edges, and a page that draws it.
#include "communities/drawing.h"
#include "communities/service.h"
#include "format/entity_name.h"
#include "gateway/api_parts.h"
#include "gateway/graph_view.h"
#include "gateway/query_parameters.h"

namespace rhizome::gateway {
namespace {

constexpr uint32_t kNodesMax = 300;
constexpr uint32_t kDepthMax = 3;

void WriteNode(JsonWriter& writer, const communities::DrawnNode& node, const communities::Book* book, uint32_t level) {
  writer.BeginObject().Key("name").String(node.name).Key("surface").String(node.surface);
  writer.Key("type").String(node.type).Key("documents").Integer(node.documents);
  writer.Key("relations").Integer(node.relations).Key("distance").Integer(node.distance);
  writer.Key("community");
  if (node.community) {
    writer.String(book->IdOf(level, *node.community));
    writer.Key("community_rank").Integer(*node.community);
  } else {
    writer.Null();
  }
  writer.EndObject();
}

void WriteEdge(JsonWriter& writer, const communities::DrawnEdge& edge) {
  writer.BeginObject().Key("source").Integer(edge.source).Key("target").Integer(edge.target);
  writer.Key("type").String(edge.type).Key("weight").Number(edge.weight);
  if (!edge.type.empty()) writer.Key("confidence").Number(edge.confidence);
  if (edge.valid_from != format::kAlways) writer.Key("valid_from_ms").Integer(edge.valid_from);
  if (edge.valid_until != format::kForever) writer.Key("valid_until_ms").Integer(edge.valid_until);
  writer.EndObject();
}

Result<communities::DrawQuery> ReadQuery(const Parameters& parameters) {
  communities::DrawQuery query;
  if (const auto entity = parameters.Text("entity")) {
    query.entity = format::EntityName(*entity);
    if (query.entity->empty()) return Status::InvalidArgument("query.entity", "is a name");
  }
  ASSIGN_OR_RETURN(const auto depth, parameters.Number("depth", 1, kDepthMax));
  if (depth) query.depth = static_cast<uint32_t>(*depth);
  ASSIGN_OR_RETURN(const auto nodes, parameters.Number("limit", 1, kNodesMax));
  if (nodes) query.nodes_max = static_cast<uint32_t>(*nodes);
  ASSIGN_OR_RETURN(const auto level, parameters.Number("level", 0, communities::kLevelsMax));
  if (level) query.level = static_cast<uint32_t>(*level);
  ASSIGN_OR_RETURN(query.times.as_of_ms, parameters.Number("as_of_ms", INT64_MIN, INT64_MAX));
  ASSIGN_OR_RETURN(query.times.known_at_ms, parameters.Number("known_at_ms", 0, INT64_MAX));
  return query;
}

Result<Response> ShowGraph(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  if (backend.communities == nullptr) {
    return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
  }
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection", "entity", "depth", "limit",
                                                                           "level", "as_of_ms", "known_at_ms"}));
  const auto name = CollectionName(options, parameters.Text("collection"));
  if (!name.ok()) return NamedAsQuery(name.status());
  ASSIGN_OR_RETURN(const communities::DrawQuery query, ReadQuery(parameters));
  ASSIGN_OR_RETURN(const communities::Source source, backend.communities->SourceOf(*name));
  ASSIGN_OR_RETURN(const auto book, backend.communities->FindBook(*name));
  ASSIGN_OR_RETURN(const auto drawing, communities::Draw(*source.graph, book.get(), query));
  JsonWriter writer;
  writer.BeginObject().Key("nodes").BeginArray();
  for (const auto& node : drawing.nodes) WriteNode(writer, node, book.get(), query.level);
  writer.EndArray().Key("edges").BeginArray();
  for (const auto& edge : drawing.edges) WriteEdge(writer, edge);
  writer.EndArray().Key("more").Bool(drawing.more);
  writer.Key("levels").Integer(book != nullptr ? book->levels.size() : 0).EndObject();
  return JsonResponse(writer);
}

// Nothing but what this server gives is loaded, run or asked, and no other page may frame it.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Handler File(std::string_view type, std::string_view bytes) {
  return [type, bytes](const Request&) -> Result<Response> {
    Response response;
    response.content_type = std::string(type);
    response.body = std::string(bytes);
    response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cache-Control", "no-cache"}};
    return response;
  };
}

}  // namespace

// The page itself says nothing of anybody: it asks as whoever opens it.
std::vector<Route> GraphRoutes(const ApiOptions& options, const BackendSlot& slot) {
  return {{"GET", "/graph", Lane::kQuery, false, "Show a part of a knowledge graph as nodes and edges",
           [options, &slot](const Request& request) { return ShowGraph(options, slot, request); }},
          {"GET", "/graph/view", Lane::kInline, true, "A page that draws a knowledge graph",
           File("text/html; charset=utf-8", GraphViewPage())},
          {"GET", "/graph/view.css", Lane::kInline, true, "How that page looks",
           File("text/css; charset=utf-8", GraphViewStyle())},
          {"GET", "/graph/view.js", Lane::kInline, true, "What that page does",
           File("text/javascript; charset=utf-8", GraphViewScript())}};
}

}  // namespace rhizome::gateway
