// Replicas that were given the same operations are equal, whatever the order, and however often they crashed.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engines/vector/replica_testing.h"

namespace rhizome::vector {
namespace {

using format::Operation;

constexpr uint64_t kSeeds = 25;

// Operations on few registers by three coordinators with distinct versions, and some of them twice.
std::vector<Operation> RandomHistory(std::mt19937_64& random, size_t length) {
  std::vector<Operation> history;
  for (uint64_t i = 0; i < length; ++i) {
    const Version version{1000 + random() % length * 4 + i, static_cast<uint32_t>(1 + random() % 3)};
    const Version unique{version.time * 1000 + i, version.node};
    const uint64_t id = random() % 8;
    const std::string document = "doc" + std::to_string(random() % 4);
    switch (random() % 5) {
      case 0: history.push_back(Delete(id, unique)); break;
      case 1: history.push_back(Remove(document, unique)); break;
      case 2: history.push_back(Upsert(id, unique)); break;
      default: history.push_back(Put(document, unique, static_cast<uint32_t>(random() % 5))); break;
    }
    if (random() % 4 == 0) history.push_back(history[random() % history.size()]);
  }
  return history;
}

// Applies the operations in a random order, in batches, with checkpoints, compactions and crashes in between.
void Live(TestReplica& replica, std::vector<Operation> history, std::mt19937_64& random, bool crashes = true) {
  std::shuffle(history.begin(), history.end(), random);
  std::vector<Operation> batch;
  for (const Operation& operation : history) {
    const bool twice =
        std::any_of(batch.begin(), batch.end(), [&](const Operation& other) { return other.Key() == operation.Key(); });
    if (twice || random() % 3 == 0) {
      replica.Apply(std::exchange(batch, {}));
      if (random() % 12 == 0) replica.CheckpointNow();
      if (random() % 20 == 0) ASSERT_TRUE(replica->Compact().ok());
      if (random() % 15 == 0) ASSERT_TRUE(replica.store().Flush().ok());
      if (crashes && random() % 15 == 0) replica.CrashAndReplay();
    }
    batch.push_back(operation);
  }
  replica.Apply(batch);
}

TEST(EngineMerge, ReplicasAgreeWhateverTheOrder) {
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const std::vector<Operation> history = RandomHistory(random, 60);
    TestReplica a, b;
    Live(a, history, random);
    Live(b, history, random);
    ExpectEqual(a, b);
    a.CrashAndReplay();
    ExpectEqual(a, b);
  }
}

// A register's value is that of its highest version, not only the same everywhere.
TEST(EngineMerge, TheHighestVersionOfEachRegisterWins) {
  std::mt19937_64 random(99);
  const std::vector<Operation> history = RandomHistory(random, 80);
  std::map<std::string, Operation> winners;
  for (const Operation& operation : history) {
    const auto [it, fresh] = winners.emplace(operation.Key(), operation);
    if (!fresh && operation.version > it->second.version) it->second = operation;
  }
  TestReplica replica;
  Live(replica, history, random);
  const std::vector<format::RegisterVersion> all = replica.All();
  ASSERT_EQ(all.size(), winners.size());
  for (const format::RegisterVersion& entry : all) {
    const Operation& winner = winners.at(entry.key);
    const Operation read = *replica.Read(entry.key);
    EXPECT_EQ(read.version, winner.version);
    ASSERT_EQ(read.body.index(), winner.body.index());
    if (const auto* put = std::get_if<format::PutDocument>(&winner.body)) {
      EXPECT_EQ(std::get<format::PutDocument>(read.body).record, put->record);
    } else if (const auto* upsert = std::get_if<format::UpsertPoint>(&winner.body)) {
      EXPECT_EQ(std::get<format::UpsertPoint>(read.body).point.payload, upsert->point.payload);
    }
  }
}

// Replicas that forgot the same deletes take the same older writes, whatever their memory still knows.
TEST(EngineMerge, ReplicasAgreeAfterDeletesWereForgotten) {
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const std::vector<Operation> history = RandomHistory(random, 40);
    TestReplica a, b;
    Live(a, history, random);
    Live(b, history, random);
    const Version below = history[random() % history.size()].version;
    for (TestReplica* replica : {&a, &b}) ASSERT_TRUE((*replica)->CollectTombstones(below).ok());
    ASSERT_TRUE(b->Compact().ok());  // b's memory forgets, a's does not
    ExpectEqual(a, b);
    const std::vector<Operation> later = RandomHistory(random, 30);
    Live(a, later, random, false);  // a replay could bring deletes back
    Live(b, later, random, false);
    ExpectEqual(a, b);
    for (TestReplica* replica : {&a, &b}) ASSERT_TRUE((*replica)->CollectTombstones(Version{UINT64_MAX, 0}).ok());
    for (const format::RegisterVersion& entry : a.All()) EXPECT_FALSE(entry.tombstone);
  }
}

}  // namespace
}  // namespace rhizome::vector
