#include "memory/housekeeper.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <vector>

namespace rhizome::memory {
namespace {

constexpr std::chrono::seconds kLookAtClock{1};

void Keep(Status& first, const Status& status) {
  if (first.ok()) first = status;
}

}  // namespace

Housekeeper::Housekeeper(cluster::Node& node, Clock& clock, const HousekeepingOptions& options)
    : node_(node), clock_(clock), options_(options), flushed_ms_(clock.WallMs()) {}

Housekeeper::~Housekeeper() {
  {
    const std::lock_guard lock(stop_mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  for (const auto& [name, kept] : evolvers_) {
    const Status flushed = kept.evolver->Flush();
    if (!flushed.ok()) spdlog::warn("readings of memory {} are lost: {}", name, flushed.ToString());
  }
}

void Housekeeper::Start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void Housekeeper::Run() {
  std::unique_lock lock(stop_mutex_);
  while (!stop_changed_.wait_for(lock, kLookAtClock, [this] { return stop_; })) {
    lock.unlock();
    const Status done = Tick();
    if (!done.ok()) spdlog::warn("a memory's housekeeping failed: {}", done.ToString());
    lock.lock();
  }
}

Result<std::shared_ptr<evolve::Evolver>> Housekeeper::EvolverOf(const std::string& collection) {
  ASSIGN_OR_RETURN(const auto graph, node_.Graph(collection));
  if (graph == nullptr) {
    return Status::FailedPrecondition("collection " + collection +
                                      " has no knowledge graph: make it with \"graph\": true");
  }
  MutexLock lock(mutex_);
  Kept& kept = evolvers_[collection];
  // A collection that was dropped and made again has another graph.
  if (kept.evolver == nullptr || kept.evolver->graph() != graph) {
    kept = {std::make_shared<evolve::Evolver>(graph, clock_), clock_.WallMs()};
  }
  return kept.evolver;
}

Status Housekeeper::Tick() {
  const int64_t now_ms = clock_.WallMs();
  Status first;
  ASSIGN_OR_RETURN(const auto collections, node_.ListCollections());
  std::vector<std::shared_ptr<evolve::Evolver>> flush, pass;
  for (const cluster::CollectionInfo& info : collections) {
    const auto graph = node_.Graph(info.spec.name);
    if (!graph.ok() || *graph == nullptr) continue;
    const auto evolver = EvolverOf(info.spec.name);
    if (!evolver.ok()) continue;  // dropped a moment ago
    flush.push_back(*evolver);
    MutexLock lock(mutex_);
    Kept& kept = evolvers_[info.spec.name];
    if (options_.every_ms == 0 || now_ms - kept.passed_ms < options_.every_ms) continue;
    kept.passed_ms = now_ms;
    pass.push_back(*evolver);
  }
  bool flush_due = false;
  {
    MutexLock lock(mutex_);
    flush_due = now_ms - flushed_ms_ >= kFlushMs;
    if (flush_due) flushed_ms_ = now_ms;
    std::erase_if(evolvers_, [&](const auto& entry) {
      return std::find(flush.begin(), flush.end(), entry.second.evolver) == flush.end();
    });
  }
  if (flush_due) {
    for (const auto& evolver : flush) Keep(first, evolver->Flush());
  }
  evolve::PlanOptions plan;
  plan.ageing = options_.ageing;
  for (const auto& evolver : pass) Keep(first, evolver->Pass(plan).status());
  return first;
}

}  // namespace rhizome::memory
