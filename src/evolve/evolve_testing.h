// What the tests of evolution share: a graph of several shards on a simulated disk, under a clock that stands still,
// and short ways to say what documents say.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engines/graph/conflicts.h"
#include "evolve/evolver.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"
#include "shard/graph_view.h"
#include "wal/log.h"

namespace rhizome::evolve {

inline constexpr int64_t kDay = 24LL * 3600 * 1000;

inline format::GraphOrigin DocumentOf(const std::string& id) {
  return {format::GraphOrigin::Kind::kDocument, format::PointId::FromString(id).value()};
}
inline EntityId IdOf(const std::string& name) { return format::EntityIdOf(format::EntityName(name)); }

// A name with its type and other names.
struct SaidName {
  std::string surface;
  std::string type = "person";
  std::vector<std::string> aliases = {};
};
inline format::GraphOperation Says(const std::string& document, const std::vector<SaidName>& names) {
  format::DerivationBuilder builder;
  for (const SaidName& name : names) {
    const auto handle = builder.Mention(name.surface, name.type, 0).value();
    for (const std::string& alias : name.aliases) builder.Alias(handle, alias);
  }
  return {{}, format::PutDerivation{DocumentOf(document), builder.Build()}};
}
inline format::GraphOperation Forgets(const std::string& document) {
  return {{}, format::DeleteRegister{format::GraphKeyOf(DocumentOf(document))}};
}

// Log, database and graph on a disk that outlives it; replays what the database lacks.
class TestMemory {
 public:
  static constexpr uint32_t kShards = 3;

  static Result<std::unique_ptr<TestMemory>> Open(io::SimDisk& disk, Clock& clock) {
    std::unique_ptr<TestMemory> memory(new TestMemory(clock));
    if (!*disk.Exists("/db")) {
      RETURN_IF_ERROR(disk.CreateDirectory("/db"));
      RETURN_IF_ERROR(disk.SyncDirectory("/"));
    }
    memory->env_ = kv::NewDiskEnv(disk);
    kv::StoreOptions options;
    options.env = memory->env_.get();
    ASSIGN_OR_RETURN(memory->store_, kv::Store::Open("/db", options));
    ASSIGN_OR_RETURN(memory->log_, wal::Log::Open(disk, "/log"));
    ASSIGN_OR_RETURN(auto graph,
                     shard::GraphShards::Open({*memory->store_, 7, kShards}, *memory->log_, memory->versions_));
    memory->graph_ = std::move(graph);
    RETURN_IF_ERROR(memory->Replay());
    memory->evolver_ = std::make_unique<Evolver>(memory->graph_, clock);
    return memory;
  }
  ~TestMemory() {
    evolver_.reset();
    graph_.reset();
  }

  shard::GraphShards& graph() { return *graph_; }
  Evolver& evolver() { return *evolver_; }
  Status Write(std::vector<format::GraphOperation> operations) { return graph_->Write(std::move(operations)); }
  Status Checkpoint() {
    RETURN_IF_ERROR(graph_->Checkpoint());
    return log_->TruncateBefore(graph_->UnneededLsn() + 1);
  }

  // Names that are one with this one, itself left out.
  std::set<std::string> OneWith(const std::string& name) const {
    const auto classes = shard::GraphView(*graph_).Classes(std::vector{IdOf(name)}).value();
    std::vector<EntityId> members = classes.MembersOf(IdOf(name));
    std::erase(members, IdOf(name));
    std::set<std::string> names;
    for (const auto& statistics : graph_->Statistics(members).value()) names.insert(statistics.name);
    return names;
  }
  format::EntityState StateOf(const std::string& name) const {
    const auto entity = graph_->Entities(std::vector{IdOf(name)}).value()[0];
    return entity ? entity->state.value : format::EntityState::kActive;
  }
  std::vector<Event> Events() const {
    std::vector<Event> events;
    const auto page = graph_->Events(std::nullopt, "", 1000);
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    for (size_t i = 0; page.ok() && i < page->events.size(); ++i) events.push_back(EventOf(page->events[i]).value());
    return events;
  }
  // Keys of everything kept that is not a tombstone, replaced values included.
  std::set<std::string> Keys() const {
    std::set<std::string> keys;
    for (size_t i = 0; i < graph_->size(); ++i) {
      for (const auto& entry : graph_->at(i).engine().Inventory({0}, 0, "", 100'000).value().entries) {
        if (!entry.tombstone) keys.insert(entry.key);
      }
    }
    return keys;
  }
  // Every row of the database's graph family, one text: nothing of a name may be in it once its document is gone.
  std::string Rows() const {
    std::string rows;
    kv::Cursor cursor = store_->Scan(kv::Family::kGraph, "");
    for (; cursor.Valid(); cursor.Next()) rows.append(cursor.key()).append(cursor.value());
    return rows;
  }

 private:
  explicit TestMemory(Clock& clock) : versions_(clock, 1) {}
  Status Replay() {
    return log_->Read(log_->stats().first_lsn, [this](const wal::LogRecord& record) {
      shard::GraphShard* const shard = graph_->FindStream(record.stream);
      return shard == nullptr ? Status::Ok() : shard->Replay(record);
    });
  }

  HybridClock versions_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<wal::Log> log_;
  std::shared_ptr<shard::GraphShards> graph_;
  std::unique_ptr<Evolver> evolver_;
};

}  // namespace rhizome::evolve
