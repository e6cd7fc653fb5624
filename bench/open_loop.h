// Load by keep-alive clients. Closed loop: each sends its next request when the last is answered. Open loop: requests
// are due at a fixed rate and a latency counts from when its request was due, so that a stalled server cannot hide its
// queue (Tene, "How NOT to Measure Latency").
#pragma once

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "search_load.h"

namespace rhizome::bench {

struct Load {
  uint16_t port;
  std::vector<std::string> requests;  // whole ones, head and body
  double end_ms = 0;
  double interval_ms = 0;  // open loop: between two of one client's requests; 0: closed loop
  std::vector<double> latencies_ms;
  size_t errors = 0;
};

inline boost::asio::awaitable<void> LoadClient(Load* load, size_t number, double first_due_ms) {
  namespace asio = boost::asio;
  using asio::ip::tcp;
  constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
  tcp::socket socket(co_await asio::this_coro::executor);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto [connect_error] = co_await socket.async_connect({asio::ip::address_v4::loopback(), load->port}, kAwait);
  if (connect_error) {
    ++load->errors;
    co_return;
  }
  socket.set_option(tcp::no_delay(true));
  std::string buffer;
  double due_ms = first_due_ms;
  for (size_t i = number; due_ms < load->end_ms; i += 7) {
    if (load->interval_ms > 0 && due_ms > NowMs()) {
      timer.expires_after(std::chrono::microseconds(static_cast<int64_t>((due_ms - NowMs()) * 1000)));
      (void)co_await timer.async_wait(kAwait);
    }
    const std::string& request = load->requests[i % load->requests.size()];
    const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(request), kAwait);
    const int status = write_error ? 0 : co_await ReadAnswer(&socket, &buffer);
    if (status != 200) ++load->errors;
    if (status == 0) co_return;
    const double now_ms = NowMs();
    load->latencies_ms.push_back(now_ms - due_ms);
    due_ms = load->interval_ms > 0 ? due_ms + load->interval_ms : now_ms;
  }
}

struct Figures {
  double requests_per_s;
  double p50_ms, p95_ms, p99_ms;
  size_t errors;
};

// `rate`: requests a second of all clients together; 0: closed loop.
inline Figures RunLoad(Load load, size_t clients, double seconds, double rate) {
  boost::asio::io_context context(1);
  const double start_ms = NowMs() + 50;
  load.end_ms = start_ms + seconds * 1000;
  load.interval_ms = rate > 0 ? static_cast<double>(clients) * 1000 / rate : 0;
  for (size_t i = 0; i < clients; ++i) {
    const double offset_ms = load.interval_ms * static_cast<double>(i) / static_cast<double>(clients);
    boost::asio::co_spawn(context, LoadClient(&load, i, rate > 0 ? start_ms + offset_ms : NowMs()),
                          boost::asio::detached);
  }
  const double begin_ms = NowMs();
  context.run();
  const double elapsed_s = (NowMs() - begin_ms) / 1000;
  auto& sorted = load.latencies_ms;
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&](double q) {
    return sorted.empty() ? 0.0 : sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
  };
  return {static_cast<double>(sorted.size()) / elapsed_s, quantile(0.5), quantile(0.95), quantile(0.99), load.errors};
}

}  // namespace rhizome::bench
