// Hints: what an absent owner has missed, so that it gets it the moment it is back.
//
// A hint names registers; handing over sends what this member's own replica holds of them then, which is that write or
// a newer one. Of a shard of series it is the record itself; handing over joins many into few. Hints are few seconds'
// memory, not a promise: they are bounded, live in memory, and never count toward a level. What they lose (overflow,
// age, a crash) the comparison of digests finds (repair.h).
//
// On the loop.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fabric/caller.h"
#include "fabric/directory.h"

namespace rhizome::fabric {

// One write: its registers' keys, or a record.
struct Missed {
  std::vector<std::string> keys;
  std::string record;
  bool empty() const { return keys.empty() && record.empty(); }
};

class Hints {
 public:
  Hints(Caller& caller, Directory& directory, ReplicaStore* store, const Settings& settings, MemberNumber self);

  // Keeps what `missed` has missed, if this member holds the shard; else asks one of `holders`, who do.
  void Note(Target target, MemberNumber missed, Missed what, const std::set<MemberNumber>& holders);
  // Requests of other members to keep some.
  Status Keep(const HintRequest& request);
  Status Keep(KeepRequest request);
  // Hands over what is kept for a member that answers again.
  void Deliver(MemberNumber member);
  // Delivers to whoever is there, until the loop stops.
  Task<void> Run();

  // Shards in which a member missed more than could be kept, since the last call.
  std::vector<std::pair<ShardNumber, MemberNumber>> TakeOverflowed();
  uint64_t pending() const { return pending_; }
  Task<void> Drained() { return gate_.Drained(); }

 private:
  struct Kept {
    std::set<std::string> items;
    bool records = false;  // and not keys
    int64_t since_ns = 0;
  };
  using Address = std::pair<MemberNumber, ShardNumber>;
  template <typename R>
  void Hand(R request, const std::set<MemberNumber>& holders);
  template <typename R>
  Task<void> Pass(MemberNumber holder, R request);
  // Null: this member may not keep any for that one.
  Kept* KeptFor(Target target, MemberNumber missed);
  std::vector<std::string> TakeSome(const Kept& kept) const;
  void Forget(Address address, const std::vector<std::string>& items);
  void ForgetAll(std::map<Address, Kept>::iterator kept);
  Task<Result<std::vector<std::string>>> Batches(ShardNumber shard, bool records, std::vector<std::string> items);
  Task<void> DeliverAll(MemberNumber member);
  Task<bool> DeliverOne(Address address);
  void HandDown(Address address);

  Caller& caller_;
  Directory& directory_;
  ReplicaStore* store_;  // null: a member without data
  const Settings& settings_;
  const MemberNumber self_;
  Gate gate_;
  std::map<Address, Kept> kept_;
  std::set<MemberNumber> delivering_;
  std::set<std::pair<ShardNumber, MemberNumber>> overflowed_;
  uint64_t pending_ = 0;
  uint64_t record_bytes_ = 0;
};

}  // namespace rhizome::fabric
