#include "gateway/event_loop.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>
#include <exception>
#include <limits>

#include "gateway/connection.h"

namespace rhizome::gateway {
namespace {
constexpr auto kSweepInterval = std::chrono::milliseconds(100);
}  // namespace

ServerShared::ServerShared(const ServerOptions& server_options, Dispatcher& requests, MetricRegistry& metrics,
                           Clock& time)
    : options(server_options),
      dispatcher(requests),
      clock(time),
      budget(server_options.buffered_bytes_max),
      connections_open(metrics.GetGauge("http_connections", "Connections open.")),
      connections_accepted(metrics.GetCounter("http_connections_accepted_total", "Connections accepted.")),
      connections_refused(metrics.GetCounter("http_connections_refused_total", "Connections turned away at a limit.")),
      connections_timed_out(metrics.GetCounter("http_connections_timed_out_total",
                                               "Connections ended because the client was too slow.")) {}

EventLoop::EventLoop(ServerShared& shared, uint32_t number)
    : shared_(shared), number_(number), work_(context_.get_executor()), sweep_timer_(context_) {}

EventLoop::~EventLoop() = default;

void EventLoop::Start() {
  ScheduleSweep();
  thread_ = std::thread([this] { Run(); });
}

void EventLoop::Run() {
  pthread_setname_np(pthread_self(), ("http-io-" + std::to_string(number_)).substr(0, 15).c_str());
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {  // out of memory in one connection ends only that one
      spdlog::error("http event loop: {}", error.what());
    }
  }
}

void EventLoop::ScheduleSweep() {
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Sweep();
  });
}

void EventLoop::Sweep() {
  if (draining_ && connections_.empty()) return;  // ended between this sweep's being due and its running
  const int64_t now_ns = shared_.clock.MonotonicNs();
  const bool cut = draining_ && now_ns >= drain_deadline_ns_;
  if (cut) shared_.dispatcher.StopQueued();
  if (number_ == 0) shared_.dispatcher.Expire();
  // Neither call ends a connection before its coroutine runs again, so the list stays as it is.
  for (Connection* connection : connections_) {
    if (cut) {
      connection->Cut();
    } else {
      connection->CheckDeadline(now_ns);
    }
  }
  ScheduleSweep();
}

void EventLoop::Drain(int64_t deadline_ns) {
  asio::post(context_, [this, deadline_ns] {
    draining_ = true;
    drain_deadline_ns_ = deadline_ns;
    for (Connection* connection : connections_) connection->BeginDrain();
    EndIfEmpty();
  });
}

void EventLoop::Leave(Place place) {
  connections_.erase(place);
  EndIfEmpty();
}

void EventLoop::EndIfEmpty() {
  if (!draining_ || !connections_.empty()) return;
  work_.reset();
  sweep_timer_.cancel();
}

void EventLoop::Join() {
  if (thread_.joinable()) thread_.join();
}

const std::string& EventLoop::HttpDate() {
  const int64_t second = shared_.clock.WallMs() / 1000;
  if (second != date_second_) {
    const std::time_t time = second;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[40];
    date_.assign(text, std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts));
    date_second_ = second;
  }
  return date_;
}

}  // namespace rhizome::gateway
