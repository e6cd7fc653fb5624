// The client against a real HTTP server on loopback that answers what the test says, on a clock that only its waits
// move.
#include "metrics_client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_test_server.h"

namespace rhizome::metrics_client {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;
using ::testing::HasSubstr;

constexpr const char* kOverload = R"({"title":"Too many requests","status":429,"detail":"too much waits"})";

EncodedBatch SmallBatch() {
  Batch batch;
  const SeriesId series = batch.Series("up", {}).value();
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(batch.Add(series, i, i));
  return batch.Take();
}

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    options_.sleep = [this](int64_t ms) {
      waits_ms_.push_back(ms);
      clock_.AdvanceMs(ms);
    };
    options_.attempt_timeout_ms = 10'000;
  }

  // Answers request i with answers[i], the last of them from then on; "" breaks the connection.
  void Answer(std::vector<std::string> answers) {
    server_ = std::make_unique<HttpTestServer>(
        [answers](const TestRequest&, size_t number) { return answers[std::min(number, answers.size() - 1)]; });
    options_.url = server_->url();
  }
  void AnswerTheFirstTooLate() {
    options_.attempt_timeout_ms = 1'000;
    server_ = std::make_unique<HttpTestServer>([](const TestRequest&, size_t number) {
      if (number == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
      return HttpText("204 No Content", "");
    });
    options_.url = server_->url();
  }
  Result<Receipt> Send(const EncodedBatch& batch = SmallBatch()) {
    auto client = Client::Open(options_, clock_);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return (*client)->Send(batch);
  }
  // Of an answer that is final: the code, after one request and no wait.
  Code CodeOf(const std::string& answer) {
    Answer({answer});
    const Result<Receipt> receipt = Send();
    EXPECT_EQ(server_->requests().size(), 1u) << answer;
    EXPECT_TRUE(waits_ms_.empty()) << answer;
    return receipt.status().code();
  }

  ClientOptions options_;
  SimClock clock_;
  std::vector<int64_t> waits_ms_;
  std::unique_ptr<HttpTestServer> server_;
};

TEST_F(ClientTest, TheBatchArrivesAsItIsAndIsKept) {
  Answer({HttpText("204 No Content", "")});
  const EncodedBatch batch = SmallBatch();
  const Result<Receipt> receipt = Send(batch);
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->kept, 7u);
  EXPECT_EQ(receipt->refused, 0u);
  EXPECT_EQ(receipt->attempts, 1);
  const TestRequest request = server_->requests().at(0);
  EXPECT_TRUE(request.head.starts_with("POST /api/v1/import/native HTTP/1.1\r\n")) << request.head;
  EXPECT_EQ(request.body, batch.bytes);
  EXPECT_THAT(request.head, Not(HasSubstr("Authorization")));
  EXPECT_THAT(request.head, Not(HasSubstr("X-Scope-OrgID")));
}

TEST_F(ClientTest, KeyAndTenantAreSentAndThePathIsKept) {
  Answer({HttpText("204 No Content", "")});
  options_.api_key = "secret";
  options_.tenant = "one";
  options_.url += "/metrics/";
  ASSERT_TRUE(Send().ok());
  const std::string head = server_->requests().at(0).head;
  EXPECT_TRUE(head.starts_with("POST /metrics/api/v1/import/native ")) << head;
  EXPECT_THAT(head, HasSubstr("Authorization: Bearer secret\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Scope-OrgID: one\r\n"));
}

TEST_F(ClientTest, NothingIsSentOfABatchWithoutSamples) {
  Answer({HttpText("204 No Content", "")});
  EXPECT_EQ(Send(EncodedBatch{})->kept, 0u);
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(ClientTest, OfABatchRefusedInPartItSaysHowMuchAndWhyAndDoesNotRepeat) {
  Answer({HttpText("400 Bad Request",
                   R"({"status":400,"detail":"2 of 7 samples were refused: too old","kept":5,"refused":2})")});
  const Result<Receipt> receipt = Send();
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->kept, 5u);
  EXPECT_EQ(receipt->refused, 2u);
  EXPECT_EQ(receipt->complaint, "2 of 7 samples were refused: too old");
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientTest, ABatchThatIsNotUnderstoodIsRefusedForGood) {
  Answer({HttpText("400 Bad Request", R"({"status":400,"detail":"no series batch","field":"body"})")});
  const Result<Receipt> receipt = Send();
  EXPECT_EQ(receipt.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(receipt.status().field(), "body");
  EXPECT_EQ(receipt.status().message(), "no series batch");
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientTest, CountsThatAreNoCountsAreNotBelieved) {
  for (const char* const counts : {R"("kept":-1,"refused":2)", R"("kept":"5","refused":2)", R"("kept":5)"}) {
    EXPECT_EQ(CodeOf(HttpText("400 Bad Request", std::string("{") + counts + "}")), Code::kInvalidArgument) << counts;
  }
}

TEST_F(ClientTest, OtherAnswersAreFinal) {
  EXPECT_EQ(CodeOf(HttpText("413 Payload Too Large", "{}")), Code::kTooLarge);
  EXPECT_EQ(CodeOf(HttpText("401 Unauthorized", "")), Code::kFailedPrecondition);
  EXPECT_EQ(CodeOf(HttpText("404 Not Found", "[]")), Code::kFailedPrecondition);
  EXPECT_EQ(CodeOf(HttpText("302 Found", "", "Location: /elsewhere\r\n")), Code::kFailedPrecondition);
}

TEST_F(ClientTest, OverloadIsTriedAgain) {
  for (const char* const status : {"408 Request Timeout", "429 Too Many Requests", "500 Internal Server Error",
                                   "502 Bad Gateway", "503 Service Unavailable", "507 Insufficient Storage"}) {
    Answer({HttpText(status, kOverload), HttpText("204 No Content", "")});
    const Result<Receipt> receipt = Send();
    ASSERT_TRUE(receipt.ok()) << status << ": " << receipt.status().ToString();
    EXPECT_EQ(receipt->attempts, 2) << status;
    EXPECT_EQ(receipt->kept, 7u) << status;
  }
}

TEST_F(ClientTest, WaitsBetweenAttemptsAreRandomBelowACeilingThatDoubles) {
  options_.backoff_ms = 100;
  options_.backoff_max_ms = 1'000;
  options_.give_up_after_ms = 1'000'000;
  Answer({HttpText("503 Service Unavailable", "")});
  ASSERT_FALSE(Send().ok());
  ASSERT_EQ(waits_ms_.size(), 20u);  // the budget
  for (size_t i = 0; i < waits_ms_.size(); ++i) {
    EXPECT_LE(waits_ms_[i], std::min<int64_t>(1'000, 100 << std::min<size_t>(i, 10))) << i;
  }
  EXPECT_GT(*std::max_element(waits_ms_.begin(), waits_ms_.end()), 100);
}

TEST_F(ClientTest, NoAttemptComesSoonerThanTheServerAsks) {
  Answer({HttpText("429 Too Many Requests", kOverload, "Retry-After: 7\r\n"), HttpText("204 No Content", "")});
  ASSERT_TRUE(Send().ok());
  ASSERT_EQ(waits_ms_.size(), 1u);
  EXPECT_GE(waits_ms_[0], 7'000);
  EXPECT_LE(waits_ms_[0], 7'000 + options_.backoff_ms);
}

TEST_F(ClientTest, WhereTheServerAsksForMoreThanIsLeftItGivesUpAtOnce) {
  Answer({HttpText("429 Too Many Requests", kOverload, "Retry-After: 121\r\n")});
  const Result<Receipt> receipt = Send();
  EXPECT_EQ(receipt.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(std::string(receipt.status().message()), HasSubstr("too much waits"));
  EXPECT_THAT(std::string(receipt.status().message()), HasSubstr("no time is left"));
  EXPECT_TRUE(waits_ms_.empty());
}

TEST_F(ClientTest, ItGivesUpInTime) {
  options_.backoff_ms = options_.backoff_max_ms = 10'000;
  options_.give_up_after_ms = 30'000;
  Answer({HttpText("503 Service Unavailable", "")});
  EXPECT_EQ(Send().status().code(), Code::kUnavailable);
  int64_t waited_ms = 0;
  for (const int64_t ms : waits_ms_) waited_ms += ms;
  EXPECT_LE(waited_ms, 30'000);
  EXPECT_GE(waits_ms_.size(), 2u);
  EXPECT_EQ(server_->requests().size(), waits_ms_.size() + 1);
}

TEST_F(ClientTest, WithoutTimeToGiveUpAfterThereIsOneAttempt) {
  options_.give_up_after_ms = 0;
  Answer({HttpText("503 Service Unavailable", "", "Retry-After: 0\r\n")});
  EXPECT_EQ(Send().status().code(), Code::kUnavailable);
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientTest, BatchesThatSucceedEarnRepetitionsForThoseThatDoNot) {
  options_.repeats_at_once = 1;
  server_ = std::make_unique<HttpTestServer>([](const TestRequest&, size_t number) {
    return HttpText(number < 2 || number == 12 ? "503 Service Unavailable" : "204 No Content", "");
  });
  options_.url = server_->url();
  const auto client = std::move(Client::Open(options_, clock_)).value();
  const EncodedBatch batch = SmallBatch();
  const Status spent = client->Send(batch).status();
  EXPECT_EQ(spent.code(), Code::kUnavailable);
  EXPECT_THAT(std::string(spent.message()), HasSubstr("too many failed lately"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client->Send(batch).ok());
  EXPECT_EQ(client->Send(batch)->attempts, 2);
}

TEST_F(ClientTest, ABrokenConnectionIsTriedAgain) {
  Answer({"", "HTTP/1.1 204 No Con", "HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{\"kept\":1",
          HttpText("204 No Content", "")});
  const Result<Receipt> receipt = Send();
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_GE(receipt->attempts, 3);
  EXPECT_EQ(receipt->kept, 7u);
}

TEST_F(ClientTest, WhereNobodyListensItGivesUp) {
  {
    const HttpTestServer gone([](const TestRequest&, size_t) { return std::string(); });
    options_.url = gone.url();
  }
  options_.give_up_after_ms = 1'000;
  options_.backoff_ms = 100;
  const Result<Receipt> receipt = Send();
  EXPECT_EQ(receipt.status().code(), Code::kUnavailable);
  EXPECT_FALSE(waits_ms_.empty());
}

TEST_F(ClientTest, WhetherABatchWithoutAnAnswerIsKeptIsNotKnown) {
  AnswerTheFirstTooLate();
  options_.give_up_after_ms = 0;
  EXPECT_EQ(Send().status().code(), Code::kDeadlineExceeded);
}

TEST_F(ClientTest, ABatchWithoutAnAnswerIsTriedAgain) {
  AnswerTheFirstTooLate();
  const Result<Receipt> receipt = Send();
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_GE(receipt->attempts, 2);
}

TEST_F(ClientTest, OptionsThatCannotBeAreNamed) {
  const auto field_of = [this](const std::function<void(ClientOptions&)>& change) {
    ClientOptions options = options_;
    change(options);
    const auto client = Client::Open(options, clock_);
    EXPECT_EQ(client.status().code(), Code::kInvalidArgument);
    return std::string(client.status().field());
  };
  EXPECT_EQ(field_of([](ClientOptions& o) { o.url = "ftp://x"; }), "url");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.url = "http://x/?a=b"; }), "url");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.api_key = "a\r\nX-Evil: b"; }), "api_key");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.tenant = "a b"; }), "tenant");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.connect_timeout_ms = 0; }), "connect_timeout_ms");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.attempt_timeout_ms = 0; }), "attempt_timeout_ms");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.backoff_ms = 0; }), "backoff_ms");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.backoff_max_ms = -1; }), "backoff_max_ms");
  EXPECT_EQ(field_of([](ClientOptions& o) { o.give_up_after_ms = -1; }), "give_up_after_ms");
}

}  // namespace
}  // namespace rhizome::metrics_client
