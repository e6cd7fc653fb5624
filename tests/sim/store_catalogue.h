// StoreCatalogue: which replicas a simulated disk holds, and in which log. One small checksummed file, replaced as a
// whole; an own stream number for each life of a replica keeps the records of a dropped one from coming back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/uuid.h"
#include "fabric/topology.h"

namespace rhizome::sim {

struct StoreCatalogue {
  struct Replica {
    fabric::ShardNumber shard = 0;
    Uuid collection;
    uint64_t since = 0;
    uint32_t stream = 0;
    bool complete = false;
    bool series = false;
    std::string damage;  // "": usable
  };
  std::string identity;         // the process's, opaque here
  uint32_t log_generation = 1;  // names the log's directory
  uint32_t next_stream = 1;
  std::map<fabric::ShardNumber, Replica> replicas;

  std::string Encode() const;
  static Result<StoreCatalogue> Decode(std::string_view bytes);
};

}  // namespace rhizome::sim
