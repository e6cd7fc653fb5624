// Problem documents: every error leaves as application/problem+json (RFC 9457), for example
//   {"type":"urn:rhizome:problem:invalid_argument","title":"Invalid argument","status":400,
//    "detail":"must be 384 numbers, got 3","field":"points[2].vector","request_id":"…"}
// `type` is stable and made for programs; `detail` is made for people; `field` is there when one input field is at
// fault. docs/http.md lists the types.
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "gateway/http_message.h"

namespace rhizome::gateway {

// The HTTP status of a code: kInvalidArgument 400, kNotFound 404, kAlreadyExists and kFailedPrecondition 409,
// kTooLarge 413, kResourceExhausted 429, kReadOnly, kUnavailable and kCancelled 503, kDeadlineExceeded 504,
// kNoSpace 507, the rest 500.
int HttpStatusOf(Code code);

// The answer to a failed request. Details of kInternal, kIoError and kCorruption stay in the log, where the
// request id finds them. 429 and 503 carry Retry-After.
// `counts` are members of their own, for programs.
using ProblemCounts = std::vector<std::pair<std::string_view, uint64_t>>;
Response ProblemFrom(const Status& status, std::string_view request_id, const ProblemCounts& counts = {});

// For what only HTTP knows (404 for a path, 405, 408, 415, …): `type` is the last part of the URN.
struct HttpProblem {
  int status;
  std::string_view type;
  std::string_view title;
  std::string detail;
};
Response ProblemFrom(const HttpProblem& problem, std::string_view request_id);

}  // namespace rhizome::gateway
