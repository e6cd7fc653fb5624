#include "metrics_client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "metrics_client/retry_after.h"

namespace rhizome::metrics_client {
namespace {

constexpr size_t kAnswerBytesMax = 1 << 20;
constexpr std::string_view kRoute = "/api/v1/import/native";

bool MayBeTriedAgain(int http_status) {
  return http_status == 408 || http_status == 429 || (http_status >= 500 && http_status <= 599);
}

// What a problem document says (docs/http.md); defaults where the answer is none.
struct Problem {
  std::string detail;
  std::string field;
  std::optional<uint64_t> kept;
  std::optional<uint64_t> refused;
};

std::optional<uint64_t> CountOf(const boost::json::object& object, std::string_view key) {
  const boost::json::value* const value = object.if_contains(key);
  boost::system::error_code error;
  const auto count = value == nullptr ? 0 : value->to_number<uint64_t>(error);
  return value == nullptr || error ? std::nullopt : std::optional(count);
}

Problem ProblemOf(const io::HttpAnswer& answer) {
  Problem problem;
  boost::json::error_code error;
  const boost::json::value json = boost::json::parse(answer.body, error);
  if (!error && json.is_object()) {
    const auto text = [&](std::string_view key) {
      const boost::json::value* const value = json.as_object().if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    };
    problem = {text("detail"), text("field"), CountOf(json.as_object(), "kept"), CountOf(json.as_object(), "refused")};
  }
  if (problem.detail.empty()) problem.detail = fmt::format("the server answered {}", answer.status);
  return problem;
}

Status FailureOf(const io::HttpAnswer& answer, const Problem& problem) {
  switch (answer.status) {
    case 400: return Status::InvalidArgument(problem.field, problem.detail);
    case 408: return Status::DeadlineExceeded(problem.detail);
    case 413: return Status::TooLarge(problem.field, problem.detail);
    case 429: return Status::ResourceExhausted(problem.detail);
    default: break;
  }
  if (MayBeTriedAgain(answer.status)) return Status::Unavailable(problem.detail);
  return Status::FailedPrecondition(problem.detail);
}

// Values that go into a header's line.
Status CheckHeaderValue(const std::string& value, const std::string& option) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7f'; })) return Status::Ok();
  return Status::InvalidArgument(option, "must be of visible ASCII characters");
}

Status CheckOptions(const ClientOptions& options) {
  RETURN_IF_ERROR(io::CheckServerUrl(options.url, "url"));
  if (options.url.find_first_of("?#") != std::string::npos) {
    return Status::InvalidArgument("url", "must have neither query nor fragment");
  }
  RETURN_IF_ERROR(CheckHeaderValue(options.api_key, "api_key"));
  RETURN_IF_ERROR(CheckHeaderValue(options.tenant, "tenant"));
  const std::pair<const char*, int64_t> times[] = {{"connect_timeout_ms", options.connect_timeout_ms},
                                                   {"attempt_timeout_ms", options.attempt_timeout_ms},
                                                   {"backoff_ms", options.backoff_ms},
                                                   {"backoff_max_ms", options.backoff_max_ms}};
  for (const auto& [name, value] : times) {
    if (value <= 0) return Status::InvalidArgument(name, "must be positive");
  }
  if (options.give_up_after_ms < 0) return Status::InvalidArgument("give_up_after_ms", "must not be negative");
  return Status::Ok();
}

}  // namespace

struct Client::Attempt {
  Result<Receipt> outcome;
  bool may_repeat = false;
  int64_t retry_after_ms = 0;
};

Result<std::unique_ptr<Client>> Client::Open(ClientOptions options, Clock& clock) {
  RETURN_IF_ERROR(CheckOptions(options));
  while (options.url.ends_with('/')) options.url.pop_back();
  if (!options.sleep) {
    options.sleep = [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
  }
  return std::unique_ptr<Client>(new Client(std::move(options), clock));
}

Client::Client(ClientOptions options, Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      http_(options_.tls),
      repeats_(options_.repeats_at_once),
      random_(std::random_device{}()) {}

io::HttpExchange Client::MakeExchange() const {
  io::HttpExchange exchange;
  exchange.url = options_.url + std::string(kRoute);
  exchange.headers = {"Content-Type: application/octet-stream"};
  if (!options_.api_key.empty()) exchange.headers.push_back("Authorization: Bearer " + options_.api_key);
  if (!options_.tenant.empty()) exchange.headers.push_back("X-Scope-OrgID: " + options_.tenant);
  exchange.connect_timeout_ms = options_.connect_timeout_ms;
  exchange.timeout_ms = options_.attempt_timeout_ms;
  exchange.response_bytes_max = kAnswerBytesMax;
  return exchange;
}

Client::Attempt Client::Try(io::HttpExchange& exchange, const EncodedBatch& batch) {
  const Result<io::HttpAnswer> answer = names_.Post(http_, exchange, batch.bytes);
  if (!answer.ok()) {
    const Code code = answer.status().code();
    return {answer.status(), code == Code::kUnavailable || code == Code::kDeadlineExceeded, 0};
  }
  if (answer->status >= 200 && answer->status <= 299) return {Receipt{.kept = batch.samples}};
  const Problem problem = ProblemOf(*answer);
  if (answer->status == 400 && problem.kept && problem.refused) {
    return {Receipt{.kept = *problem.kept, .refused = *problem.refused, .complaint = problem.detail}};
  }
  return {FailureOf(*answer, problem), MayBeTriedAgain(answer->status),
          RetryAfterMs(answer->retry_after, clock_.WallMs()).value_or(0)};
}

std::optional<int64_t> Client::TakeRepeat(int attempt, const Attempt& failed) {
  MutexLock lock(mutex_);
  if (!repeats_.TakeRepeat()) return std::nullopt;
  return failed.retry_after_ms + FullJitter(random_(), attempt, options_.backoff_ms, options_.backoff_max_ms);
}

Result<Receipt> Client::Send(const EncodedBatch& batch) {
  if (batch.samples == 0) return Receipt{.attempts = 0};
  {
    MutexLock lock(mutex_);
    repeats_.FirstAttempt();
  }
  io::HttpExchange exchange = MakeExchange();
  const int64_t began_ns = clock_.MonotonicNs();
  for (int attempt = 1;; ++attempt) {
    Attempt made = Try(exchange, batch);
    if (made.outcome.ok()) made.outcome->attempts = attempt;
    if (made.outcome.ok() || !made.may_repeat || options_.give_up_after_ms == 0) return std::move(made.outcome);
    const std::optional<int64_t> wait_ms = TakeRepeat(attempt, made);
    const int64_t spent_ms = (clock_.MonotonicNs() - began_ns) / 1'000'000;
    if (!wait_ms || spent_ms + *wait_ms > options_.give_up_after_ms) {
      const char* const why = wait_ms ? "no time is left for another" : "too many failed lately";
      return made.outcome.status().Annotate(fmt::format("attempts: {}, {}", attempt, why));
    }
    options_.sleep(*wait_ms);
  }
}

}  // namespace rhizome::metrics_client
