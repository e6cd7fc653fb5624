#include "memory/build.h"

#include <charconv>
#include <chrono>
#include <thread>

#include "format/coding.h"
#include "memory/document_task.h"
#include "workers/intake.h"

namespace rhizome::memory {
namespace {

constexpr uint32_t kPointsPerPage = 2'000;
constexpr uint64_t kWaitingMax = 20'000;
constexpr std::string_view kEnd = "/end";
constexpr auto kLookEvery = std::chrono::milliseconds(100);

struct Place {
  std::string collection;
  std::optional<format::PointId> after;
};

std::string EncodePlace(const Place& place) {
  std::string out;
  format::PutBytes(out, place.collection);
  format::PutBytes(out, place.after ? place.after->Encode() : std::string());
  return out;
}

Result<Place> DecodePlace(std::string_view bytes) {
  format::Decoder in(bytes);
  Place place;
  std::string_view after;
  if (!in.Bytes(place.collection) || !in.Bytes(after)) return in.Failure("task of a collection");
  RETURN_IF_ERROR(in.Finish("task of a collection"));
  if (after.empty()) return place;
  ASSIGN_OR_RETURN(place.after, format::PointId::Decode(after));
  return place;
}

// How many documents were taken before a job.
uint64_t TakenBefore(std::string_view job) {
  const std::string_view number = job.substr(std::min(job.find('/'), job.size() - 1) + 1);
  uint64_t taken = 0;
  (void)std::from_chars(number.data(), number.data() + number.size(), taken);
  return taken;
}

std::string TaskOf(const cluster::CollectionInfo& info) { return "learn-" + info.id.ToString(); }

}  // namespace

Result<std::string> Builder::Begin(const std::string& collection) {
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info, parts_.node.GetCollection(collection));
  workers::Submission submission;
  submission.task = TaskOf(info);
  const auto known = parts_.book == nullptr ? Status::NotFound("") : parts_.book->Get(submission.task).status();
  if (known.ok()) return submission.task;
  submission.version = parts_.node.versions().Next();
  submission.payload = EncodePlace({collection, {}});
  submission.key = collection + ":";
  submission.stage = std::string(workers::kRaw);
  RETURN_IF_ERROR(workers::Accept(parts_.queue, settings_, {&submission, 1}, parts_.book));
  return submission.task;
}

Result<std::optional<BuildProgress>> Builder::Progress(const std::string& collection) {
  ASSIGN_OR_RETURN(const cluster::CollectionInfo info, parts_.node.GetCollection(collection));
  const auto task = parts_.book->Get(TaskOf(info));
  if (task.status().code() == Code::kNotFound) return std::optional<BuildProgress>();
  RETURN_IF_ERROR(task.status());
  BuildProgress progress{task->id, task->state(), task->reason()};
  for (const auto& [name, job] : task->jobs) {
    progress.documents_taken = std::max(progress.documents_taken, TakenBefore(name));
  }
  return std::optional<BuildProgress>(std::move(progress));
}

std::vector<workers::Outcome> Builder::Work(std::span<const workers::Job> jobs) {
  std::vector<workers::Outcome> outcomes;
  for (const workers::Job& job : jobs) outcomes.push_back(WorkOne(job));
  return outcomes;
}

workers::Outcome Builder::WorkOne(const workers::Job& job) {
  if (job.name.ends_with(kEnd)) return {};
  const auto place = DecodePlace(job.payload);
  if (!place.ok()) return {place.status(), {}};
  const auto graph = parts_.node.Graph(place->collection);
  // Dropped meanwhile, or made anew without a graph: there is nothing to learn.
  if (graph.status().code() == Code::kNotFound || (graph.ok() && *graph == nullptr)) return {};
  auto page = graph.ok() ? ReadPage(place->collection, place->after) : graph.status();
  if (!page.ok()) return {page.status(), {}};
  std::vector<workers::Submission> submissions;
  for (const format::PointId& document : page->documents) {
    submissions.push_back(SubmissionOf(place->collection, document, job.version));
  }
  Status status = AwaitRoom();
  if (status.ok() && !submissions.empty()) {
    status = workers::Accept(parts_.queue, settings_, submissions, parts_.book);
  }
  if (!status.ok()) return {status, {}};
  // The end has a job of its own: its name says how many there were.
  std::string next = std::string(workers::kRaw) + "/" + std::to_string(TakenBefore(job.name) + page->documents.size());
  if (!page->next) next += kEnd;
  return {{}, {{std::move(next), EncodePlace({place->collection, page->next})}}};
}

// Every document has a chunk, and a chunk says whose it is: points in the order of ids are documents in pages.
Result<Builder::Page> Builder::ReadPage(const std::string& collection, const std::optional<format::PointId>& after) {
  Page page;
  cluster::ScrollRequest request;
  request.collection = collection;
  request.after = after;
  request.limit = kPointsPerPage;
  ASSIGN_OR_RETURN(const cluster::ScrollResponse points, parts_.node.Scroll(request));
  for (const cluster::StoredPointView& each : points.points) {
    const format::PointId& id = each.point.id;
    if (!format::PointId::IsChunk(id.Encode())) continue;
    ASSIGN_OR_RETURN(format::PointId document, format::PointId::FromString(id.RoutingKey()));
    // Its first chunk stands for it; the others lie somewhere in the order.
    if (id == format::PointId::OfChunk(document, 0)) page.documents.push_back(std::move(document));
  }
  page.next = points.next;
  return page;
}

Status Builder::AwaitRoom() {
  while (!stopping_) {
    ASSIGN_OR_RETURN(const auto lags, parts_.queue.Lags(workers::StageGroup(settings_, workers::kExtract)));
    uint64_t waiting = 0;
    for (const queue::Lag& lag : lags) waiting += lag.messages();
    if (waiting < kWaitingMax) return Status::Ok();
    std::this_thread::sleep_for(kLookEvery);
  }
  return Status::Unavailable("the server is stopping");
}

}  // namespace rhizome::memory
