// Server: HTTP/1.1 for a table of routes, on its own threads.
//
// Connections are spread over io threads, each with its own event loop, so a connection's state is touched by one
// thread only and needs no lock. Handlers run on the dispatcher's lanes. Requests on one connection are answered in
// order; pipelined ones wait their turn. An idle connection holds no buffer, only its socket and a few hundred
// bytes. Every wait has a deadline (server_options.h); a client that is too slow gets 408 or is cut off.
//
// Thread-safe. The routes' handlers must be callable until Stop returns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/status.h"
#include "gateway/router.h"
#include "gateway/server_options.h"

namespace rhizome::gateway {

class Server {
 public:
  // Listens, and answers from when this returns. InvalidArgument and FailedPrecondition from
  // ValidateServerOptions; Unavailable when the address is taken. `metrics` and `clock` outlive the server.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, std::vector<Route> routes,
                                               MetricRegistry& metrics = ProcessMetrics(),
                                               Clock& clock = SystemClock());
  ~Server();  // Stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;

  // Accepts nothing more, closes idle connections, lets requests under way finish for up to `drain_ms`, then
  // answers what is still queued 503 and cuts connections. Returns when no handler runs any more.
  void Stop(uint32_t drain_ms);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rhizome::gateway
