// Chooser: which member a shard takes next. The rule that placement of new shards and the leader's changes share.
//
// The ring gives candidates that spread over the zones, those not loaded above their bounds first. Among them the order
// is: fewest owners of this shard in the same zone; not above a bound; least of the collection for its fair share;
// least of everything for its fair share; first on the ring. Spread comes before load, because a lost zone takes a
// majority with it if the majority is there, and bounds know about zones (layout.h).
//
// Refers to the layout and sees its changes. Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "fabric/layout.h"
#include "fabric/placement.h"
#include "fabric/ring.h"

namespace rhizome::fabric {

class Chooser {
 public:
  using Admit = std::function<bool(MemberIndex)>;

  // InvalidArgument for settings that cannot be used.
  static Result<Chooser> Make(const Layout& layout, const PlacementSettings& settings);

  // A member that is live, stays, is none of `owners`, and is admitted; nothing when there is none.
  std::optional<MemberIndex> Next(uint32_t collection, uint32_t partition, const std::vector<MemberIndex>& owners,
                                  const Admit& admit = {}) const;

 private:
  Chooser(const Layout& layout, Ring ring) : layout_(layout), ring_(std::move(ring)) {}
  bool Full(uint32_t collection, MemberIndex member) const;

  const Layout& layout_;
  Ring ring_;
};

}  // namespace rhizome::fabric
