// What the tests of graphs share: a shard on a simulated disk with the batches it applied, and short ways to say what
// documents and clients say.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engines/graph/engine.h"
#include "engines/graph/validation.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::graph {

inline constexpr uint32_t kTestShard = 7;

inline format::PointId Named(std::string_view text) { return format::PointId::FromString(text).value(); }
inline GraphOrigin DocumentOf(std::string_view id) { return {GraphOrigin::Kind::kDocument, Named(id)}; }
inline GraphOrigin FactOf(std::string_view id) { return {GraphOrigin::Kind::kFact, Named(id)}; }
inline EntityId IdOf(std::string_view name) { return format::EntityIdOf(format::EntityName(name)); }
// As if written in this millisecond.
inline Version At(int64_t ms, uint32_t node = 1) { return {static_cast<uint64_t>(ms) << 16, node}; }

struct SaidFact {
  std::string source;
  std::string type;
  std::string target;
  float weight = 1;
  int64_t from = format::kAlways;
  int64_t until = format::kForever;
  uint32_t chunk = 0;
};
struct SaidMention {
  std::string surface;
  std::string type;
  uint32_t chunk = 0;
  uint32_t count = 1;
};

inline format::Derivation Said(const std::vector<SaidMention>& mentions, const std::vector<SaidFact>& facts = {}) {
  format::DerivationBuilder builder;
  for (const SaidMention& mention : mentions) {
    EXPECT_TRUE(builder.Mention(mention.surface, mention.type, mention.chunk, mention.count).has_value());
  }
  for (const SaidFact& fact : facts) {
    const auto source = builder.Entity(fact.source), target = builder.Entity(fact.target);
    builder.AddFact({source.value(), fact.type, target.value(), fact.weight, 1, fact.from, fact.until, fact.chunk});
  }
  return builder.Build();
}

inline format::GraphOperation Put(Version version, std::string_view document, format::Derivation derivation) {
  return {version, format::PutDerivation{DocumentOf(document), std::move(derivation)}};
}
inline format::GraphOperation PutFact(Version version, std::string_view id, const SaidFact& fact) {
  format::ClientFact client{fact.source, fact.type, fact.target};
  client.weight = fact.weight;
  client.valid_from = fact.from;
  client.valid_until = fact.until;
  return {version, format::PutFactOf(Named(id), client)};
}
inline format::GraphOperation Remove(Version version, std::string_view document) {
  return {version, format::DeleteRegister{format::GraphKeyOf(DocumentOf(document))}};
}
inline format::GraphOperation RemoveFact(Version version, std::string_view id) {
  return {version, format::DeleteRegister{format::GraphKeyOf(FactOf(id))}};
}
inline format::GraphOperation Close(Version version, std::string_view fact, int64_t until,
                                    std::optional<FactId> by = std::nullopt) {
  return {version, format::PutClosure{FactOf(fact), 0, true, until, by}};
}
inline format::GraphOperation Reopen(Version version, std::string_view fact) {
  return {version, format::PutClosure{FactOf(fact), 0, false}};
}
inline format::GraphOperation Merge(Version version, std::string_view a, std::string_view b, bool active = true) {
  return {version, format::PutMerge{IdOf(a), IdOf(b), active}};
}

class TestGraph {
 public:
  explicit TestGraph(EngineOptions options = {.shard = kTestShard}) : options_(options) {
    EXPECT_TRUE(disk_->CreateDirectory("/db").ok());
    EXPECT_TRUE(disk_->SyncDirectory("/").ok());
    Open();
  }
  ~TestGraph() { Close(); }

  GraphEngine& operator*() { return *engine_; }
  GraphEngine* operator->() { return engine_.get(); }
  kv::Store& store() { return *store_; }
  io::SimDisk& disk() { return *disk_; }

  void Apply(std::vector<format::GraphOperation> batch) {
    const Status valid = ValidateGraphOperations(batch);
    ASSERT_TRUE(valid.ok()) << valid.ToString();
    log_.push_back(std::move(batch));
    const Status status = engine_->Apply(log_.size(), log_.back());
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  // Power loss: of the database what was flushed; then the log is replayed.
  void CrashAndReplay() {
    io::SimState state = disk_->state();
    Close();
    disk_ = std::make_unique<io::SimDisk>(std::move(state), io::SimDiskOptions{});
    disk_->Crash(*io::RandomChooser(log_.size()), true);
    Open();
    for (uint64_t lsn = engine_->applied_lsn() + 1; lsn <= log_.size(); ++lsn) {
      const Status status = engine_->Apply(lsn, log_[lsn - 1]);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }
  void Reopen() {
    Close();
    Open();
  }

  // All rows of the shard but the state.
  std::map<std::string, std::string> Rows() {
    std::map<std::string, std::string> rows;
    kv::Cursor cursor = store_->Scan(kv::Family::kGraph, ShardPrefix(kTestShard));
    for (; cursor.Valid(); cursor.Next()) rows.emplace(cursor.key(), cursor.value());
    EXPECT_TRUE(cursor.status().ok());
    rows.erase(TablePrefix(ShardPrefix(kTestShard), Table::kState));
    return rows;
  }
  std::vector<format::RegisterVersion> All() { return engine_->Inventory({0}, 0, "", 1'000'000).value().entries; }
  EntityStatistics StatisticsOf(std::string_view name) {
    return engine_->Statistics(std::vector{IdOf(name)}).value()[0];
  }
  std::optional<Entity> EntityOf(std::string_view name, std::optional<int64_t> known_at_ms = std::nullopt) {
    return engine_->Entities(std::vector{IdOf(name)}, known_at_ms).value()[0];
  }
  std::vector<FoundFact> FactsAt(std::string_view name, Times times = {}) {
    FactQuery query{IdOf(name)};
    query.times = times;
    query.limit = 10'000;
    const auto page = engine_->Facts(query);
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    return page.ok() ? page->facts : std::vector<FoundFact>();
  }
  // "a knows b" of each, in order.
  std::vector<std::string> SaidAt(std::string_view name, Times times = {}) {
    std::vector<std::string> said;
    for (const FoundFact& fact : FactsAt(name, times)) {
      said.push_back(fact.source.name + " " + fact.type + " " + fact.target.name);
    }
    return said;
  }

 private:
  void Open() {
    env_ = kv::NewDiskEnv(*disk_);
    kv::StoreOptions options;
    options.env = env_.get();
    store_ = kv::Store::Open("/db", options).value();
    engine_ = GraphEngine::Open(*store_, options_).value();
  }
  void Close() {
    engine_.reset();
    store_.reset();
    env_.reset();
  }

  const EngineOptions options_;
  std::unique_ptr<io::SimDisk> disk_ = std::make_unique<io::SimDisk>();
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<GraphEngine> engine_;
  std::vector<std::vector<format::GraphOperation>> log_;
};

}  // namespace rhizome::graph
