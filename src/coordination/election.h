// Election: one leader among candidates, by one key on the leader's lease.
//
// Who makes the key leads until its lease ends or it resigns. The key is never updated, so its create revision is the
// leader's epoch: every later leader's is higher. Knowing oneself the leader is a view of the past at once; what makes
// it safe is fencing: replicas refuse an epoch below the highest they have seen, and a leader's own transactions carry
// Fence(), which fails once the key is another's. A claim whose outcome is unknown needs no care: the next look tells.
//
// The free functions are pure, for drivers that make their own calls; Election makes one call to the port per Step.
// Candidates have different names; a candidate that came back with a new lease is not the leader that its former self
// was, and waits for the old lease to end. Election is not thread-safe.
#pragma once

#include <string>

#include "coordination/coordination.h"

namespace rhizome::coordination {

struct Leadership {
  bool is_leader = false;  // this candidate, on this lease
  std::string leader;      // "" while there is none
  int64_t epoch = 0;       // of `leader`; 0 while there is none
  bool operator==(const Leadership&) const = default;
};

// What a listing that covers `key` tells.
Leadership LeadershipIn(const Listing& listing, const std::string& key, const std::string& candidate, LeaseId lease);
// Makes the key, if there is none.
Transaction Claim(const std::string& key, const std::string& candidate, LeaseId lease);
// What the answer to a claim tells; a claim that failed leaves the leader to be looked up.
Leadership LeadershipAfterClaim(const Committed& committed, const std::string& candidate);
// Holds as long as the leader of `epoch` leads; belongs in each of its transactions.
Expect Fence(const std::string& key, int64_t epoch);
// Removes the key, if it is still that of `epoch`.
Transaction Resignation(const std::string& key, int64_t epoch);

class Election {
 public:
  // `coordination` outlives the election.
  Election(Coordination& coordination, std::string key, std::string candidate);

  // One call to the port: a look, or a claim when the last look found no leader. On an error the former view is void:
  // leadership() then says nobody leads. The port's errors; NotFound when `lease` has ended.
  Result<Leadership> Step(LeaseId lease);
  // Gives leadership up, if held; then nobody leads. The port's errors.
  Status Resign();

  const Leadership& leadership() const { return leadership_; }

 private:
  Result<Leadership> Look(LeaseId lease);

  Coordination& coordination_;
  const std::string key_;
  const std::string candidate_;
  Leadership leadership_;
  bool vacant_ = false;  // as of the last look
};

}  // namespace rhizome::coordination
