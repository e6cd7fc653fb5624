#include "metrics_client/dictionary_names.h"

#include <gtest/gtest.h>

#include "io/http_test_server.h"
#include "metrics_client/batch.h"

namespace rhizome::metrics_client {
namespace {

using io::HttpTestServer;
using io::HttpText;
using io::TestRequest;

std::string NameHeader(format::DictionaryName name) {
  return std::string(format::kDictionaryHeader) + ": " + name.ToString() + "\r\n";
}

std::string BatchAt(int64_t time_ms) {
  Batch batch;
  EXPECT_TRUE(batch.Add(batch.Series("up", {}).value(), time_ms, 1));
  return batch.Take().bytes;
}

// Posts the batches one after the other and gives the answers' statuses.
std::vector<int> PostAll(HttpTestServer& server, const std::vector<std::string>& batches) {
  io::HttpClient http;
  DictionaryNames names;
  std::vector<int> statuses;
  for (const std::string& batch : batches) {
    io::HttpExchange exchange;
    exchange.url = server.url();
    statuses.push_back(names.Post(http, exchange, batch).value().status);
  }
  return statuses;
}

TEST(DictionaryNames, OnceAServerHasToldANameRowsGoUnderIt) {
  constexpr format::DictionaryName kName{1, 2};
  HttpTestServer server([&](const TestRequest&, size_t) { return HttpText("204 No Content", "", NameHeader(kName)); });
  const std::string first = BatchAt(1), second = BatchAt(2);
  EXPECT_EQ(PostAll(server, {first, second}), (std::vector<int>{204, 204}));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body, first);
  EXPECT_EQ(requests[1].body, RowsOf(format::SeriesBatch::Trusted(second), kName));
}

TEST(DictionaryNames, WhereTheNameIsForgottenTheBatchGoesWhole) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    if (number == 1) return HttpText("409 Conflict", "{}");
    return HttpText("204 No Content", "", number == 0 ? NameHeader({1, 2}) : NameHeader({3, 4}));
  });
  const std::string batch = BatchAt(1);
  EXPECT_EQ(PostAll(server, {batch, batch, batch}), (std::vector<int>{204, 204, 204}));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(format::DictionaryNameOf(requests[1].body), (format::DictionaryName{1, 2}));
  EXPECT_EQ(requests[2].body, batch);
  EXPECT_EQ(format::DictionaryNameOf(requests[3].body), (format::DictionaryName{3, 4}));
}

TEST(DictionaryNames, WithoutANameBatchesGoWhole) {
  HttpTestServer server([](const TestRequest&, size_t number) {
    return HttpText("204 No Content", "", number == 0 ? "" : std::string(format::kDictionaryHeader) + ": none\r\n");
  });
  const std::string batch = BatchAt(1);
  EXPECT_EQ(PostAll(server, {batch, batch, batch}), (std::vector<int>{204, 204, 204}));
  for (const TestRequest& request : server.requests()) EXPECT_EQ(request.body, batch);
}

TEST(DictionaryNames, WhatIsNoBatchIsPostedAsItIs) {
  HttpTestServer server([](const TestRequest&, size_t) { return HttpText("400 Bad Request", "{}"); });
  EXPECT_EQ(PostAll(server, {"no batch"}), (std::vector<int>{400}));
  EXPECT_EQ(server.requests()[0].body, "no batch");
}

}  // namespace
}  // namespace rhizome::metrics_client
