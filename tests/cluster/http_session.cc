#include "http_session.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/check.h"

namespace rhizome::chaos {

using history::Outcome;

namespace {

Outcome OutcomeOf(int status) {
  if (status >= 200 && status < 300) return Outcome::kOk;
  return (status >= 400 && status < 500) || status == 503 ? Outcome::kFailed : Outcome::kUnknown;
}

}  // namespace

std::string Answer::ToString() const {
  if (status == 0) return outcome == Outcome::kUnknown ? "no answer" : "no connection";
  return std::to_string(status) + " " + boost::json::serialize(body).substr(0, 400);
}

HttpSession::HttpSession(std::vector<Endpoint> endpoints, size_t start, int64_t timeout_ms)
    : endpoints_(std::move(endpoints)),
      timeout_header_("X-Request-Timeout-Ms: " + std::to_string(timeout_ms) + "\r\n"),
      at_(start) {
  CHECK(!endpoints_.empty());
}

Answer HttpSession::Call(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view headers) {
  Answer answer;
  if (client_ == nullptr) {
    const Endpoint& endpoint = endpoints_[at_ % endpoints_.size()];
    client_ = std::make_unique<gateway::TestClient>(endpoint.host, endpoint.port);
  }
  if (client_->connected()) {
    const gateway::Reply reply = client_->Call(method, target, body, timeout_header_ + std::string(headers));
    answer.status = reply.status;
    answer.outcome = OutcomeOf(reply.status);
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(reply.body, error);
    if (!error && parsed.is_object()) answer.body = parsed.as_object();
    if (reply.Header("Connection") == "close") client_.reset();
  }
  if (answer.status == 0) {
    client_.reset();
    ++at_;
  }
  return answer;
}

Answer HttpSession::CallTwice(std::string_view method, std::string_view target, std::string_view body,
                              std::string_view headers) {
  const Answer first = Call(method, target, body, headers);
  if (first.good()) return first;
  if (first.status != 0 && endpoints_.size() > 1) {
    client_.reset();
    ++at_;
  }
  Answer second = Call(method, target, body, headers);
  if (!second.good() && first.outcome == Outcome::kUnknown) second.outcome = Outcome::kUnknown;
  return second;
}

}  // namespace rhizome::chaos
