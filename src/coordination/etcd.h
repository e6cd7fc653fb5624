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
// Thread-safe. Files of `tls` are read again at every new connection.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  Result<std::string> Ask(const Call& call);
  // One attempt at one endpoint.
  enum class Fate { kAnswered /* well, or with a refusal that says nothing was done */, kNothingSent, kBroken };
  Result<std::string> AskEndpoint(const Call& call, size_t endpoint, int64_t timeout_ms, Fate& fate);
  Result<Listing> ListOnce(const std::string& prefix, int64_t deadline_ns);

  // Constant after construction.
  const EtcdOptions options_;
  io::HttpClient http_;
  std::atomic<size_t> preferred_{0};  // the endpoint to ask first
};

}  // namespace rhizome::coordination
