// Directory: this member's copy of the topology, and how it stays fresh.
//
// The copy only moves forward (by coordination's revision), so a shard's epoch never goes back. A change in
// coordination is noticed by its hint or, at the latest, by the periodic listing. While coordination cannot be reached
// the last copy stands: data goes on, the topology is frozen.
//
// On the loop.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "fabric/async.h"
#include "fabric/ports.h"
#include "fabric/settings.h"

namespace rhizome::fabric {

// A listing of kRoot, understood. Corruption names the key that cannot be read.
Result<Topology> ReadTopology(const coordination::Listing& listing);

class Directory {
 public:
  Directory(Loop& loop, Truth& truth, const Settings& settings);

  TopologyPointer Now() const { return topology_; }
  // Lists coordination and adopts what it says, when that is newer. Concurrent calls share one listing, begun after
  // each of them was called.
  Task<Status> Refresh();
  // Refreshes, if needed, until the shard's epoch is at least `epoch`; Unavailable when it is not in the end.
  Task<Status> RefreshTo(ShardNumber shard, uint64_t epoch);
  // Refreshes, and nobody waits for it.
  void Nudge();
  Task<void> Drained() { return gate_.Drained(); }
  // Called with each new copy, in the order of subscription.
  void Subscribe(std::function<void(const TopologyPointer&)> listener);
  // Refreshes on hints and periodically until the loop stops.
  Task<void> Run();

  // Since when coordination cannot be reached, by the loop's clock; 0 while it can. From any thread.
  int64_t frozen_since_ns() const { return frozen_since_ns_.load(); }

 private:
  Task<void> List();
  Task<void> RefreshQuietly();
  void Adopt(Topology topology);

  Loop& loop_;
  Truth& truth_;
  const Settings& settings_;
  Gate gate_;
  TopologyPointer topology_ = std::make_shared<const Topology>();
  std::vector<std::function<void(const TopologyPointer&)>> listeners_;
  std::vector<OneShot<Status>> waiting_;  // for the listing that begins next
  bool listing_ = false;
  std::atomic<int64_t> frozen_since_ns_{0};
};

}  // namespace rhizome::fabric
