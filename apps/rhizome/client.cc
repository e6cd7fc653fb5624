#include "client.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "base/retry_budget.h"
#include "io/http_client.h"

namespace rhizome::app {
namespace {

constexpr int kAttempts = 8;
constexpr int kRetryAfterMaxS = 10;
constexpr int64_t kJitterMs = 500;
constexpr int64_t kTimeoutMs = 600'000;  // embedding a batch of long documents takes its time
constexpr size_t kAnswerBytesMax = 256 << 20;

// The server's own words about what went wrong.
Status StatusOf(const io::HttpAnswer& answer) {
  boost::json::error_code error;
  const boost::json::value problem = boost::json::parse(answer.body, error);
  std::string detail = "the server answered " + std::to_string(answer.status);
  std::string field;
  if (!error && problem.is_object()) {
    const auto text = [&problem](std::string_view key) {
      const boost::json::value* value = problem.as_object().if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    };
    if (!text("detail").empty()) detail = text("detail");
    field = text("field");
  }
  switch (answer.status) {
    case 400: return Status::InvalidArgument(field, detail);
    case 404: return Status::NotFound(detail);
    case 413: return Status::TooLarge(field, detail);
    case 429:
    case 503: return Status::Unavailable(detail);
    default: return Status::FailedPrecondition(detail);
  }
}

}  // namespace

struct Client::State {
  std::string server;
  std::string api_key;
  io::HttpClient http;
  RetryBudget repeats{20};
  std::random_device random;
};

Client::Client(std::string server, std::string api_key) : state_(std::make_unique<State>()) {
  while (server.ends_with('/')) server.pop_back();
  state_->server = std::move(server);
  state_->api_key = std::move(api_key);
}

Client::~Client() = default;

Result<boost::json::value> Client::SendOnce(const std::string& method, const std::string& path, const std::string& body,
                                            int& retry_after_s) {
  retry_after_s = 0;
  io::HttpExchange exchange;
  exchange.url = state_->server + path;
  exchange.method = method;
  if (!body.empty()) exchange.headers = {"Content-Type: application/json"};
  if (!state_->api_key.empty()) exchange.headers.push_back("Authorization: Bearer " + state_->api_key);
  exchange.body = body;
  exchange.timeout_ms = kTimeoutMs;
  exchange.response_bytes_max = kAnswerBytesMax;
  RETURN_IF_ERROR(io::CheckServerUrl(state_->server, "--server"));
  const Result<io::HttpAnswer> answer = state_->http.Send(exchange);
  if (!answer.ok()) {
    if (answer.status().code() != Code::kUnavailable) return answer.status();
    return Status::Unavailable("no server answers at " + state_->server + ": start one with 'rhizome serve' (" +
                               std::string(answer.status().message()) + ")");
  }
  if (answer->status < 200 || answer->status > 299) {
    const bool shed = answer->status == 429 || answer->status == 503;
    if (shed) retry_after_s = std::clamp(std::atoi(answer->retry_after.c_str()), 1, kRetryAfterMaxS);
    return StatusOf(*answer);
  }
  boost::json::error_code error;
  boost::json::value json = boost::json::parse(answer->body, error);
  if (error) return Status::Corruption(state_->server + " does not answer in JSON");
  return json;
}

Result<boost::json::value> Client::Post(const std::string& path, const boost::json::value& body) {
  return Send("POST", path, body);
}

Result<boost::json::value> Client::Send(const std::string& method, const std::string& path,
                                        const boost::json::value& body) {
  const std::string text = body.is_null() ? "" : boost::json::serialize(body);
  state_->repeats.FirstAttempt();
  for (int attempt = 1;; ++attempt) {
    int retry_after_s = 0;
    Result<boost::json::value> answer = SendOnce(method, path, text, retry_after_s);
    if (answer.ok() || retry_after_s == 0 || attempt == kAttempts || !state_->repeats.TakeRepeat()) return answer;
    // No sooner than the server asks, and not when everybody else comes whom it has told the same.
    const int64_t jitter_ms = FullJitter(state_->random(), attempt, kJitterMs, kRetryAfterMaxS * 1'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(retry_after_s * 1'000 + jitter_ms));
  }
}

}  // namespace rhizome::app
