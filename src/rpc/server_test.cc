#include "rpc/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/rpc_testing.h"

namespace rhizome::rpc {
namespace {

using ::testing::HasSubstr;

// A TCP connection that speaks whatever it is told.
class RawConnection {
 public:
  explicit RawConnection(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  ~RawConnection() { close(fd_); }
  void Send(std::string_view bytes) const { (void)send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

 private:
  const int fd_;
};

TEST(Server, BytesComeBack) {
  const auto server = Serve();
  const auto client = Connect();
  const std::string bytes("\0\1\xff x", 5);
  EXPECT_EQ(*Call(*client, AddressOf(*server), bytes), bytes);
  EXPECT_EQ(*Call(*client, AddressOf(*server), ""), "");
  EXPECT_EQ(*Call(*client, "localhost:" + std::to_string(server->port()), "by name"), "by name");
}

TEST(Server, LargestMessagePassesBothWays) {
  const auto server = Serve();
  const auto client = Connect();
  std::string bytes(kMessageBytesMax, '\0');
  for (size_t i = 0; i < bytes.size(); i += 997) bytes[i] = static_cast<char>(i);
  const auto answer = Call(*client, AddressOf(*server), bytes, {.timeout_ms = 60'000});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_TRUE(*answer == bytes);
}

TEST(Server, StatusOfHandlerArrivesUnchanged) {
  const auto server = Serve([](CallInfo, std::string, Respond respond) {
    respond(Status(Code::kReadOnly, "shard 4 is full\nsince é", "points[3]"));
  });
  const auto client = Connect();
  const Status status = Call(*client, AddressOf(*server), "x").status();
  EXPECT_EQ(status.code(), Code::kReadOnly);
  EXPECT_EQ(status.message(), "shard 4 is full\nsince é");
  EXPECT_EQ(status.field(), "points[3]");
}

TEST(Server, HandlerLearnsWhatTheCallerSaid) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  auto first = CallLater(*client, AddressOf(*server), "x",
                         {.timeout_ms = 5000, .priority = true, .request_id = "r-1", .traceparent = trace});
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  auto second = CallLater(*client, AddressOf(*server), "x",
                          {.timeout_ms = 5000, .request_id = "two\nlines", .traceparent = std::string(129, 'x')});
  ASSERT_TRUE(Eventually([&] { return holding.count() == 2; }));
  const auto infos = holding.infos();
  EXPECT_EQ(infos[0].request_id, "r-1");
  EXPECT_EQ(infos[0].traceparent, trace);
  EXPECT_EQ(infos[0].peer, "");
  EXPECT_TRUE(infos[0].priority);
  EXPECT_EQ(infos[1].request_id, "");
  EXPECT_EQ(infos[1].traceparent, "");
  EXPECT_FALSE(infos[1].priority);
  holding.Release();
  EXPECT_TRUE(first.get().ok() && second.get().ok());
}

TEST(Server, DeadlineIsTheCallersInOurClock) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  const int64_t begin_ns = SystemClock().MonotonicNs();
  auto answer = CallLater(*client, AddressOf(*server), "x", {.timeout_ms = 3000});
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  const int64_t end_ns = SystemClock().MonotonicNs();
  const int64_t deadline_ns = holding.infos()[0].deadline_ns;
  EXPECT_GT(deadline_ns, begin_ns + 2'900'000'000);
  EXPECT_LT(deadline_ns, end_ns + 3'100'000'000);
  holding.Release();
  EXPECT_TRUE(answer.get().ok());
}

TEST(Server, LateAnswerIsHarmless) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  const int64_t begin_ms = NowMs();
  EXPECT_EQ(Call(*client, AddressOf(*server), "x", {.timeout_ms = 1000}).status().code(), Code::kDeadlineExceeded);
  EXPECT_LT(NowMs() - begin_ms, 5000);
  // The place stays taken until the handler lets go.
  EXPECT_EQ(server->calls_in_flight(), 1);
  holding.Release();
  EXPECT_EQ(server->calls_in_flight(), 0);
}

TEST(Server, DroppedCallIsAnsweredInternal) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  auto answer = CallLater(*client, AddressOf(*server), "x");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  holding.Drop();
  EXPECT_EQ(answer.get().status().code(), Code::kInternal);
  EXPECT_EQ(server->calls_in_flight(), 0);
}

TEST(Server, RequestAboveTheBoundIsTooLargeAndNeverRuns) {
  std::atomic<int> ran = 0;
  const auto server = Serve(
      [&](CallInfo, std::string, Respond respond) {
        ++ran;
        respond(std::string());
      },
      {.message_bytes_max = 1000});
  const auto client = Connect();
  EXPECT_TRUE(Call(*client, AddressOf(*server), std::string(1000, 'x')).ok());
  const Status status = Call(*client, AddressOf(*server), std::string(1001, 'x')).status();
  EXPECT_EQ(status.code(), Code::kTooLarge) << status.ToString();
  EXPECT_EQ(status.field(), "message");
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(Eventually([&] { return server->calls_in_flight() == 0; }));
}

TEST(Server, ReplyAboveTheBoundIsTooLargeAndNamed) {
  const auto server =
      Serve([](CallInfo, std::string request, Respond respond) { respond(std::string(std::stoul(request), 'x')); },
            {.message_bytes_max = 1000});
  const auto client = Connect();
  EXPECT_EQ(Call(*client, AddressOf(*server), "1000")->size(), 1000u);
  const Status status = Call(*client, AddressOf(*server), "1001").status();
  EXPECT_EQ(status.code(), Code::kTooLarge);
  EXPECT_EQ(status.field(), "reply");
}

TEST(Server, BeyondTheBoundCallsAreShedAndPriorityPasses) {
  Holding holding;
  const auto server = Serve(holding.handler(), {.calls_max = 4, .calls_for_priority = 1});
  const auto client = Connect();
  std::vector<std::future<Result<std::string>>> held;
  for (int i = 0; i < 3; ++i) held.push_back(CallLater(*client, AddressOf(*server), "held"));
  ASSERT_TRUE(Eventually([&] { return holding.count() == 3; }));
  EXPECT_EQ(Call(*client, AddressOf(*server), "shed").status().code(), Code::kResourceExhausted);
  held.push_back(CallLater(*client, AddressOf(*server), "held", {.timeout_ms = 10'000, .priority = true}));
  ASSERT_TRUE(Eventually([&] { return holding.count() == 4; }));
  EXPECT_EQ(Call(*client, AddressOf(*server), "shed", {.timeout_ms = 10'000, .priority = true}).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(server->calls_in_flight(), 4);
  holding.Release();
  for (auto& answer : held) EXPECT_EQ(*answer.get(), "held");
  EXPECT_EQ(server->calls_in_flight(), 0);
  auto after = CallLater(*client, AddressOf(*server), "after");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  holding.Release();
  EXPECT_EQ(*after.get(), "after");
}

TEST(Server, StopWaitsForCallsInFlight) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  auto answer = CallLater(*client, AddressOf(*server), "x");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  std::thread stopping([&] { server->Stop(10'000); });
  SleepMs(100);
  holding.Release();
  stopping.join();
  EXPECT_EQ(*answer.get(), "x");
}

TEST(Server, StopLetsGoOfCallsThatOutlastTheDrain) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const auto client = Connect();
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(CallLater(*client, AddressOf(*server), "x"));
  ASSERT_TRUE(Eventually([&] { return holding.count() == 20; }));
  const int64_t begin_ms = NowMs();
  server->Stop(50);
  EXPECT_LT(NowMs() - begin_ms, 3000);
  for (auto& answer : answers) EXPECT_EQ(answer.get().status().code(), Code::kDeadlineExceeded);
  holding.Release();  // safe after the end
  EXPECT_EQ(Call(*client, AddressOf(*server), "x").status().code(), Code::kUnavailable);
}

TEST(Server, RespondOutlivesTheServer) {
  Holding holding;
  auto server = Serve(holding.handler());
  const auto client = Connect();
  auto answer = CallLater(*client, AddressOf(*server), "x");
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  server.reset();
  EXPECT_EQ(answer.get().status().code(), Code::kDeadlineExceeded);
  holding.Release();
}

TEST(Server, GarbageOnThePortHurtsNobody) {
  const auto server = Serve();
  const auto client = Connect();
  std::string noise(100'000, '\0');
  uint64_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const std::string& start : {std::string(), preface, preface + std::string("\0\0\0\4\0\0\0\0\0", 9)}) {
    for (size_t length = 1; length <= noise.size(); length *= 10) {
      RawConnection(server->port()).Send(start + noise.substr(0, length));
    }
  }
  EXPECT_EQ(*Call(*client, AddressOf(*server), "still here"), "still here");
}

TEST(Server, HalfOpenConnectionsDoNotHoldStop) {
  auto server = Serve();
  const RawConnection silent(server->port());
  const RawConnection half(server->port());
  half.Send("PRI * HTTP/2.0\r\n");
  SleepMs(50);
  const int64_t begin_ms = NowMs();
  server->Stop(0);
  EXPECT_LT(NowMs() - begin_ms, 3000);
}

TEST(Server, OptionsThatMakeNoSenseAreNamed) {
  const auto field = [](ServerOptions options) {
    return std::string(Server::Start(std::move(options), Echo).status().field());
  };
  EXPECT_EQ(field({.address = "nonsense"}), "address");
  EXPECT_EQ(field({.address = "0.0.0.0:0"}), "address");
  EXPECT_EQ(field({.message_bytes_max = size_t{1} << 31}), "message_bytes_max");
  EXPECT_EQ(field({.calls_max = 0}), "calls_max");
  EXPECT_EQ(field({.calls_max = 4, .calls_for_priority = 4}), "calls_for_priority");
  EXPECT_EQ(field({.tls = {.ca_file = "/nowhere"}}), "tls.ca_file");
  EXPECT_TRUE(Server::Start({.address = "0.0.0.0:0", .insecure = true}, Echo).ok());
}

TEST(Server, TakenPortIsUnavailable) {
  const auto server = Serve();
  const Status status = Server::Start({.address = AddressOf(*server)}, Echo).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(AddressOf(*server)));
}

}  // namespace
}  // namespace rhizome::rpc
