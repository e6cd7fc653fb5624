#include "ruler/notifier.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <chrono>

#include "base/await_testing.h"
#include "io/http_test_server.h"

namespace rhizome::ruler {
namespace {

namespace json = boost::json;

OutgoingAlert Named(const std::string& name, int64_t starts_ms = 1'700'000'000'000) {
  OutgoingAlert alert;
  const std::vector<format::LabelPair> labels = {{"alertname", name}}, notes = {{"summary", "a \"quoted\" one"}};
  alert.labels = format::Labels::FromPairs(labels).value();
  alert.annotations = format::Labels::FromPairs(notes).value();
  alert.starts_ms = starts_ms;
  alert.ends_ms = starts_ms + 240'000;
  alert.generator_url = "http://here/x";
  return alert;
}

class NotifierTest : public testing::Test {
 protected:
  std::unique_ptr<Notifier> Start(const std::vector<std::string>& urls) {
    NotifierOptions options;
    options.urls = urls;
    options.timeout_ms = 60'000;
    options.backoff_ms = 20;
    options.backoff_max_ms = 50;
    options.waiting_max = 3;
    return Notifier::Start(options, metrics_).value();
  }
  bool Shows(const std::string& metric) { return metrics_.Render().find(metric + "\n") != std::string::npos; }
  // The alerts of a request, by name.
  static std::vector<std::string> NamesIn(const io::TestRequest& request) {
    std::vector<std::string> names;
    const json::value body = json::parse(request.body);
    for (const json::value& alert : body.as_array()) {
      names.emplace_back(alert.at("labels").at("alertname").as_string());
    }
    return names;
  }

  MetricRegistry metrics_;
};

TEST_F(NotifierTest, AnAlertIsPostedAsAlertmanagersReadIt) {
  io::HttpTestServer server([](const io::TestRequest&, size_t) { return io::HttpText("200 OK", ""); });
  const auto notifier = Start({server.url() + "/"});
  EXPECT_EQ(notifier->addresses(), std::vector<std::string>{server.url() + "/api/v2/alerts"});
  notifier->Send(std::vector{Named("Down")});
  ASSERT_TRUE(Await([&] { return server.requests().size() == 1; }));
  const io::TestRequest request = server.requests()[0];
  EXPECT_TRUE(request.head.starts_with("POST /api/v2/alerts HTTP/1.1")) << request.head;
  EXPECT_NE(request.head.find("Content-Type: application/json"), std::string::npos);
  EXPECT_EQ(request.body,
            R"([{"labels":{"alertname":"Down"},"annotations":{"summary":"a \"quoted\" one"},)"
            R"("startsAt":"2023-11-14T22:13:20Z","endsAt":"2023-11-14T22:17:20Z","generatorURL":"http://here/x"}])");
}

TEST_F(NotifierTest, WhatIsNotTakenIsSentAgain) {
  io::HttpTestServer server([](const io::TestRequest&, size_t number) {
    return number == 0   ? std::string()  // the connection breaks
           : number == 1 ? io::HttpText("503 Busy", "")
                         : io::HttpText("200 OK", "");
  });
  const auto notifier = Start({server.url()});
  notifier->Send(std::vector{Named("Down")});
  ASSERT_TRUE(Await([&] { return Shows("alerts_sent_total{alertmanager=\"" + notifier->addresses()[0] + "\"} 1"); }));
  EXPECT_GE(server.requests().size(), 3u);
  EXPECT_EQ(NamesIn(server.requests().back()), std::vector<std::string>{"Down"});
}

TEST_F(NotifierTest, WhatIsRefusedForGoodIsNotSentAgain) {
  io::HttpTestServer server([](const io::TestRequest&, size_t number) {
    return number == 0 ? io::HttpText("400 Bad", "no") : io::HttpText("200 OK", "");
  });
  const auto notifier = Start({server.url()});
  notifier->Send(std::vector{Named("Bad")});
  ASSERT_TRUE(
      Await([&] { return Shows("alerts_refused_total{alertmanager=\"" + notifier->addresses()[0] + "\"} 1"); }));
  notifier->Send(std::vector{Named("Good")});
  ASSERT_TRUE(Await([&] { return server.requests().size() == 2; }));
  EXPECT_EQ(NamesIn(server.requests()[1]), std::vector<std::string>{"Good"});
}

TEST_F(NotifierTest, WhileOneHangsTheOthersAreToldAndNewsTakesThePlaceOfWhatWaits) {
  std::atomic<bool> opened = false;
  io::HttpTestServer hanging([&](const io::TestRequest&, size_t) {
    Await([&] { return opened.load(); });
    return io::HttpText("200 OK", "");
  });
  io::HttpTestServer healthy([](const io::TestRequest&, size_t) { return io::HttpText("200 OK", ""); });
  const auto notifier = Start({hanging.url(), healthy.url()});
  notifier->Send(std::vector{Named("First")});
  ASSERT_TRUE(Await([&] { return hanging.requests().size() == 1; }));
  notifier->Send(std::vector{Named("Second", 1'000)});
  notifier->Send(std::vector{Named("Second", 2'000)});
  const auto is_news = [](const io::TestRequest& request) {
    return request.body.find("1970-01-01T00:00:02Z") != std::string::npos;
  };
  ASSERT_TRUE(Await([&] { return !healthy.requests().empty() && is_news(healthy.requests().back()); }));
  opened = true;
  ASSERT_TRUE(Await([&] { return hanging.requests().size() == 2; }));
  EXPECT_EQ(NamesIn(hanging.requests()[1]), std::vector<std::string>{"Second"});
  EXPECT_TRUE(is_news(hanging.requests()[1]));
}

TEST_F(NotifierTest, WhenTooMuchWaitsTheOldestGoes) {
  std::atomic<bool> opened = false;
  io::HttpTestServer server([&](const io::TestRequest&, size_t) {
    Await([&] { return opened.load(); });
    return io::HttpText("200 OK", "");
  });
  const auto notifier = Start({server.url()});
  notifier->Send(std::vector{Named("First")});
  ASSERT_TRUE(Await([&] { return server.requests().size() == 1; }));
  notifier->Send(std::vector{Named("A"), Named("B"), Named("C"), Named("D")});
  opened = true;
  ASSERT_TRUE(Await([&] { return server.requests().size() == 2; }));
  EXPECT_EQ(NamesIn(server.requests()[1]), (std::vector<std::string>{"B", "C", "D"}));
  EXPECT_TRUE(Shows("alerts_dropped_total{alertmanager=\"" + notifier->addresses()[0] + "\"} 1"));
}

TEST_F(NotifierTest, ItEndsWhileNobodyAnswers) {
  const auto notifier = Start({"http://127.0.0.1:1"});
  notifier->Send(std::vector{Named("Down")});
}

TEST_F(NotifierTest, WhatIsNoUrlIsRefused) {
  NotifierOptions options;
  options.urls = {"alertmanager:9093"};
  EXPECT_EQ(Notifier::Start(options, metrics_).status().field(), "alertmanagers");
}

}  // namespace
}  // namespace rhizome::ruler
