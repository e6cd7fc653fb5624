#include "io/http_client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "io/http_test_server.h"

namespace rhizome::io {
namespace {

Result<HttpAnswer> Post(const std::string& url, HttpExchange exchange = {}) {
  exchange.url = url;
  return HttpClient().Post(exchange);
}

TEST(HttpClient, BodyAndHeadersArriveAndTheAnswerComesBack) {
  HttpTestServer server([](const TestRequest& request, size_t) {
    return HttpText("200 OK", "got " + request.body, "Retry-After:  7 \r\n");
  });
  const auto answer = Post(server.url() + "/a", {.headers = {"X-One: 1"}, .body = "hello"});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "got hello");
  EXPECT_EQ(answer->retry_after, "7");
  EXPECT_NE(server.requests()[0].head.find("X-One: 1"), std::string::npos);
  EXPECT_TRUE(server.requests()[0].head.starts_with("POST /a "));
}

TEST(HttpClient, GivesBackTheHeaderThatIsWantedWhateverItsCase) {
  HttpTestServer server([](const TestRequest&, size_t) {
    return HttpText("200 OK", "", "X-Other: 1\r\nx-NAME:  a b \r\nX-Name-Too: 2\r\n");
  });
  EXPECT_EQ(Post(server.url(), {.wanted_header = "X-Name"})->wanted_header, "a b");
  EXPECT_EQ(Post(server.url(), {.wanted_header = "X-Nam"})->wanted_header, "");
  EXPECT_EQ(Post(server.url())->wanted_header, "");
}

TEST(HttpClient, SendsTheMethodAsked) {
  HttpTestServer server([](const TestRequest& request, size_t) {
    return HttpText("200 OK", request.head.starts_with("HEAD") ? "" : request.body, "");
  });
  const auto send = [&](std::string method, std::string body) {
    HttpExchange exchange{.url = server.url() + "/x", .method = std::move(method), .body = std::move(body)};
    const auto answer = HttpClient().Send(exchange);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? answer->body : "";
  };
  EXPECT_EQ(send("PUT", "bytes"), "bytes");
  EXPECT_EQ(send("GET", ""), "");
  EXPECT_EQ(send("DELETE", ""), "");
  EXPECT_EQ(send("HEAD", ""), "");
  const std::vector<TestRequest> requests = server.requests();
  EXPECT_TRUE(requests[0].head.starts_with("PUT /x "));
  EXPECT_TRUE(requests[1].head.starts_with("GET /x "));
  EXPECT_TRUE(requests[2].head.starts_with("DELETE /x "));
  EXPECT_TRUE(requests[3].head.starts_with("HEAD /x "));
}

TEST(HttpClient, TellsTheLengthOfWhatAHeadRequestNames) {
  HttpTestServer server([](const TestRequest&, size_t) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: close\r\n\r\n");
  });
  const auto answer = HttpClient().Send({.url = server.url(), .method = "HEAD"});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->length, 1234);
}

TEST(HttpClient, SignsWithoutSendingTheSecret) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", ""); });
  const HttpExchange exchange{
      .url = server.url() + "/b/k", .method = "GET", .signature = HttpSignature{"AKID", "SECRET", "eu-1", "s3"}};
  ASSERT_TRUE(HttpClient().Send(exchange).ok());
  const std::string head = server.requests()[0].head;
  EXPECT_NE(head.find("Authorization: AWS4-HMAC-SHA256 Credential=AKID/"), std::string::npos) << head;
  EXPECT_NE(head.find("/eu-1/s3/aws4_request"), std::string::npos) << head;
  EXPECT_EQ(head.find("SECRET"), std::string::npos);
}

TEST(HttpClient, RedirectIsHandedBackNotFollowed) {
  HttpTestServer server(
      [](const TestRequest&, size_t) { return HttpText("302 Found", "", "Location: /elsewhere\r\n"); });
  EXPECT_EQ(Post(server.url())->status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, AnswerAboveTheBoundIsTooLarge) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", std::string(100'000, 'x')); });
  EXPECT_EQ(Post(server.url(), {.response_bytes_max = 99'999}).status().code(), Code::kTooLarge);
  EXPECT_TRUE(Post(server.url(), {.response_bytes_max = 100'000}).ok());
}

TEST(HttpClient, SilenceIsDeadlineExceeded) {
  HttpTestServer server([](const TestRequest&, size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return HttpText("200 OK", "");
  });
  EXPECT_EQ(Post(server.url(), {.timeout_ms = 100}).status().code(), Code::kDeadlineExceeded);
}

TEST(HttpClient, BrokenAnswerIsUnavailable) {
  HttpTestServer server([](const TestRequest&, size_t) { return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"; });
  EXPECT_EQ(Post(server.url()).status().code(), Code::kUnavailable);
}

TEST(HttpClient, NobodyListeningIsUnavailable) {
  EXPECT_EQ(Post("http://127.0.0.1:1/").status().code(), Code::kUnavailable);
}

TEST(HttpClient, SaysWhetherTheRequestMayHaveLeft) {
  bool sent = true;
  EXPECT_FALSE(HttpClient().Post({.url = "http://127.0.0.1:1/"}, &sent).ok());
  EXPECT_FALSE(sent);
  HttpTestServer server([](const TestRequest&, size_t) { return std::string(); });
  EXPECT_EQ(HttpClient().Post({.url = server.url()}, &sent).status().code(), Code::kUnavailable);
  EXPECT_TRUE(sent);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, EnoughOfAnEndlessAnswerEndsIt) {
  HttpTestServer server([](const TestRequest&, size_t) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n";
  });
  HttpClient client;
  const auto answer = client.Post(
      {.url = server.url(), .until = [](const std::string& body) { return body.find("two") != body.npos; }});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "one\ntwo\n");
  const auto broken = client.Post({.url = server.url(), .until = [](const std::string&) { return false; }});
  EXPECT_EQ(broken.status().code(), Code::kUnavailable);
}

TEST(HttpClient, MissingCertificateFilesAreUnavailableAndNothingIsSent) {
  for (const HttpTls& tls : {HttpTls{.ca_file = "/none"}, HttpTls{.certificate_file = "/none", .key_file = "/none"}}) {
    HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", ""); });
    bool sent = true;
    std::string url = server.url();
    const auto answer = HttpClient(tls).Post({.url = url.replace(0, 4, "https"), .timeout_ms = 2000}, &sent);
    EXPECT_EQ(answer.status().code(), Code::kUnavailable);
    EXPECT_FALSE(sent);
  }
}

TEST(HttpClient, UrlsThatAreNotPlainServersAreRefused) {
  for (const char* url : {"file:///etc/passwd", "ftp://host/", "not a url", "", "http://user:hunter2@host/"}) {
    const Status status = CheckServerUrl(url, "base_url");
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << url;
    EXPECT_EQ(status.field(), "base_url");
    EXPECT_EQ(status.message().find("hunter2"), std::string::npos);
  }
  EXPECT_TRUE(CheckServerUrl("https://host:8080/v1", "base_url").ok());
}

}  // namespace
}  // namespace rhizome::io
