// Readers beside the writer, the linker, the checkpointer and compaction: run under the thread sanitizer by ./dev tsan.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "base/scratch_testing.h"
#include "engines/vector/engine.h"

namespace rhizome::vector {
namespace {

using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

constexpr uint32_t kDimension = 8;
constexpr uint64_t kPoints = 12;
constexpr uint64_t kRounds = 300;

std::vector<float> RandomVector(std::mt19937& random) {
  std::vector<float> vector(kDimension);
  for (float& x : vector) x = std::normal_distribution<float>()(random);
  return vector;
}

// Every point anew in one batch.
std::vector<Operation> Round(uint64_t round, std::mt19937& random) {
  std::vector<Operation> batch;
  for (uint64_t id = 0; id < kPoints; ++id) {
    const std::string payload = R"({"round":)" + std::to_string(round) + "}";
    batch.push_back({{round, 1}, UpsertPoint{Point{PointId(id), RandomVector(random), "", "root and spore", payload}}});
  }
  return batch;
}

void ExpectDistinct(const std::vector<Candidate>& candidates) {
  std::set<std::string> ids;
  for (const Candidate& candidate : candidates) EXPECT_TRUE(ids.insert(candidate.id.ToString()).second);
  EXPECT_LE(ids.size(), kPoints);
}

void ReadOnce(const VectorEngine& engine, const Filter& any_round, std::mt19937& random) {
  EXPECT_EQ(engine.Count(nullptr).value(), kPoints);
  EXPECT_EQ(engine.Count(&any_round).value(), kPoints);
  Query query;
  const std::vector<float> vector = RandomVector(random);
  query.vector = vector;
  query.text = "spores";
  query.filter = random() % 2 == 0 ? &any_round : nullptr;
  query.depth = 50;
  const auto found = engine.Search(query);
  ASSERT_TRUE(found.ok());
  ExpectDistinct(found->dense);
  EXPECT_EQ(found->text.size(), kPoints);
  ExpectDistinct(found->text);

  std::vector<PointId> ids;
  for (uint64_t id = 0; id < kPoints; ++id) ids.push_back(PointId(id));
  const auto points = engine.Get(ids, true);
  ASSERT_TRUE(points.ok());
  for (const auto& point : *points) {
    ASSERT_TRUE(point.has_value());
    EXPECT_EQ(point->point.vector.size(), kDimension);
  }
  EXPECT_TRUE(engine.Scroll(std::nullopt, 5, &any_round, true).ok());
}

TEST(EngineThreads, ReadersSeeWholeBatchesBesideEverythingElse) {
  const ScratchFolder folder;  // outlives the database in it, whose threads delete files until it is closed
  const std::string& root = folder.path();
  std::filesystem::create_directories(root + "/shard");
  const auto store = kv::Store::Open(root + "/database", {}).value();
  const auto engine =
      VectorEngine::Open(io::RealDisk(), *store, {7, root + "/shard", kDimension, Metric::kCosine, "english"}).value();
  const Filter any_round = ParseFilter(boost::json::parse(R"({"field":"round","exists":true})")).value();
  std::mt19937 random(1);
  ASSERT_TRUE(engine->Apply(1, Round(1, random)).ok());

  std::atomic<bool> stop{false};
  const auto read = [&](uint32_t seed) {
    std::mt19937 own(seed);
    while (!stop) ReadOnce(*engine, any_round, own);
  };
  std::thread first(read, 2), second(read, 3);
  std::thread linker([&] {
    while (!stop) (void)engine->ImproveIndex(100, 2);
  });
  std::thread checkpointer([&] {
    for (int turn = 1; !stop; ++turn) EXPECT_TRUE((turn % 4 == 0 ? engine->Compact() : engine->Checkpoint()).ok());
  });
  for (uint64_t round = 2; round <= kRounds; ++round) EXPECT_TRUE(engine->Apply(round, Round(round, random)).ok());
  stop = true;
  for (std::thread* thread : {&first, &second, &linker, &checkpointer}) thread->join();
  EXPECT_EQ(engine->points(), kPoints);
}

// A document of as many chunks as its version says, each naming the version in text and vector.
Operation Generation(uint64_t version) {
  format::PutDocument put;
  put.record.id = PointId::FromString("doc").value();
  put.record.content_hash = {version, version};
  put.record.title = std::to_string(version);
  put.record.chunk_count = static_cast<uint32_t>(1 + version % 7);
  for (uint32_t n = 0; n < put.record.chunk_count; ++n) {
    std::vector<float> vector(kDimension, static_cast<float>(version));
    put.chunks.push_back({PointId::OfChunk(put.record.id, n), vector, put.record.title, put.record.title, ""});
  }
  return {{version, 1}, put};
}

TEST(EngineThreads, ARegisterIsReadWholeWhileItIsReplaced) {
  const ScratchFolder folder;  // outlives the database in it, whose threads delete files until it is closed
  const std::string& root = folder.path();
  std::filesystem::create_directories(root + "/shard");
  const auto store = kv::Store::Open(root + "/database", {}).value();
  const auto engine =
      VectorEngine::Open(io::RealDisk(), *store, {7, root + "/shard", kDimension, Metric::kL2, "english"}).value();
  ASSERT_TRUE(engine->Apply(1, std::vector{Generation(1)}).ok());
  std::atomic<bool> stop{false};
  const std::vector<std::string> keys = {Generation(1).Key()};
  const auto read = [&] {
    while (!stop) {
      const auto found = engine->ReadRegisters(keys);
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      const Operation& operation = *(*found)[0];
      ASSERT_EQ(operation, Generation(operation.version.time));
      ASSERT_TRUE(engine->Digest(4, {}).ok());
    }
  };
  std::thread first(read), second(read);
  std::thread compactor([&] {
    while (!stop) EXPECT_TRUE(engine->Compact().ok());
  });
  for (uint64_t round = 2; round <= 2000; ++round) {
    ASSERT_TRUE(engine->Apply(round, std::vector{Generation(round)}).ok());
  }
  stop = true;
  for (std::thread* thread : {&first, &second, &compactor}) thread->join();
}

// Version t of the point is a delete exactly when t is a multiple of 3.
TEST(EngineThreads, VersionsBesideTheWriterOnlyRiseAndAreNeverMixed) {
  const ScratchFolder folder;  // outlives the database in it, whose threads delete files until it is closed
  const std::string& root = folder.path();
  std::filesystem::create_directories(root + "/shard");
  const auto store = kv::Store::Open(root + "/database", {}).value();
  const auto engine =
      VectorEngine::Open(io::RealDisk(), *store, {7, root + "/shard", kDimension, Metric::kL2, "english"}).value();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> applied{0};
  const std::vector<std::string> keys = {"p" + PointId(1).Encode(), Generation(1).Key()};
  const auto read = [&] {
    Version highest, document;
    while (!stop) {
      const uint64_t acknowledged = applied;
      const auto versions = engine->Versions(keys).value();
      ASSERT_GE(versions[0].version, highest);
      ASSERT_GE(versions[0].version.time, acknowledged);
      ASSERT_EQ(versions[0].version.node, versions[0].version.time % 5);
      ASSERT_EQ(versions[0].tombstone, versions[0].version != Version{} && versions[0].version.time % 3 == 0);
      ASSERT_GE(versions[1].version, document);
      ASSERT_GE(versions[1].version.time, acknowledged);
      highest = versions[0].version;
      document = versions[1].version;
    }
  };
  std::thread first(read), second(read);
  const std::vector<float> vector(kDimension, 1.0f);
  for (uint64_t time = 1; time <= 6000; ++time) {
    Operation operation{{time, static_cast<uint32_t>(time % 5)}, UpsertPoint{Point{PointId(1), vector, "", "", ""}}};
    if (time % 3 == 0) operation.body = format::DeletePoint{PointId(1)};
    ASSERT_TRUE(engine->Apply(time, std::vector{operation, Generation(time)}).ok());
    applied = time;
  }
  stop = true;
  for (std::thread* thread : {&first, &second}) thread->join();
}

}  // namespace
}  // namespace rhizome::vector
