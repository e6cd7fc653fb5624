// Client: brings batches to a Rhizome server's native route, POST /api/v1/import/native (docs/metrics_client.md).
//
// What is tried again: 408, 429 and 5xx answers, connections that cannot be made or break, and answers that do not come
// in time. Samples are a set, so an attempt whose outcome is not known does no harm when it is repeated. What is not:
// any other answer; a 400 least of all, because the server keeps what it can of such a batch.
//
// Between attempts the client waits for what Retry-After asks, never less, and some more at random (full jitter over a
// ceiling that doubles). It gives up when the next attempt would begin later than `give_up_after_ms` after the first,
// and when its budget of repetitions is spent: some at once, then one for ten batches (base/retry_budget.h), so that
// those who fail together do not keep a server down. Nothing is kept here: whoever must not lose a batch sends it
// again.
//
// Thread-safe; each Send in progress has its own connection. Send blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/retry_budget.h"
#include "base/status.h"
#include "io/http_client.h"
#include "metrics_client/batch.h"
#include "metrics_client/dictionary_names.h"

namespace rhizome::metrics_client {

struct ClientOptions {
  std::string url = "http://127.0.0.1:8000";  // the server's; a path in it is put in front of the route's
  std::string api_key;                        // "" for none
  std::string tenant;                         // X-Scope-OrgID, "" for the server's default
  io::HttpTls tls;
  int64_t connect_timeout_ms = 3'000;
  int64_t attempt_timeout_ms = 30'000;
  int64_t give_up_after_ms = 120'000;  // 0: one attempt
  int64_t backoff_ms = 200;            // the first ceiling of a random wait
  int64_t backoff_max_ms = 10'000;     // the last
  double repeats_at_once = 20;
  std::function<void(int64_t ms)> sleep;  // between attempts; none: the thread sleeps
};

// What a server said of a batch that it has read.
struct Receipt {
  uint64_t kept = 0;      // samples, durable and visible
  uint64_t refused = 0;   // for good
  std::string complaint;  // why, "" when nothing was refused
  int attempts = 1;
};

class Client {
 public:
  // InvalidArgument names the option. Nothing is sent.
  static Result<std::unique_ptr<Client>> Open(ClientOptions options, Clock& clock = SystemClock());

  // A receipt, also of a batch that was refused in part. Errors, all of which but the last mean that a later Send may
  // succeed: Unavailable (no server, a broken connection, 5xx), ResourceExhausted (429), DeadlineExceeded (no answer
  // in time: the samples may be kept); and for good: InvalidArgument (the whole batch is not understood), TooLarge,
  // FailedPrecondition (any other answer, such as one to a wrong key or from a server that is none of ours).
  Result<Receipt> Send(const EncodedBatch& batch) EXCLUDES(mutex_);

 private:
  struct Attempt;

  Client(ClientOptions options, Clock& clock);
  io::HttpExchange MakeExchange() const;
  Attempt Try(io::HttpExchange& exchange, const EncodedBatch& batch);
  // How long to wait before the attempt after `attempt`; nothing when the budget is spent.
  std::optional<int64_t> TakeRepeat(int attempt, const Attempt& failed) EXCLUDES(mutex_);

  const ClientOptions options_;
  Clock& clock_;
  io::HttpClient http_;
  DictionaryNames names_;
  Mutex mutex_;
  RetryBudget repeats_ GUARDED_BY(mutex_);
  std::mt19937_64 random_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::metrics_client
