#include "gateway/dispatcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <new>

#include "base/hash.h"
#include "base/log.h"
#include "base/steps.h"
#include "base/trace.h"
#include "base/uuid.h"
#include "gateway/content_encoding.h"

namespace rhizome::gateway {
namespace {

bool IsRequestId(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), allowed);
}

// "application/json; charset=utf-8" → "application/json", lower case.
std::string MediaType(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

std::string_view MediaTypeOf(BodyKind kind) {
  switch (kind) {
    case BodyKind::kJson: return "application/json";
    case BodyKind::kForm: return "application/x-www-form-urlencoded";
    case BodyKind::kSnappyProtobuf: return "application/x-protobuf";
    case BodyKind::kAny: return {};
  }
  return {};
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

// Worth a warning each time. Overload and not being ready are counted instead: they come in floods.
bool IsOurFailure(int status) { return status == 500 || status == 507; }

// At least so many seconds, and spread over as many again, so that those who were refused together do not all come back
// together.
int RetryAfterSeconds(double wait_ms, uint64_t random) {
  const auto base = static_cast<uint64_t>(std::clamp(std::ceil(wait_ms / 1e3), 1.0, 60.0));
  return static_cast<int>(base + random % (2 * base + 1));
}

}  // namespace

struct Dispatcher::RouteMetrics {
  RouteMetrics(std::string method_name, std::string pattern, MetricRegistry& registry)
      : method(std::move(method_name)),
        route(std::move(pattern)),
        seconds(registry.GetHistogram("http_request_seconds", "Time from first byte to answer ready.", LatencyBounds(),
                                      {{"method", method}, {"route", route}})) {}

  void Count(int status, double elapsed_s, MetricRegistry& registry) EXCLUDES(mutex) {
    seconds.Observe(elapsed_s);
    const MutexLock lock(mutex);
    auto found = by_status.find(status);
    if (found == by_status.end()) {
      Counter counter = registry.GetCounter("http_requests_total", "Requests answered.",
                                            {{"method", method}, {"route", route}, {"status", std::to_string(status)}});
      found = by_status.emplace(status, counter).first;
    }
    found->second.Add();
  }

  const std::string method;
  const std::string route;
  Histogram seconds;
  Mutex mutex;
  std::map<int, Counter> by_status GUARDED_BY(mutex);
};

Dispatcher::Dispatcher(std::vector<Route> routes, const ServerOptions& options, MetricRegistry& metrics, Clock& clock)
    : options_(options),
      router_(std::move(routes)),
      keys_(options.api_keys),
      clock_(clock),
      metrics_(metrics),
      id_prefix_(Uuid::Random().ToString().substr(0, 8) + "-") {
  for (const Route& route : router_.routes()) {
    route_metrics_[&route] = std::make_unique<RouteMetrics>(route.method, route.pattern, metrics);
  }
  route_metrics_[nullptr] = std::make_unique<RouteMetrics>("", "", metrics);
  const LaneOptions* const lanes[] = {&options.query_lane, &options.write_lane, &options.ingest_lane,
                                      &options.admin_lane};
  for (size_t i = 0; i < kLaneNames.size(); ++i) {
    lanes_.push_back(std::make_unique<WorkLane>(kLaneNames[i], *lanes[i], metrics, clock));
  }
}

Dispatcher::~Dispatcher() = default;

WorkLane& Dispatcher::StateOf(Lane lane) {
  CHECK(lane != Lane::kInline);
  return *lanes_[static_cast<size_t>(lane) - 1];
}

void Dispatcher::Identify(const RequestHead& head, Exchange& exchange) {
  if (!exchange.request.id.empty()) return;
  exchange.request.id =
      IsRequestId(head.request_id) ? head.request_id : id_prefix_ + std::to_string(next_id_.fetch_add(1));
  exchange.request.method = head.method;
  exchange.request.idempotency_key = head.idempotency_key;
  exchange.request.tenant = head.tenant;
  exchange.request.content_type = head.content_type;
  const auto parent = Traceparent::Parse(head.traceparent);
  exchange.request.traceparent = (parent ? parent->Child() : Traceparent::Random(false)).ToString();
}

std::optional<Response> Dispatcher::Admit(const RequestHead& head, bool reserved, Exchange& exchange) {
  Request& request = exchange.request;
  if (exchange.started_ns == 0) exchange.started_ns = clock_.MonotonicNs();
  Identify(head, exchange);
  auto target = ParseTarget(head.target);
  if (!target.ok()) return ProblemFrom(target.status(), request.id);
  auto match = router_.Find(head.method, target->segments);
  if (!match.ok()) return ProblemFrom(match.status(), request.id);
  exchange.route = match->route;
  // Who may not use the server learns nothing of its routes.
  if (exchange.route == nullptr || !exchange.route->open) {
    const std::string_view bearer = BearerToken(head.authorization);
    if (!keys_.Admits(bearer.empty() ? std::string_view(head.api_key) : bearer)) {
      Response response = ProblemFrom(
          HttpProblem{401, "unauthorized", "Unauthorized", "send the API key as Authorization: Bearer or api-key"},
          request.id);
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
  }
  if (exchange.route == nullptr && match->allow.empty()) {
    return ProblemFrom(HttpProblem{404, "no_such_route", "No such route", "GET /openapi.json lists the routes"},
                       request.id);
  }
  if (exchange.route == nullptr) {
    const std::string allow = Joined(match->allow);
    Response response = ProblemFrom(
        HttpProblem{405, "method_not_allowed", "Method not allowed", "this path accepts " + allow}, request.id);
    response.headers.emplace_back("Allow", allow);
    return response;
  }
  if (reserved && exchange.route->lane != Lane::kInline && exchange.route->lane != Lane::kAdmin) {
    return ProblemFrom(Status::Unavailable("too many connections"), request.id);
  }
  request.path_params = std::move(match->params);
  request.query = std::move(target->query);
  if (const Status status = SetDeadline(head, exchange); !status.ok()) return ProblemFrom(status, request.id);
  return CheckBody(head, exchange);
}

Status Dispatcher::SetDeadline(const RequestHead& head, Exchange& exchange) const {
  uint32_t timeout_ms =
      exchange.route->lane == Lane::kIngest ? options_.ingest_timeout_ms : options_.request_timeout_ms;
  if (!head.timeout_ms.empty()) {
    const char* end = head.timeout_ms.data() + head.timeout_ms.size();
    const auto parsed = std::from_chars(head.timeout_ms.data(), end, timeout_ms);
    if (parsed.ec != std::errc() || parsed.ptr != end || timeout_ms < 1 ||
        timeout_ms > options_.request_timeout_max_ms) {
      return Status::InvalidArgument("X-Request-Timeout-Ms", "must be an integer between 1 and " +
                                                                 std::to_string(options_.request_timeout_max_ms));
    }
  }
  exchange.request.deadline_ns = exchange.started_ns + int64_t{timeout_ms} * 1'000'000;
  return Status::Ok();
}

std::optional<Response> Dispatcher::CheckBody(const RequestHead& head, Exchange& exchange) const {
  const std::string& id = exchange.request.id;
  if (!head.has_body) return std::nullopt;
  if (exchange.route->method != "POST" && exchange.route->method != "PATCH") {
    return ProblemFrom(Status::InvalidArgument("body", head.method + " takes no body"), id);
  }
  if (head.content_length > options_.body_bytes_max) {
    return ProblemFrom(Status::TooLarge("body", "has " + std::to_string(head.content_length) + " bytes; the limit is " +
                                                    std::to_string(options_.body_bytes_max)),
                       id);
  }
  const BodyKind kind = exchange.route->body;
  if (const std::string wanted(MediaTypeOf(kind)); !wanted.empty() && MediaType(head.content_type) != wanted) {
    return ProblemFrom(
        HttpProblem{415, "unsupported_media_type", "Unsupported media type", "send Content-Type: " + wanted}, id);
  }
  const std::string encoding = MediaType(head.content_encoding);
  if (kind == BodyKind::kSnappyProtobuf) {
    if (encoding.empty() || encoding == "snappy") return std::nullopt;
    return ProblemFrom(HttpProblem{415, "unsupported_content_encoding", "Unsupported content encoding",
                                   "a protobuf body is sent with Content-Encoding: snappy"},
                       id);
  }
  exchange.gzip = encoding == "gzip" || encoding == "x-gzip";
  if (!exchange.gzip && !encoding.empty() && encoding != "identity") {
    return ProblemFrom(HttpProblem{415, "unsupported_content_encoding", "Unsupported content encoding",
                                   "a body may be sent plain or with Content-Encoding: gzip"},
                       id);
  }
  return std::nullopt;
}

void Dispatcher::Run(Exchange& exchange, std::function<void(Response)> done) {
  exchange.received_ns = clock_.MonotonicNs();
  exchange.request.cancelled = &exchange.cancelled;
  if (exchange.route->lane == Lane::kInline) return done(Answer(exchange));
  WorkLane::Work work;
  work.deadline_ns = exchange.request.deadline_ns;
  work.run = [this, &exchange, done] {  // `exchange` may be gone after `done`
    const bool gone = exchange.gone && exchange.gone();
    if (!gone && !stopping_.load()) {
      done(Answer(exchange));
      return true;
    }
    done(ProblemFrom(Status::Cancelled(gone ? "the client has gone" : "the server is stopping"), exchange.request.id));
    return false;
  };
  work.refuse = [this, &exchange, done](const Admission::Refusal& refusal) { done(Refused(exchange, refusal)); };
  StateOf(exchange.route->lane).Submit(std::move(work));
}

void Dispatcher::Expire() {
  for (const auto& lane : lanes_) lane->Expire();
}

Response Dispatcher::Refused(const Exchange& exchange, const Admission::Refusal& refusal) {
  Response response = ProblemFrom(Status::Unavailable(std::string(refusal.reason)), exchange.request.id);
  const std::string seconds =
      std::to_string(RetryAfterSeconds(refusal.wait_ms, Checksum(id_prefix_, refusals_.fetch_add(1))));
  for (auto& [name, value] : response.headers) {
    if (name == "Retry-After") value = seconds;
  }
  return response;
}

Response Dispatcher::Answer(Exchange& exchange) {
  const LogScope scope(exchange.request.id);
  StepLog steps(clock_);
  steps.Add("receive", exchange.received_ns - exchange.started_ns);
  steps.Add("queue", clock_.MonotonicNs() - exchange.received_ns);
  Result<Response> result = Handle(exchange);
  exchange.steps = steps.ToString();
  if (result.ok() && result->body.size() > options_.response_bytes_max) {
    result = Status::TooLarge("", "the answer would have " + std::to_string(result->body.size()) +
                                      " bytes; ask for less at once (limit, top_k, with_vector)");
  }
  if (result.ok()) return std::move(*result);
  if (IsOurFailure(HttpStatusOf(result.status().code()))) {
    spdlog::warn("failed method={} route={} {}", exchange.route->method, exchange.route->pattern,
                 result.status().ToString());
  }
  return ProblemFrom(result.status(), exchange.request.id);
}

Result<Response> Dispatcher::Handle(Exchange& exchange) const {
  try {
    if (exchange.gzip) {
      const Step step("inflate");
      ASSIGN_OR_RETURN(exchange.request.body,
                       InflateGzip(exchange.request.body, {options_.body_bytes_max, options_.inflate_ratio_max}));
    }
    const Step step("handle");
    return exchange.route->handler(exchange.request);
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("out of memory for this request");
  } catch (const std::exception& error) {
    return Status::Internal(std::string("exception: ") + error.what());
  }
}

void Dispatcher::Finish(const Exchange& exchange, const Response& response) {
  const double elapsed_ms = static_cast<double>(clock_.MonotonicNs() - exchange.started_ns) / 1e6;
  route_metrics_.at(exchange.route)->Count(response.status, elapsed_ms / 1e3, metrics_);
  const auto level = IsOurFailure(response.status)           ? spdlog::level::warn
                     : elapsed_ms > options_.slow_request_ms ? spdlog::level::info
                                                             : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  const LogScope scope(exchange.request.id);
  spdlog::log(level, "answered method={} route={} status={} ms={:.2f} bytes_in={} bytes_out={} trace={} {}",
              exchange.request.method, exchange.route != nullptr ? exchange.route->pattern : "-", response.status,
              elapsed_ms, exchange.request.body.size(), response.body.size(),
              Traceparent::TraceIdIn(exchange.request.traceparent), exchange.steps);
}

}  // namespace rhizome::gateway
