// A real HTTP server with the metrics routes over a MemoryStore, for tests. Only they include this header.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gateway/server.h"
#include "gateway/test_client.h"
#include "metrics_api/memory_store_testing.h"
#include "metrics_api/routes.h"

namespace rhizome::metrics_api {

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() {
    options_.version = "0.1.0";
    server_options_.port = 0;
    server_options_.io_threads = 1;
  }

  gateway::TestClient Client() {
    if (!server_) {
      auto started = gateway::Server::Start(server_options_, MetricsRoutes(options_, store_, SystemClock()), metrics_);
      EXPECT_TRUE(started.ok()) << started.status().ToString();
      server_ = std::move(*started);
    }
    return gateway::TestClient(server_->port());
  }
  gateway::Reply Call(std::string_view method, std::string_view target, std::string_view headers = {}) {
    return Client().Call(method, target, {}, headers);
  }
  gateway::Reply Get(std::string_view target, std::string_view headers = {}) { return Call("GET", target, headers); }
  gateway::Reply Post(std::string_view target, std::string_view body, std::string_view headers = kForm) {
    gateway::TestClient client = Client();
    std::string text = "POST " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
    text.append(headers).append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return client.Send(text) ? client.Read() : gateway::Reply{};
  }
  // "status errorType" of a failure.
  static std::string FailureOf(const gateway::Reply& reply) {
    const auto answer = boost::json::parse(reply.body);
    if (answer.at("status").as_string() != "error") return "none";
    return std::to_string(reply.status) + " " + std::string(answer.at("errorType").as_string());
  }
  static std::string ErrorOf(const gateway::Reply& reply) {
    return std::string(boost::json::parse(reply.body).at("error").as_string());
  }
  // The data of a success as JSON text.
  static std::string DataOf(const gateway::Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return boost::json::serialize(boost::json::parse(reply.body).at("data"));
  }

  static constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";

  MetricsApiOptions options_;
  MemoryStore store_;
  gateway::ServerOptions server_options_;
  MetricRegistry metrics_;
  std::unique_ptr<gateway::Server> server_;  // last: it ends before what its handlers use
};

}  // namespace rhizome::metrics_api
