// Routes on tasks: what became of documents' tasks, and the dead letters among their jobs.
#include "gateway/api_parts.h"
#include "gateway/query_parameters.h"
#include "gateway/task_stream.h"
#include "memory/service.h"

namespace rhizome::gateway {
namespace {

constexpr uint32_t kPageMax = 1000;
constexpr uint32_t kPageDefault = 100;

Result<Response> ShowTask(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  const std::string& id = request.PathParam("id");
  if (backend.memory == nullptr) return Status::NotFound("there is no task " + id);
  ASSIGN_OR_RETURN(const workers::Task task, backend.memory->Task(id));
  JsonWriter writer;
  WriteTask(writer, task);
  return JsonResponse(writer);
}

Result<Response> FollowTask(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  const std::string& id = request.PathParam("id");
  if (backend.memory == nullptr) return Status::NotFound("there is no task " + id);
  Response response;
  response.content_type = "text/event-stream";
  ASSIGN_OR_RETURN(response.stream, TaskStream::Open(*backend.memory, id));
  return response;
}

Result<uint32_t> ReadLimit(const Parameters& parameters) {
  ASSIGN_OR_RETURN(const auto limit, parameters.Number("limit", 1, kPageMax));
  return limit ? static_cast<uint32_t>(*limit) : kPageDefault;
}

Result<Response> ListTasks(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const auto parameters, Parameters::Read(request, {"state", "after", "limit"}));
  workers::TaskQuery query;
  ASSIGN_OR_RETURN(query.limit, ReadLimit(parameters));
  query.after = parameters.Text("after").value_or("");
  if (const auto state = parameters.Text("state")) {
    for (const auto known :
         {workers::TaskState::kWorking, workers::TaskState::kDone, workers::TaskState::kDeadLettered}) {
      if (*state == workers::TaskStateName(known)) query.state = known;
    }
    if (!query.state) return Status::InvalidArgument("query.state", "must be working, done or dead_lettered");
  }
  workers::TaskPage page;
  if (backend.memory != nullptr) {
    ASSIGN_OR_RETURN(page, backend.memory->Tasks(query));
  }
  JsonWriter writer;
  writer.BeginObject().Key("tasks").BeginArray();
  for (const workers::Task& task : page.tasks) WriteTask(writer, task);
  writer.EndArray().Key("next").String(page.next).EndObject();
  return JsonResponse(writer);
}

Result<Response> ListDeadLetters(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const auto parameters, Parameters::Read(request, {"stage", "reason", "limit"}));
  workers::DeadLetterChoice choice;
  choice.stage = parameters.Text("stage").value_or("");
  choice.reason = parameters.Text("reason").value_or("");
  ASSIGN_OR_RETURN(const uint32_t limit, ReadLimit(parameters));
  std::vector<workers::DeadLetter> letters;
  if (backend.memory != nullptr) {
    ASSIGN_OR_RETURN(letters, backend.memory->DeadLetters(choice, limit));
  }
  JsonWriter writer;
  writer.BeginObject().Key("dead_letters").BeginArray();
  for (const workers::DeadLetter& letter : letters) {
    writer.BeginObject().Key("task").String(letter.job.task).Key("job").String(letter.job.name);
    writer.Key("key").String(letter.job.key).Key("reason").String(letter.reason);
    writer.Key("died_ms").Integer(letter.died_ms).Key("accepted_ms").Integer(letter.job.accepted_ms);
    writer.Key("attempts").Integer(letter.job.attempt + 1).Key("round").Integer(letter.job.round).EndObject();
  }
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

// Who names nothing must say that all are meant.
Result<workers::DeadLetterChoice> ReadChoice(const Request& request) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body));
  workers::DeadLetterChoice choice;
  bool all = false;
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("tasks", choice.tasks, LengthBetween{1, kBatchItemsMax})
      .Optional("stage", choice.stage, LengthBetween{1, 200})
      .Optional("reason", choice.reason, LengthBetween{1, 2048})
      .Optional("all", all);
  RETURN_IF_ERROR(fields.Finish());
  const bool named = !choice.tasks.empty() || !choice.stage.empty() || !choice.reason.empty();
  if (named == all) {
    return Status::InvalidArgument(
        "all", all ? "cannot stand beside tasks, stage or reason" : "is required without tasks, stage and reason");
  }
  return choice;
}

Result<Response> TakeOut(const BackendSlot& slot, const Request& request, const char* done,
                         Result<uint64_t> (memory::Service::*call)(const workers::DeadLetterChoice&)) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  ASSIGN_OR_RETURN(const workers::DeadLetterChoice choice, ReadChoice(request));
  uint64_t count = 0;
  if (backend.memory != nullptr) {
    ASSIGN_OR_RETURN(count, (backend.memory->*call)(choice));
  }
  JsonWriter writer;
  writer.BeginObject().Key(done).Integer(count).EndObject();
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> TaskRoutes(const BackendSlot& slot) {
  const auto bind = [&slot](Result<Response> (*call)(const BackendSlot&, const Request&)) {
    return [&slot, call](const Request& request) { return call(slot, request); };
  };
  return {{"GET", "/tasks/{id}", Lane::kQuery, false, "Show how far the task of a document is", bind(ShowTask)},
          {"GET", "/tasks/{id}/events", Lane::kQuery, false, "Follow a task to its end by server-sent events",
           bind(FollowTask)},
          {"GET", "/tasks", Lane::kAdmin, false, "List tasks, of one state or of any", bind(ListTasks)},
          {"GET", "/dead-letters", Lane::kAdmin, false, "List jobs that failed for good", bind(ListDeadLetters)},
          {"POST", "/dead-letters/redrive", Lane::kAdmin, false, "Send dead letters on their way again",
           [&slot](const Request& r) { return TakeOut(slot, r, "redriven", &memory::Service::Redrive); }},
          {"POST", "/dead-letters/drop", Lane::kAdmin, false, "Give dead letters up for good",
           [&slot](const Request& r) { return TakeOut(slot, r, "dropped", &memory::Service::Discard); }}};
}

}  // namespace rhizome::gateway
