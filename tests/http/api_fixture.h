// A whole Rhizome behind HTTP in this process: real node on a temporary directory, real server, a port the kernel
// picked. The embedder is a small one of ours, so that tests need no model: words hashed into a few dimensions.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

#include "ask/asker.h"
#include "backup/service.h"
#include "base/hash.h"
#include "base/scratch_testing.h"
#include "cluster/alone_operations.h"
#include "cluster/node.h"
#include "cluster/registers.h"
#include "communities/service.h"
#include "gateway/api.h"
#include "gateway/server.h"
#include "gateway/test_client.h"
#include "io/disk.h"
#include "memory/service.h"
#include "metrics/store.h"
#include "metrics/store_slot.h"
#include "metrics_api/ingest_routes.h"
#include "metrics_api/routes.h"
#include "metrics_api/rule_routes.h"
#include "pipeline/ingest.h"
#include "ruler/ruler_slot.h"

namespace rhizome::gateway {

namespace json = boost::json;

// Texts that share words get similar vectors; the first dimension keeps every vector from being zero.
class WordEmbedder final : public pipeline::Embedder {
 public:
  explicit WordEmbedder(std::string name = "words-16", uint32_t dimension = 16)
      : name_(std::move(name)), dimension_(dimension) {}
  std::string_view name() const override { return name_; }
  uint32_t dimension() const override { return dimension_; }
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override {
    std::vector<std::vector<float>> vectors;
    for (const std::string& text : texts) vectors.push_back(VectorOf(text));
    return vectors;
  }

 private:
  std::vector<float> VectorOf(const std::string& text) const {
    std::vector<float> vector(dimension_, 0.0F);
    vector[0] = 0.1F;
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (end > begin) vector[Checksum(std::string_view(text).substr(begin, end - begin)) % dimension_] += 1.0F;
      begin = end + 1;
    }
    float square = 0;
    for (const float value : vector) square += value * value;
    for (float& value : vector) value /= std::sqrt(square);
    return vector;
  }

  const std::string name_;
  const uint32_t dimension_;
};

// All of a server's routes.
inline std::vector<Route> AllRoutes(const BackendSlot& slot, metrics::StoreSlot& metrics_slot,
                                    ruler::RulerSlot& ruler_slot, MetricRegistry& registry) {
  metrics_api::MetricsApiOptions options;
  options.version = "0.1.0";
  options.admin = true;
  std::vector<Route> routes = ApiRoutes({}, slot, registry);
  for (auto part :
       {metrics_api::MetricsRoutes(options, metrics_slot, SystemClock()),
        metrics_api::IngestRoutes({}, metrics_slot, registry, SystemClock()), metrics_api::RuleRoutes(ruler_slot)}) {
    routes.insert(routes.end(), part.begin(), part.end());
  }
  return routes;
}

class ApiFixture : public testing::Test {
 protected:
  ApiFixture() {
    options_.port = 0;
    options_.io_threads = 1;
    options_.query_lane = {2, 64};
    options_.write_lane = {2, 64};
    options_.ingest_lane = {1, 16};
    options_.header_timeout_ms = 500;
    options_.transfer_grace_ms = 500;
    server_ =
        std::move(Server::Start(options_, AllRoutes(slot_, metrics_slot_, ruler_slot_, metrics_), metrics_)).value();
    client_ = std::make_unique<TestClient>(server_->port());
  }

  ~ApiFixture() override {
    server_->Stop(0);
    backups_.reset();
    asker_.reset();
    ingestor_.reset();
    communities_.reset();
    memories_.reset();
    operations_.reset();
    ruler_.reset();
    store_.reset();
    node_.reset();
  }

  // Before this the server answers, but is not ready.
  void OpenNode() {
    cluster::NodeOptions options;
    options.data_dir = directory_;
    options.index_threads = 1;
    options.memtable_bytes = 4 << 20;
    node_ = std::move(cluster::Node::Open(io::RealDisk(), options)).value();
    pipeline::Embedders embedders(&embedder_);
    embedders.Add(&fast_embedder_);
    memories_ = memory::Service::Open({*node_, io::RealDisk(), metrics_, *memory_clock_},
                                      {.data_dir = directory_, .housekeeping = housekeeping_})
                    .value();
    communities::ServiceOptions found;
    found.data_dir = directory_;
    found.scheduled = false;
    found.tick_ms = 10;
    found.embed = [this](const std::string&, const auto& texts) { return embedder_.Embed(texts); };
    communities_ =
        communities::Service::Open({*node_, io::RealDisk(), SystemClock(), metrics_}, std::move(found)).value();
    pipeline::DocumentWatch watch;
    watch.changed = [this](const auto& name, auto documents) { return memories_->Changed(name, documents); };
    watch.deleted = [this](const auto& name, const auto& document) { return memories_->Deleted(name, document); };
    ingestor_ = std::make_unique<pipeline::Ingestor>(*node_, embedders, std::move(watch));
    operations_ = std::make_unique<cluster::AloneOperations>(*node_, cluster::NodeAddress{"alone", "127.0.0.1", 8000});
    registers_ = std::make_unique<cluster::NodeRegisters>(*node_);
    backups_ = std::make_unique<backup::Service>(
        backup::ServiceParts{*node_, *registers_},
        backup::OpenTargets({"dir:" + directory_ + "/backups"}, {}, io::RealDisk()).value());
    store_ = std::make_unique<metrics::Store>(*node_, SystemClock());
    metrics_slot_.Publish(*store_);
    notifier_ = ruler::Notifier::Start({{"http://127.0.0.1:1"}}, metrics_).value();
    ruler_ = ruler::Ruler::Start(rules_, {*store_, *notifier_, metrics_, SystemClock()}).value();
    ruler_slot_.Publish(ruler_);
    asker_ = std::make_unique<ask::Asker>(ask::AskerParts{*node_, memories_.get(), embedders, chat_.get()});
    slot_.Publish({node_.get(), ingestor_.get(), embedders, cluster_ != nullptr ? cluster_ : operations_.get(),
                   backups_.get(), memories_.get(), communities_.get(), asker_.get()});
  }

  Reply Call(std::string_view method, std::string_view target, std::string_view body = {},
             std::string_view headers = {}) {
    Reply reply = client_->Call(method, target, body, headers);
    if (reply.Header("Connection") != "keep-alive") client_ = std::make_unique<TestClient>(server_->port());
    return reply;
  }

  // A body of any type, on a connection of its own. `headers` are whole lines.
  Reply Send(std::string_view method, std::string_view target, std::string_view body, std::string_view headers) const {
    std::string text;
    text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    TestClient client(server_->port());
    return client.Send(text) ? client.Read() : Reply{};
  }

  // An answer without a length, on a connection of its own: its body is all that comes until the end.
  Reply Stream(std::string_view target) const {
    TestClient client(server_->port());
    Reply reply = client.Call("GET", target);
    if (reply.status == 200) reply.body = client.Rest();
    return reply;
  }

  // A request that must succeed; its answer.
  json::value Do(std::string_view method, std::string_view target, std::string_view body = {}) {
    const Reply reply = Call(method, target, body);
    EXPECT_LT(reply.status, 300) << method << " " << target << " " << body << "\n" << reply.body;
    return Parsed(reply);
  }

  // A request that must fail: "400 points[0].vector".
  std::string Refusal(std::string_view method, std::string_view target, std::string_view body = {}) {
    const Reply reply = Call(method, target, body);
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json") << reply.body;
    const json::value problem = Parsed(reply);
    if (!problem.is_object()) return std::to_string(reply.status);
    EXPECT_EQ(problem.as_object().at("request_id"), json::value(reply.Header("X-Request-Id")));
    const auto* field = problem.as_object().if_contains("field");
    return std::to_string(reply.status) + (field != nullptr ? " " + std::string(field->as_string()) : "");
  }

  static json::value Parsed(const Reply& reply) {
    json::error_code error;
    json::value value = json::parse(reply.body, error);
    EXPECT_FALSE(error) << reply.body;
    return value;
  }

  ServerOptions options_;
  MetricRegistry metrics_;
  BackendSlot slot_{"recovering"};
  metrics::StoreSlot metrics_slot_{"recovering"};
  ruler::RulerSlot ruler_slot_{"recovering"};
  ruler::RulerOptions rules_;  // taken by OpenNode, as are the next two
  Clock* memory_clock_ = &SystemClock();
  memory::HousekeepingOptions housekeeping_;
  WordEmbedder embedder_;
  WordEmbedder fast_embedder_{"fast-8", 8};
  const ScratchFolder folder_;
  const std::string& directory_ = folder_.path();
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<metrics::Store> store_;
  std::unique_ptr<ruler::Notifier> notifier_;
  std::shared_ptr<ruler::Ruler> ruler_;
  cluster::Operations* cluster_ = nullptr;  // instead of a server alone's, when set before OpenNode
  std::unique_ptr<cluster::AloneOperations> operations_;
  std::unique_ptr<cluster::NodeRegisters> registers_;
  std::unique_ptr<backup::Service> backups_;
  std::unique_ptr<ask::Chat> chat_;  // set before OpenNode
  std::unique_ptr<ask::Asker> asker_;
  std::unique_ptr<memory::Service> memories_;
  std::unique_ptr<communities::Service> communities_;
  std::unique_ptr<pipeline::Ingestor> ingestor_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestClient> client_;
};

}  // namespace rhizome::gateway
