// Etcd: the coordination port on etcd v3, spoken to through its JSON gateway.
//
// Every call tries the endpoints in turn, beginning with the one that answered last, until one answers or the call's
// time is up. A Commit is handed on to the next endpoint only while surely nothing of it was sent; once it may have
// left, whatever goes wrong is DeadlineExceeded: unknown. It is never sent twice. The other calls may be, which is
// harmless: a lease granted twice ends by itself, a lease revoked twice is NotFound.
//
// Reads are linearizable: a member without a quorum lets them time out rather than answer from the past. Nothing is
// retried after all endpoints have failed; that is the caller's, who knows how long to wait. AwaitChange is one watch
// stream for as long as it waits, closed at its first event.
//
// Leases have whole seconds and a least life that etcd derives from its election timeout (about 1.5 times that); a
// shorter one is made longer. Errors, beside those of the port: FailedPrecondition (etcd refuses: credentials, not an
// etcd v3), ResourceExhausted (etcd is full or asks for patience), Corruption (an answer etcd would not give).
//
// With a user, a token is fetched by name and password and sent along; when etcd no longer takes it, another is fetched
// and the call, of which then nothing was done, sent once more.
//
// Thread-safe. Files of `tls` are read again at every new connection.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "coordination/coordination.h"
#include "coordination/etcd_wire.h"
#include "io/http_client.h"

namespace rhizome::coordination {

struct EtcdOptions {
  std::vector<std::string> endpoints;   // "http://10.0.0.1:2379", at least one
  std::string key_prefix = "rhizome/";  // before every key: an etcd may be shared
  int64_t timeout_ms = 5'000;           // of a call, all endpoints together
  int64_t connect_timeout_ms = 1'000;   // to one endpoint
  io::HttpTls tls;
  std::string user;  // "": etcd asks for no credentials
  std::string password;
};

class Etcd final : public Coordination {
 public:
  // Speaks to nobody yet. InvalidArgument naming "endpoints[i]" or "key_prefix".
  static Result<std::unique_ptr<Etcd>> Open(EtcdOptions options);

  Result<Committed> Commit(const Transaction& transaction) override;
  Result<Listing> List(const std::string& prefix) override;
  Result<LeaseId> Grant(int64_t ttl_ms) override;
  Result<int64_t> KeepAlive(LeaseId lease) override;
  Status Revoke(LeaseId lease) override;
  Result<int64_t> AwaitChange(const std::string& prefix, int64_t after_revision, int64_t timeout_ms) override;

 private:
  enum class Repeat { kNever, kHarmless };
  struct Call {
    const char* path;
    std::string body;
    Repeat repeat = Repeat::kHarmless;
    int64_t deadline_ns = 0;
    std::function<bool(const std::string&)> until = nullptr;
  };

  explicit Etcd(EtcdOptions options);
  int64_t Deadline(int64_t timeout_ms) const;
  // The body of a good answer, from whichever endpoint.
  Result<std::string> Ask(const Call& call) EXCLUDES(mutex_);
  // One attempt at one endpoint.
  enum class Fate { kAnswered /* well, or with a refusal that says nothing was done */, kNothingSent, kBroken };
  struct Attempt {
    size_t endpoint = 0;
    int64_t deadline_ns = 0;
    Fate fate = Fate::kBroken;
    bool token_refused = false;
  };
  // With a token that etcd takes, if a user is set.
  Result<std::string> AskEndpoint(const Call& call, Attempt& attempt) EXCLUDES(mutex_);
  Result<std::string> Send(const Call& call, const std::string& token, Attempt& attempt);
  // The token at hand, or a new one; "" without a user.
  Result<std::string> Token(Attempt& attempt) EXCLUDES(mutex_);
  Result<Listing> ListOnce(const std::string& prefix, int64_t deadline_ns);

  // Constant after construction.
  const EtcdOptions options_;
  io::HttpClient http_;
  std::atomic<size_t> preferred_{0};  // the endpoint to ask first

  Mutex mutex_;
  std::string token_ GUARDED_BY(mutex_);  // "": none yet, or no longer taken
};

}  // namespace rhizome::coordination
