#include <algorithm>

#include "metrics_api/api.h"
#include "metrics_api/remote_read.h"
#include "promql/budget.h"

namespace rhizome::metrics_api {
namespace {

// Remote read's clients expect the reason as plain text.
gateway::Response InPlainText(gateway::Response failure, const Status& status) {
  failure.content_type = "text/plain; charset=utf-8";
  if (failure.status != 500) failure.body = std::string(status.message());
  return failure;
}

promql::SelectHints HintsOf(const ReadQuery& query) {
  promql::SelectHints hints;
  hints.min_ms = query.min_ms;
  hints.max_ms = query.max_ms;
  hints.grid = {query.max_ms, 1, 1};
  hints.window_ms = query.max_ms - query.min_ms;
  hints.range = true;
  return hints;
}

// The part of the samples within the query's times.
promql::SeriesSamples Within(const ReadQuery& query, const promql::SeriesSamples& samples) {
  const auto& times = samples.times_ms;
  const auto from = std::lower_bound(times.begin(), times.end(), query.min_ms);
  const auto to = std::upper_bound(from, times.end(), query.max_ms);
  const auto at = static_cast<size_t>(from - times.begin());
  const auto count = static_cast<size_t>(to - from);
  return {samples.labels, times.subspan(at, count), samples.values.subspan(at, count)};
}

}  // namespace

Status Api::ReadInto(Call& call, gateway::Response& response) const {
  RETURN_IF_ERROR(Enter(call));
  ASSIGN_OR_RETURN(const ReadRequest request, DecodeReadRequest(call.request.body));
  if (request.form == ReadForm::kUnknown) {
    return Status::InvalidArgument("", "the response types here are SAMPLES and STREAMED_XOR_CHUNKS");
  }
  if (request.form == ReadForm::kXorChunks) {
    response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    ASSIGN_OR_RETURN(response.body, Written(call, request, ChunkStreamWriter()));
  } else {
    response.content_type = "application/x-protobuf";
    response.headers.emplace_back("Content-Encoding", "snappy");
    ASSIGN_OR_RETURN(response.body, Written(call, request, ReadResponseWriter()));
  }
  // The protocol has no place for warnings, and half an answer must not look like a whole one.
  return call.warnings.empty() ? Status::Ok() : Status::Unavailable(call.warnings.front());
}

template <typename Writer>
Result<std::string> Api::Written(Call& call, const ReadRequest& request, Writer writer) const {
  promql::Limits limits = options_.engine.limits;
  limits.samples_max = options_.read_samples_max;
  limits.timeout_ms = std::min(limits.timeout_ms, (call.scope.deadline_ns - clock_.MonotonicNs()) / 1'000'000);
  promql::Budget budget(limits, clock_, call.scope.cancelled);
  ASSIGN_OR_RETURN(const std::unique_ptr<promql::SeriesSource> source, store_.Open(call.scope));
  for (const ReadQuery& query : request.queries) {
    ASSIGN_OR_RETURN(const auto stream, source->Select(query.matchers, HintsOf(query)));
    promql::SeriesSamples samples;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, stream->Next(samples));
      if (!more) break;
      const promql::SeriesSamples wanted = Within(query, samples);
      RETURN_IF_ERROR(budget.Series(wanted.times_ms.size()));
      if (!wanted.times_ms.empty()) writer.AddSeries(wanted.labels, wanted.times_ms, wanted.values);
      if (writer.bytes() > options_.answer_bytes_max) {
        return Status::InvalidArgument(
            "", "the answer has more than the limit of " + std::to_string(options_.answer_bytes_max) + " bytes");
      }
    }
    writer.EndResult();
  }
  return writer.Take();
}

gateway::Response Api::Read(const gateway::Request& request) const {
  Call call(request);
  gateway::Response response;
  const Status status = ReadInto(call, response);
  return status.ok() ? response : InPlainText(Failed(status), status);
}

}  // namespace rhizome::metrics_api
