#include "evolve/evolver.h"

#include <fmt/format.h>

#include <algorithm>

namespace rhizome::evolve {

Result<Plan> Evolver::Make(const PlanOptions& options) {
  // What was read lately is young.
  RETURN_IF_ERROR(WriteReadings());
  ASSIGN_OR_RETURN(const Survey survey, Survey::Take(*graph_));
  Plan plan = evolve::MakePlan(survey, matcher_, clock_.WallMs(), options);
  plan.id = fmt::format("{:x}-{:x}", static_cast<uint64_t>(plan.made_ms), ++plans_made_);
  return plan;
}

Result<Plan> Evolver::MakePlan(const PlanOptions& options) {
  MutexLock lock(work_);
  ASSIGN_OR_RETURN(Plan plan, Make(options));
  plans_.push_back(plan);
  if (plans_.size() > kPlansKept) plans_.pop_front();
  return plan;
}

Result<Applied> Evolver::Apply(const std::string& plan) {
  MutexLock lock(work_);
  const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Plan& kept) { return kept.id == plan; });
  if (found == plans_.end()) return Status::NotFound("there is no plan " + plan + ", or no longer: make a new one");
  ASSIGN_OR_RETURN(Applied applied, evolve::Apply(*graph_, *found, clock_.WallMs()));
  plans_.erase(found);
  return applied;
}

Result<Applied> Evolver::Pass(const PlanOptions& options) {
  MutexLock lock(work_);
  ASSIGN_OR_RETURN(const Plan plan, Make(options));
  return evolve::Apply(*graph_, plan, clock_.WallMs());
}

Result<Event> Evolver::Undo(const EventId& id) {
  MutexLock lock(work_);
  return evolve::Undo(*graph_, id, clock_.WallMs());
}

Result<std::vector<Event>> Evolver::Restore(std::span<const EntityId> ids, Actor actor) {
  MutexLock lock(work_);
  return evolve::Restore(*graph_, ids, clock_.WallMs(), actor);
}

void Evolver::CountReading(std::span<const EntityId> ids) {
  MutexLock lock(readings_mutex_);
  for (const EntityId& id : ids) {
    if (readings_.size() >= kReadingsMax && !readings_.contains(id)) continue;
    ++readings_[id];
  }
}

Status Evolver::Flush() {
  MutexLock lock(work_);
  return WriteReadings();
}

Status Evolver::WriteReadings() {
  std::vector<std::pair<EntityId, uint64_t>> readings;
  {
    MutexLock lock(readings_mutex_);
    readings.assign(readings_.begin(), readings_.end());
    readings_.clear();
  }
  if (readings.empty()) return Status::Ok();
  const Status written = CountReadings(*graph_, readings, 0, clock_.WallMs());
  if (written.ok()) return written;
  MutexLock lock(readings_mutex_);
  for (const auto& [id, count] : readings) readings_[id] += count;
  return written;
}

}  // namespace rhizome::evolve
