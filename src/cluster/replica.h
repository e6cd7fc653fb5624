// A replica: this node's copy of one shard of a cluster's collection. Plain values.
#pragma once

#include <cstdint>
#include <string>

#include "base/uuid.h"
#include "cluster/database.h"

namespace rhizome::cluster {

enum class ReplicaKind : uint8_t {
  kPoints = 1,
  kSeries = 2,  // of the spec only the name and the number of partitions mean something
};

struct ReplicaSpec {
  ReplicaKind kind = ReplicaKind::kPoints;
  CollectionSpec spec;  // the replication factor is not kept: it is the cluster's to change
  Uuid collection;
  uint32_t partition = 0;
  uint32_t shard = 0;     // its number in the cluster, not 0
  uint64_t since = 0;     // what the cluster wants kept with it: the epoch at which this node became an owner
  bool complete = false;  // and whether it has since been known to hold all it is to hold
};

struct ReplicaInfo {
  ReplicaSpec spec;
  int64_t created_ms = 0;
  // "" while it can be used. Else nothing it holds may count: drop it, add it again, and copy it from its peers.
  std::string damage;
  // "" while it takes writes; else why it does not until there is room or a restart.
  std::string refusal;
  uint64_t points = 0;  // live ones; 0 while it is damaged
  uint64_t documents = 0;
};

}  // namespace rhizome::cluster
