#include "rpc/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "rpc/rpc_testing.h"

namespace rhizome::rpc {
namespace {

// A port that accepts connections (by the kernel's queue) and never says a word.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    socklen_t length = sizeof(at);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length), 0);
    port_ = ntohs(at.sin_port);
  }
  ~SilentPort() { close(fd_); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int Accept() const { return accept(fd_, nullptr, nullptr); }

 private:
  const int fd_;
  uint16_t port_ = 0;
};

// Carries one connection to `port` until it is told to swallow everything: what a peer looks like whose machine has
// gone.
class FreezingProxy {
 public:
  explicit FreezingProxy(uint16_t port) : port_(port), thread_([this] { Carry(); }) {}
  ~FreezingProxy() {
    stop_ = true;
    thread_.join();
  }
  std::string address() const { return near_.address(); }
  void Freeze() { frozen_ = true; }

 private:
  void Carry() {
    pollfd ends[2] = {{near_.Accept(), POLLIN, 0}, {socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0}};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(ends[1].fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    char bytes[4096];
    while (!stop_) {
      poll(ends, 2, 10);
      for (int i = 0; i < 2; ++i) {
        const ssize_t got = recv(ends[i].fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got > 0 && !frozen_) EXPECT_EQ(send(ends[1 - i].fd, bytes, static_cast<size_t>(got), MSG_NOSIGNAL), got);
      }
    }
    for (const pollfd& end : ends) close(end.fd);
  }

  const uint16_t port_;
  SilentPort near_;
  std::atomic<bool> frozen_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

Status Failure(Client& client, const std::string& address, std::string request = "x",
               CallOptions options = {.timeout_ms = 10'000}) {
  return Call(client, address, std::move(request), std::move(options)).status();
}

std::string AbsentAddress() { return AddressOf(*Serve()); }

TEST(Client, AbsentPeerFailsFastAndCertainly) {
  const auto client = Connect();
  const std::string address = AbsentAddress();
  for (int i = 0; i < 5; ++i) {
    const int64_t begin_ms = NowMs();
    EXPECT_EQ(Failure(*client, address).code(), Code::kUnavailable);
    EXPECT_LT(NowMs() - begin_ms, 2000);
  }
}

TEST(Client, PeerThatNeverShakesHandsIsUnavailable) {
  const SilentPort silent;
  const auto client = Connect();
  const Status status = Failure(*client, silent.address(), "x", {.timeout_ms = 200});
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
}

TEST(Client, SilentHandlerIsDeadlineExceeded) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  const Status status = Failure(*client, AddressOf(*server), "x", {.timeout_ms = 1000});
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded) << status.ToString();
  EXPECT_EQ(holding.count(), 1u);
}

TEST(Client, PeerLostUnderTheCallIsUnknown) {
  Holding holding;
  auto server = Serve(holding.handler());
  const auto client = Connect();
  auto answer = CallLater(*client, AddressOf(*server), "x");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  server.reset();
  EXPECT_EQ(answer.get().status().code(), Code::kDeadlineExceeded);
}

TEST(Client, PeerThatFellSilentIsNoticedByPings) {
  Holding holding;
  const auto server = Serve(holding.handler());
  FreezingProxy proxy(server->port());
  const auto client = Connect();
  auto answer = CallLater(*client, proxy.address(), "x", {.timeout_ms = 60'000});
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  proxy.Freeze();
  const int64_t begin_ms = NowMs();
  EXPECT_EQ(answer.get().status().code(), Code::kDeadlineExceeded);
  EXPECT_LT(NowMs() - begin_ms, 3000);
}

TEST(Client, UnavailableCallNeverRan) {
  std::mutex mutex;
  std::set<std::string> ran;
  const Handler handler = [&](CallInfo, std::string request, Respond respond) {
    {
      const std::lock_guard lock(mutex);
      ran.insert(request);
    }
    respond(std::move(request));
  };
  auto server = Serve(handler);
  const std::string address = AddressOf(*server);
  const auto client = Connect();
  std::atomic<bool> stop = false;
  std::atomic<int> ends[3] = {};  // answered, unavailable, unknown
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        const std::string id = std::to_string(t) + ":" + std::to_string(i);
        const Code code = Call(*client, address, id).status().code();
        ++ends[code == Code::kOk ? 0 : code == Code::kUnavailable ? 1 : 2];
        const std::lock_guard lock(mutex);
        wrong += code == Code::kUnavailable && ran.count(id) != 0;
        wrong += code == Code::kOk && ran.count(id) == 0;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    SleepMs(100);
    server.reset();
    SleepMs(20);
    server = Serve(handler, {.address = address});
    const int answered = ends[0];
    EXPECT_TRUE(Eventually([&] { return ends[0] > answered; }));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(ends[1], 0);
}

TEST(Client, RestartedPeerIsBackInTwoSeconds) {
  auto server = Serve();
  const std::string address = AddressOf(*server);
  const auto client = Connect();
  ASSERT_TRUE(Call(*client, address, "x").ok());
  server.reset();
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Call(*client, address, "x").ok());
    SleepMs(50);
  }
  server = Serve(Echo, {.address = address});
  ASSERT_TRUE(server);
  const int64_t begin_ms = NowMs();
  EXPECT_TRUE(Eventually([&] { return Call(*client, address, "x").ok(); }));
  EXPECT_LT(NowMs() - begin_ms, 2000);
}

TEST(Client, ManyCallsFromManyThreadsAllComeBack) {
  const auto server = Serve([](CallInfo, std::string request, Respond respond) {
    if (request.size() % 2 == 0) return respond(std::move(request));
    std::thread([request = std::move(request), respond = std::move(respond)] { respond(request); }).detach();
  });
  const auto client = Connect();
  // Connected: on a loaded machine the first call may not live to see it.
  ASSERT_TRUE(Eventually([&] { return Call(*client, AddressOf(*server), "x").ok(); }));
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::pair<std::string, std::future<Result<std::string>>>> calls;
      for (int i = 0; i < 100; ++i) {
        std::string request =
            std::to_string(t) + ":" + std::to_string(i) + std::string(static_cast<size_t>(i) * 7, 'x');
        auto answer = CallLater(*client, AddressOf(*server), request);
        calls.emplace_back(std::move(request), std::move(answer));
      }
      for (auto& [request, answer] : calls) {
        const auto result = answer.get();
        right += result.ok() && *result == request;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 400);
}

TEST(Client, BeyondTheBoundToOnePeerNothingIsSent) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto other = Serve();
  const auto client = Connect({.calls_max = 3, .calls_for_priority = 1});
  std::vector<std::future<Result<std::string>>> held;
  for (int i = 0; i < 2; ++i) held.push_back(CallLater(*client, AddressOf(*server), "x"));
  const Status status = Failure(*client, AddressOf(*server));
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(status.field(), "in_flight");
  held.push_back(CallLater(*client, AddressOf(*server), "x", {.timeout_ms = 10'000, .priority = true}));
  EXPECT_TRUE(Call(*client, AddressOf(*other), "x").ok());
  ASSERT_TRUE(Eventually([&] { return holding.count() == 3; }));
  holding.Release();
  for (auto& answer : held) EXPECT_TRUE(answer.get().ok());
}

TEST(Client, MessagesAboveItsBoundAreTooLarge) {
  const auto server = Serve([](CallInfo, std::string, Respond respond) { respond(std::string(100'000, 'x')); });
  const auto client = Connect({.message_bytes_max = 10'000});
  const Status request = Failure(*client, AddressOf(*server), std::string(10'001, 'x'));
  EXPECT_EQ(request.code(), Code::kTooLarge);
  EXPECT_EQ(request.field(), "request");
  const Status reply = Failure(*client, AddressOf(*server));
  EXPECT_EQ(reply.code(), Code::kTooLarge);
  EXPECT_EQ(reply.field(), "message");
}

TEST(Client, WrongCallsAreInvalidAndNamed) {
  const auto client = Connect();
  const auto field = [&](const std::string& address, CallOptions options) {
    const Status status = Failure(*client, address, "x", std::move(options));
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return std::string(status.field());
  };
  EXPECT_EQ(field("nonsense", {}), "address");
  EXPECT_EQ(field("127.0.0.1:0", {}), "address");
  EXPECT_EQ(field("10.0.0.1:80", {}), "address");
  EXPECT_EQ(field("127.0.0.1:80", {.timeout_ms = 0}), "timeout_ms");
  EXPECT_EQ(field("127.0.0.1:80", {.timeout_ms = kTimeoutMsMax + 1}), "timeout_ms");
}

TEST(Client, LongestTimeoutIsAccepted) {
  const auto server = Serve();
  const auto client = Connect();
  EXPECT_TRUE(Call(*client, AddressOf(*server), "x", {.timeout_ms = kTimeoutMsMax}).ok());
}

TEST(Client, DoneNeverRunsInsideCall) {
  const auto client = Connect();
  std::promise<std::thread::id> where;
  client->Call("nonsense", "x", {}, [&](Result<std::string>) { where.set_value(std::this_thread::get_id()); });
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(Client, DestroyedClientCancelsEachCallOnce) {
  Holding holding;
  const auto server = Serve(holding.handler());
  auto client = Connect();
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(CallLater(*client, AddressOf(*server), "x"));
  ASSERT_TRUE(Eventually([&] { return holding.count() == 20; }));
  answers.push_back(CallLater(*client, "nonsense", "x"));
  client.reset();
  for (size_t i = 0; i < answers.size(); ++i) {
    ASSERT_EQ(answers[i].wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_EQ(answers[i].get().status().code(), i < 20 ? Code::kCancelled : Code::kInvalidArgument);
  }
  holding.Release();
}

TEST(Client, ForgottenAddressIsConnectedAgainWhenCalled) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  auto before = CallLater(*client, AddressOf(*server), "before");
  client->Forget(AddressOf(*server));
  auto after = CallLater(*client, AddressOf(*server), "after");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 2; }));
  holding.Release();
  EXPECT_EQ(*before.get(), "before");
  EXPECT_EQ(*after.get(), "after");
}

}  // namespace
}  // namespace rhizome::rpc
