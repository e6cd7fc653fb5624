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
#include "ingest/otlp.h"
#include "ingest/remote_write.h"
#include "ingest/remote_write_2.h"
#include "metrics_api/answers.h"

namespace rhizome::metrics_api {

using format::SeriesBatch;
using format::SeriesBatchBuilder;
using gateway::BodyKind;
using gateway::Lane;
using gateway::Request;
using gateway::Response;
using ingest::Taken;

namespace {

constexpr std::string_view kVersion2 = "io.prometheus.write.v2.Request";

// A body that was read: what of it may be stored, encoded.
struct Decoded {
  Taken taken;
  std::string batch;
};

// What became of a body.
struct Outcome {
  uint64_t kept = 0;
  uint64_t refused = 0;
  std::string complaint;  // "" unless something was refused
};

class Ingest {
 public:
  Ingest(const ingest::Limits& limits, metrics::StoreSlot& slot, Clock& clock)
      : limits_(limits), slot_(slot), clock_(clock) {}

  Result<Response> RemoteWrite(const Request& request) const;
  Result<Response> JsonLines(const Request& request) const;
  Result<Response> Exposition(const Request& request) const;
  Result<Response> LineProtocol(const Request& request) const;
  Result<Response> Otlp(const Request& request) const;
  Result<Response> Native(const Request& request) const;

 private:
  using Decode = std::function<Result<Taken>(SeriesBatchBuilder& out)>;

  // Decodes and writes what may be stored.
  Result<Outcome> Take(const Request& request, const Decode& decode) const;
  Result<Outcome> Write(const Request& request, Decoded decoded) const;
  Result<Decoded> DecodeNative(std::string_view body) const;

  const ingest::Limits limits_;
  metrics::StoreSlot& slot_;
  Clock& clock_;
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

// What a sender has to know of a failed write: not where it lies, but whether to send again. Samples are a set, so
// sending again does no harm.
Status ForSender(const Status& status) {
  switch (status.code()) {
    case Code::kNoSpace:
    case Code::kReadOnly: return Status::Unavailable("nothing can be written now: " + std::string(status.message()));
    case Code::kIoError:
      spdlog::warn("a write of samples failed: {}", status.ToString());
      return Status::Unavailable("whether the samples are kept is not known: send them again");
    default: return status;
  }
}

Response Refusal(const Outcome& outcome, const Request& request) {
  return gateway::ProblemFrom(Status::InvalidArgument("body", outcome.complaint), request.id);
}

// 204, or what was refused.
Result<Response> Plain(const Result<Outcome>& outcome, const Request& request) {
  RETURN_IF_ERROR(outcome.status());
  if (outcome->refused > 0) return Refusal(*outcome, request);
  Response response;
  response.status = 204;
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

Result<Outcome> Ingest::Take(const Request& request, const Decode& decode) const {
  SeriesBatchBuilder builder;
  Decoded decoded;
  {
    const Step step("decode");
    ASSIGN_OR_RETURN(decoded.taken, decode(builder));
    decoded.batch = builder.Encode();
  }
  return Write(request, std::move(decoded));
}

Result<Outcome> Ingest::Write(const Request& request, Decoded decoded) const {
  ASSIGN_OR_RETURN(metrics::Store* const store, slot_.Get());
  const Step step("write");
  const std::string_view tenant = request.tenant.empty() ? metrics::kTenant : std::string_view(request.tenant);
  auto written = store->Write(tenant, decoded.batch);
  if (!written.ok()) return ForSender(written.status());
  Taken& taken = decoded.taken;
  if (!taken.metadata.empty()) store->NoteMetadata(std::move(taken.metadata));
  taken.samples = written->kept;
  taken.dropped += written->refused;
  for (Status& reason : written->reasons) {
    if (taken.reasons.size() < Taken::kReasonsMax) taken.reasons.push_back(std::move(reason));
  }
  Outcome outcome{taken.samples, taken.dropped, ""};
  if (taken.dropped > 0) outcome.complaint = taken.Complaint();
  if (taken.dropped > 0 && taken.samples > 0) outcome.complaint += "; all others are kept, so do not send this again";
  return outcome;
}

Result<Response> Ingest::RemoteWrite(const Request& request) const {
  const std::string proto = ProtoOf(request.content_type);
  if (!proto.empty() && proto != kVersion2 && proto != "prometheus.WriteRequest") {
    return gateway::ProblemFrom(gateway::HttpProblem{415, "unsupported_media_type", "Unsupported media type",
                                                     "proto is prometheus.WriteRequest or " + std::string(kVersion2)},
                                request.id);
  }
  const auto outcome = Take(request, [&](SeriesBatchBuilder& out) -> Result<Taken> {
    if (proto == kVersion2) return ingest::RemoteWrite2Decoder().Decode(request.body, limits_, out);
    return ingest::RemoteWriteDecoder().Decode(request.body, limits_, out);
  });
  ASSIGN_OR_RETURN(Response response, Plain(outcome, request));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Samples-Written", std::to_string(outcome->kept));
  response.headers.emplace_back("X-Prometheus-Remote-Write-Histograms-Written", "0");
  response.headers.emplace_back("X-Prometheus-Remote-Write-Exemplars-Written", "0");
  return response;
}

Result<Response> Ingest::JsonLines(const Request& request) const {
  return Plain(
      Take(request, [&](SeriesBatchBuilder& out) { return ingest::DecodeJsonLines(request.body, limits_, out); }),
      request);
}

Result<Response> Ingest::Exposition(const Request& request) const {
  ingest::ExpositionOptions options;
  options.now_ms = clock_.WallMs();
  if (request.content_type.starts_with("application/openmetrics-text")) {
    options.format = ingest::ExpositionFormat::kOpenMetrics;
  }
  return Plain(
      Take(request,
           [&](SeriesBatchBuilder& out) { return ingest::DecodeExposition(request.body, options, limits_, out); }),
      request);
}

Result<Response> Ingest::LineProtocol(const Request& request) const {
  ingest::LineProtocolOptions options;
  options.now_ms = clock_.WallMs();
  ASSIGN_OR_RETURN(options.precision, ingest::TimePrecisionOf(ParameterOf(request, "precision")));
  return Plain(
      Take(request,
           [&](SeriesBatchBuilder& out) { return ingest::DecodeLineProtocol(request.body, options, limits_, out); }),
      request);
}

Result<Response> Ingest::Otlp(const Request& request) const {
  const bool json = IsJson(request.content_type);
  if (!json && !request.content_type.starts_with("application/x-protobuf")) {
    return gateway::ProblemFrom(gateway::HttpProblem{415, "unsupported_media_type", "Unsupported media type",
                                                     "send Content-Type: application/x-protobuf or application/json"},
                                request.id);
  }
  ingest::OtlpOptions options;
  if (json) options.encoding = ingest::OtlpEncoding::kJson;
  ASSIGN_OR_RETURN(const Outcome outcome, Take(request, [&](SeriesBatchBuilder& out) {
                     return ingest::DecodeOtlp(request.body, options, limits_, out);
                   }));
  Response response;
  response.content_type = json ? "application/json" : "application/x-protobuf";
  response.body = OtlpAnswer(outcome, json);
  return response;
}

Result<Decoded> Ingest::DecodeNative(std::string_view body) const {
  RETURN_IF_ERROR(ingest::CheckBodySize(body, limits_));
  const auto batch = SeriesBatch::Decode(body);
  if (!batch.ok()) return ingest::Malformed("body", batch.status().message());
  Decoded decoded;
  std::vector<Status> faults;  // by series
  bool sound = true;
  for (uint32_t i = 0; i < batch->series_count(); ++i) {
    faults.push_back(ingest::CheckSeries(batch->LabelsOf(i), limits_));
    sound = sound && faults.back().ok();
  }
  if (sound) {
    decoded.taken.samples = batch->sample_count();
    decoded.batch = std::string(body);
    return decoded;
  }
  SeriesBatchBuilder left;
  batch->ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    if (faults[series].ok()) return left.Add(left.SeriesOf(batch->LabelsOf(series)), time_ms, value);
    decoded.taken.Drop(1, [&] {
      return Status::InvalidArgument("series[" + std::to_string(series) + "]", std::string(faults[series].message()));
    });
  });
  decoded.taken.samples = left.sample_count();
  decoded.batch = left.Encode();
  return decoded;
}

Result<Response> Ingest::Native(const Request& request) const {
  ASSIGN_OR_RETURN(Decoded decoded, DecodeNative(request.body));
  return Plain(Write(request, std::move(decoded)), request);
}

}  // namespace

std::vector<gateway::Route> IngestRoutes(const ingest::Limits& limits, metrics::StoreSlot& slot, Clock& clock) {
  const auto ingest = std::make_shared<const Ingest>(limits, slot, clock);
  std::vector<gateway::Route> routes;
  using Method = Result<Response> (Ingest::*)(const Request&) const;
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
