// EventLoop: one thread, one io_context and the connections that live on it.
//
// Everything but Start, Drain and Join is called on the loop's own thread. Only server.cc and connection.cc include
// this: it brings Asio with it.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "gateway/byte_budget.h"
#include "gateway/dispatcher.h"
#include "gateway/server_options.h"

namespace rhizome::gateway {

namespace asio = boost::asio;

using LoopExecutor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, LoopExecutor>;
template <typename T>
using Task = asio::awaitable<T, LoopExecutor>;

class Connection;

// What all connections of a server share.
struct ServerShared {
  ServerShared(const ServerOptions& server_options, Dispatcher& requests, MetricRegistry& metrics, Clock& time);

  const ServerOptions options;
  Dispatcher& dispatcher;
  Clock& clock;
  ByteBudget budget;
  std::atomic<uint32_t> connections{0};
  Gauge connections_open;
  Counter connections_accepted;
  Counter connections_refused;
  Counter connections_timed_out;

  Mutex mutex;
  std::unordered_map<std::string, uint32_t> by_address GUARDED_BY(mutex);  // empty unless there is a limit
};

class EventLoop {
 public:
  EventLoop(ServerShared& shared, uint32_t number);
  ~EventLoop();

  void Start();
  // From any thread: ends idle connections now and all others by the monotonic `deadline_ns`.
  void Drain(int64_t deadline_ns);
  void Join();  // returns when the last connection has gone

  asio::io_context& context() { return context_; }
  ServerShared& shared() { return shared_; }
  bool draining() const { return draining_; }

  using Place = std::list<Connection*>::iterator;
  Place Enter(Connection* connection) { return connections_.insert(connections_.end(), connection); }
  void Leave(Place place);

  // "Sun, 06 Nov 1994 08:49:37 GMT", renewed each second.
  const std::string& HttpDate();

 private:
  void Run();
  void ScheduleSweep();
  void Sweep();
  void EndIfEmpty();

  ServerShared& shared_;
  const uint32_t number_;
  asio::io_context context_{1};
  asio::executor_work_guard<LoopExecutor> work_;
  asio::steady_timer sweep_timer_;
  std::list<Connection*> connections_;
  bool draining_ = false;
  int64_t drain_deadline_ns_ = 0;
  int64_t date_second_ = -1;
  std::string date_;
  std::thread thread_;
};

}  // namespace rhizome::gateway
