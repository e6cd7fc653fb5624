// Routes that make, show, verify, restore and prune snapshots of collections. Where they lie is the operator's choice
// alone (snapshot_targets): a request names one of these or takes the first.
#include <charconv>

#include "backup/service.h"
#include "gateway/api_parts.h"

namespace rhizome::gateway {
namespace {

using backup::Job;
using backup::JobKind;
using backup::JobRequest;

Result<backup::Service*> ServiceOf(const BackendSlot& slot) {
  ASSIGN_OR_RETURN(const Backend backend, slot.Get());
  if (backend.backups == nullptr) return Status::FailedPrecondition("this server makes no snapshots");
  return backend.backups;
}

// An absent body is an empty object.
Result<JobRequest> ReadJob(const Request& request, JobKind kind) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(request.body.empty() ? "{}" : request.body));
  JobRequest job;
  job.kind = kind;
  job.collection = request.PathParam("name");
  const JsonPath path;
  Fields fields(document.root(), path);
  fields.Optional("target", job.target);
  if (kind == JobKind::kVerify || kind == JobKind::kRestore) fields.Optional("snapshot", job.snapshot);
  if (kind == JobKind::kPrune) {
    fields.Optional("keep", job.prune.keep, Between{1, 1'000'000}).Optional("dry_run", job.prune.dry_run);
  }
  if (kind == JobKind::kRestore) {
    job.into.collection = job.collection;
    fields.Optional("from", job.collection)
        .Optional("shards", job.into.shards, Between{1, 64})
        .Optional("replication_factor", job.into.replication_factor, Between{1, 16})
        .Optional("merge", job.into.merge);
  }
  RETURN_IF_ERROR(fields.Finish());
  return job;
}

void WriteSummary(JsonWriter& writer, const backup::Summary& summary) {
  writer.BeginObject().Key("id").String(summary.id).Key("parent").String(summary.parent);
  writer.Key("created_ms").Integer(summary.created_ms).Key("collection").String(summary.spec.name);
  writer.Key("dimension").Integer(summary.spec.dimension);
  writer.Key("metric").String(vector::MetricName(summary.spec.metric)).Key("embedder").String(summary.spec.embedder);
  writer.Key("language").String(summary.spec.language).Key("shards").Integer(summary.spec.shards);
  writer.Key("replication_factor").Integer(summary.spec.replication_factor);
  writer.Key("registers").Integer(summary.registers).Key("bytes").Integer(summary.bytes);
  writer.Key("new_bytes").Integer(summary.new_bytes).EndObject();
}

void WriteTexts(JsonWriter& writer, const std::vector<std::string>& texts) {
  writer.BeginArray();
  for (const std::string& text : texts) writer.String(text);
  writer.EndArray();
}

// One function per report; the answer has the members of the one there is.
struct ReportWriter {
  JsonWriter& writer;

  void operator()(std::monostate) const {}
  void operator()(const backup::CreateReport& report) const {
    writer.Key("summary");
    WriteSummary(writer, report.summary);
    writer.Key("chunks_written").Integer(report.chunks_written).Key("chunks_reused").Integer(report.chunks_reused);
  }
  void operator()(const backup::VerifyReport& report) const {
    writer.Key("summary");
    WriteSummary(writer, report.summary);
    writer.Key("chunks").Integer(report.chunks).Key("registers").Integer(report.registers);
    writer.Key("damaged").Integer(report.damaged).Key("problems");
    WriteTexts(writer, report.problems);
  }
  void operator()(const backup::RestoreReport& report) const {
    writer.Key("summary");
    WriteSummary(writer, report.summary);
    writer.Key("merged").Integer(report.merged).Key("already").Integer(report.already);
    writer.Key("equal").Bool(report.equal);
  }
  void operator()(const backup::PruneReport& report) const {
    writer.Key("snapshots");
    WriteTexts(writer, report.snapshots);
    writer.Key("chunks").Integer(report.chunks).Key("bytes").Integer(report.bytes);
    writer.Key("kept_chunks").Integer(report.kept_chunks);
  }
};

void WriteJob(JsonWriter& writer, const Job& job) {
  writer.BeginObject().Key("job").Integer(job.number).Key("kind").String(backup::JobKindName(job.request.kind));
  writer.Key("collection").String(job.request.collection).Key("target").String(job.request.target);
  writer.Key("snapshot").String(job.request.snapshot).Key("into").String(job.request.into.collection);
  if (job.request.kind == JobKind::kPrune) writer.Key("dry_run").Bool(job.request.prune.dry_run);
  writer.Key("state").String(backup::JobStateName(job.state)).Key("progress").BeginObject();
  writer.Key("step").String(job.progress.step).Key("done").Integer(job.progress.done);
  writer.Key("total").Integer(job.progress.total).EndObject();
  writer.Key("asked_ms").Integer(job.asked_ms).Key("ended_ms").Integer(job.ended_ms);
  if (job.state == backup::JobState::kFailed) writer.Key("error").String(job.failure.message());
  if (job.state == backup::JobState::kDone) {
    writer.Key("report").BeginObject();
    std::visit(ReportWriter{writer}, job.report);
    writer.EndObject();
  }
  writer.EndObject();
}

template <JobKind kind>
Result<Response> Begin(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(backup::Service* const service, ServiceOf(slot));
  ASSIGN_OR_RETURN(JobRequest wanted, ReadJob(request, kind));
  ASSIGN_OR_RETURN(const Job job, service->Start(std::move(wanted)));
  JsonWriter writer;
  WriteJob(writer, job);
  return JsonResponse(writer, 202);
}

Result<Response> List(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(backup::Service* const service, ServiceOf(slot));
  const std::string* const target = FindValue(request.query, "target");
  ASSIGN_OR_RETURN(const auto listing, service->List(request.PathParam("name"), target == nullptr ? "" : *target));
  JsonWriter writer;
  writer.BeginObject().Key("snapshots").BeginArray();
  for (const backup::Summary& summary : listing.snapshots) WriteSummary(writer, summary);
  writer.EndArray().Key("damaged");
  WriteTexts(writer, listing.damaged);
  writer.EndObject();
  return JsonResponse(writer);
}

Result<Response> Overview(const BackendSlot& slot, const Request&) {
  ASSIGN_OR_RETURN(backup::Service* const service, ServiceOf(slot));
  JsonWriter writer;
  writer.BeginObject().Key("targets");
  WriteTexts(writer, service->Targets());
  writer.Key("jobs").BeginArray();
  for (const Job& job : service->Jobs()) WriteJob(writer, job);
  writer.EndArray().EndObject();
  return JsonResponse(writer);
}

Result<Response> Show(const BackendSlot& slot, const Request& request) {
  ASSIGN_OR_RETURN(backup::Service* const service, ServiceOf(slot));
  const std::string& text = request.PathParam("job");
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status::InvalidArgument("job", "must be a job's number");
  }
  ASSIGN_OR_RETURN(const Job job, service->Find(number));
  JsonWriter writer;
  WriteJob(writer, job);
  return JsonResponse(writer);
}

}  // namespace

std::vector<Route> SnapshotRoutes(const ApiOptions&, const BackendSlot& slot) {
  const auto bind = [&slot](Result<Response> (*call)(const BackendSlot&, const Request&)) {
    return [&slot, call](const Request& request) { return call(slot, request); };
  };
  const std::string of = "/collections/{name}/snapshots";
  return {{"POST", of, Lane::kAdmin, false, "Make a snapshot of a collection", bind(Begin<JobKind::kCreate>)},
          {"GET", of, Lane::kAdmin, false, "List a collection's snapshots", bind(List)},
          {"POST", of + "/verify", Lane::kAdmin, false, "Read a snapshot and check all of it",
           bind(Begin<JobKind::kVerify>)},
          {"POST", of + "/prune", Lane::kAdmin, false, "Remove old snapshots and what none needs",
           bind(Begin<JobKind::kPrune>)},
          {"POST", "/collections/{name}/restore", Lane::kAdmin, false, "Restore a snapshot into a collection",
           bind(Begin<JobKind::kRestore>)},
          {"GET", "/snapshots", Lane::kAdmin, false, "Where snapshots go, and the jobs on them", bind(Overview)},
          {"GET", "/snapshots/{job}", Lane::kAdmin, false, "Show a snapshot job", bind(Show)}};
}

}  // namespace rhizome::gateway
