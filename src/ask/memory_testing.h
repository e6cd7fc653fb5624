// What tests of questions share: a memory in a folder of its own, without vectors unless an embedder is given, which
// learns by its queue as a server's does.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ask/asker.h"
#include "base/await_testing.h"
#include "base/metrics.h"
#include "base/scratch_testing.h"
#include "cluster/node.h"
#include "io/disk.h"
#include "memory/service.h"
#include "pipeline/ingest.h"

namespace rhizome::ask {

struct Said {
  std::string id, title, text;
};

class TestMemory {
 public:
  explicit TestMemory(pipeline::Embedder* embedder = nullptr) : embedder_(embedder) {
    cluster::NodeOptions options;
    options.data_dir = folder_.path();
    options.index_threads = 1;
    options.memtable_bytes = 4 << 20;
    node_ = cluster::Node::Open(io::RealDisk(), options).value();
    service_ = memory::Service::Open({*node_, io::RealDisk(), metrics_}, {.data_dir = folder_.path()}).value();
    pipeline::DocumentWatch watch;
    watch.changed = [this](const auto& name, auto documents) { return service_->Changed(name, documents); };
    watch.deleted = [this](const auto& name, const auto& document) { return service_->Deleted(name, document); };
    ingestor_ = std::make_unique<pipeline::Ingestor>(*node_, embedder_, std::move(watch));
    asker_ = std::make_unique<Asker>(AskerParts{*node_, service_.get(), embedder_});
  }
  ~TestMemory() {
    ingestor_.reset();
    asker_.reset();
    service_.reset();
    node_.reset();
  }

  void Create(const std::string& name, bool with_graph = true) {
    cluster::CollectionSpec spec;
    spec.name = name;
    if (embedder_ != nullptr) {
      spec.dimension = embedder_->dimension();
      spec.embedder = std::string(embedder_->name());
    }
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
    if (with_graph) ASSERT_TRUE(service_->MakeMemory(name).ok());
  }
  // Returns once all of it is in the graph. Chunks are small, so that long texts have several.
  void Learn(const std::string& collection, const std::vector<Said>& documents) {
    std::vector<pipeline::IngestDocument> inputs;
    for (const Said& said : documents) inputs.push_back({said.id, said.title, said.text, "", ""});
    const auto results = ingestor_->Ingest(collection, std::move(inputs), {"sentences", 64, 0});
    ASSERT_TRUE(results.ok()) << results.status().ToString();
    for (const pipeline::IngestResult& result : *results) {
      ASSERT_TRUE(result.error.ok()) << result.error.ToString();
      if (result.task.empty()) continue;
      ASSERT_TRUE(Await([&] {
        const auto task = service_->Task(result.task);
        return task.ok() && task->state() == workers::TaskState::kDone;
      }));
    }
  }
  Result<Answer> Ask(const Question& question) { return asker_->Ask(question, {}); }

  cluster::Node& node() { return *node_; }
  Asker& asker() { return *asker_; }
  memory::Service& service() { return *service_; }
  pipeline::Ingestor& ingestor() { return *ingestor_; }
  std::shared_ptr<shard::GraphShards> Graph(const std::string& collection) {
    return service_->Graph(collection).value();
  }

 private:
  const ScratchFolder folder_;
  MetricRegistry metrics_;
  pipeline::Embedder* const embedder_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<memory::Service> service_;
  std::unique_ptr<pipeline::Ingestor> ingestor_;
  std::unique_ptr<Asker> asker_;
};

}  // namespace rhizome::ask
