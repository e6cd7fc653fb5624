// Evening out: what the leader does once every shard has its replicas. First load, over everything and then within
// each collection; then the spread over zones.
//
// Ends, whatever is asked how often: no step makes the spread over zones worse, and each makes the first of these
// smaller that it changes: crowding of zones, shards outside their members' bounds, those outside the bounds of a
// collection, unevenness (layout.h, Cost).
#pragma once

#include "fabric/planner.h"

namespace rhizome::fabric {

// Begins what there is room for. Shards that could be spread better and found no room wait.
void EvenOut(Planner& planner);

}  // namespace rhizome::fabric
