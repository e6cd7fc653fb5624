// Server: takes calls from other nodes and hands their bytes to one handler.
//
// Every admitted call reaches the handler exactly once and is answered exactly once: with what the handler says, or not
// at all once its caller has stopped waiting. A call holds its place in flight until the handler answers it, even when
// the caller is gone, because until then it costs what it costs. Beyond the bound calls are refused with
// ResourceExhausted before their bytes are read; a share stays free for calls marked as priority (health, replication).
// A call that names no deadline, or one beyond kTimeoutMsMax, is refused.
//
// Thread-safe. The handler runs on gRPC's threads, many calls at once, and must not block: two threads may be all there
// are. It may outlive the server only through the Respond it was given, which stays safe to call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "rpc/rpc.h"

namespace rhizome::rpc {

struct CallInfo {
  std::string peer;         // the node that the client's certificate names; empty without TLS
  int64_t deadline_ns = 0;  // SystemClock's monotonic time at which the caller stops waiting
  std::string request_id;   // empty when none came or it was not printable ASCII of bounded length
  std::string traceparent;  // likewise; not parsed
  bool priority = false;
};

// Called once, from any thread. A call whose last copy is destroyed unanswered is answered Internal. An answer that
// comes after the caller stopped waiting goes nowhere. Answers above the server's bound become TooLarge ("reply").
using Respond = std::function<void(Result<std::string>)>;
using Handler = std::function<void(CallInfo info, std::string request, Respond respond)>;

struct ServerOptions {
  std::string address = "127.0.0.1:0";  // host:port or [v6]:port; port 0 lets the kernel choose
  TlsOptions tls;
  bool insecure = false;  // plain text beyond loopback, for networks that are closed by other means
  size_t message_bytes_max = kMessageBytesMax;
  int64_t calls_max = 1024;         // in flight at once, all clients together
  int64_t calls_for_priority = 64;  // of these, kept for priority calls
};

class Server {
 public:
  // Returns once the port accepts calls. InvalidArgument names the option at fault: an address that is none, plain text
  // beyond loopback, TLS files that do not make a pair. Unavailable when the port cannot be had.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Handler handler);
  ~Server();  // Stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const { return port_; }
  // Calls whose handler has not answered yet.
  int64_t calls_in_flight() const;

  // Takes no new call, waits up to `drain_ms` for those in flight, then lets go of the rest: their callers see an
  // unknown outcome. On return the port is free and the handler is not running and will not be called again. Not from a
  // handler. A second call returns at once.
  void Stop(int64_t drain_ms);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
  uint16_t port_ = 0;
};

}  // namespace rhizome::rpc
