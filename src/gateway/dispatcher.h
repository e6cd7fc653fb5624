// Dispatcher: takes a request from its headers to its answer: route, authentication, limits, a thread to run on,
// metrics and the log line. It knows nothing of sockets; connection.cc feeds it and carries the answer.
//
//   Identify  gives the request its id, also one that is refused before Admit
//   Admit  after the headers, before a byte of the body is read: refuses what can be refused by then
//   Run    with the whole body: on the calling thread for Lane::kInline, else on the lane's pool
//   Finish every answer passes here once, before it is written
//
// Thread-safe; one Exchange belongs to one request and is handed from thread to thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "gateway/api_keys.h"
#include "gateway/http_message.h"
#include "gateway/lane.h"
#include "gateway/problem.h"
#include "gateway/router.h"
#include "gateway/server_options.h"

namespace rhizome::gateway {

// What the request line and the headers say.
struct RequestHead {
  std::string method;
  std::string target;
  std::string authorization;
  std::string api_key;
  std::string content_type;
  std::string content_encoding;
  std::string request_id;
  std::string timeout_ms;
  std::string traceparent;
  std::string idempotency_key;
  std::string tenant;
  uint64_t content_length = 0;
  bool has_body = false;  // also when the length is unknown (chunked)
};

// One request on its way.
struct Exchange {
  Request request;
  const Route* route = nullptr;  // null until Admit has found it
  bool gzip = false;             // the body is still compressed
  int64_t started_ns = 0;
  int64_t received_ns = 0;             // its last byte
  std::string steps;                   // where the time went (base/steps.h), once it has run
  std::atomic<bool> cancelled{false};  // may be raised from any thread while Run is on
  // Whether nobody waits for the answer any more; asked once, before the handler is called. Null: somebody does.
  std::function<bool()> gone;
};

class Dispatcher {
 public:
  // `options` valid; `metrics` and `clock` outlive this.
  Dispatcher(std::vector<Route> routes, const ServerOptions& options, MetricRegistry& metrics, Clock& clock);
  ~Dispatcher();

  // Gives the request its id and notes its method, if it has none yet.
  void Identify(const RequestHead& head, Exchange& exchange);
  // Fills `exchange` (its request id always). An answer: refused, the body need not be read. `reserved`: the
  // connection is beyond the limit and may only use what runs inline or is an operator's.
  std::optional<Response> Admit(const RequestHead& head, bool reserved, Exchange& exchange);
  // Calls `done` once, here or on a worker; `exchange` lives until then.
  void Run(Exchange& exchange, std::function<void(Response)> done);
  void Finish(const Exchange& exchange, const Response& response);

  // Refuses what has waited in a queue for too long; to be called some times a second.
  void Expire();
  // Whatever waits in a queue from now on is answered 503 instead of run.
  void StopQueued() { stopping_.store(true); }
  const Router& router() const { return router_; }

 private:
  struct RouteMetrics;

  WorkLane& StateOf(Lane lane);
  std::optional<Response> CheckBody(const RequestHead& head, Exchange& exchange) const;
  Status SetDeadline(const RequestHead& head, Exchange& exchange) const;
  Response Answer(Exchange& exchange);
  Response Refused(const Exchange& exchange, const Admission::Refusal& refusal);
  Result<Response> Handle(Exchange& exchange) const;

  const ServerOptions options_;
  const Router router_;
  const ApiKeys keys_;
  Clock& clock_;
  MetricRegistry& metrics_;
  const std::string id_prefix_;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<uint64_t> refusals_{0};
  std::atomic<bool> stopping_{false};
  std::map<const Route*, std::unique_ptr<RouteMetrics>> route_metrics_;  // null: what no route took
  std::vector<std::unique_ptr<WorkLane>> lanes_;                         // last, so that its threads end first
};

}  // namespace rhizome::gateway
