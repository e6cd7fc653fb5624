// What the tests of backups share: a node with a collection in a temporary folder, and a blob store beside it. Only
// tests include this header.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backup/archive.h"
#include "backup/create.h"
#include "backup/prune.h"
#include "backup/restore.h"
#include "base/scratch_testing.h"
#include "blob/directory.h"
#include "cluster/node.h"
#include "cluster/registers.h"
#include "io/sim_disk.h"

namespace rhizome::backup {

inline cluster::CollectionSpec TestSpec(const std::string& name, uint32_t shards) {
  cluster::CollectionSpec spec;
  spec.name = name;
  spec.dimension = 4;
  spec.shards = shards;
  return spec;
}

inline format::Operation Upsert(uint64_t id, uint64_t seed = 0) {
  const auto n = static_cast<float>(id * 31 + seed);
  return {{},
          format::UpsertPoint{{format::PointId(id),
                               {1.0f, n / 7, n / 11, n / 13},
                               "title",
                               "text " + std::to_string(seed),
                               R"({"n":)" + std::to_string(seed) + "}"}}};
}
inline format::Operation Delete(uint64_t id) { return {{}, format::DeletePoint{format::PointId(id)}}; }
inline format::Operation Put(const std::string& name, uint32_t chunks) {
  format::PutDocument put;
  put.record = {format::PointId::FromString(name).value(), {chunks, 7}, "document " + name, "source", "{}", chunks};
  for (uint32_t n = 0; n < chunks; ++n) {
    put.chunks.push_back({format::PointId::OfChunk(put.record.id, n),
                          {1, 2, 3, static_cast<float>(n)},
                          put.record.title,
                          "chunk " + std::to_string(n),
                          ""});
  }
  return {{}, put};
}

class TestNode {
 public:
  TestNode() {
    cluster::NodeOptions options;
    options.data_dir = directory_;
    options.index_threads = 1;
    node_ = cluster::Node::Open(io::RealDisk(), options).value();
    registers_ = std::make_unique<cluster::NodeRegisters>(*node_);
  }
  ~TestNode() { node_.reset(); }

  cluster::Node& operator*() { return *node_; }
  cluster::Node* operator->() { return node_.get(); }
  cluster::Registers& registers() { return *registers_; }

  void Make(const std::string& name, uint32_t shards) {
    const auto made = node_->CreateCollection(TestSpec(name, shards));
    ASSERT_TRUE(made.ok()) << made.status().ToString();
  }
  void Write(const std::string& name, std::vector<format::Operation> operations) {
    const Status status = node_->Write(name, std::move(operations));
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  // Points 0 to count-1, some rewritten and some deleted, and a few documents.
  void Fill(const std::string& name, uint64_t count) {
    std::vector<format::Operation> batch;
    for (uint64_t id = 0; id < count; ++id) batch.push_back(Upsert(id));
    Write(name, std::move(batch));
    for (uint64_t id = 0; id < count; id += 7) Write(name, {id % 2 == 0 ? Delete(id) : Upsert(id, 5)});
    Write(name, {Put("a", 3), Put("b", 1), Put("c", 2)});
    Write(name, {{{}, format::DeleteDocument{format::PointId::FromString("b").value()}}});
  }
  // Every register, in key order over all partitions.
  std::vector<format::Operation> All(const std::string& name) {
    std::map<std::string, format::Operation> all;
    const uint32_t shards = node_->GetSpec(name)->shards;
    for (uint32_t p = 0; p < shards; ++p) {
      const auto view = registers_->View(name, p, shards).value();
      std::vector<std::string> keys;
      EXPECT_TRUE(view->Scan([&keys](const format::RegisterVersion& entry) {
                        keys.push_back(entry.key);
                        return true;
                      })
                      .ok());
      const auto read = view->Read(keys).value();
      for (size_t i = 0; i < keys.size(); ++i) all.emplace(keys[i], read[i].value());
    }
    std::vector<format::Operation> operations;
    for (auto& [key, operation] : all) operations.push_back(std::move(operation));
    return operations;
  }

 private:
  const ScratchFolder folder_;
  const std::string& directory_ = folder_.path();
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<cluster::NodeRegisters> registers_;
};

// A node with collection "c" and its archive on a simulated disk.
class BackupTest : public testing::Test {
 protected:
  BackupTest() : store_(blob::Directory::Open(disk_, "store").value()), archive_(*store_, "c") {}

  CreateReport Back() {
    const auto report = Create(archive_, *node_, node_.registers(), work_);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : CreateReport();
  }
  Result<RestoreReport> Back(TestNode& into, const std::string& id, const RestoreTarget& target) {
    return Restore(archive_, id, *into, into.registers(), target, work_);
  }
  std::vector<ChunkRef> ChunksOf(const std::string& id) {
    std::vector<ChunkRef> chunks;
    const Manifest manifest = archive_.Load(id).value();
    for (const PartitionRecord& partition : manifest.partitions) {
      for (const LeafRecord& leaf : partition.leaves) {
        chunks.insert(chunks.end(), leaf.chunks.begin(), leaf.chunks.end());
      }
    }
    return chunks;
  }

  TestNode node_;
  io::SimDisk disk_;
  std::unique_ptr<blob::Directory> store_;
  Archive archive_;
  Work work_;
};

}  // namespace rhizome::backup
