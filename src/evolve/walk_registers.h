// WalkRegisters: every live register of a graph, shard by shard, in the order of their keys; no replaced values, no
// tombstones. It sees no single moment: what is written meanwhile may be in it or not. A failing visit ends it.
#pragma once

#include <functional>

#include "base/status.h"
#include "format/graph.h"
#include "shard/graph_shards.h"

namespace rhizome::evolve {

Status WalkRegisters(const shard::GraphShards& graph,
                     const std::function<Status(const format::GraphOperation&)>& visit);

}  // namespace rhizome::evolve
