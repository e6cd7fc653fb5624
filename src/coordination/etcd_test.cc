// Etcd against servers that answer what a script says; the contract on a real one is contract_test.cc.
#include "coordination/etcd.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "coordination/coordination_testing.h"
#include "io/http_test_server.h"

namespace rhizome::coordination {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;

const std::string kNobody = "http://127.0.0.1:1";
const std::string kCommitted = R"({"header":{"revision":"7"},"succeeded":true})";
const std::string kEmpty = R"({"header":{"revision":"7"}})";

std::unique_ptr<Etcd> Open(std::vector<std::string> endpoints, int64_t timeout_ms = 5'000) {
  return Etcd::Open({.endpoints = std::move(endpoints), .timeout_ms = timeout_ms}).value();
}
// Answers every request with the same.
HttpTestServer::Script Always(std::string answer) {
  return [answer](const TestRequest&, size_t) { return answer; };
}
HttpTestServer::Script Refuses(int code, const std::string& message = "etcdserver: said so") {
  const std::string body =
      R"({"error":")" + message + R"(","message":")" + message + R"(","code":)" + std::to_string(code) + "}";
  return Always(HttpText("503 Service Unavailable", body));
}
std::string Silence(const TestRequest&, size_t) {
  SleepMs(700);
  return "";
}

const Transaction kPut = {{{"a", 0}}, {Put("a", "1")}};

TEST(EtcdOptions, AreChecked) {
  EXPECT_EQ(Etcd::Open({}).status().field(), "endpoints");
  EXPECT_EQ(Etcd::Open({.endpoints = {"http://a:1", "ftp://b"}}).status().field(), "endpoints[1]");
  EXPECT_EQ(Etcd::Open({.endpoints = {"http://u:p@a:1"}}).status().field(), "endpoints[0]");
  EXPECT_EQ(
      Etcd::Open({.endpoints = {"http://a:1"}, .key_prefix = std::string(kKeyBytesMax + 1, 'p')}).status().field(),
      "key_prefix");
}

TEST(Etcd, SlashBehindAnEndpointDoesNoHarm) {
  HttpTestServer server(Always(HttpText("200 OK", kCommitted)));
  EXPECT_TRUE(MustCommit(*Open({server.url() + "/"}), kPut).succeeded);
  EXPECT_TRUE(server.requests()[0].head.starts_with("POST /v3/kv/txn "));
}

TEST(Etcd, CommitGoesOnToTheNextEndpointWhileNothingWasSent) {
  HttpTestServer server(Always(HttpText("200 OK", kCommitted)));
  auto etcd = Open({kNobody, server.url()});
  EXPECT_TRUE(MustCommit(*etcd, kPut).succeeded);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Etcd, NobodyThereIsUnavailable) {
  auto etcd = Open({kNobody, kNobody});
  EXPECT_EQ(etcd->Commit(kPut).status().code(), Code::kUnavailable);
  EXPECT_EQ(etcd->List("").status().code(), Code::kUnavailable);
  EXPECT_EQ(etcd->Grant(1000).status().code(), Code::kUnavailable);
  EXPECT_EQ(etcd->KeepAlive(1).status().code(), Code::kUnavailable);
  EXPECT_EQ(etcd->Revoke(1).code(), Code::kUnavailable);
  EXPECT_EQ(etcd->AwaitChange("", 0, 1000).status().code(), Code::kUnavailable);
}

// Each of these servers got the transaction and may have done it.
TEST(Etcd, CommitThatMayHaveLeftIsUnknownAndNeverSentAgain) {
  const std::vector<HttpTestServer::Script> scripts = {
      Always(""),                                                // the connection broke
      Always("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha"),  // in the middle of the answer
      Silence,
      Refuses(14, "etcdserver: request timed out"),
      Refuses(4),
      Refuses(13),
      Refuses(2),
      Always(HttpText("502 Bad Gateway", "<html>")),
      Always(HttpText("200 OK", "{}")),
      Always(HttpText("200 OK", "<html>")),
  };
  for (size_t i = 0; i < scripts.size(); ++i) {
    HttpTestServer other(Always(HttpText("200 OK", kCommitted)));
    HttpTestServer server(scripts[i]);
    auto etcd = Open({server.url(), other.url()}, 500);
    EXPECT_EQ(etcd->Commit(kPut).status().code(), Code::kDeadlineExceeded) << i;
    EXPECT_EQ(server.requests().size(), 1u) << i;
    EXPECT_TRUE(other.requests().empty()) << i;
  }
}

// Keeps connections open, answers reads, and drops the connection of a transaction without a word.
class KeepingServer {
 public:
  KeepingServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    CHECK(listen(listener_, 8) == 0);
    CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] {
      for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
        connections_.emplace_back([this, peer] { Serve(peer); });
      }
    });
  }
  ~KeepingServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& connection : connections_) connection.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int reads() const { return reads_; }
  int transactions() const { return transactions_; }

 private:
  void Serve(int peer) {
    std::string bytes;
    char buffer[4096];
    for (ssize_t got; (got = recv(peer, buffer, sizeof(buffer), 0)) > 0;) {
      bytes.append(buffer, static_cast<size_t>(got));
      if (!bytes.ends_with("}")) continue;  // every request is one JSON object
      if (bytes.starts_with("POST /v3/kv/txn ")) {
        ++transactions_;
        break;
      }
      ++reads_;
      bytes.clear();
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kEmpty.size()) + "\r\n\r\n" + kEmpty;
      (void)send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    close(peer);
  }

  const int listener_;
  int port_ = 0;
  std::atomic<int> reads_ = 0;
  std::atomic<int> transactions_ = 0;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

// libcurl sends a request again by itself when a kept connection is dropped before the first byte of an answer.
TEST(Etcd, CommitIsSentOnceEvenBesideAKeptConnection) {
  KeepingServer server;
  {
    auto etcd = Open({server.url()});
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(MustList(*etcd).entries.empty());
    EXPECT_EQ(etcd->Commit(kPut).status().code(), Code::kDeadlineExceeded);
    EXPECT_EQ(server.transactions(), 1);
    EXPECT_EQ(server.reads(), 2);
  }
}

TEST(Etcd, CallAfterALostOneBeginsAtAnotherEndpoint) {
  HttpTestServer other(Always(HttpText("200 OK", kCommitted)));
  HttpTestServer server(Always(""));
  auto etcd = Open({server.url(), other.url()});
  EXPECT_EQ(etcd->Commit(kPut).status().code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(MustCommit(*etcd, kPut).succeeded);
  EXPECT_TRUE(MustCommit(*etcd, kPut).succeeded);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Etcd, RefusalsThatChangeNothingSayWhy) {
  const std::pair<int, Code> cases[] = {{3, Code::kInvalidArgument},    {5, Code::kNotFound},
                                        {7, Code::kFailedPrecondition}, {8, Code::kResourceExhausted},
                                        {9, Code::kFailedPrecondition}, {12, Code::kFailedPrecondition},
                                        {16, Code::kFailedPrecondition}};
  for (const auto& [code, wanted] : cases) {
    HttpTestServer other(Always(HttpText("200 OK", kCommitted)));
    HttpTestServer server(Refuses(code));
    auto etcd = Open({server.url(), other.url()});
    for (const Status& status : {etcd->Commit(kPut).status(), etcd->List("").status(), etcd->Revoke(1)}) {
      EXPECT_EQ(status.code(), wanted) << code;
      EXPECT_NE(status.message().find("said so"), std::string::npos) << code;
    }
    EXPECT_TRUE(other.requests().empty());
  }
}

TEST(Etcd, ReadsGoOnToTheNextEndpointAfterAnyTrouble) {
  for (const HttpTestServer::Script& script :
       {Always(""), HttpTestServer::Script(Silence), Refuses(14), Always(HttpText("500 Oh", "no"))}) {
    HttpTestServer other(Always(HttpText("200 OK", kEmpty)));
    HttpTestServer server(script);
    auto etcd = Open({server.url(), other.url()}, 1'000);
    EXPECT_EQ(MustList(*etcd).revision, 7);
  }
}

TEST(Etcd, TroubleEverywhereIsTheLastTrouble) {
  HttpTestServer one(Refuses(14, "etcdserver: no leader"));
  HttpTestServer two(Silence);
  EXPECT_EQ(Open({two.url(), one.url()}, 400)->List("").status().code(), Code::kUnavailable);
  EXPECT_EQ(Open({one.url(), two.url()}, 400)->List("").status().code(), Code::kDeadlineExceeded);
}

TEST(Etcd, SenselessAnswersAreCorruption) {
  HttpTestServer server(Always(HttpText("200 OK", "{}")));
  auto etcd = Open({server.url()});
  EXPECT_EQ(etcd->List("").status().code(), Code::kCorruption);
  EXPECT_EQ(etcd->Grant(1000).status().code(), Code::kCorruption);
  EXPECT_EQ(etcd->KeepAlive(1).status().code(), Code::kCorruption);
}

TEST(Etcd, KeepAliveReadsRefusalsWithinAGoodAnswer) {
  const std::pair<int, Code> cases[] = {{5, Code::kNotFound}, {14, Code::kUnavailable}};
  for (const auto& [code, wanted] : cases) {
    HttpTestServer server(
        Always(HttpText("200 OK", R"({"error":{"message":"gone","grpc_code":)" + std::to_string(code) + "}}\n")));
    EXPECT_EQ(Open({server.url()})->KeepAlive(1).status().code(), wanted);
  }
}

// Pages of one key each; the second page asks for the moment of the first.
std::string OneKeyAPage(const TestRequest& request, size_t number) {
  const bool first = number == 0;
  EXPECT_EQ(request.body.find(R"("revision":"7")") == std::string::npos, first) << request.body;
  return HttpText("200 OK", first ? R"({"header":{"revision":"7"},"more":true,"kvs":[
      {"key":"cmhpem9tZS9h","create_revision":"2","mod_revision":"2"}]})"
                                  : R"({"header":{"revision":"9"},"kvs":[
      {"key":"cmhpem9tZS9i","create_revision":"3","mod_revision":"3"}]})");
}

TEST(Etcd, PagesAreOfOneMoment) {
  HttpTestServer server(OneKeyAPage);
  const Listing listing = MustList(*Open({server.url()}));
  EXPECT_EQ(listing.revision, 7);
  ASSERT_EQ(listing.entries.size(), 2u);
  EXPECT_EQ(listing.entries[1].key, "b");
}

TEST(Etcd, ListingBeginsAnewWhenItsMomentIsCompacted) {
  const std::string compacted = HttpText(
      "400 Bad Request", R"({"error":"compacted","message":"required revision has been compacted","code":11})");
  HttpTestServer once([&](const TestRequest& request, size_t number) {
    return number == 1 ? compacted : OneKeyAPage(request, number < 1 ? number : number - 2);
  });
  EXPECT_EQ(MustList(*Open({once.url()})).entries.size(), 2u);
  EXPECT_EQ(once.requests().size(), 4u);
  HttpTestServer always(Always(compacted));
  EXPECT_EQ(Open({always.url()})->List("").status().code(), Code::kUnavailable);
}

TEST(Etcd, BrokenWatchIsUnavailableAndSenselessOneCorruption) {
  const std::string created = R"({"result":{"header":{"revision":"7"},"created":true}})"
                              "\n";
  HttpTestServer ended(Always(HttpText("200 OK", created)));
  EXPECT_EQ(Open({ended.url()})->AwaitChange("", 7, 2'000).status().code(), Code::kUnavailable);
  HttpTestServer broken(Always("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + created));
  EXPECT_EQ(Open({broken.url()})->AwaitChange("", 7, 2'000).status().code(), Code::kUnavailable);
  HttpTestServer senseless(Always(HttpText("200 OK", "?\n")));
  EXPECT_EQ(Open({senseless.url()})->AwaitChange("", 7, 2'000).status().code(), Code::kCorruption);
}

TEST(Etcd, AnswerBeyondAllBoundsIsTooLargeAndForAWatchAChange) {
  HttpTestServer server(Always(HttpText("200 OK", std::string((64 << 20) + 1, 'x'))));
  HttpTestServer other(Always(HttpText("200 OK", kEmpty)));
  auto etcd = Open({server.url(), other.url()}, 20'000);
  EXPECT_EQ(etcd->List("").status().code(), Code::kTooLarge);
  EXPECT_TRUE(other.requests().empty()) << "the next would say the same";
  EXPECT_EQ(Open({server.url()})->AwaitChange("", 7, 20'000).value(), 8);
}

TEST(Etcd, CompactedWatchIsAChange) {
  HttpTestServer server(
      Always(HttpText("200 OK", R"({"result":{"header":{"cluster_id":"1"},"canceled":true,"compact_revision":"30"}})"
                                "\n")));
  EXPECT_EQ(Open({server.url()})->AwaitChange("", 7, 2'000).value(), 30);
}

}  // namespace
}  // namespace rhizome::coordination
