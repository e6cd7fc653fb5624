#include "gateway/problem.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.h"

namespace rhizome::gateway {
namespace {

std::string_view TitleOf(Code code) {
  switch (code) {
    case Code::kOk: return "OK";
    case Code::kInvalidArgument: return "Invalid argument";
    case Code::kNotFound: return "Not found";
    case Code::kAlreadyExists: return "Already exists";
    case Code::kTooLarge: return "Too large";
    case Code::kFailedPrecondition: return "Not possible in the present state";
    case Code::kReadOnly: return "Read-only";
    case Code::kCorruption: return "Stored data is damaged";
    case Code::kIoError: return "Storage failure";
    case Code::kNoSpace: return "No space left";
    case Code::kUnavailable: return "Not available now";
    case Code::kResourceExhausted: return "Too many requests";
    case Code::kDeadlineExceeded: return "Deadline exceeded";
    case Code::kCancelled: return "Cancelled";
    case Code::kInternal: return "Internal error";
  }
  return "Error";
}

bool IsPrivate(Code code) { return code == Code::kInternal || code == Code::kIoError || code == Code::kCorruption; }

// Error texts may quote what the client sent; JSON must stay valid whatever that was.
std::string AsUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string clean;
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t valid = Utf8ValidPrefix(text.substr(offset));
    clean += text.substr(offset, valid);
    offset += valid;
    if (offset < text.size()) {
      clean += "\xEF\xBF\xBD";
      ++offset;
    }
  }
  return clean;
}

struct Parts {
  int status;
  std::string_view type;
  std::string_view title;
  std::string_view detail;
  std::string_view field;
  const ProblemCounts* counts = nullptr;
};

Response Render(const Parts& parts, std::string_view request_id) {
  boost::json::object document;
  document["type"] = "urn:rhizome:problem:" + std::string(parts.type);
  document["title"] = parts.title;
  document["status"] = parts.status;
  if (!parts.detail.empty()) document["detail"] = AsUtf8(parts.detail);
  if (!parts.field.empty()) document["field"] = AsUtf8(parts.field);
  if (parts.counts != nullptr) {
    for (const auto& [name, count] : *parts.counts) document[name] = count;
  }
  document["request_id"] = request_id;
  Response response;
  response.status = parts.status;
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(document);
  if (parts.status == 429 || parts.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kInvalidArgument: return 400;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition: return 409;
    case Code::kTooLarge: return 413;
    case Code::kResourceExhausted: return 429;
    case Code::kReadOnly:
    case Code::kUnavailable:
    case Code::kCancelled: return 503;
    case Code::kDeadlineExceeded: return 504;
    case Code::kNoSpace: return 507;
    case Code::kCorruption:
    case Code::kIoError:
    case Code::kInternal: return 500;
  }
  return 500;
}

Response ProblemFrom(const Status& status, std::string_view request_id, const ProblemCounts& counts) {
  const std::string_view detail = IsPrivate(status.code())
                                      ? std::string_view("the server's log says more under this request id")
                                      : status.message();
  return Render(
      {HttpStatusOf(status.code()), CodeName(status.code()), TitleOf(status.code()), detail, status.field(), &counts},
      request_id);
}

Response ProblemFrom(const HttpProblem& problem, std::string_view request_id) {
  return Render({problem.status, problem.type, problem.title, problem.detail, {}}, request_id);
}

}  // namespace rhizome::gateway
