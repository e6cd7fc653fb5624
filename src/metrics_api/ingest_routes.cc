#include "metrics_api/ingest_routes.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/steps.h"
#include "format/coding.h"
#include "gateway/problem.h"
#include "ingest/exposition.h"
#include "ingest/json_lines.h"
#include "ingest/line_protocol.h"
#include "ingest/native.h"
#include "ingest/otlp.h"
#include "ingest/remote_write.h"
#include "ingest/remote_write_2.h"
#include "metrics_api/answers.h"
#include "metrics_api/spares.h"

namespace rhizome::metrics_api {

using format::SeriesBatchBuilder;
using gateway::BodyKind;
using gateway::Lane;
using gateway::Request;
using gateway::Response;
using ingest::Taken;

namespace {

constexpr size_t kDecodersKept = 8;  // of each kind
constexpr std::string_view kVersion2 = "io.prometheus.write.v2.Request";

// What became of a body.
struct Outcome {
  uint64_t kept = 0;
  uint64_t refused = 0;
  std::string complaint;  // "" unless something was refused
};

// What came in one format, for /metrics.
struct Counts {
  Counts(MetricRegistry& metrics, const std::string& format)
      : kept(metrics.GetCounter("metrics_samples_kept_total", "Samples taken in and durable.", {{"format", format}})),
        refused(metrics.GetCounter("metrics_samples_refused_total", "Samples refused for good, one by one.",
                                   {{"format", format}})) {}
  Counter kept;
  Counter refused;
};

class Ingest {
 public:
  Ingest(const ingest::Limits& limits, metrics::StoreSlot& slot, MetricRegistry& metrics, Clock& clock)
      : limits_(limits),
        slot_(slot),
        clock_(clock),
        remote_write_(metrics, "remote_write"),
        json_lines_(metrics, "json_lines"),
        exposition_(metrics, "exposition"),
        line_protocol_(metrics, "line_protocol"),
        otlp_(metrics, "otlp"),
        native_(metrics, "native"),
        writes_(kDecodersKept, [] { return std::make_unique<ingest::RemoteWriteDecoder>(); }),
        writes_2_(kDecodersKept, [] { return std::make_unique<ingest::RemoteWrite2Decoder>(); }),
        natives_(limits) {}

  Result<Response> RemoteWrite(const Request& request);
  Result<Response> JsonLines(const Request& request);
  Result<Response> Exposition(const Request& request);
  Result<Response> LineProtocol(const Request& request);
  Result<Response> Otlp(const Request& request);
  Result<Response> Native(const Request& request);

 private:
  using Decode = std::function<Result<Taken>(SeriesBatchBuilder& out)>;

  // Decodes and writes what may be stored.
  Result<Outcome> Take(const Request& request, Counts& counts, const Decode& decode);
  // `taken` is the account of the body that `batch` came from.
  Result<Outcome> Write(const Request& request, Counts& counts, Taken taken, const std::string& batch);
  using Store = std::function<Result<metrics::Written>(metrics::SampleStore& store, std::string_view tenant,
                                                       const cluster::CallOptions& options)>;
  Result<Outcome> WriteBy(const Request& request, Counts& counts, Taken taken, const Store& write);

  const ingest::Limits limits_;
  metrics::StoreSlot& slot_;
  Clock& clock_;
  Counts remote_write_, json_lines_, exposition_, line_protocol_, otlp_, native_;
  // All remember what senders say again and again.
  Spares<ingest::RemoteWriteDecoder> writes_;
  Spares<ingest::RemoteWrite2Decoder> writes_2_;
  ingest::NativeDecoder natives_;
};

// "application/x-protobuf; proto=a.B" → "a.B"; "" without.
std::string ProtoOf(std::string_view content_type) {
  const size_t at = content_type.find("proto=");
  if (at == std::string_view::npos) return "";
  std::string name(content_type.substr(at + 6));
  name.resize(std::min(name.size(), name.find_first_of("; \t")));
  std::erase(name, '"');
  return name;
}

bool IsJson(std::string_view content_type) { return content_type.starts_with("application/json"); }

std::string ParameterOf(const Request& request, std::string_view name) {
  const std::string* const value = gateway::FindValue(request.query, name);
  return value == nullptr ? "" : *value;
}

// How a cluster writes for this request. InfluxDB's clients may ask for "any", which is less than anything here.
Result<cluster::CallOptions> OptionsOf(const Request& request) {
  cluster::CallOptions options;
  const std::string level = ParameterOf(request, "consistency");
  if (!level.empty() && level != "any") {
    const auto parsed = cluster::ParseConsistency(level);
    if (!parsed) return Status::InvalidArgument("consistency", "must be one, quorum or all");
    options.consistency = *parsed;
  }
  options.deadline_ns = request.deadline_ns;
  options.request_id = request.id;
  options.traceparent = request.traceparent;
  return options;
}

// What a sender has to know of a failed write: not where it lies, but whether to send again. Samples are a set, so
// sending again does no harm.
Status ForSender(const Status& status) {
  switch (status.code()) {
    case Code::kNoSpace:
    case Code::kReadOnly: return Status::Unavailable("nothing can be written now: " + std::string(status.message()));
    case Code::kIoError:
      spdlog::warn("a write of samples failed: {}", status.ToString());
      return Status::Unavailable("whether the samples are kept is not known: send them again");
    case Code::kDeadlineExceeded:
      return Status::Unavailable("whether the samples are kept is not known: send them again");
    case Code::kResourceExhausted: return Status::ResourceExhausted("too much waits for the disk: send again later");
    default: return status;
  }
}

Response Refusal(const Outcome& outcome, const Request& request) {
  return gateway::ProblemFrom(Status::InvalidArgument("body", outcome.complaint), request.id,
                              {{"kept", outcome.kept}, {"refused", outcome.refused}});
}

// 204, or what was refused.
Result<Response> Plain(const Result<Outcome>& outcome, const Request& request) {
  RETURN_IF_ERROR(outcome.status());
  if (outcome->refused > 0) return Refusal(*outcome, request);
  Response response;
  response.status = 204;
  return response;
}

// With the name that the sender may give the dictionary from now on.
Response Named(Response response, const ingest::NativeBatch& native) {
  if (native.dictionary != nullptr) {
    response.headers.emplace_back(std::string(format::kDictionaryHeader), native.name.ToString());
  }
  return response;
}

// ExportMetricsServiceResponse: nothing, or partial_success {rejected_data_points, error_message}.
std::string OtlpAnswer(const Outcome& outcome, bool json) {
  if (json) {
    if (outcome.refused == 0) return "{}";
    std::string out = "{\"partialSuccess\":{\"rejectedDataPoints\":\"" + std::to_string(outcome.refused);
    out += "\",\"errorMessage\":";
    AppendJsonString(outcome.complaint, out);
    return out + "}}";
  }
  if (outcome.refused == 0) return "";
  std::string partial;
  partial += '\x08';
  format::PutVarint(partial, outcome.refused);
  partial += '\x12';
  format::PutBytes(partial, outcome.complaint);
  std::string out = "\x0A";
  format::PutBytes(out, partial);
  return out;
}

Result<Outcome> Ingest::Take(const Request& request, Counts& counts, const Decode& decode) {
  Taken taken;
  std::string batch;
  {
    const Step step("decode");
    SeriesBatchBuilder builder;
    ASSIGN_OR_RETURN(taken, decode(builder));
    batch = builder.Encode();
  }
  return Write(request, counts, std::move(taken), batch);
}

Result<Outcome> Ingest::Write(const Request& request, Counts& counts, Taken taken, const std::string& batch) {
  return WriteBy(request, counts, std::move(taken),
                 [&batch](metrics::SampleStore& store, std::string_view tenant, const cluster::CallOptions& options) {
                   return store.Write(tenant, batch, options);
                 });
}

Result<Outcome> Ingest::WriteBy(const Request& request, Counts& counts, Taken taken, const Store& write) {
  ASSIGN_OR_RETURN(metrics::SampleStore* const store, slot_.Get());
  const Step step("write");
  const std::string_view tenant = request.tenant.empty() ? metrics::kTenant : std::string_view(request.tenant);
  ASSIGN_OR_RETURN(const cluster::CallOptions options, OptionsOf(request));
  auto written = write(*store, tenant, options);
  if (!written.ok()) return ForSender(written.status());
  if (!taken.metadata.empty()) store->NoteMetadata(tenant, std::move(taken.metadata));
  taken.samples = written->kept;
  taken.dropped += written->refused;
  for (Status& reason : written->reasons) {
    if (taken.reasons.size() < Taken::kReasonsMax) taken.reasons.push_back(std::move(reason));
  }
  counts.kept.Add(static_cast<double>(taken.samples));
  counts.refused.Add(static_cast<double>(taken.dropped));
  return Outcome{taken.samples, taken.dropped, taken.Complaint()};
}

Result<Response> Ingest::RemoteWrite(const Request& request) {
  const std::string proto = ProtoOf(request.content_type);
  if (!proto.empty() && proto != kVersion2 && proto != "prometheus.WriteRequest") {
    return gateway::ProblemFrom(gateway::HttpProblem{415, "unsupported_media_type", "Unsupported media type",
                                                     "proto is prometheus.WriteRequest or " + std::string(kVersion2)},
                                request.id);
  }
  const auto outcome = Take(request, remote_write_, [&](SeriesBatchBuilder& out) -> Result<Taken> {
    if (proto == kVersion2) return writes_2_.Take()->Decode(request.body, limits_, out);
    return writes_.Take()->Decode(request.body, limits_, out);
  });
  ASSIGN_OR_RETURN(Response response, Plain(outcome, request));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Samples-Written", std::to_string(outcome->kept));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Histograms-Written", "0");
  response.headers.emplace_back("X-Prometheus-Remote-Write-Exemplars-Written", "0");
  return response;
}

Result<Response> Ingest::JsonLines(const Request& request) {
  return Plain(Take(request, json_lines_,
                    [&](SeriesBatchBuilder& out) { return ingest::DecodeJsonLines(request.body, limits_, out); }),
               request);
}

Result<Response> Ingest::Exposition(const Request& request) {
  ingest::ExpositionOptions options;
  options.now_ms = clock_.WallMs();
  if (request.content_type.starts_with("application/openmetrics-text")) {
    options.format = ingest::ExpositionFormat::kOpenMetrics;
  }
  return Plain(
      Take(request, exposition_,
           [&](SeriesBatchBuilder& out) { return ingest::DecodeExposition(request.body, options, limits_, out); }),
      request);
}

Result<Response> Ingest::LineProtocol(const Request& request) {
  ingest::LineProtocolOptions options;
  options.now_ms = clock_.WallMs();
  ASSIGN_OR_RETURN(options.precision, ingest::TimePrecisionOf(ParameterOf(request, "precision")));
  return Plain(
      Take(request, line_protocol_,
           [&](SeriesBatchBuilder& out) { return ingest::DecodeLineProtocol(request.body, options, limits_, out); }),
      request);
}

Result<Response> Ingest::Otlp(const Request& request) {
  const bool json = IsJson(request.content_type);
  if (!json && !request.content_type.starts_with("application/x-protobuf")) {
    return gateway::ProblemFrom(gateway::HttpProblem{415, "unsupported_media_type", "Unsupported media type",
                                                     "send Content-Type: application/x-protobuf or application/json"},
                                request.id);
  }
  ingest::OtlpOptions options;
  if (json) options.encoding = ingest::OtlpEncoding::kJson;
  ASSIGN_OR_RETURN(const Outcome outcome, Take(request, otlp_, [&](SeriesBatchBuilder& out) {
                     return ingest::DecodeOtlp(request.body, options, limits_, out);
                   }));
  Response response;
  response.content_type = json ? "application/json" : "application/x-protobuf";
  response.body = OtlpAnswer(outcome, json);
  return response;
}

Result<Response> Ingest::Native(const Request& request) {
  ingest::NativeBatch native;
  {
    const Step step("decode");
    ASSIGN_OR_RETURN(native, natives_.Decode(request.body));
  }
  if (!native.repeated) {
    ASSIGN_OR_RETURN(
        Response response,
        Plain(Write(request, native_, std::move(native.taken), native.batch ? *native.batch : request.body), request));
    return Named(std::move(response), native);
  }
  const auto known = [&native](metrics::SampleStore& store, std::string_view tenant,
                               const cluster::CallOptions& options) {
    return store.WriteKnown(tenant, native.view, native.dictionary, options);
  };
  ASSIGN_OR_RETURN(Response response, Plain(WriteBy(request, native_, std::move(native.taken), known), request));
  return Named(std::move(response), native);
}

}  // namespace

std::vector<gateway::Route> IngestRoutes(const ingest::Limits& limits, metrics::StoreSlot& slot,
                                         MetricRegistry& metrics, Clock& clock) {
  const auto ingest = std::make_shared<Ingest>(limits, slot, metrics, clock);
  std::vector<gateway::Route> routes;
  using Method = Result<Response> (Ingest::*)(const Request&);
  const auto add = [&](const char* path, const char* summary, BodyKind body, Method method) {
    routes.push_back({"POST", path, Lane::kWrite, false, summary,
                      [ingest, method](const Request& request) { return ((*ingest).*method)(request); }, body});
  };
  add("/api/v1/write", "Takes samples by Prometheus' remote write, 1.0 and 2.0", BodyKind::kSnappyProtobuf,
      &Ingest::RemoteWrite);
  add("/api/v1/import", "Takes samples as JSON lines", BodyKind::kAny, &Ingest::JsonLines);
  add("/api/v1/import/prometheus", "Takes samples as text exposition", BodyKind::kAny, &Ingest::Exposition);
  add("/api/v1/import/native", "Takes samples as a series batch", BodyKind::kAny, &Ingest::Native);
  add("/write", "Takes samples by InfluxDB's line protocol", BodyKind::kAny, &Ingest::LineProtocol);
  add("/api/v2/write", "Takes samples by InfluxDB's line protocol, version 2", BodyKind::kAny, &Ingest::LineProtocol);
  add("/v1/metrics", "Takes metrics by OTLP/HTTP", BodyKind::kAny, &Ingest::Otlp);
  return routes;
}

}  // namespace rhizome::metrics_api
