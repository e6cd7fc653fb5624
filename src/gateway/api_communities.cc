// Routes on communities: which there are, and finding them anew.
#include <algorithm>

#include "communities/service.h"
#include "format/entity_name.h"
#include "gateway/api_parts.h"
#include "gateway/query_parameters.h"

namespace rhizome::gateway {
namespace {

constexpr uint32_t kPageMax = 100;
constexpr uint32_t kMembersMax = 1'000;
constexpr uint32_t kMembersInAllMax = 10'000;  // of all communities of an answer

Result<communities::Service*> ServiceOf(const Backend& backend) {
  if (backend.communities != nullptr) return backend.communities;
  return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
}

void WriteCommunity(JsonWriter& writer, const communities::CommunityView& community, uint32_t members) {
  writer.BeginObject().Key("id").String(community.id).Key("level").Integer(community.level);
  writer.Key("parent");
  if (community.parent) {
    writer.String(*community.parent);
  } else {
    writer.Null();
  }
  writer.Key("title").String(community.Title()).Key("summary").String(community.Summary());
  writer.Key("size").Integer(community.size).Key("parts").Integer(community.parts);
  writer.Key("members").BeginArray();
  for (size_t i = 0; i < community.members.size() && i < members; ++i) {
    const communities::MemberView& member = community.members[i];
    writer.BeginObject().Key("name").String(member.name).Key("surface").String(member.surface);
    writer.Key("type").String(member.type).Key("documents").Integer(member.documents).EndObject();
  }
  writer.EndArray().Key("citations").BeginArray();
  for (const communities::CitedSentence& cited : community.citations) {
    writer.BeginObject().Key("document");
    WriteId(writer, cited.document);
    writer.Key("chunk").Integer(cited.chunk).Key("text").String(cited.text).EndObject();
  }
  writer.EndArray();
}

Response StateResponse(const communities::BuildState& state, int status) {
  JsonWriter writer;
  writer.BeginObject().Key("state");
  writer.String(state.running ? "running" : state.requested ? "waiting" : "idle");
  writer.Key("phase").String(communities::PhaseName(state.phase));
  writer.Key("done").Integer(state.done).Key("total").Integer(state.total);
  writer.Key("current").Bool(state.current).Key("built_ms");
  if (state.built_ms) {
    writer.Integer(*state.built_ms);
  } else {
    writer.Null();
  }
  writer.Key("builds").Integer(state.builds).Key("error").String(state.error);
  writer.Key("last").BeginObject().Key("entities").Integer(state.last.entities);
  writer.Key("pairs").Integer(state.last.edges).Key("changed").Integer(state.last.changed);
  writer.Key("summarised").Integer(state.last.summarised).Key("seconds").Number(state.last_s).EndObject().EndObject();
  return JsonResponse(writer, status);
}

struct Asked {
  communities::ListQuery query;
  std::optional<std::string> about;
};

Result<Asked> ReadAsked(const ApiOptions& options, const Request& request) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection", "level", "entity", "parent",
                                                                           "about", "after", "limit", "members"}));
  Asked asked;
  const auto name = CollectionName(options, parameters.Text("collection"));
  if (!name.ok()) return NamedAsQuery(name.status());
  asked.query.collection = *name;
  asked.query.parent = parameters.Text("parent");
  asked.about = parameters.Text("about");
  ASSIGN_OR_RETURN(const auto level, parameters.Number("level", 0, communities::kLevelsMax));
  if (level) asked.query.level = static_cast<uint32_t>(*level);
  if (const auto entity = parameters.Text("entity")) {
    asked.query.entity = format::EntityName(*entity);
    if (asked.query.entity->empty()) return Status::InvalidArgument("query.entity", "is a name");
  }
  if (asked.query.entity.has_value() + asked.query.parent.has_value() + asked.about.has_value() > 1) {
    return Status::InvalidArgument("query.about", "is one of three ways to choose: entity, parent or about");
  }
  if (asked.about && asked.about->size() > kQueryBytesMax) return Status::InvalidArgument("query.about", "is too long");
  ASSIGN_OR_RETURN(const auto limit, parameters.Number("limit", 1, kPageMax));
  if (limit) asked.query.limit = static_cast<uint32_t>(*limit);
  ASSIGN_OR_RETURN(const auto members, parameters.Number("members", 0, kMembersMax));
  if (members) asked.query.members_max = static_cast<uint32_t>(*members);
  if (asked.query.limit * asked.query.members_max > kMembersInAllMax) {
    return Status::InvalidArgument("query.members", "times limit must be at most " + std::to_string(kMembersInAllMax));
  }
  ASSIGN_OR_RETURN(asked.query.after, DecodePlace(parameters.Text("after").value_or("")));
  return asked;
}

Result<Response> ListAbout(communities::Service& service, const Asked& asked) {
  communities::GlobalQuestion question{asked.query.collection, *asked.about, asked.query.limit,
                                       asked.query.members_max};
  ASSIGN_OR_RETURN(const auto hits, service.BestFor(question));
  JsonWriter writer;
  writer.BeginObject().Key("communities").BeginArray();
  for (const communities::GlobalHit& hit : hits) {
    WriteCommunity(writer, hit.community, asked.query.members_max);
    writer.Key("score").Number(hit.score).EndObject();
  }
  writer.EndArray().Key("next").String("").EndObject();
  return JsonResponse(writer);
}

Result<Response> ListCommunities(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(communities::Service* const service, ServiceOf(backend));
  ASSIGN_OR_RETURN(const Asked asked, ReadAsked(options, request));
  if (asked.about) return ListAbout(*service, asked);
  const auto page = service->List(asked.query);
  if (!page.ok()) return NamedAsQuery(page.status());
  JsonWriter writer;
  writer.BeginObject().Key("communities").BeginArray();
  for (const communities::CommunityView& community : page->communities) {
    WriteCommunity(writer, community, asked.query.members_max);
    writer.EndObject();
  }
  writer.EndArray().Key("next").String(EncodePlace(page->next)).Key("levels").Integer(page->levels);
  writer.Key("total").Integer(page->communities_in_all).Key("entities").Integer(page->entities);
  writer.Key("built_ms").Integer(page->built_ms).EndObject();
  return JsonResponse(writer);
}

Result<Response> Rebuild(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(communities::Service* const service, ServiceOf(backend));
  ASSIGN_OR_RETURN(const JsonDocument body, JsonDocument::Parse(request.body));
  std::optional<std::string> collection;
  bool afresh = false;
  const JsonPath path;
  Fields fields(body.root(), path);
  fields.Optional("collection", collection).Optional("afresh", afresh);
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(const std::string name, CollectionName(options, collection));
  ASSIGN_OR_RETURN(const auto state, service->Request(name, afresh));
  return StateResponse(state, 202);
}

Result<Response> ShowRebuild(const ApiOptions& options, const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(communities::Service* const service, ServiceOf(backend));
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::Read(request, {"collection"}));
  const auto name = CollectionName(options, parameters.Text("collection"));
  if (!name.ok()) return NamedAsQuery(name.status());
  ASSIGN_OR_RETURN(const auto state, service->State(*name));
  return StateResponse(state, 200);
}

}  // namespace

std::vector<Route> CommunityRoutes(const ApiOptions& options, const BackendSlot& slot) {
  const auto bind = [&](Result<Response> (*call)(const ApiOptions&, const BackendSlot&, const Request&)) {
    return [options, &slot, call](const Request& request) { return call(options, slot, request); };
  };
  return {
      {"GET", "/communities", Lane::kQuery, false, "List what belongs together in a collection's knowledge graph",
       bind(ListCommunities)},
      {"POST", "/communities/rebuild", Lane::kQuery, false, "Find a collection's communities anew", bind(Rebuild)},
      {"GET", "/communities/rebuild", Lane::kQuery, false, "Show how far finding communities is", bind(ShowRebuild)}};
}

}  // namespace rhizome::gateway
