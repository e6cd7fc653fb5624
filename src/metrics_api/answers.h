// The bodies that the query API answers with, byte for byte in Prometheus' shapes:
//   {"status":"success","data":…,"warnings":[…]}
//   {"status":"error","errorType":"bad_data","error":"…"}
// Written straight into one string: a range of many series is tens of millions of bytes. Pure.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "gateway/http_message.h"
#include "promql/engine.h"

namespace rhizome::metrics_api {

// "1435781430.781", "-0.500", "1435781430".
void AppendTime(int64_t time_ms, std::string& out);
// The shortest digits that read back as `value`, an exponent only below 1e-6 and from 1e21 on; "NaN", "+Inf", "-Inf".
// Without quotes.
void AppendValue(double value, std::string& out);
// Bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);
void AppendMetric(format::LabelsView labels, std::string& out);

// What is written in the end stays below the limit: once `out` has more bytes, ResourceExhausted.
struct AnswerBounds {
  uint64_t bytes_max;
  const std::atomic<bool>* cancelled = nullptr;
};

// Samples and scalars differ in how they are written, as they do in Prometheus: a scalar's time is a plain number and
// its value has no exponent. "resultType" and "result" of a query's data. `instant_ms` is when an instant query was
// asked; a range has its times.
Status AppendQueryData(const promql::QueryResult& result, int64_t instant_ms, const AnswerBounds& bounds,
                       std::string& out);

// What a successful body starts with; its data, which is JSON, is written behind.
inline constexpr std::string_view kSuccess = "{\"status\":\"success\",\"data\":";
// `body` is kSuccess and the data.
gateway::Response Success(std::string body, std::span<const std::string> warnings);
// The status and errorType that a Status has here: bad_data 400, execution 422, timeout and canceled 503, not_found
// 404, unavailable 503, internal 500, whose details stay in the log.
gateway::Response Failure(const Status& status);

}  // namespace rhizome::metrics_api
