// Splitter: the way into this member's replicas while some of their shards are being split (resharding.h).
//
// Two rules make a child's replica hold whatever the parent's beside it was ever heard to hold. A batch for a parent is
// applied to its children first, durably, and then to the parent: so whatever can be read from the parent is in the
// child. And a copy begins only once every batch that began without the children is through.
//
// A batch that reached a child and not its parent is an unknown write: it counts from the moment the child is asked.
//
// On the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fabric/async.h"
#include "fabric/directory.h"
#include "fabric/ports.h"

namespace rhizome::fabric {

class Splitter {
 public:
  struct Filled {
    uint64_t compared = 0;  // registers of the parent that belong to the child
    uint64_t copied = 0;    // that it had not or not as new
  };
  using Told = std::function<void(const Filled&)>;

  Splitter(Loop& loop, Directory& directory, ReplicaStore& store, const Settings& settings);
  // Who opens the replicas of children.
  void OpenThrough(std::function<Task<Status>(ShardNumber)> open) { open_ = std::move(open); }

  // ReplicaStore::Apply, and to the children first. Everything that is to be in a replica comes this way.
  Task<Status> Apply(ShardNumber shard, std::string batch);
  // Copies what the parent's replica here holds and remembers of requests into the child's, which is open. `told` hears
  // of each page. Ends as Cancelled when `wanted`, asked before each page, says no.
  Task<Result<Filled>> Fill(Placement child, std::function<bool()> wanted, Told told);

 private:
  struct Split {
    ShardNumber first_child = 0;  // of the collection
    uint32_t partitions = 0;      // of the collection then
    uint32_t partition = 0;       // the parent's
    uint32_t parents = 0;
    bool operator==(const Split&) const = default;
  };
  using Parts = std::map<ShardNumber, std::string>;
  void Follow(const Topology& topology);
  static Result<Parts> Divide(const std::string& batch, const Split& split);
  Task<Status> ApplyThrough(ShardNumber shard, std::string batch);
  Task<bool> EarlierEnded(ShardNumber shard);
  Task<Status> FillRequests(const Placement& child);
  Task<Status> FillPage(const Placement& child, std::vector<format::RegisterVersion> entries, Filled& filled);

  Loop& loop_;
  ReplicaStore& store_;
  const Settings& settings_;
  std::function<Task<Status>(ShardNumber)> open_;
  std::map<ShardNumber, Split> splits_;  // by parent
  Directory& directory_;
  uint64_t next_ticket_ = 1;
  std::map<ShardNumber, std::set<uint64_t>> under_way_;  // tickets of batches
};

}  // namespace rhizome::fabric
