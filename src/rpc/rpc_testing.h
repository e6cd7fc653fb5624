// What the tests of calls share: a server with a handler, a client, and calls that wait for their answer.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace rhizome::rpc {

inline void SleepMs(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

inline int64_t NowMs() { return SystemClock().MonotonicNs() / 1'000'000; }

// True as soon as `condition` holds; false after `timeout_ms`.
template <typename Condition>
bool Eventually(Condition condition, int64_t timeout_ms = 10'000) {
  const int64_t end_ms = NowMs() + timeout_ms;
  while (!condition()) {
    if (NowMs() > end_ms) return false;
    SleepMs(1);
  }
  return true;
}

inline void Echo(CallInfo, std::string request, Respond respond) { respond(std::move(request)); }

inline std::unique_ptr<Server> Serve(Handler handler = Echo, ServerOptions options = {}) {
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status().ToString();
  return server.ok() ? std::move(server).value() : nullptr;
}

inline std::unique_ptr<Client> Connect(ClientOptions options = {}) {
  auto client = Client::Create(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status().ToString();
  return client.ok() ? std::move(client).value() : nullptr;
}

inline std::string AddressOf(const Server& server) { return "127.0.0.1:" + std::to_string(server.port()); }

// The answer to come. A second answer to one call throws in set_value and ends the test program.
inline std::future<Result<std::string>> CallLater(Client& client, const std::string& address, std::string request,
                                                  CallOptions options = {.timeout_ms = 10'000}) {
  auto promise = std::make_shared<std::promise<Result<std::string>>>();
  auto future = promise->get_future();
  client.Call(address, std::move(request), std::move(options),
              [promise](Result<std::string> result) { promise->set_value(std::move(result)); });
  return future;
}

inline Result<std::string> Call(Client& client, const std::string& address, std::string request,
                                CallOptions options = {.timeout_ms = 10'000}) {
  return CallLater(client, address, std::move(request), std::move(options)).get();
}

// Holds every call until told to answer.
class Holding {
 public:
  Handler handler() {
    return [this](CallInfo info, std::string request, Respond respond) {
      const std::lock_guard lock(mutex_);
      infos_.push_back(std::move(info));
      held_.emplace_back(std::move(request), std::move(respond));
    };
  }
  size_t count() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  std::vector<CallInfo> infos() {
    const std::lock_guard lock(mutex_);
    return infos_;
  }
  // Answers all held calls with their own requests.
  void Release() {
    std::vector<std::pair<std::string, Respond>> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (auto& [request, respond] : held) respond(std::move(request));
  }
  // Lets go of all held calls without an answer.
  void Drop() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<CallInfo> infos_;
  std::vector<std::pair<std::string, Respond>> held_;
};

}  // namespace rhizome::rpc
