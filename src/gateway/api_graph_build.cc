// Routes that give a collection with documents a knowledge graph, and tell how far that is.
#include "gateway/api_parts.h"
#include "memory/service.h"

namespace rhizome::gateway {
namespace {

Result<Backend> WithMemory(const BackendSlot& slot) {
  ASSIGN_OR_RETURN(Backend backend, slot.Get());
  if (backend.memory != nullptr) return backend;
  return Status::FailedPrecondition("a cluster keeps no knowledge graphs yet: a server alone does");
}

Result<Response> Progress(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, WithMemory(slot));
  const std::string& name = request.PathParam("name");
  ASSIGN_OR_RETURN(const auto progress, backend.memory->LearnProgress(name));
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info, backend.database->GetCollection(name));
  ASSIGN_OR_RETURN(const workers::PipelineLag lag, backend.memory->Lag());
  uint64_t waiting = 0;
  for (const auto& [topic, messages] : lag.topics) waiting += messages;
  JsonWriter writer;
  writer.BeginObject().Key("collection").String(name).Key("documents").Integer(info.documents);
  writer.Key("waiting").Integer(waiting).Key("task");
  if (progress) {
    writer.BeginObject().Key("id").String(progress->task).Key("state").String(workers::TaskStateName(progress->state));
    writer.Key("documents_taken").Integer(progress->documents_taken).Key("reason").String(progress->reason).EndObject();
  } else {
    writer.Null();
  }
  writer.EndObject();
  return JsonResponse(writer);
}

Result<Response> Build(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, WithMemory(slot));
  RETURN_IF_ERROR(backend.memory->LearnAll(request.PathParam("name")).status());
  ASSIGN_OR_RETURN(Response response, Progress(slot, request));
  response.status = 202;
  return response;
}

}  // namespace

std::vector<Route> GraphBuildRoutes(const BackendSlot& slot) {
  return {{"POST", "/collections/{name}/graph", Lane::kWrite, false,
           "Give a collection a knowledge graph of all its documents, in the background",
           [&slot](const Request& request) { return Build(slot, request); }},
          {"GET", "/collections/{name}/graph", Lane::kAdmin, false, "How far that is",
           [&slot](const Request& request) { return Progress(slot, request); }}};
}

}  // namespace rhizome::gateway
