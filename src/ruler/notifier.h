// Notifier: tells Alertmanagers of alerts: POST {url}/api/v2/alerts, each of them by a thread of its own, so that one
// that hangs keeps nobody else waiting.
//
// What waits for one of them is what it has not been told yet, at most one state of each alert: a newer state takes an
// older one's place. It is sent again until it is taken, with growing pauses and full jitter, not sooner than a
// Retry-After; what is refused for good (a 4xx but 408 and 429) is dropped, counted and logged. When more waits than
// may, what has waited longest goes. Nothing is kept over a restart: whoever sends repeats what still holds.
//
// Thread-safe. Send never waits for the network. The destructor gives up what waits, after the request under way.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "format/labels.h"
#include "io/http_client.h"

namespace rhizome::ruler {

struct OutgoingAlert {
  format::Labels labels;
  format::Labels annotations;
  int64_t starts_ms = 0;
  int64_t ends_ms = 0;  // in the past: it is resolved
  std::string generator_url;
};

// The body of a request.
std::string EncodeAlerts(std::span<const OutgoingAlert> alerts);

struct NotifierOptions {
  std::vector<std::string> urls;  // "http://127.0.0.1:9093", without the route
  int64_t timeout_ms = 5'000;     // of one request
  size_t waiting_max = 10'000;    // for each of them
  size_t batch_max = 64;          // in one request
  int64_t backoff_ms = 500;       // doubles with each failure
  int64_t backoff_max_ms = 30'000;
};

class Notifier {
 public:
  // InvalidArgument (field "alertmanagers") for a URL that is none. `metrics` outlives the notifier.
  static Result<std::unique_ptr<Notifier>> Start(NotifierOptions options, MetricRegistry& metrics);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void Send(std::span<const OutgoingAlert> alerts);
  // Where requests go.
  std::vector<std::string> addresses() const;

 private:
  class Target;

  Notifier() = default;
  std::vector<std::unique_ptr<Target>> targets_;  // constant after Start
};

}  // namespace rhizome::ruler
