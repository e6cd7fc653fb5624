#include "coordination/etcd.h"

#include <algorithm>

#include "base/clock.h"

namespace rhizome::coordination {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Even pages of the largest values etcd takes stay within what an answer may have.
constexpr int64_t kPageKeys = 30;
constexpr size_t kAnswerBytesMax = 64u << 20;
// How often a listing begins anew because etcd compacted the moment it was reading.
constexpr int kListTries = 3;

// Whether etcd's refusal means that nothing was done, and as what the caller sees it. The other codes (gRPC's
// unavailable, deadline exceeded, internal …) leave open whether a proposal is still on its way.
Status Definite(const etcd::Refusal& refusal) {
  const std::string message = "etcd: " + refusal.message;
  switch (refusal.code) {
    case 3: return Status::InvalidArgument("", message);
    case 5: return Status::NotFound(message);
    case 7:   // permission denied
    case 9:   // failed precondition
    case 12:  // unimplemented
    case 16:  // unauthenticated
      return Status::FailedPrecondition(message);
    case 8: return Status::ResourceExhausted(message);
    case 11:  // a moment that is compacted, or that this member has not reached
      return Status::Cancelled(message);
    default: return Status::Ok();
  }
}

}  // namespace

Result<std::unique_ptr<Etcd>> Etcd::Open(EtcdOptions options) {
  if (options.endpoints.empty()) return Status::InvalidArgument("endpoints", "must name at least one");
  for (size_t i = 0; i < options.endpoints.size(); ++i) {
    std::string& endpoint = options.endpoints[i];
    RETURN_IF_ERROR(io::CheckServerUrl(endpoint, "endpoints[" + std::to_string(i) + "]"));
    while (endpoint.ends_with('/')) endpoint.pop_back();
  }
  if (options.key_prefix.size() > kKeyBytesMax) {
    return Status::InvalidArgument("key_prefix", "is longer than " + std::to_string(kKeyBytesMax) + " bytes");
  }
  return std::unique_ptr<Etcd>(new Etcd(std::move(options)));
}

Etcd::Etcd(EtcdOptions options) : options_(std::move(options)), http_(options_.tls) {}

int64_t Etcd::Deadline(int64_t timeout_ms) const { return SystemClock().MonotonicNs() + timeout_ms * kNsPerMs; }

Result<std::string> Etcd::Ask(const Call& call) {
  const size_t count = options_.endpoints.size();
  const size_t first = preferred_.load();
  Status last = Status::DeadlineExceeded("no time left to ask etcd");
  for (size_t i = 0; i < count; ++i) {
    const size_t endpoint = (first + i) % count;
    const int64_t now_ns = SystemClock().MonotonicNs();
    if (now_ns >= call.deadline_ns) break;
    // What may be asked again leaves time for the others: a paused member takes the connection and never answers.
    const int64_t share_ns = (call.deadline_ns - now_ns) / static_cast<int64_t>(count - i);
    const bool shared = call.repeat == Repeat::kHarmless && !call.until;
    Attempt attempt{.endpoint = endpoint, .deadline_ns = shared ? now_ns + share_ns : call.deadline_ns};
    auto body = AskEndpoint(call, attempt);
    preferred_ = attempt.fate == Fate::kAnswered ? endpoint : (endpoint + 1) % count;
    if (attempt.fate == Fate::kAnswered || body.status().code() == Code::kTooLarge) return body;
    last = body.status();
    if (attempt.fate == Fate::kBroken && call.repeat == Repeat::kNever) {
      return Status::DeadlineExceeded("unknown outcome: " + std::string(last.message()));
    }
  }
  return last;
}

Result<std::string> Etcd::AskEndpoint(const Call& call, Attempt& attempt) {
  ASSIGN_OR_RETURN(const std::string stale, Token(attempt));
  auto body = Send(call, stale, attempt);
  if (!attempt.token_refused || stale.empty()) return body;
  {
    MutexLock lock(mutex_);
    if (token_ == stale) token_.clear();
  }
  ASSIGN_OR_RETURN(const std::string fresh, Token(attempt));
  return Send(call, fresh, attempt);
}

Result<std::string> Etcd::Token(Attempt& attempt) {
  if (options_.user.empty()) return std::string();
  {
    MutexLock lock(mutex_);
    if (!token_.empty()) return token_;
  }
  const Call call{.path = "/v3/auth/authenticate", .body = etcd::EncodeCredentials(options_.user, options_.password)};
  auto body = Send(call, "", attempt);
  // Of the call that wants the token nothing was sent; another endpoint may know more than one that broke.
  if (!body.ok()) {
    if (attempt.fate == Fate::kBroken) attempt.fate = Fate::kNothingSent;
    if (body.status().code() != Code::kInvalidArgument) return body;
    return Status::FailedPrecondition(std::string(body.status().message()));
  }
  ASSIGN_OR_RETURN(const std::string token, etcd::DecodeToken(*body));
  MutexLock lock(mutex_);
  token_ = token;
  return token;
}

Result<std::string> Etcd::Send(const Call& call, const std::string& token, Attempt& attempt) {
  io::HttpExchange exchange;
  exchange.url = options_.endpoints[attempt.endpoint] + call.path;
  exchange.headers = {"Content-Type: application/json"};
  if (!token.empty()) exchange.headers.push_back("Authorization: " + token);
  exchange.body = call.body;
  const int64_t left_ns = attempt.deadline_ns - SystemClock().MonotonicNs();
  exchange.timeout_ms = std::max<int64_t>(1, left_ns / kNsPerMs);
  exchange.connect_timeout_ms = std::min(options_.connect_timeout_ms, exchange.timeout_ms);
  exchange.response_bytes_max = kAnswerBytesMax;
  exchange.fresh_connection = call.repeat == Repeat::kNever;
  exchange.until = call.until;
  bool sent = false;
  auto answer = http_.Post(exchange, &sent);
  const std::string context = "etcd at " + options_.endpoints[attempt.endpoint];
  attempt.token_refused = false;
  attempt.fate = sent ? Fate::kBroken : Fate::kNothingSent;
  if (!sent) return Status::Unavailable(context + ": " + std::string(answer.status().message()));
  if (!answer.ok()) return answer.status().Annotate(context);
  attempt.fate = Fate::kAnswered;
  if (answer->status == 200) return std::move(answer->body);
  const auto refusal = etcd::DecodeRefusal(answer->body);
  if (refusal) {
    attempt.token_refused = etcd::RefusesToken(*refusal);
    if (const Status definite = Definite(*refusal); !definite.ok()) return definite;
  }
  attempt.fate = Fate::kBroken;
  return Status::Unavailable(context + ": " +
                             (refusal ? refusal->message : "HTTP status " + std::to_string(answer->status)));
}

Result<Committed> Etcd::Commit(const Transaction& transaction) {
  RETURN_IF_ERROR(CheckTransaction(transaction));
  ASSIGN_OR_RETURN(const std::string body, Ask({.path = "/v3/kv/txn",
                                                .body = etcd::EncodeTransaction(transaction, options_.key_prefix),
                                                .repeat = Repeat::kNever,
                                                .deadline_ns = Deadline(options_.timeout_ms)}));
  auto committed = etcd::DecodeCommitted(body);
  if (committed.ok()) return committed;
  return Status::DeadlineExceeded("unknown outcome: " + std::string(committed.status().message()));
}

Result<Listing> Etcd::List(const std::string& prefix) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  const int64_t deadline_ns = Deadline(options_.timeout_ms);
  for (int tries = 0; tries < kListTries; ++tries) {
    auto listing = ListOnce(prefix, deadline_ns);
    if (listing.ok() || listing.status().code() != Code::kCancelled) return listing;
  }
  return Status::Unavailable("etcd compacts faster than it can be read");
}

Result<Listing> Etcd::ListOnce(const std::string& prefix, int64_t deadline_ns) {
  Listing listing;
  etcd::PageRequest request{.prefix = prefix, .limit = kPageKeys};
  while (true) {
    ASSIGN_OR_RETURN(const std::string body, Ask({.path = "/v3/kv/range",
                                                  .body = etcd::EncodePageRequest(request, options_.key_prefix),
                                                  .deadline_ns = deadline_ns}));
    ASSIGN_OR_RETURN(etcd::Page page, etcd::DecodePage(body, request, options_.key_prefix));
    if (request.revision == 0) request.revision = listing.revision = page.listing.revision;
    std::move(page.listing.entries.begin(), page.listing.entries.end(), std::back_inserter(listing.entries));
    if (!page.more) return listing;
    request.from = listing.entries.back().key + '\0';
  }
}

Result<LeaseId> Etcd::Grant(int64_t ttl_ms) {
  RETURN_IF_ERROR(CheckLeaseTtl(ttl_ms));
  ASSIGN_OR_RETURN(const std::string body, Ask({.path = "/v3/lease/grant",
                                                .body = etcd::EncodeGrant(ttl_ms),
                                                .deadline_ns = Deadline(options_.timeout_ms)}));
  return etcd::DecodeGrant(body);
}

Result<int64_t> Etcd::KeepAlive(LeaseId lease) {
  ASSIGN_OR_RETURN(const std::string body, Ask({.path = "/v3/lease/keepalive",
                                                .body = etcd::EncodeLease(lease),
                                                .deadline_ns = Deadline(options_.timeout_ms)}));
  // The gateway streams here: a refusal may come within a good answer.
  if (const auto refusal = etcd::DecodeRefusal(body)) {
    const Status definite = Definite(*refusal);
    return definite.ok() ? Status::Unavailable("etcd: " + refusal->message) : definite;
  }
  return etcd::DecodeKeepAlive(body);
}

Status Etcd::Revoke(LeaseId lease) {
  return Ask({.path = "/v3/lease/revoke",
              .body = etcd::EncodeLease(lease),
              .deadline_ns = Deadline(options_.timeout_ms)})
      .status();
}

Result<int64_t> Etcd::AwaitChange(const std::string& prefix, int64_t after_revision, int64_t timeout_ms) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  const auto enough = [](const std::string& body) {
    if (!body.ends_with('\n')) return false;  // etcd ends each message so
    const auto newest = etcd::DecodeWatch(body);
    return !newest.ok() || *newest > 0;
  };
  const auto body =
      Ask({.path = "/v3/watch",
           .body = etcd::EncodeWatch(prefix, std::max<int64_t>(after_revision, 0) + 1, options_.key_prefix),
           .deadline_ns = Deadline(timeout_ms),
           .until = enough});
  if (body.status().code() == Code::kDeadlineExceeded) return after_revision;
  // More happened than an answer may hold.
  if (body.status().code() == Code::kTooLarge) return after_revision + 1;
  RETURN_IF_ERROR(body.status());
  ASSIGN_OR_RETURN(const int64_t newest, etcd::DecodeWatch(*body));
  if (newest == 0) return Status::Unavailable("etcd ended the watch");
  return std::max(newest, after_revision);
}

}  // namespace rhizome::coordination
