// Connection: one client's socket and the coroutine that serves it, from accept to close.
//
// Lives on one event loop and is touched by its thread only. The coroutine Serve owns the connection; the loop's
// sweep looks at its deadline and wakes it. Between requests there is no buffer, no parser and no timer.
#pragma once

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/event_loop.h"

namespace rhizome::gateway {

class Connection {
 public:
  enum class Admission {
    kFull,
    kReserved,        // beyond the limit: one request, inline routes only, so that health can always be asked
    kTooManyFromHim,  // the limit per address: told so and closed
  };

  Connection(EventLoop& loop, Socket socket, Admission admission, std::string address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static Task<void> Serve(std::shared_ptr<Connection> self);

  // Wakes or cuts the connection when its time is over.
  void CheckDeadline(int64_t now_ns);
  // Ends it now if idle, else after the request under way.
  void BeginDrain();
  void Cut();

 private:
  enum class Phase { kIdle, kReading, kHandling, kWriting };
  enum class Progress { kDone, kRefused, kClosed };
  struct Work;

  Task<bool> WaitForRequest();
  Task<bool> ServeOne();
  Task<Progress> ReadRequest(Work* work);
  Task<Progress> ReadHeader(Work* work);
  Task<Progress> ReadBody(Work* work);
  Task<bool> ReadMore(size_t bytes);
  Task<void> Execute(Work* work);
  Task<bool> Write(std::string head, std::string body);
  // The head and then pieces as they come, until the end of the stream, of the client or of the server.
  Task<bool> WriteStream(std::string head, std::shared_ptr<BodyStream> stream);
  Task<void> Linger();
  bool ReadHead(Work& work);
  Progress Refuse(Work& work, int status, std::string_view type, std::string detail);
  std::string RenderHead(const Work& work, bool keep_alive);
  void Enter(Phase phase, int64_t deadline_ns);
  int64_t TransferDeadline(int64_t started_ns, uint64_t bytes) const;
  int64_t NowNs() const { return shared_.clock.MonotonicNs(); }

  EventLoop& loop_;
  ServerShared& shared_;
  Socket socket_;
  const Admission admission_;
  const std::string address_;  // set only when addresses are counted
  EventLoop::Place place_;
  boost::beast::flat_buffer buffer_;  // read and not yet parsed
  Phase phase_ = Phase::kIdle;
  int64_t deadline_ns_ = 0;
  std::atomic<bool>* cancelled_ = nullptr;  // of the request being handled
  bool expired_ = false;                    // the sweep woke a read
};

}  // namespace rhizome::gateway
