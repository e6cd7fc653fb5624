// What senders are told when the disk fails. What they are told of their bodies, tests/http/metrics_ingest_test.cc asks
// over HTTP.
#include "metrics_api/ingest_routes.h"

#include <gtest/gtest.h>

#include "gateway/problem.h"
#include "io/sim_disk.h"
#include "metrics/store.h"
#include "shard/series_testing.h"

namespace rhizome::metrics_api {
namespace {

class IngestRoutesTest : public testing::Test {
 protected:
  IngestRoutesTest() {
    cluster::NodeOptions options;
    options.data_dir = "/data";
    options.memtable_bytes = 1 << 20;
    node_ = cluster::Node::Open(disk_, options).value();
    store_ = std::make_unique<metrics::Store>(*node_, SystemClock());
    slot_.Publish(*store_);
    routes_ = IngestRoutes({}, slot_, metrics_, SystemClock());
  }
  Result<gateway::Response> Post(const std::string& path, const std::string& body) {
    gateway::Request request;
    request.body = body;
    for (const gateway::Route& route : routes_) {
      if (route.pattern == path) return route.handler(request);
    }
    return Status::NotFound(path);
  }
  void FailTheNextCalls() {
    for (uint64_t i = 0; i < 200; ++i) disk_.FailOperation(i, io::SimFault::kIoError);
  }

  io::SimDisk disk_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<metrics::Store> store_;
  metrics::StoreSlot slot_{"not yet"};
  MetricRegistry metrics_;
  std::vector<gateway::Route> routes_;
};

TEST_F(IngestRoutesTest, WhenTheDiskFailsTheSenderIsToldToSendAgain) {
  ASSERT_EQ(Post("/write", "a v=1").value().status, 204);
  FailTheNextCalls();
  const Status unknown = Post("/write", "a v=2").status();
  EXPECT_EQ(unknown.code(), Code::kUnavailable);
  EXPECT_EQ(unknown.message().find("/data"), std::string_view::npos) << unknown.ToString();
  EXPECT_EQ(Post("/write", "a v=3").status().code(), Code::kUnavailable);
}

TEST_F(IngestRoutesTest, WhenTheDiskIsFullTheSenderIsToldToSendAgainAndThenItIsKept) {
  disk_.SetCapacity(disk_.used_bytes());
  EXPECT_EQ(Post("/write", "a v=1").status().code(), Code::kUnavailable);
  disk_.SetCapacity(UINT64_MAX);
  EXPECT_EQ(Post("/write", "a v=1").value().status, 204);
}

TEST_F(IngestRoutesTest, ADictionaryGetsANameByWhichRowsAreTaken) {
  const int64_t now = SystemClock().WallMs();
  const std::string batch = shard::BatchOf({{"a", now, 1}, {"b", now, 2}});
  const auto name_of = [](const gateway::Response& response) {
    for (const auto& [header, value] : response.headers) {
      if (header == format::kDictionaryHeader) return value;
    }
    return std::string();
  };
  const gateway::Response first = Post("/api/v1/import/native", batch).value();
  EXPECT_EQ(first.status, 204);
  const auto name = format::DictionaryName::Parse(name_of(first));
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name_of(Post("/api/v1/import/native", batch).value()), name->ToString());
  const std::string later = shard::BatchOf({{"a", now + 1, 3}, {"b", now + 1, 4}});
  const auto rows = [&](format::DictionaryName of) { return RowsOf(format::SeriesBatch::Trusted(later), of); };
  EXPECT_EQ(Post("/api/v1/import/native", rows(*name)).value().status, 204);
  EXPECT_EQ(Post("/api/v1/import/native", rows({1, 2})).status().code(), Code::kFailedPrecondition);

  const auto shards = node_->Series().value();
  shard::Shown all;
  for (size_t i = 0; i < shards->size(); ++i) all.merge(shard::ShownBy(shards->at(i).engine()));
  EXPECT_EQ(all, (shard::Shown{{"a", {{now, 1}, {now + 1, 3}}}, {"b", {{now, 2}, {now + 1, 4}}}}));
}

TEST_F(IngestRoutesTest, WhatComesInIsCountedByFormat) {
  EXPECT_EQ(Post("/write", "a v=1\nb v=2\nnothing\n").value().status, 400);
  const std::string text = metrics_.Render();
  EXPECT_NE(text.find("metrics_samples_kept_total{format=\"line_protocol\"} 2"), std::string::npos) << text;
  EXPECT_NE(text.find("metrics_samples_refused_total{format=\"line_protocol\"} 1"), std::string::npos) << text;
}

TEST_F(IngestRoutesTest, WhereAllIsRefusedNothingIsSaidToBeKept) {
  const gateway::Response response = Post("/write", "nothing").value();
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("1 of 1 samples were refused; line 1"), std::string::npos) << response.body;
}

}  // namespace
}  // namespace rhizome::metrics_api
