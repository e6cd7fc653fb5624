#include "gateway/server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "gateway/test_client.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.port = 0;
    options_.io_threads = 2;
    options_.body_bytes_max = 1 << 20;
    options_.header_timeout_ms = 300;
    options_.transfer_grace_ms = 300;
    options_.linger_timeout_ms = 500;
  }

  Server& server() {
    if (!server_) {
      auto started = Server::Start(options_, Routes(), metrics_);
      EXPECT_TRUE(started.ok()) << started.status().ToString();
      server_ = std::move(*started);
    }
    return *server_;
  }
  TestClient Client() { return TestClient(server().port()); }

  std::vector<Route> Routes() {
    return {{"GET", "/health", Lane::kInline, true, "",
             [](const Request&) -> Result<Response> {
               Response response;
               response.body = "{}";
               return response;
             }},
            {"POST", "/echo", Lane::kQuery, false, "",
             [](const Request& request) -> Result<Response> {
               Response response;
               response.body = request.body;
               return response;
             }},
            {"POST", "/big", Lane::kQuery, false, "",
             [](const Request&) -> Result<Response> {
               Response response;
               response.body.assign(32 << 20, 'x');
               return response;
             }},
            {"POST", "/wait", Lane::kWrite, false, "",
             [this](const Request&) -> Result<Response> {
               entered_.set_value();
               release_.get_future().wait();
               return Response{};
             }},
            {"POST", "/watch", Lane::kQuery, false, "", [this](const Request& request) -> Result<Response> {
               entered_.set_value();
               for (int i = 0; i < 60'000 && !request.cancelled->load(); ++i) {
                 std::this_thread::sleep_for(std::chrono::milliseconds(1));
               }
               release_.set_value();
               return request.cancelled->load() ? Status::Cancelled("seen") : Status::Internal("never told");
             }}};
  }

  MetricRegistry metrics_;
  ServerOptions options_;
  std::promise<void> entered_;
  std::promise<void> release_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersManyRequestsOnOneConnection) {
  TestClient client = Client();
  for (int i = 0; i < 20; ++i) {
    const std::string body = "{\"i\":" + std::to_string(i) + "}";
    const Reply reply = client.Call("POST", "/echo", body);
    ASSERT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, body);
    EXPECT_EQ(reply.Header("Connection"), "keep-alive");
  }
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  TestClient client = Client();
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n" +
            std::to_string(10 + i) + "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  ASSERT_TRUE(client.Send(text));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Read().body, std::to_string(10 + i));
    EXPECT_EQ(client.Read().body, "{}");
  }
}

TEST_F(ServerTest, TheRequestIdComesBack) {
  TestClient client = Client();
  EXPECT_EQ(client.Call("GET", "/health", "", "X-Request-Id: my-id-7\r\n").Header("X-Request-Id"), "my-id-7");
  const Reply made = client.Call("GET", "/nothing");
  EXPECT_EQ(made.status, 404);
  EXPECT_THAT(made.body, HasSubstr("\"request_id\":\"" + made.Header("X-Request-Id") + "\""));
}

TEST_F(ServerTest, TheTraceComesBack) {
  TestClient client = Client();
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const Reply reply = client.Call("GET", "/health", "", "traceparent: 00-" + trace + "-b7ad6b7169203331-01\r\n");
  EXPECT_THAT(reply.Header("traceparent"), testing::StartsWith("00-" + trace + "-"));
  EXPECT_EQ(client.Call("GET", "/health").Header("traceparent").size(), 55U);
}

TEST_F(ServerTest, ConnectionCloseIsHonoured) {
  TestClient client = Client();
  EXPECT_EQ(client.Call("GET", "/health", "", "Connection: close\r\n").Header("Connection"), "close");
  EXPECT_TRUE(client.ServerCloses());
}

TEST_F(ServerTest, HeadHasNoBody) {
  TestClient client = Client();
  EXPECT_EQ(client.Call("HEAD", "/health").Header("Content-Length"), "2");
  EXPECT_EQ(client.Call("GET", "/health").body, "{}");
}

TEST_F(ServerTest, ChunkedBodiesAreRead) {
  TestClient client = Client();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  EXPECT_EQ(client.Read().body, "abcde");
  EXPECT_EQ(client.Call("GET", "/health").status, 200);
}

TEST_F(ServerTest, AHugeAnnouncedBodyIsRefusedUnread) {
  TestClient client = Client();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                  "Content-Length: 100000000\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 413);
  EXPECT_TRUE(client.ServerCloses());
}

TEST_F(ServerTest, AHugeChunkedBodyIsRefused) {
  TestClient client = Client();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "40000\r\n" + std::string(0x40000, 'x') + "\r\n";
  for (int i = 0; i < 5; ++i) (void)client.Send(chunk);  // the server may already have stopped listening
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(ServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  TestClient client = Client();
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n";
  ASSERT_TRUE(client.Send(head + "Content-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 100);
  ASSERT_TRUE(client.Send("{}"));
  EXPECT_EQ(client.Read().body, "{}");
  ASSERT_TRUE(client.Send(head + "Content-Length: 100000000\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(ServerTest, MalformedAndAmbiguousRequestsAreRefused) {
  const std::pair<const char*, int> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /health HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 2\r\n\r\n", 417},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       400},
  };
  for (const auto& [text, status] : cases) {
    TestClient client = Client();
    ASSERT_TRUE(client.Send(text));
    const Reply reply = client.Read();
    EXPECT_EQ(reply.status, status) << text;
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json") << text;
    EXPECT_TRUE(client.ServerCloses()) << text;
  }
}

TEST_F(ServerTest, LongHeadersAre431) {
  TestClient client = Client();
  ASSERT_TRUE(client.Send("GET /health HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x')));
  EXPECT_EQ(client.Read().status, 431);
}

TEST_F(ServerTest, EndlessChunkExtensionsAreCutOff) {
  TestClient client = Client();
  (void)client.Send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3;" +
      std::string(200'000, 'x'));
  EXPECT_EQ(client.Read().status, 400);
}

TEST_F(ServerTest, ASlowHeaderIs408) {
  TestClient client = Client();
  for (const char c : std::string_view("GET /hea")) {
    ASSERT_TRUE(client.Send({&c, 1}));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(client.ServerCloses());
}

TEST_F(ServerTest, ASlowBodyIs408) {
  TestClient client = Client();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"));
  Reply reply;
  std::thread sender([&client] {
    while (client.Send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  reply = client.Read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_TRUE(client.ServerCloses());
  sender.join();
}

TEST_F(ServerTest, ABodyAboveTheMinimumRateMayOutlastTheGrace) {
  TestClient client = Client();
  ASSERT_TRUE(
      client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.Send(std::string(400, 'x')));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(ServerTest, AnIdleConnectionIsClosedInTheEnd) {
  options_.idle_timeout_ms = 200;
  TestClient client = Client();
  EXPECT_EQ(client.Call("GET", "/health").status, 200);
  EXPECT_TRUE(client.ServerCloses());
}

TEST_F(ServerTest, AClientThatDoesNotReadIsCutOff) {
  options_.transfer_bytes_per_s_min = 1'000'000'000;  // what the kernel buffers must not count as read
  TestClient client = Client();
  ASSERT_TRUE(client.Send("POST /big HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto is_cut_off = [this] {
    return metrics_.Render().find("http_connections_timed_out_total 1\n") != std::string::npos;
  };
  for (int i = 0; i < 1'000 && !is_cut_off(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(is_cut_off());
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
  TestClient client = Client();
  EXPECT_EQ(client.Call("POST", "/big", "{}").body.size(), size_t{32} << 20);
}

TEST_F(ServerTest, ARequestWhoseClientClosedWhileItWaitedIsNotCarriedOut) {
  options_.write_lane = {1, 16, false, 60'000, 60'000};
  TestClient busy = Client();
  ASSERT_TRUE(busy.Send("POST /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  entered_.get_future().wait();
  {
    TestClient leaves = Client();
    // Were it carried out, it would say a second time that it has begun, which a promise does not take.
    ASSERT_TRUE(leaves.Send("POST /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    for (int i = 0; i < 1'000 && metrics_.Render().find("http_lane_queued{lane=\"write\"} 1\n") == std::string::npos;
         ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  release_.set_value();
  EXPECT_EQ(busy.Read().status, 200);
  server().Stop(10'000);
  EXPECT_THAT(metrics_.Render(), HasSubstr("http_lane_abandoned_total{lane=\"write\"} 1\n"));
}

TEST_F(ServerTest, AHandlerIsToldThatItsClientHasGone) {
  {
    TestClient client = Client();
    ASSERT_TRUE(client.Send("POST /watch HTTP/1.1\r\nHost: a\r\n\r\n"));
    entered_.get_future().wait();
  }
  release_.get_future().wait();
  server().Stop(10'000);
  EXPECT_THAT(metrics_.Render(), HasSubstr("route=\"/watch\",status=\"503\"} 1\n"));
}

TEST_F(ServerTest, StopTellsHandlersPastTheDeadline) {
  TestClient client = Client();
  ASSERT_TRUE(client.Send("POST /watch HTTP/1.1\r\nHost: a\r\n\r\n"));
  entered_.get_future().wait();
  server().Stop(1);
  EXPECT_EQ(release_.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_THAT(metrics_.Render(), HasSubstr("route=\"/watch\",status=\"503\"} 1\n"));
}

TEST_F(ServerTest, BytesInMemoryAreBounded) {
  options_.buffered_bytes_max = 1 << 20;
  TestClient client = Client();
  EXPECT_EQ(client.Call("POST", "/big", "{}").status, 503);
}

TEST_F(ServerTest, BeyondTheLimitOnlyHealthIsAnswered) {
  options_.connections_max = 2;
  TestClient first = Client();
  TestClient second = Client();
  ASSERT_EQ(first.Call("GET", "/health").status, 200);
  ASSERT_EQ(second.Call("GET", "/health").status, 200);
  TestClient third = Client();
  EXPECT_EQ(third.Call("POST", "/echo", "{}").status, 503);
  EXPECT_TRUE(third.ServerCloses());
  TestClient probe = Client();
  EXPECT_EQ(probe.Call("GET", "/health").status, 200);
  EXPECT_TRUE(probe.ServerCloses());
  EXPECT_EQ(first.Call("POST", "/echo", "{}").status, 200);
}

TEST_F(ServerTest, ConnectionsPerAddressAreLimited) {
  options_.connections_per_address_max = 1;
  TestClient first = Client();
  ASSERT_EQ(first.Call("GET", "/health").status, 200);
  TestClient second = Client();
  EXPECT_EQ(second.Read().status, 429);
  EXPECT_TRUE(second.ServerCloses());
}

TEST_F(ServerTest, ATakenPortIsSaid) {
  options_.port = server().port();
  EXPECT_EQ(Server::Start(options_, Routes(), metrics_).status().code(), Code::kUnavailable);
}

TEST_F(ServerTest, AnOpenBindDoesNotStart) {
  options_.address = "0.0.0.0";
  EXPECT_EQ(Server::Start(options_, Routes(), metrics_).status().code(), Code::kFailedPrecondition);
}

TEST_F(ServerTest, StopLetsRequestsUnderWayFinish) {
  TestClient idle = Client();
  ASSERT_EQ(idle.Call("GET", "/health").status, 200);
  TestClient busy = Client();
  ASSERT_TRUE(busy.Send("POST /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  entered_.get_future().wait();
  std::thread stopper([this] { server().Stop(5000); });
  EXPECT_TRUE(idle.ServerCloses());
  release_.set_value();
  EXPECT_EQ(busy.Read().status, 200);
  EXPECT_TRUE(busy.ServerCloses());
  stopper.join();
  TestClient late(server().port());
  EXPECT_FALSE(late.connected());
}

TEST_F(ServerTest, StopCutsWhoHasNotFinishedByTheDeadline) {
  TestClient slow = Client();
  ASSERT_TRUE(
      slow.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"));
  server().Stop(50);
  EXPECT_TRUE(slow.ServerCloses());
}

TEST_F(ServerTest, ManyClientsAtOnceAllGetTheirOwnAnswer) {
  (void)server();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t, &right] {
      TestClient client(server_->port());
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t * 1000 + i);
        right += client.Call("POST", "/echo", body).body == body ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 1600);
}

}  // namespace
}  // namespace rhizome::gateway
