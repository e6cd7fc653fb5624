// What the route files share: decoding of ids and filters, lookups and answers. Internal to the gateway.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/graph/types.h"
#include "engines/vector/filter.h"
#include "format/graph.h"
#include "gateway/api.h"
#include "gateway/json_document.h"
#include "gateway/json_fields.h"
#include "gateway/json_writer.h"

namespace rhizome::gateway {

inline constexpr size_t kBatchItemsMax = 10'000;
inline constexpr size_t kQueryBytesMax = 64 << 10;
inline constexpr size_t kTextBytesMax = 10 << 20;

// An id as clients write it: an integer from 0 to 2^64-1 or a string.
Status ReadJson(const boost::json::value& value, const JsonPath& path, format::PointId& out);
void WriteId(JsonWriter& writer, const format::PointId& id);

// Null when there is none.
Result<std::shared_ptr<const vector::Filter>> ReadFilter(JsonView filter);

// The named collection or the default one; InvalidArgument (field "collection") for a name that cannot be one.
Result<std::string> CollectionName(const ApiOptions& options, const std::optional<std::string>& name);

// `from` at the front of the status's field becomes `to` ("operations[3].vector" → "points[3].vector").
Status RenameField(const Status& status, std::string_view from, std::string_view to);

// "active", "archived", "deleted".
std::string_view EntityStateName(format::EntityState state);
std::optional<format::EntityState> EntityStateOf(std::string_view name);

// A fact of a knowledge graph as an object.
void WriteRelation(JsonWriter& writer, const graph::FoundFact& fact);

// Unit vectors for texts; FailedPrecondition when the collection's embedder is not the server's.
Result<std::vector<std::vector<float>>> EmbedFor(const Backend& backend, const cluster::CollectionSpec& spec,
                                                 const std::vector<std::string>& texts);

// What a call on the database is told of the request it is for. `consistency` is the body's; InvalidArgument names it.
Result<cluster::ReadOptions> ReadOptionsOf(const Request& request, const std::optional<std::string>& consistency);
Result<cluster::WriteOptions> WriteOptionsOf(const Request& request, const std::optional<std::string>& consistency);

// The body of POST /documents. `into_memory`: the default collection, if it has to be made, gets a knowledge graph
// where this server keeps any.
Result<Response> IngestDocuments(const ApiOptions& options, const BackendSlot& slot, const Request& request,
                                 bool into_memory);

Response JsonResponse(JsonWriter& writer, int status = 200);

std::vector<Route> CollectionRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> PointRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> SearchRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> DocumentRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> AskRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> MemoryRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> CommunityRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> GraphRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> RelationRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> EvolveRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> TaskRoutes(const BackendSlot& slot);
std::vector<Route> GraphBuildRoutes(const BackendSlot& slot);
std::vector<Route> ClusterRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> SnapshotRoutes(const ApiOptions& options, const BackendSlot& slot);
std::vector<Route> SystemRoutes(const ApiOptions& options, const BackendSlot& slot, MetricRegistry& metrics);

// The spec of a collection whose creator left the rest to the server.
cluster::CollectionSpec DefaultSpec(const Backend& backend, std::string name);

}  // namespace rhizome::gateway
