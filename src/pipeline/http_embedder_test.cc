#include "pipeline/http_embedder.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <cmath>

#include "base/clock.h"
#include "io/http_test_server.h"
#include "pipeline/embeddings_protocol.h"

namespace rhizome::pipeline {
namespace {

namespace json = boost::json;
using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;

constexpr char kKey[] = "sk-very-secret";

size_t CountOf(const TestRequest& request) {
  return json::parse(request.body).as_object().at("input").as_array().size();
}

// A proper answer: text i gets the vector (length of the text, i + 1, 0).
json::object Answer(const TestRequest& request) {
  json::array data;
  const json::value body = json::parse(request.body);
  for (const json::value& text : body.as_object().at("input").as_array()) {
    const auto index = static_cast<int64_t>(data.size());
    data.push_back({{"index", index}, {"embedding", {text.as_string().size(), 1, 0}}});
  }
  return {{"data", data}};
}

std::string Good(const TestRequest& request) { return HttpText("200 OK", json::serialize(Answer(request))); }

std::string Error(const std::string& status, const std::string& message, const std::string& headers = "") {
  return HttpText(status, json::serialize(json::object{{"error", {{"message", message}}}}), headers);
}

HttpEmbedderOptions Options(const HttpTestServer& server) {
  return {.base_url = server.url() + "/v1/",
          .model = "small",
          .api_key = kKey,
          .dimension = 3,
          .parallel_max = 1,
          .timeout_ms = 2000,
          .deadline_ms = 10'000,
          .attempts_max = 3,
          .backoff_ms = 1};
}

Result<std::vector<std::vector<float>>> Embed(const HttpEmbedderOptions& options, std::vector<std::string> texts) {
  return HttpEmbedder::Open(options).value()->Embed(texts);
}

Status Failure(const HttpEmbedderOptions& options) { return Embed(options, {"aa", "b"}).status(); }

// Every answer is this body.
Status FailureOf(const std::string& body) {
  HttpTestServer server([&](const TestRequest&, size_t) { return HttpText("200 OK", body); });
  const Status status = Failure(Options(server));
  EXPECT_EQ(server.requests().size(), 1u) << "a wrong answer is not asked for again";
  return status;
}

TEST(HttpEmbedder, SendsTheProtocolAndNormalisesTheAnswer) {
  HttpTestServer server([](const TestRequest& request, size_t) { return Good(request); });
  const auto vectors = Embed(Options(server), {"four", "é\xFF", ""});
  ASSERT_TRUE(vectors.ok()) << vectors.status().ToString();
  EXPECT_NEAR((*vectors)[0][0], 4 / std::sqrt(17.0), 1e-6);
  const TestRequest request = server.requests()[0];
  EXPECT_TRUE(request.head.starts_with("POST /v1/embeddings "));
  EXPECT_NE(request.head.find(std::string("Authorization: Bearer ") + kKey), std::string::npos);
  EXPECT_EQ(json::parse(request.body),
            json::parse("{\"model\":\"small\",\"input\":[\"four\",\"é\\ufffd\",\" \"],\"encoding_format\":\"float\"}"));
}

TEST(HttpEmbedder, DimensionIsAskedForWhenNotGiven) {
  HttpTestServer server([](const TestRequest& request, size_t) { return Good(request); });
  HttpEmbedderOptions options = Options(server);
  options.dimension = 0;
  EXPECT_EQ(HttpEmbedder::Open(options).value()->dimension(), 3u);
}

TEST(HttpEmbedder, TooManyRequestsIsRetriedAfterTheTimeTheServerNames) {
  HttpTestServer server([](const TestRequest& request, size_t number) {
    return number == 0 ? Error("429 Too Many Requests", "slow down", "Retry-After: 1\r\n") : Good(request);
  });
  const int64_t from = SystemClock().MonotonicNs();
  EXPECT_TRUE(Embed(Options(server), {"a"}).ok());
  EXPECT_GE(SystemClock().MonotonicNs() - from, 1'000'000'000);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(HttpEmbedder, RetryAfterPastTheDeadlineFailsAtOnce) {
  HttpTestServer server(
      [](const TestRequest&, size_t) { return Error("503 Unavailable", "later", "Retry-After: 3600\r\n"); });
  const int64_t from = SystemClock().MonotonicNs();
  EXPECT_EQ(Failure(Options(server)).code(), Code::kUnavailable);
  EXPECT_LT(SystemClock().MonotonicNs() - from, 5'000'000'000);
}

TEST(HttpEmbedder, ServerErrorsExhaustTheAttempts) {
  HttpTestServer server([](const TestRequest&, size_t) { return Error("500 Internal", "broken"); });
  const Status status = Failure(Options(server));
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("500: broken"), std::string::npos) << status.ToString();
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpEmbedder, TimeoutIsRetriedAndThenReported) {
  HttpTestServer server([](const TestRequest& request, size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    return Good(request);
  });
  HttpEmbedderOptions options = Options(server);
  options.timeout_ms = 50;
  options.attempts_max = 2;
  EXPECT_EQ(Failure(options).code(), Code::kDeadlineExceeded);
}

TEST(HttpEmbedder, DeadlineEndsTheRetries) {
  HttpTestServer server([](const TestRequest&, size_t) { return Error("500 Internal", "broken"); });
  HttpEmbedderOptions options = Options(server);
  options.attempts_max = 1'000'000;
  options.deadline_ms = 300;
  options.backoff_ms = 20;
  options.backoff_max_ms = 50;
  EXPECT_FALSE(Failure(options).ok());
  EXPECT_LT(server.requests().size(), 1000u);
}

TEST(HttpEmbedder, BrokenConnectionIsRetried) {
  HttpTestServer server(
      [](const TestRequest& request, size_t number) { return number == 0 ? std::string() : Good(request); });
  EXPECT_TRUE(Embed(Options(server), {"a"}).ok());
}

TEST(HttpEmbedder, WrongAnswersAreInternalAndSayWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"{\"data\":", "not JSON"},
      {"[]", "no list \"data\""},
      {R"({"data":[{"index":0,"embedding":[1,0,0]}]})", "1 vectors for 2 texts"},
      {R"({"data":[{"index":0,"embedding":[1,0]},{"index":1,"embedding":[1,0]}]})", "dimension 2 instead of 3"},
      {R"({"data":[{"index":0,"embedding":[1,0,NaN]},{"index":1,"embedding":[1,0,0]}]})", "not JSON"},
      {R"({"data":[{"index":0,"embedding":[1,0,null]},{"index":1,"embedding":[1,0,0]}]})", "not finite"},
      {R"({"data":[{"index":0,"embedding":[1,0,1e999]},{"index":1,"embedding":[1,0,0]}]})", ""},
      {R"({"data":[{"index":0,"embedding":[0,0,0]},{"index":1,"embedding":[1,0,0]}]})", "length 0"},
      {R"({"data":[{"index":0,"embedding":[1,0,0]},{"index":0,"embedding":[1,0,0]}]})", "index twice"},
      {R"({"data":[{"index":2,"embedding":[1,0,0]},{"index":1,"embedding":[1,0,0]}]})", "outside the request"},
      {R"({"data":[{"index":0},{"index":1,"embedding":[1,0,0]}]})", "without \"embedding\""},
      {R"({"data":[{"index":0,"embedding":"x"},{"index":1,"embedding":[1,0,0]}]})", "list of numbers"},
  };
  for (const auto& [body, reason] : wrong) {
    const Status status = FailureOf(body);
    EXPECT_EQ(status.code(), Code::kInternal) << body;
    EXPECT_NE(status.message().find(reason), std::string::npos) << body << " gave " << status.ToString();
  }
}

TEST(HttpEmbedder, ShuffledAnswerIsPutInOrder) {
  HttpTestServer server([](const TestRequest& request, size_t) {
    json::object answer = Answer(request);
    std::reverse(answer["data"].as_array().begin(), answer["data"].as_array().end());
    return HttpText("200 OK", json::serialize(answer));
  });
  const auto vectors = Embed(Options(server), {"a", "bb", "ccc"});
  ASSERT_TRUE(vectors.ok()) << vectors.status().ToString();
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR((*vectors)[i][0] / (*vectors)[i][1], static_cast<float>(i + 1), 1e-5);
}

TEST(HttpEmbedder, RedirectIsRefused) {
  HttpTestServer server([](const TestRequest&, size_t) {
    return HttpText("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/v1/embeddings\r\n");
  });
  const Status status = Failure(Options(server));
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("redirects are not followed"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpEmbedder, OversizedAnswerIsRefused) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", std::string(5000, ' ')); });
  HttpEmbedderOptions options = Options(server);
  options.response_bytes_max = 4000;
  const Status status = Failure(options);
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find("larger than 4000"), std::string::npos) << status.ToString();
}

TEST(HttpEmbedder, BatchThatIsTooLargeIsHalvedUntilItFits) {
  for (const char* status : {"413 Payload Too Large", "400 Bad Request"}) {
    HttpTestServer server([&](const TestRequest& request, size_t) {
      return CountOf(request) > 2 ? Error(status, "too many inputs") : Good(request);
    });
    const auto vectors = Embed(Options(server), {"a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg"});
    ASSERT_TRUE(vectors.ok()) << vectors.status().ToString();
    for (size_t i = 0; i < 7; ++i) EXPECT_NEAR((*vectors)[i][0] / (*vectors)[i][1], static_cast<float>(i + 1), 1e-4);
  }
}

TEST(HttpEmbedder, LoneTextThatIsTooLongIsCut) {
  HttpTestServer server([](const TestRequest& request, size_t) {
    return request.body.size() > 500 ? Error("400 Bad Request", "maximum context length is 100 tokens") : Good(request);
  });
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "é";
  EXPECT_TRUE(Embed(Options(server), {text}).ok());
  HttpTestServer stubborn([](const TestRequest&, size_t) { return Error("413 Payload Too Large", "no"); });
  EXPECT_EQ(Embed(Options(stubborn), {text}).status().code(), Code::kFailedPrecondition);
}

TEST(HttpEmbedder, OtherRefusalsAreNotRetried) {
  for (const char* refusal : {"400 Bad Request", "401 Unauthorized", "404 Not Found"}) {
    HttpTestServer server([&](const TestRequest&, size_t) { return Error(refusal, "no such thing"); });
    EXPECT_EQ(Failure(Options(server)).code(), Code::kFailedPrecondition) << refusal;
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(HttpEmbedder, CallIsDividedByTextsAndBytesAndRunsInParallel) {
  HttpTestServer server([](const TestRequest& request, size_t) { return Good(request); });
  HttpEmbedderOptions options = Options(server);
  options.batch_texts_max = 3;
  options.batch_bytes_max = 50;
  options.parallel_max = 4;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 40; ++i) texts.emplace_back(i + 1, 'x');
  const auto vectors = Embed(options, texts);
  ASSERT_TRUE(vectors.ok()) << vectors.status().ToString();
  for (size_t i = 0; i < 40; ++i) EXPECT_NEAR((*vectors)[i][0] / (*vectors)[i][1], static_cast<float>(i + 1), 0.01);
  for (const TestRequest& request : server.requests()) EXPECT_LE(CountOf(request), 3u);
}

TEST(HttpEmbedder, KeyIsInNoMessage) {
  for (const char* status : {"401 Unauthorized", "500 Internal"}) {
    HttpTestServer server([&](const TestRequest&, size_t) {
      return Error(status, std::string("the key ") + kKey + " is wrong: " + kKey);
    });
    const Status failure = Failure(Options(server));
    EXPECT_EQ(failure.message().find(kKey), std::string::npos) << failure.ToString();
    EXPECT_NE(failure.message().find("***"), std::string::npos);
  }
}

TEST(HttpEmbedder, KeyComesFromTheEnvironmentWhenNotGiven) {
  HttpTestServer server([](const TestRequest& request, size_t) { return Good(request); });
  HttpEmbedderOptions options = Options(server);
  options.api_key.clear();
  setenv("RHIZOME_EMBED_API_KEY", "from-environment", 1);
  EXPECT_TRUE(Embed(options, {"a"}).ok());
  unsetenv("RHIZOME_EMBED_API_KEY");
  EXPECT_TRUE(Embed(options, {"a"}).ok());
  EXPECT_NE(server.requests()[0].head.find("Bearer from-environment"), std::string::npos);
  EXPECT_EQ(server.requests()[1].head.find("Authorization"), std::string::npos);
}

TEST(HttpEmbedder, OptionsAreCheckedByName) {
  HttpTestServer server([](const TestRequest& request, size_t) { return Good(request); });
  const auto field = [&](auto change) {
    HttpEmbedderOptions options = Options(server);
    change(options);
    const Status status = HttpEmbedder::Open(options).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return std::string(status.field());
  };
  EXPECT_EQ(field([](auto& o) { o.base_url = "file:///x"; }), "base_url");
  EXPECT_EQ(field([](auto& o) { o.base_url = "http://a:b@host"; }), "base_url");
  EXPECT_EQ(field([](auto& o) { o.model = ""; }), "model");
  EXPECT_EQ(field([](auto& o) { o.api_key = "a\r\nX: y"; }), "api_key");
  EXPECT_EQ(field([](auto& o) { o.batch_texts_max = 0; }), "batch_texts_max");
  EXPECT_EQ(field([](auto& o) { o.parallel_max = 0; }), "parallel_max");
  EXPECT_EQ(field([](auto& o) { o.attempts_max = 0; }), "attempts_max");
  EXPECT_EQ(field([](auto& o) { o.backoff_ms = -1; }), "backoff_ms");
  EXPECT_EQ(field([](auto& o) { o.deadline_ms = 0; }), "timeout_ms");
}

}  // namespace
}  // namespace rhizome::pipeline
