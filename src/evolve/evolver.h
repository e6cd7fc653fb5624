// Evolver: the ageing and mending of one graph: plans that are made, kept and carried out; what is read, counted.
//
// A plan is kept in memory until it is carried out, seven newer ones are made, or the server goes down: then it is made
// anew. Readings are counted in memory and written by Flush, so a crash loses those since the last one.
//
// Thread-safe; one plan, pass or change runs at a time, counting does not wait for them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "evolve/apply.h"
#include "evolve/matcher.h"
#include "evolve/plan.h"
#include "shard/graph_shards.h"

namespace rhizome::evolve {

class Evolver {
 public:
  static constexpr size_t kPlansKept = 8;
  static constexpr size_t kReadingsMax = 100'000;  // entities; readings of more are not counted until Flush

  // `clock` outlives it.
  Evolver(std::shared_ptr<shard::GraphShards> graph, Clock& clock) : graph_(std::move(graph)), clock_(clock) {}

  const std::shared_ptr<shard::GraphShards>& graph() const { return graph_; }

  // A dry run: changes nothing.
  Result<Plan> MakePlan(const PlanOptions& options) EXCLUDES(work_);
  // NotFound: no such plan, or no longer.
  Result<Applied> Apply(const std::string& plan) EXCLUDES(work_);
  // Both at once.
  Result<Applied> Pass(const PlanOptions& options) EXCLUDES(work_);
  Result<Event> Undo(const EventId& id) EXCLUDES(work_);
  Result<std::vector<Event>> Restore(std::span<const EntityId> ids, Actor actor) EXCLUDES(work_);

  // That somebody has read something of these.
  void CountReading(std::span<const EntityId> ids) EXCLUDES(readings_mutex_);
  // Returns when what was counted is durable; after an error it is counted still.
  Status Flush() EXCLUDES(work_, readings_mutex_);

 private:
  Result<Plan> Make(const PlanOptions& options) REQUIRES(work_);
  Status WriteReadings() REQUIRES(work_) EXCLUDES(readings_mutex_);

  // Constant after construction.
  const std::shared_ptr<shard::GraphShards> graph_;
  Clock& clock_;

  Mutex work_;
  Matcher matcher_ GUARDED_BY(work_);
  std::deque<Plan> plans_ GUARDED_BY(work_);
  uint64_t plans_made_ GUARDED_BY(work_) = 0;

  Mutex readings_mutex_;
  std::unordered_map<EntityId, uint64_t, format::EntityIdHash> readings_ GUARDED_BY(readings_mutex_);
};

}  // namespace rhizome::evolve
