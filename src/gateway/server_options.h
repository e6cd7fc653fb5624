// ServerOptions: every limit of the HTTP server. docs/http.md explains each; ValidateServerOptions checks bounds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rhizome::gateway {

struct LaneOptions {
  uint32_t threads;        // 1..1024; 0: 32, or four per core
  uint32_t queue_len_max;  // 1..1,000,000; beyond it requests are answered 503 at once
  bool adapts = false;     // as many run at once as their latency says, at most `threads`; else always `threads`
  // How long requests may wait for a thread in a burst, and in a queue that does not get empty any more (admission.h).
  uint32_t burst_ms = 5'000;
  uint32_t standing_ms = 2'000;
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  uint16_t port = 8000;               // 0: the kernel picks one, Server::port() says which
  // Any of these opens every route. Empty: everybody may do everything, which only a loopback address may offer
  // unless insecure_bind says that this is meant.
  std::vector<std::string> api_keys;
  bool insecure_bind = false;

  uint32_t io_threads = 0;  // 0: one per core
  // Reads compute here or wait for other nodes, writes wait for fsync together: their latency says how many are worth
  // it. One document's ingestion takes a thousand times as long as another's, which says nothing; it keeps all cores
  // busy by itself, so a few run.
  LaneOptions query_lane{0, 1024, true, 500, 250};
  LaneOptions write_lane{32, 1024, true, 1'000, 500};
  LaneOptions ingest_lane{4, 64, false, 60'000, 20'000};
  LaneOptions admin_lane{2, 256};

  uint32_t connections_max = 20'000;
  uint32_t connections_per_address_max = 0;  // 0: no limit
  uint32_t header_bytes_max = 16 << 10;
  uint64_t body_bytes_max = 32ULL << 20;       // after inflating, too
  uint64_t response_bytes_max = 256ULL << 20;  // a larger answer becomes an error that says to ask for less
  // Request bodies and answers held in memory at one time, over all connections; beyond it 503.
  uint64_t buffered_bytes_max = 2ULL << 30;
  uint32_t inflate_ratio_max = 200;

  uint32_t header_timeout_ms = 10'000;       // first byte to end of headers
  uint32_t body_timeout_ms = 300'000;        // whole body, however fast
  uint32_t transfer_grace_ms = 5'000;        // from here on the rate below is demanded, both ways
  uint32_t transfer_bytes_per_s_min = 1024;  // average since the transfer began
  uint32_t idle_timeout_ms = 120'000;        // between requests
  uint32_t linger_timeout_ms = 2'000;        // unread input is thrown away this long after an early refusal

  uint32_t request_timeout_ms = 30'000;  // default deadline; X-Request-Timeout-Ms may ask for up to the maximum
  uint32_t ingest_timeout_ms = 600'000;
  uint32_t request_timeout_max_ms = 3'600'000;
  uint32_t slow_request_ms = 1'000;  // logged at info when slower; others at debug
};

// InvalidArgument naming the option; FailedPrecondition for a bind that would open the data to the network.
Status ValidateServerOptions(const ServerOptions& options);

}  // namespace rhizome::gateway
