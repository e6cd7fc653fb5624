// What the tests of replicas share: an engine on a simulated disk with the log it applied, and short ways to write
// operations.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engines/vector/engine.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::vector {

inline constexpr uint32_t kTestDimension = 8;

inline std::vector<float> TestVector(uint64_t seed) {
  std::vector<float> vector(kTestDimension);
  for (size_t i = 0; i < vector.size(); ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    vector[i] = static_cast<float>(seed >> 40) / 1e6f + 0.1f;
  }
  return vector;
}

inline format::PointId Named(std::string_view text) { return format::PointId::FromString(text).value(); }

inline format::Operation Upsert(uint64_t id, Version version, std::string text = "text") {
  return {version, format::UpsertPoint{{format::PointId(id), TestVector(version.time + id), "title", std::move(text),
                                        R"({"v":)" + std::to_string(version.time) + "}"}}};
}
inline format::Operation Delete(uint64_t id, Version version) {
  return {version, format::DeletePoint{format::PointId(id)}};
}
inline format::Operation Put(std::string_view id, Version version, uint32_t chunks) {
  format::PutDocument put;
  put.record = {Named(id), {version.time, version.node}, "t" + std::to_string(version.time), "source", "{}", chunks};
  for (uint32_t n = 0; n < chunks; ++n) {
    put.chunks.push_back({format::PointId::OfChunk(put.record.id, n), TestVector(version.time * 100 + n),
                          put.record.title, "chunk of " + std::to_string(version.time), ""});
  }
  return {version, put};
}
inline format::Operation Remove(std::string_view id, Version version) {
  return {version, format::DeleteDocument{Named(id)}};
}

// As written by a request whose idempotency key is 16 times `key`.
inline format::Operation Of(format::Operation operation, uint8_t key, uint64_t content = 77) {
  operation.request.emplace().key.fill(key);
  operation.request->content_hash = content;
  return operation;
}

class TestReplica {
 public:
  explicit TestReplica(Metric metric = Metric::kCosine) : metric_(metric) {
    for (const char* directory : {"/db", "/shard"}) EXPECT_TRUE(disk_->CreateDirectory(directory).ok());
    EXPECT_TRUE(disk_->SyncDirectory("/").ok());
    Open();
  }
  ~TestReplica() { Close(); }

  VectorEngine& operator*() { return *engine_; }
  VectorEngine* operator->() { return engine_.get(); }
  kv::Store& store() { return *store_; }

  void Apply(std::vector<format::Operation> batch, std::vector<format::RequestFate> fates = {}) {
    log_.push_back({std::move(batch), std::move(fates)});
    const Status status = engine_->Apply(log_.size(), log_.back().operations, log_.back().fates);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void CheckpointNow() { ASSERT_TRUE(engine_->Checkpoint().ok()); }
  // Power loss: of the database what was flushed, of memory what a snapshot holds; then the log is replayed.
  void CrashAndReplay() {
    io::SimState state = disk_->state();
    Close();
    disk_ = std::make_unique<io::SimDisk>(std::move(state), io::SimDiskOptions{});
    disk_->Crash(*io::RandomChooser(log_.size()), true);
    Open();
    for (uint64_t lsn = engine_->checkpoint_lsn() + 1; lsn <= log_.size(); ++lsn) {
      const Status status = engine_->Apply(lsn, log_[lsn - 1].operations, log_[lsn - 1].fates);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }

  std::vector<format::RegisterVersion> All() { return engine_->Inventory({0}, 0, "", 1'000'000).value().entries; }
  format::RangeDigest Digest() { return engine_->Digest(5, {}).value(); }
  std::optional<format::Operation> Read(const std::string& key) {
    return engine_->ReadRegisters(std::vector{key}).value()[0];
  }
  std::vector<FetchedPoint> Points() { return engine_->Scroll({}, 1'000'000, nullptr, true).value().points; }

 private:
  void Open() {
    env_ = kv::NewDiskEnv(*disk_);
    kv::StoreOptions options;
    options.env = env_.get();
    store_ = kv::Store::Open("/db", options).value();
    engine_ = VectorEngine::Open(*disk_, *store_, {7, "/shard", kTestDimension, metric_, "english"}).value();
  }
  void Close() {
    engine_.reset();
    store_.reset();
    env_.reset();
  }

  const Metric metric_;
  std::unique_ptr<io::SimDisk> disk_ = std::make_unique<io::SimDisk>();
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<VectorEngine> engine_;
  std::vector<format::OperationBatch> log_;
};

// Everything replicas must agree on: registers, digests, points with their vectors, documents and their contents.
inline void ExpectEqual(TestReplica& a, TestReplica& b) {
  EXPECT_EQ(a.All(), b.All());
  EXPECT_EQ(a.Digest(), b.Digest());
  EXPECT_EQ(a->documents(), b->documents());
  EXPECT_EQ(a->points(), b->points());
  const std::vector<FetchedPoint> of_a = a.Points(), of_b = b.Points();
  ASSERT_EQ(of_a.size(), of_b.size());
  for (size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_EQ(of_a[i].point, of_b[i].point);
    EXPECT_EQ(of_a[i].version, of_b[i].version);
  }
  for (const format::RegisterVersion& entry : a.All()) {
    const std::optional<format::Operation> read = a.Read(entry.key);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->version, entry.version);
    EXPECT_EQ(read, b.Read(entry.key));
    if (const auto* put = std::get_if<format::PutDocument>(&read->body)) {
      EXPECT_EQ(a->FindContent(put->record.content_hash).value(), b->FindContent(put->record.content_hash).value());
    }
  }
}

}  // namespace rhizome::vector
