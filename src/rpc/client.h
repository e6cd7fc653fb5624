// Client: calls other nodes. One connection per peer, made at the first call, kept, watched by pings, and made again
// after a loss with waits growing from 100 ms to 600 ms. While a peer cannot be reached its calls fail at once.
//
// What a failure says about the peer:
//   Unavailable        the call never reached a connection, so the peer certainly did not run it: refused, unreachable,
//                      wrong certificate, still connecting at the deadline.
//   DeadlineExceeded   unknown: it may have run, be running, or run later. Also a connection lost under the call.
//   ResourceExhausted  field "in_flight": this client has too many calls to that peer; nothing was sent.
//   Cancelled          unknown: the client was destroyed under the call.
//   TooLarge           field "request": nothing was sent. Field "reply": it ran, and its answer is above the peer's
//   bound.
//                      Field "message": the request is above the peer's bound and did not run, or its answer above
//                      ours.
//   Corruption         the peer's answer is not in our format; it may have run.
// Every other Status is the peer's own, code, message and field unchanged (docs/formats/rpc.md); a peer's handler may
// choose any of the codes above too.
//
// Thread-safe. `done` runs exactly once, on a thread of gRPC's and never inside Call; it must not block or destroy the
// client.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "rpc/rpc.h"

namespace rhizome::rpc {

struct ClientOptions {
  TlsOptions tls;
  bool insecure = false;  // plain text beyond loopback
  size_t message_bytes_max = kMessageBytesMax;
  int64_t calls_max = 1024;         // in flight at once to one peer
  int64_t calls_for_priority = 64;  // of these, kept for priority calls
};

struct CallOptions {
  int64_t timeout_ms = 1000;  // 1 to kTimeoutMsMax; travels with the call
  std::string peer;           // the node expected at the address; its certificate must name it. Required with TLS
  bool priority = false;      // uses the reserved share on both sides
  std::string request_id;     // left out unless printable ASCII of at most kLabelBytesMax bytes
  std::string traceparent;    // likewise
};

using Done = std::function<void(Result<std::string>)>;

class Client {
 public:
  // InvalidArgument names the TLS file at fault.
  static Result<std::unique_ptr<Client>> Create(ClientOptions options);
  // Cancels what is in flight and returns when every `done` has returned.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `address` is host:port or [v6]:port. A wrong address, timeout or peer name is InvalidArgument, through `done` too.
  void Call(const std::string& address, std::string request, CallOptions options, Done done);

  // Lets go of the connections to the address once the calls on them have ended; a later call makes a new one.
  void Forget(const std::string& address);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rhizome::rpc
