#include "gateway/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>

#include "gateway/connection.h"

namespace rhizome::gateway {
namespace {

using ErrorCode = boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, LoopExecutor>;
constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable_t<LoopExecutor>{});
constexpr uint32_t kReservedConnections = 64;
constexpr uint32_t kOtherFiles = 1024;
constexpr int kBacklog = 4096;

// Raises the soft limit on open files as far as needed and allowed; the answer is how many connections fit.
uint32_t RaiseFileLimit(uint32_t connections_max) {
  constexpr rlim_t kOwn = kReservedConnections + kOtherFiles;
  const rlim_t needed = connections_max + kOwn;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return connections_max;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return connections_max;
  const auto fit = static_cast<uint32_t>(limit.rlim_cur > 2 * kOwn ? limit.rlim_cur - kOwn : limit.rlim_cur / 2);
  spdlog::info("open files are limited to {}: at most {} connections instead of {}", limit.rlim_cur, fit,
               connections_max);
  return fit;
}

}  // namespace

struct Server::State {
  State(const ServerOptions& options, std::vector<Route> routes, MetricRegistry& metrics, Clock& clock)
      : dispatcher(std::move(routes), options, metrics, clock), shared(options, dispatcher, metrics, clock) {
    const uint32_t threads =
        options.io_threads > 0 ? options.io_threads : std::max(1U, std::thread::hardware_concurrency());
    for (uint32_t i = 0; i < threads; ++i) loops.push_back(std::make_unique<EventLoop>(shared, i));
    acceptor = std::make_unique<Acceptor>(loops[0]->context());
  }

  Status Listen();
  static Task<void> Accept(State* state);
  void Admit(EventLoop* loop, Socket socket);

  Dispatcher dispatcher;
  ServerShared shared;
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::unique_ptr<Acceptor> acceptor;
  uint16_t port = 0;
  bool stopped = false;
};

Status Server::State::Listen() {
  const ServerOptions& options = shared.options;
  ErrorCode error;
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(options.address, error), options.port);
  if (!error) acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(kBacklog, error);
  if (!error) port = acceptor->local_endpoint(error).port();
  if (!error) return Status::Ok();
  return Status::Unavailable("cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " +
                             error.message());
}

Task<void> Server::State::Accept(State* state) {
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>
      pause(state->loops[0]->context());
  for (size_t next = 0;; ++next) {
    EventLoop* loop = state->loops[next % state->loops.size()].get();
    auto [error, socket] = co_await state->acceptor->async_accept(loop->context(), kAwaitTuple);
    if (!state->acceptor->is_open()) co_return;
    if (error) {  // out of file descriptors, most likely: some will be freed
      pause.expires_after(std::chrono::milliseconds(50));
      (void)co_await pause.async_wait(kAwaitTuple);
      continue;
    }
    state->Admit(loop, std::move(socket));
  }
}

void Server::State::Admit(EventLoop* loop, Socket socket) {
  const ServerOptions& options = shared.options;
  const uint32_t others = shared.connections.fetch_add(1);
  if (others >= options.connections_max + kReservedConnections) {
    shared.connections.fetch_sub(1);
    shared.connections_refused.Add();
    return;  // the socket closes as it goes
  }
  shared.connections_accepted.Add();
  auto admission = others < options.connections_max ? Connection::Admission::kFull : Connection::Admission::kReserved;
  std::string address;
  if (options.connections_per_address_max > 0) {
    ErrorCode error;
    address = socket.remote_endpoint(error).address().to_string();
    const MutexLock lock(shared.mutex);
    if (++shared.by_address[address] > options.connections_per_address_max) {
      admission = Connection::Admission::kTooManyFromHim;
    }
  }
  if (admission != Connection::Admission::kFull) shared.connections_refused.Add();
  asio::post(loop->context(), [loop, socket = std::move(socket), admission, address = std::move(address)]() mutable {
    auto connection = std::make_shared<Connection>(*loop, std::move(socket), admission, std::move(address));
    asio::co_spawn(loop->context(), Connection::Serve(std::move(connection)), asio::detached);
  });
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, std::vector<Route> routes,
                                              MetricRegistry& metrics, Clock& clock) {
  RETURN_IF_ERROR(ValidateServerOptions(options));
  ServerOptions fitting = options;
  fitting.connections_max = RaiseFileLimit(options.connections_max);
  auto state = std::make_unique<State>(fitting, std::move(routes), metrics, clock);
  RETURN_IF_ERROR(state->Listen());
  asio::co_spawn(state->loops[0]->context(), State::Accept(state.get()), asio::detached);
  for (auto& loop : state->loops) loop->Start();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { Stop(0); }
uint16_t Server::port() const { return state_->port; }

void Server::Stop(uint32_t drain_ms) {
  if (state_->stopped) return;
  state_->stopped = true;
  asio::post(state_->loops[0]->context(), [state = state_.get()] {
    ErrorCode ignored;
    state->acceptor->close(ignored);
  });
  const int64_t deadline_ns = state_->shared.clock.MonotonicNs() + int64_t{drain_ms} * 1'000'000;
  for (auto& loop : state_->loops) loop->Drain(deadline_ns);
  for (auto& loop : state_->loops) loop->Join();
}

}  // namespace rhizome::gateway
