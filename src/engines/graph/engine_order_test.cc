// Whatever order operations come in, however often and in what batches: the rows end the same, byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using format::GraphOperation;

class Story {
 public:
  explicit Story(uint32_t seed) : random_(seed) {
    for (int64_t ms = 1; ms <= 60; ++ms) operations_.push_back(One(At(ms, 1 + Pick(3))));
  }
  std::vector<GraphOperation> Shuffled() {
    std::vector<GraphOperation> all = operations_;
    for (int i = 0; i < 15; ++i) all.push_back(operations_[Pick(operations_.size())]);  // comes twice
    std::shuffle(all.begin(), all.end(), random_);
    return all;
  }
  uint32_t Pick(size_t n) { return static_cast<uint32_t>(random_() % n); }

 private:
  std::string Name() { return "name " + std::to_string(Pick(5)); }
  std::string Document() { return "doc" + std::to_string(Pick(3)); }

  format::Derivation Derived() {
    std::vector<SaidMention> mentions;
    std::vector<SaidFact> facts;
    for (uint32_t i = Pick(4); i > 0; --i)
      mentions.push_back({Name(), Pick(2) ? "person" : "place", Pick(3), 1 + Pick(3)});
    for (uint32_t i = Pick(4); i > 0; --i) {
      facts.push_back({Name(), Pick(2) ? "knows" : "likes", Name(), static_cast<float>(Pick(3))});
    }
    format::Derivation derivation = Said(mentions, facts);
    if (!derivation.entities.empty() && Pick(3) == 0)
      derivation.entities[0].aliases = {"alias " + std::to_string(Pick(2))};
    return derivation;
  }

  GraphOperation Closure(Version version) {
    format::PutClosure closure;
    closure.origin = Pick(2) ? DocumentOf(Document()) : FactOf("f" + std::to_string(Pick(2)));
    closure.fact = closure.origin.kind == GraphOrigin::Kind::kFact ? 0 : Pick(2);
    closure.closed = Pick(4) != 0;
    if (closure.closed) closure.valid_until = 10 + Pick(10);
    return {version, closure};
  }

  GraphOperation One(Version version) {
    switch (Pick(14)) {
      case 0:
      case 1:
      case 2: return Put(version, Document(), Derived());
      case 3: return Remove(version, Document());
      case 4: return PutFact(version, "f" + std::to_string(Pick(2)), {Name(), "knows", Name(), 1, 5, 9 + Pick(5)});
      case 5: return RemoveFact(version, "f" + std::to_string(Pick(2)));
      case 6: return Closure(version);
      case 7: return {version, format::DeleteRegister{GraphOperation(Closure(version)).Key()}};
      case 8: return {version, format::PutProperty{IdOf(Name()), static_cast<float>(Pick(5)) / 4}};
      case 9: return {version, format::PutAlias{IdOf(Name()), "alias", Pick(2) == 0}};
      case 10: return Merge(version, "name " + std::to_string(Pick(2)), "name " + std::to_string(2 + Pick(2)), Pick(2));
      case 11: return {version, format::PutEvent{IdOf(Name()), Pick(3), Pick(2), "event " + std::to_string(Pick(3))}};
      case 12: return {version, format::DeleteRegister{format::EventKeyOf(IdOf(Name()), Pick(3), Pick(2))}};
      default:
        return {version, format::CountAccess{IdOf(Name()), version.node, static_cast<uint64_t>(version.WallMs()),
                                             version.WallMs()}};
    }
  }

  std::mt19937 random_;
  std::vector<GraphOperation> operations_;
};

void ApplyInBatches(TestGraph& graph, Story& story, const std::vector<GraphOperation>& operations) {
  for (size_t i = 0; i < operations.size();) {
    const size_t n = std::min<size_t>(1 + story.Pick(6), operations.size() - i);
    graph.Apply(
        {operations.begin() + static_cast<std::ptrdiff_t>(i), operations.begin() + static_cast<std::ptrdiff_t>(i + n)});
    i += n;
  }
}

// The numbers kept beside the rows must be what the rows say.
void ExpectCounted(TestGraph& graph) {
  Counts counted;
  const std::string prefix = ShardPrefix(kTestShard);
  for (const auto& [row, value] : graph.Rows()) {
    const std::string key = row.substr(prefix.size() + 1);
    if (row[prefix.size()] == static_cast<char>(Table::kStatistics)) ++counted.entities;
    if (row[prefix.size()] != static_cast<char>(Table::kRegisters)) continue;
    const StoredRegister stored = DecodeStored(value).value();
    if (stored.tombstone) continue;
    counted.closures += key[0] == 'c' ? 1 : 0;
    if (key[0] != 'd' && key[0] != 'f') continue;
    ++(key[0] == 'd' ? counted.documents : counted.client_facts);
    counted.facts += format::DecodeDerivation(stored.value)->facts.size();
  }
  EXPECT_EQ(graph->counts(), counted);
}

void ExpectOneEnd(uint32_t seed, EngineOptions options) {
  Story story(seed);
  std::map<std::string, std::string> first;
  std::vector<format::RegisterVersion> inventory;
  for (int order = 0; order < 4; ++order) {
    TestGraph graph(options);
    ApplyInBatches(graph, story, story.Shuffled());
    if (order == 0) {
      first = graph.Rows();
      inventory = graph.All();
      ExpectCounted(graph);
      continue;
    }
    ASSERT_EQ(graph.Rows(), first) << "seed " << seed << ", order " << order;
    EXPECT_EQ(graph.All(), inventory);
  }
}

TEST(GraphOrder, ReplicasEndEqualWhateverTheOrderAndTheRepetitions) {
  for (uint32_t seed = 1; seed <= 25 && !testing::Test::HasFailure(); ++seed) ExpectOneEnd(seed, {.shard = kTestShard});
}

TEST(GraphOrder, ReplicasEndEqualThoughTheHistoryIsCut) {
  for (uint32_t seed = 100; seed <= 115 && !testing::Test::HasFailure(); ++seed) {
    ExpectOneEnd(seed, {.shard = kTestShard, .history_max = 2});
  }
}

TEST(GraphOrder, AWriterThatRemembersNothingWritesTheSame) {
  for (uint32_t seed = 200; seed <= 210; ++seed) {
    Story story(seed);
    const std::vector<GraphOperation> operations = story.Shuffled();
    TestGraph remembers, forgets({.shard = kTestShard, .statistics_cached = 2});
    ApplyInBatches(remembers, story, operations);
    ApplyInBatches(forgets, story, operations);
    ASSERT_EQ(remembers.Rows(), forgets.Rows()) << "seed " << seed;
  }
}

// Whatever else was written around it: of a deleted document there is nothing, but its tombstone.
TEST(GraphOrder, ADeletedDocumentLeavesWhatTheOthersSayAndNothingElse) {
  for (uint32_t seed = 400; seed <= 415; ++seed) {
    Story story(seed);
    const std::vector<GraphOperation> operations = story.Shuffled();
    const std::string gone = format::GraphKeyOf(DocumentOf("doc1"));
    const auto about = [&](const GraphOperation& operation) {
      const format::GraphKey key = format::ParseGraphKey(operation.Key()).value();
      const bool of_origin = key.kind == format::GraphKind::kDocument || key.kind == format::GraphKind::kClosure;
      return of_origin && format::GraphKeyOf(key.origin) == gone;
    };
    TestGraph deleted, never;
    ApplyInBatches(deleted, story, operations);
    deleted.Apply({Remove(At(1000), "doc1")});
    std::vector<GraphOperation> others;
    std::copy_if(operations.begin(), operations.end(), std::back_inserter(others), std::not_fn(about));
    ApplyInBatches(never, story, others);
    std::map<std::string, std::string> rows = deleted.Rows();
    EXPECT_EQ(rows.erase(TablePrefix(ShardPrefix(kTestShard), Table::kRegisters) + gone), 1u);
    ASSERT_EQ(rows, never.Rows()) << "seed " << seed;
    EXPECT_EQ(deleted->counts(), never->counts());
  }
}

// What one replica gives of its registers makes another one equal, in any order, even over what the other has.
TEST(GraphOrder, WhatAReplicaGivesMakesAnotherEqual) {
  for (uint32_t seed = 300; seed <= 320; ++seed) {
    Story story(seed);
    TestGraph whole, part;
    const std::vector<GraphOperation> operations = story.Shuffled();
    ApplyInBatches(whole, story, operations);
    ApplyInBatches(part, story, {operations.begin(), operations.begin() + 20});
    std::vector<std::string> keys;
    for (const format::RegisterVersion& entry : whole.All()) keys.push_back(entry.key);
    std::vector<GraphOperation> given;
    for (auto& operation : whole->ReadRegisters(keys).value()) given.push_back(operation.value());
    std::shuffle(given.begin(), given.end(), std::mt19937(seed));
    ApplyInBatches(part, story, given);
    ASSERT_EQ(part.Rows(), whole.Rows()) << "seed " << seed;
    EXPECT_EQ(part->Digest(5, {}).value(), whole->Digest(5, {}).value());
  }
}

}  // namespace
}  // namespace rhizome::graph
