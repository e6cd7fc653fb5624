#include "gateway/dispatcher.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/json/parse.hpp>
#include <future>
#include <set>

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    options_.write_lane = {1, 1};
    options_.body_bytes_max = 100'000;
    options_.response_bytes_max = 1000;
  }

  Dispatcher& dispatcher() {
    if (!dispatcher_) dispatcher_ = std::make_unique<Dispatcher>(Routes(), options_, metrics_, clock_);
    return *dispatcher_;
  }

  std::vector<Route> Routes() {
    const Handler echo = [](const Request& request) -> Result<Response> {
      Response response;
      response.body = request.body;
      return response;
    };
    return {{"GET", "/health", Lane::kInline, true, "", [](const Request&) -> Result<Response> { return Response{}; }},
            {"GET", "/figures", Lane::kAdmin, false, "", echo},
            {"POST", "/echo", Lane::kQuery, false, "", echo},
            {"GET", "/collections/{name}", Lane::kQuery, false, "", echo},
            {"POST", "/slow", Lane::kWrite, false, "",
             [this](const Request&) -> Result<Response> {
               started_.set_value();
               release_.get_future().wait();
               return Response{};
             }},
            {"POST", "/queued", Lane::kWrite, false, "", echo},
            {"POST", "/form", Lane::kQuery, false, "", echo, BodyKind::kForm},
            {"POST", "/protobuf", Lane::kQuery, false, "", echo, BodyKind::kSnappyProtobuf},
            {"POST", "/any", Lane::kQuery, false, "",
             [](const Request& request) -> Result<Response> {
               Response response;
               response.body = request.content_type;
               return response;
             },
             BodyKind::kAny},
            {"POST", "/throws", Lane::kQuery, false, "",
             [](const Request&) -> Result<Response> { throw std::runtime_error("boom"); }}};
  }

  static RequestHead Post(std::string target) {
    RequestHead head;
    head.method = "POST";
    head.target = std::move(target);
    head.content_type = "application/json; charset=utf-8";
    head.has_body = true;
    head.content_length = 2;
    return head;
  }
  static RequestHead Get(std::string target) {
    RequestHead head;
    head.method = "GET";
    head.target = std::move(target);
    return head;
  }

  // The status of the refusal, 0 when admitted.
  int Refused(const RequestHead& head, bool reserved = false) {
    Exchange exchange;
    const auto response = dispatcher().Admit(head, reserved, exchange);
    last_refusal_ = response.value_or(Response{});
    last_id_ = exchange.request.id;
    return response ? response->status : 0;
  }

  Response Call(const RequestHead& head, std::string body = "{}") {
    Exchange exchange;
    if (auto refused = dispatcher().Admit(head, false, exchange)) return *refused;
    exchange.request.body = std::move(body);
    std::promise<Response> answer;
    dispatcher().Run(exchange, [&answer](Response response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }

  // A request that runs until release_ is set, and one that waits behind it.
  struct OneBehindAnother {
    Exchange slow;
    Exchange queued;
    std::promise<Response> slow_answer;
    std::promise<Response> queued_answer;
  };
  void Send(OneBehindAnother& two) {
    ASSERT_FALSE(dispatcher().Admit(Post("/slow"), false, two.slow));
    dispatcher().Run(two.slow, [&two](Response response) { two.slow_answer.set_value(std::move(response)); });
    started_.get_future().wait();
    ASSERT_FALSE(dispatcher().Admit(Post("/queued"), false, two.queued));
    dispatcher().Run(two.queued, [&two](Response response) { two.queued_answer.set_value(std::move(response)); });
  }

  std::string TraceparentFor(std::string sent) {
    RequestHead head = Get("/health");
    head.traceparent = std::move(sent);
    Exchange exchange;
    (void)dispatcher().Admit(head, false, exchange);  // admitted or not, it has a trace
    return exchange.request.traceparent;
  }

  MetricRegistry metrics_;
  SimClock clock_;
  ServerOptions options_;
  std::promise<void> started_;
  std::promise<void> release_;
  Response last_refusal_;
  std::string last_id_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, ATraceGoesOnUnderASpanOfItsOwn) {
  const std::string sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string carried = TraceparentFor(sent);
  EXPECT_EQ(carried.substr(0, 36), sent.substr(0, 36));
  EXPECT_NE(carried.substr(36, 16), sent.substr(36, 16));
  EXPECT_EQ(carried.substr(52), "-01");
  EXPECT_EQ(TraceparentFor("nonsense").size(), sent.size());
  EXPECT_NE(TraceparentFor(""), TraceparentFor(""));
}

TEST_F(DispatcherTest, AnUnknownPathIs404AndAnotherMethod405WithAllow) {
  EXPECT_EQ(Refused(Get("/nothing")), 404);
  EXPECT_EQ(Refused(Get("/echo")), 405);
  EXPECT_EQ(*FindValue(last_refusal_.headers, "Allow"), "POST");
}

TEST_F(DispatcherTest, BadTargetsAndNamesAre400) {
  EXPECT_EQ(Refused(Get("/collections/%2e%2e")), 400);
  EXPECT_EQ(Refused(Get("/collections/a.b")), 400);
  EXPECT_EQ(Refused(Get("/collections/ok")), 0);
}

TEST_F(DispatcherTest, ASaneRequestIdIsKeptAndAnotherReplaced) {
  RequestHead head = Get("/health");
  head.request_id = "abc-1.2_3";
  EXPECT_EQ(Refused(head), 0);
  EXPECT_EQ(last_id_, "abc-1.2_3");
  for (const std::string& bad : {std::string("a b"), std::string("x\ny"), std::string(129, 'a'), std::string()}) {
    head.request_id = bad;
    Refused(head);
    EXPECT_NE(last_id_, bad);
    EXPECT_FALSE(last_id_.empty());
  }
}

TEST_F(DispatcherTest, KeysAreAskedForExceptOnOpenRoutes) {
  options_.api_keys = {"0123456789abcdef"};
  EXPECT_EQ(Refused(Get("/health")), 0);
  EXPECT_EQ(Refused(Post("/echo")), 401);
  EXPECT_NE(FindValue(last_refusal_.headers, "WWW-Authenticate"), nullptr);
  EXPECT_EQ(Refused(Get("/nothing")), 401);
  RequestHead head = Post("/echo");
  head.authorization = "Bearer 0123456789abcdef";
  EXPECT_EQ(Refused(head), 0);
  head.authorization = "Bearer 0123456789abcdeX";
  EXPECT_EQ(Refused(head), 401);
  head.authorization.clear();
  head.api_key = "0123456789abcdef";
  EXPECT_EQ(Refused(head), 0);
}

TEST_F(DispatcherTest, BodiesAreCheckedBeforeTheyAreRead) {
  RequestHead head = Post("/echo");
  head.content_length = options_.body_bytes_max + 1;
  EXPECT_EQ(Refused(head), 413);
  head = Post("/echo");
  head.content_type = "text/plain";
  EXPECT_EQ(Refused(head), 415);
  head = Post("/echo");
  head.content_encoding = "br";
  EXPECT_EQ(Refused(head), 415);
  head = Get("/health");
  head.has_body = true;
  EXPECT_EQ(Refused(head), 400);
}

TEST_F(DispatcherTest, TimeoutsAreBounded) {
  RequestHead head = Post("/echo");
  for (const char* bad : {"0", "-1", "1.5", "x", "99999999", "10 "}) {
    head.timeout_ms = bad;
    EXPECT_EQ(Refused(head), 400) << bad;
  }
  head.timeout_ms = "250";
  EXPECT_EQ(Refused(head), 0);
}

TEST_F(DispatcherTest, ReservedConnectionsMayOnlyUseInlineAndOperatorsRoutes) {
  EXPECT_EQ(Refused(Get("/health"), true), 0);
  EXPECT_EQ(Refused(Get("/figures"), true), 0);
  EXPECT_EQ(Refused(Post("/echo"), true), 503);
}

TEST_F(DispatcherTest, AHandlerThatThrowsIs500) { EXPECT_EQ(Call(Post("/throws")).status, 500); }

TEST_F(DispatcherTest, AnAnswerBeyondTheLimitSaysSo) {
  const Response response = Call(Post("/echo"), std::string(2000, 'x'));
  EXPECT_EQ(response.status, 413);
  EXPECT_THAT(response.body, HasSubstr("ask for less"));
}

TEST_F(DispatcherTest, GzipBodiesAreInflated) {
  std::string packed(200, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string plain = R"({"a":1})";
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  RequestHead head = Post("/echo");
  head.content_encoding = "gzip";
  EXPECT_EQ(Call(head, packed).body, plain);
  EXPECT_EQ(Call(head, "not gzip").status, 400);
}

TEST_F(DispatcherTest, AFullQueueIs503WhileInlineRoutesAnswer) {
  OneBehindAnother two;
  ASSERT_NO_FATAL_FAILURE(Send(two));

  const Response shed = Call(Post("/queued"));
  EXPECT_EQ(shed.status, 503);
  EXPECT_NE(FindValue(shed.headers, "Retry-After"), nullptr);
  EXPECT_EQ(Call(Get("/health")).status, 200);
  EXPECT_THAT(metrics_.Render(), HasSubstr("http_lane_shed_total{lane=\"write\"} 1\n"));

  // Past its deadline the queued one is not run either.
  clock_.AdvanceMs(options_.request_timeout_ms + 1);
  release_.set_value();
  EXPECT_EQ(two.slow_answer.get_future().get().status, 200);
  EXPECT_EQ(two.queued_answer.get_future().get().status, 503);
}

TEST_F(DispatcherTest, ARouteSaysWhatItsBodyIs) {
  RequestHead head = Post("/form");
  EXPECT_EQ(Refused(head), 415);
  head.content_type = "application/x-www-form-urlencoded";
  EXPECT_EQ(Refused(head), 0);
  head.target = "/echo";
  EXPECT_EQ(Refused(head), 415);
  head.target = "/protobuf";
  EXPECT_EQ(Refused(head), 415);
}

TEST_F(DispatcherTest, ProtobufComesInSnappyAndIsHandedOnAsItCame) {
  RequestHead head = Post("/protobuf");
  head.content_type = "application/x-protobuf";
  EXPECT_EQ(Refused(head), 0);
  head.content_encoding = "gzip";
  EXPECT_EQ(Refused(head), 415);
  head.content_encoding = "snappy";
  EXPECT_EQ(Call(head, "\x01\x02").body, "\x01\x02");
}

TEST_F(DispatcherTest, ARouteMayTakeAnyContentTypeAndLearnsWhichItWas) {
  RequestHead head = Post("/any");
  for (const char* type : {"", "text/plain", "application/x-protobuf;proto=io.prometheus.write.v2.Request"}) {
    head.content_type = type;
    EXPECT_EQ(Call(head).body, type);
  }
  head.content_encoding = "snappy";
  EXPECT_EQ(Refused(head), 415);
}

TEST_F(DispatcherTest, WhoseClientHasGoneIsNotCarriedOut) {
  Exchange exchange;
  ASSERT_FALSE(dispatcher().Admit(Post("/throws"), false, exchange));
  exchange.gone = [] { return true; };
  std::promise<Response> answer;
  dispatcher().Run(exchange, [&](Response response) { answer.set_value(std::move(response)); });
  EXPECT_THAT(answer.get_future().get().body, HasSubstr("urn:rhizome:problem:cancelled"));
  dispatcher_.reset();
  EXPECT_THAT(metrics_.Render(), HasSubstr("http_lane_abandoned_total{lane=\"query\"} 1\n"));
}

TEST_F(DispatcherTest, ThoseRefusedTogetherAreToldToComeBackApart) {
  OneBehindAnother two;
  ASSERT_NO_FATAL_FAILURE(Send(two));
  std::set<std::string> seconds;
  for (int i = 0; i < 50; ++i) seconds.insert(*FindValue(Call(Post("/queued")).headers, "Retry-After"));
  EXPECT_THAT(seconds, testing::ElementsAre("1", "2", "3"));
  // Nobody has to end for one to be told that it waits in vain.
  clock_.AdvanceMs(options_.write_lane.burst_ms + 1);
  dispatcher().Expire();
  EXPECT_EQ(two.queued_answer.get_future().get().status, 503);
  release_.set_value();
  EXPECT_EQ(two.slow_answer.get_future().get().status, 200);
}

TEST_F(DispatcherTest, WhereTheTimeWentIsKept) {
  Exchange exchange;
  ASSERT_FALSE(dispatcher().Admit(Post("/echo"), false, exchange));
  clock_.AdvanceMs(7);  // the body arrives
  std::promise<Response> answer;
  dispatcher().Run(exchange, [&](Response response) { answer.set_value(std::move(response)); });
  answer.get_future().wait();
  EXPECT_EQ(exchange.steps, "receive=7.00ms queue=0.00ms handle=0.00ms");
}

TEST_F(DispatcherTest, AnswersAreCountedByRouteAndStatus) {
  Exchange exchange;
  ASSERT_FALSE(dispatcher().Admit(Post("/echo"), false, exchange));
  dispatcher().Finish(exchange, Response{});
  EXPECT_THAT(metrics_.Render(), HasSubstr("http_requests_total{method=\"POST\",route=\"/echo\",status=\"200\"} 1\n"));
  EXPECT_THAT(metrics_.Render(), HasSubstr("http_request_seconds_count{method=\"POST\",route=\"/echo\"} 1\n"));
}

}  // namespace
}  // namespace rhizome::gateway
