#include "blob/s3.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scratch_testing.h"
#include "blob/blob_testing.h"
#include "blob/s3_server_testing.h"
#include "io/http_test_server.h"

namespace rhizome::blob {
namespace {

using io::HttpText;
using io::TestRequest;
using testing::HasSubstr;
using testing::Not;

S3Options Options(const std::string& endpoint) {
  S3Options options;
  options.endpoint = endpoint;
  options.bucket = "bucket";
  options.prefix = "backups/one";
  options.access_key = "AKID";
  options.secret_key = "SECRETSECRET";
  options.timeout_ms = 2'000;
  return options;
}

// A server that answers as scripted, and the waits between tries.
struct Scripted {
  explicit Scripted(io::HttpTestServer::Script script) : server(std::move(script)) {
    S3Options options = Options(server.url());
    options.sleep = [this](int64_t ms) { waits.push_back(ms); };
    store = S3::Open(std::move(options)).value();
  }
  std::vector<int64_t> waits;
  io::HttpTestServer server;
  std::unique_ptr<S3> store;
};

io::HttpTestServer::Script Always(std::string answer) {
  return [answer = std::move(answer)](const TestRequest&, size_t) { return answer; };
}

std::string Listing(const std::string& entries, bool truncated) {
  return HttpText("200 OK", "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\"><IsTruncated>" +
                                std::string(truncated ? "true" : "false") + "</IsTruncated>" + entries +
                                "</ListBucketResult>");
}
std::string Entry(const std::string& key) { return "<Contents><Key>" + key + "</Key><Size>3</Size></Contents>"; }

TEST(S3, KeepsTheContractOnARealServer) {
  if (!S3TestServer::Present()) GTEST_SKIP() << "tools/s3_server has not made " << S3TestServer::Program();
  const ScratchFolder folder;
  {
    const S3TestServer server(folder.path());
    ASSERT_TRUE(server.AwaitReady());
    S3Options options = server.Options();
    BlobContract(*S3::Open(options).value());
    // With a prefix only what is under it is seen, and the bucket's other keys stay as they are.
    options.prefix = "deep/er";
    const auto under = S3::Open(options).value();
    EXPECT_THAT(NamesOf(under->List("", "", 10).value()), testing::IsEmpty());
    ASSERT_TRUE(under->Put("object", "bytes").ok());
    EXPECT_THAT(NamesOf(under->List("", "", 10).value()), testing::ElementsAre("object"));
    options.prefix = "";
    EXPECT_EQ(S3::Open(options).value()->Get("deep/er/object", 5).value(), "bytes");
    options.secret_key = "wrong";
    EXPECT_EQ(S3::Open(options).value()->Get("deep/er/object", 5).status().code(), Code::kFailedPrecondition);
    options = server.Options();
    options.bucket = "no-such-bucket";
    const Status missing = S3::Open(options).value()->Put("object", "x");
    EXPECT_EQ(missing.code(), Code::kFailedPrecondition);
    EXPECT_THAT(std::string(missing.message()), HasSubstr("NoSuchBucket"));
  }
}

TEST(S3, BadOptionsAreNamed) {
  const auto field = [](auto change) {
    S3Options options = Options("http://127.0.0.1:1");
    change(options);
    const auto opened = S3::Open(std::move(options));
    EXPECT_EQ(opened.status().code(), Code::kInvalidArgument);
    return std::string(opened.status().field());
  };
  EXPECT_EQ(field([](S3Options& o) { o.endpoint = "ftp://host"; }), "s3_endpoint");
  EXPECT_EQ(field([](S3Options& o) { o.endpoint = "http://user:word@host"; }), "s3_endpoint");
  EXPECT_EQ(field([](S3Options& o) { o.endpoint = "http://host?x"; }), "s3_endpoint");
  EXPECT_EQ(field([](S3Options& o) { o.bucket = "Upper"; }), "target");
  EXPECT_EQ(field([](S3Options& o) { o.bucket = "a/b"; }), "target");
  EXPECT_EQ(field([](S3Options& o) { o.prefix = "../up"; }), "target");
  EXPECT_EQ(field([](S3Options& o) { o.region = ""; }), "s3_region");
  EXPECT_EQ(field([](S3Options& o) { o.access_key = ""; }), "s3_access_key");
  EXPECT_EQ(field([](S3Options& o) { o.secret_key = ""; }), "s3_secret_key");
  EXPECT_EQ(field([](S3Options& o) { o.attempts_max = 0; }), "attempts_max");
}

TEST(S3, RequestsAreSignedAndNameTheirContent) {
  Scripted s3(Always(HttpText("200 OK", "")));
  ASSERT_TRUE(s3.store->Put("a/b", "hello").ok());
  const TestRequest request = s3.server.requests()[0];
  EXPECT_TRUE(request.head.starts_with("PUT /bucket/backups/one/a/b HTTP/1.1\r\n")) << request.head;
  EXPECT_EQ(request.body, "hello");
  EXPECT_THAT(request.head, HasSubstr("x-amz-content-sha256: " + ContentName("hello")));
  EXPECT_THAT(request.head, HasSubstr("Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_THAT(request.head, HasSubstr("x-amz-content-sha256;"));  // among what is signed
  EXPECT_THAT(request.head, Not(HasSubstr("SECRETSECRET")));
  EXPECT_EQ(s3.store->Describe(), "s3://bucket/backups/one");
}

TEST(S3, TheBucketGoesIntoTheHostWhenAsked) {
  io::HttpTestServer server(Always(HttpText("200 OK", "x")));
  S3Options options = Options("http://localhost" + server.url().substr(server.url().rfind(':')));
  options.path_style = false;
  const auto got = S3::Open(std::move(options)).value()->Get("a", 1);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_TRUE(server.requests()[0].head.starts_with("GET /backups/one/a HTTP/1.1\r\nHost: bucket.localhost:"))
      << server.requests()[0].head;
}

TEST(S3, TemporaryKeysBringTheirToken) {
  io::HttpTestServer server(Always(HttpText("200 OK", "x")));
  S3Options options = Options(server.url());
  options.session_token = "TOKEN";
  ASSERT_TRUE(S3::Open(std::move(options)).value()->Get("a", 1).ok());
  EXPECT_THAT(server.requests()[0].head, HasSubstr("x-amz-security-token: TOKEN"));
}

TEST(S3, WhatTheServerShedsIsTriedAgainAfterAWhile) {
  Scripted s3([](const TestRequest&, size_t number) {
    if (number == 0) return HttpText("503 Slow Down", "<Error><Code>SlowDown</Code></Error>", "Retry-After: 2\r\n");
    if (number == 1) return HttpText("429 Too Many", "");
    if (number == 2) return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    return HttpText("200 OK", "whole");
  });
  EXPECT_EQ(s3.store->Get("a", 10).value(), "whole");
  ASSERT_EQ(s3.waits.size(), 3u);
  EXPECT_GE(s3.waits[0], 2'000);
  EXPECT_LE(s3.waits[1], 400);
}

TEST(S3, TriesEndAndTheServersCodeIsTold) {
  Scripted s3(Always(HttpText("503 Slow Down", "<Error><Code>SlowDown</Code></Error>")));
  const Status status = s3.store->Get("a/b", 10).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), "reading a/b: the server answers 503 (SlowDown)");
  EXPECT_EQ(s3.server.requests().size(), 5u);
}

TEST(S3, TheBudgetBoundsTheTriesOfAllCalls) {
  Scripted s3(Always(HttpText("500 Oops", "")));
  for (int call = 0; call < 10; ++call) EXPECT_FALSE(s3.store->Delete("a").ok());
  EXPECT_EQ(s3.waits.size(), 10u);
  EXPECT_EQ(s3.server.requests().size(), 20u);
}

TEST(S3, RefusalsAreNotTriedAgain) {
  Scripted s3(Always(HttpText("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")));
  const Status status = s3.store->Put("a", "x");
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("AccessDenied"));
  EXPECT_EQ(s3.server.requests().size(), 1u);
}

TEST(S3, RedirectsAreNotFollowed) {
  Scripted s3(Always(HttpText("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/\r\n")));
  EXPECT_EQ(s3.store->Get("a", 10).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(s3.server.requests().size(), 1u);
}

TEST(S3, AnswersAreBounded) {
  Scripted s3(Always(HttpText("200 OK", std::string(1 << 20, 'x'))));
  EXPECT_EQ(s3.store->Get("a", 1'000).status().code(), Code::kTooLarge);
  EXPECT_EQ(s3.store->Get("a", 400'000).status().code(), Code::kTooLarge);
  EXPECT_FALSE(s3.store->GetRange("a", 0, 10).ok());
  EXPECT_EQ(s3.waits.size(), 0u);
}

TEST(S3, ARangeThatIsNotTheOneAskedForIsAnError) {
  Scripted s3(Always(HttpText("200 OK", "whole")));
  EXPECT_EQ(s3.store->GetRange("a", 1, 2).status().code(), Code::kIoError);
}

TEST(S3, KeysThatAreNotOursFillNoPage) {
  Scripted s3([](const TestRequest& request, size_t) {
    if (request.head.find("start-after") == std::string::npos) {
      return Listing(Entry("backups/one/a b") + Entry("backups/one/a/.x"), true);
    }
    return Listing(Entry("backups/one/b") + Entry("backups/one/c"), true);
  });
  const ObjectPage page = s3.store->List("", "", 2).value();
  EXPECT_THAT(NamesOf(page), testing::ElementsAre("b", "c"));
  EXPECT_EQ(page.next, "c");
  EXPECT_THAT(s3.server.requests()[1].head, HasSubstr("&start-after=backups%2Fone%2Fa%2F.x"));
}

TEST(S3, AListingOutOfOrderOrWithoutEndIsCorruption) {
  Scripted backwards(Always(Listing(Entry("backups/one/b") + Entry("backups/one/a"), false)));
  EXPECT_EQ(backwards.store->List("", "", 10).status().code(), Code::kCorruption);
  Scripted endless(Always(Listing("", true)));
  EXPECT_EQ(endless.store->List("", "", 10).status().code(), Code::kCorruption);
  Scripted again(Always(Listing(Entry("backups/one/a"), true)));
  EXPECT_EQ(again.store->List("", "", 10).status().code(), Code::kCorruption);
  Scripted nonsense(Always(HttpText("200 OK", "hello")));
  EXPECT_EQ(nonsense.store->List("", "", 10).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::blob
