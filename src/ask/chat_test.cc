#include "ask/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>

#include "base/await_testing.h"
#include "io/http_test_server.h"

namespace rhizome::ask {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kPassages{"Tea\nTea is made of leaves.", "Coffee\nCoffee is made of beans."};

std::string Saying(const std::string& text) {
  return R"({"choices":[{"index":0,"message":{"role":"assistant","content":")" + text + R"("}}]})";
}

std::unique_ptr<Chat> Open(const HttpTestServer& server, int64_t timeout_ms = 20'000) {
  ChatOptions options;
  options.base_url = server.url() + "/v1/";
  options.model = "small";
  options.api_key = "secret";
  options.timeout_ms = timeout_ms;
  return Chat::Open(options).value();
}

TEST(Chat, TheServerIsAskedWithPassagesByNumberAndItsAnswerNamesThem) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", Saying("Of leaves [1].")); });
  const auto answer = Open(server)->Ask("What is tea made of?", kPassages, 0);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->text, "Of leaves [1].");
  EXPECT_THAT(answer->passages, ElementsAre(0U));
  const TestRequest request = server.requests()[0];
  EXPECT_THAT(request.head, HasSubstr("POST /v1/chat/completions"));
  EXPECT_THAT(request.head, HasSubstr("Bearer secret"));
  const auto body = boost::json::parse(request.body);
  EXPECT_EQ(body.at("model"), "small");
  const std::string said(body.at("messages").at(1).at("content").as_string());
  EXPECT_THAT(said, HasSubstr("[2] Coffee"));
  EXPECT_THAT(said, HasSubstr("Question: What is tea made of?"));
}

TEST(Chat, ThatNothingIsInMemoryIsUnderstood) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("200 OK", Saying(" NOT_IN_MEMORY.")); });
  EXPECT_FALSE(Open(server)->Ask("?", kPassages, 0)->in_memory);
}

TEST(Chat, NumbersOfPassagesThatThereAreNotAreTakenOut) {
  const auto answer = DecodeChatAnswer(Saying("Both [1][2], and more [7] [0] [x] [2"), 2);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "Both [1][2], and more   [x] [2");
  EXPECT_THAT(answer->passages, ElementsAre(0U, 1U));
}

TEST(Chat, AnAnswerThatIsNoneIsSaidSo) {
  for (const std::string body : {"", "<html>", "[]", "{}", R"({"choices":[]})", R"({"choices":[7]})",
                                 R"({"choices":[{"message":{"content":null}}]})", R"({"choices":"no"})"}) {
    EXPECT_EQ(DecodeChatAnswer(body, 2).status().code(), Code::kInternal) << body;
  }
  EXPECT_EQ(DecodeChatAnswer(Saying("  "), 2).status().code(), Code::kInternal);
  EXPECT_EQ(DecodeChatAnswer(Saying("[9]"), 2).status().code(), Code::kInternal);
  EXPECT_EQ(DecodeChatAnswer(std::string(100'000, '['), 2).status().code(), Code::kInternal);
}

TEST(Chat, ATooBusyServerIsAskedOnceMoreAfterTheTimeItNames) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    if (number == 0) return HttpText("429 Too Many Requests", "{}", "Retry-After: 0\r\n");
    return HttpText("200 OK", Saying("Leaves."));
  });
  EXPECT_EQ(Open(server)->Ask("?", kPassages, 0)->text, "Leaves.");
}

TEST(Chat, AServerThatStaysBusyOrWantsLongIsGivenUp) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    return HttpText("429 Too Many Requests", "{}", number < 2 ? "Retry-After: 0\r\n" : "Retry-After: 3600\r\n");
  });
  const auto chat = Open(server);
  EXPECT_EQ(chat->Ask("?", kPassages, 0).status().code(), Code::kUnavailable);
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(chat->Ask("?", kPassages, 0).status().code(), Code::kUnavailable);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(Chat, ARefusalIsNotRepeatedAndHoldsNoKey) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("401 Unauthorized", "secret is wrong"); });
  const auto refused = Open(server)->Ask("?", kPassages, 0);
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.status().ToString(), Not(HasSubstr("secret")));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Chat, ASilentServerIsWaitedForUntilTheTimeoutOnly) {
  std::atomic<bool> done{false};
  HttpTestServer server([&](const TestRequest&, size_t) {
    Await([&] { return done.load(); });
    return HttpText("200 OK", Saying("too late"));
  });
  EXPECT_EQ(Open(server, 200)->Ask("?", kPassages, 0).status().code(), Code::kDeadlineExceeded);
  done = true;
}

TEST(Chat, AConnectionThatBreaksAndAnEndlessAnswerAreErrors) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    if (number == 0) return std::string("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"choi");
    return HttpText("200 OK", std::string(2 << 20, ' '));
  });
  const auto chat = Open(server);
  EXPECT_EQ(chat->Ask("?", kPassages, 0).status().code(), Code::kUnavailable);
  EXPECT_EQ(chat->Ask("?", kPassages, 0).status().code(), Code::kTooLarge);
}

TEST(Chat, PassagesAreSentAsFarAsThereIsRoom) {
  ChatOptions options;
  options.model = "small";
  options.passages_bytes_max = 20;
  const auto body =
      boost::json::parse(EncodeChatRequest(options, "?", std::vector<std::string>{"0123456789ö", "second", "third"}));
  const std::string said(body.at("messages").at(1).at("content").as_string());
  EXPECT_THAT(said, HasSubstr("[1] 0123456789ö"));
  EXPECT_THAT(said, Not(HasSubstr("third")));
}

TEST(Chat, OptionsThatCannotBeAreNamed) {
  ChatOptions options;
  EXPECT_EQ(Chat::Open(options).status().field(), "chat_url");
  options.base_url = "http://127.0.0.1:1";
  EXPECT_EQ(Chat::Open(options).status().field(), "chat_model");
  options.model = "m";
  options.api_key = "a b";
  EXPECT_EQ(Chat::Open(options).status().field(), "chat_api_key");
}

}  // namespace
}  // namespace rhizome::ask
