#include "coordination/election.h"

namespace rhizome::coordination {

Leadership LeadershipIn(const Listing& listing, const std::string& key, const std::string& candidate, LeaseId lease) {
  for (const KeyValue& entry : listing.entries) {
    if (entry.key != key) continue;
    return {entry.value == candidate && entry.lease == lease && lease != kNoLease, entry.value, entry.create_revision};
  }
  return {};
}

Transaction Claim(const std::string& key, const std::string& candidate, LeaseId lease) {
  return {{{key, 0}}, {{key, candidate, lease}}};
}

Leadership LeadershipAfterClaim(const Committed& committed, const std::string& candidate) {
  if (!committed.succeeded) return {};
  return {true, candidate, committed.revision};
}

Expect Fence(const std::string& key, int64_t epoch) { return {key, epoch}; }

Transaction Resignation(const std::string& key, int64_t epoch) {
  return {{Fence(key, epoch)}, {{key, std::nullopt, kNoLease}}};
}

Election::Election(Coordination& coordination, std::string key, std::string candidate)
    : coordination_(coordination), key_(std::move(key)), candidate_(std::move(candidate)) {}

Result<Leadership> Election::Step(LeaseId lease) {
  if (lease == kNoLease) return Status::InvalidArgument("lease", "a leader needs one");
  leadership_ = {};
  if (!vacant_) return Look(lease);
  vacant_ = false;
  ASSIGN_OR_RETURN(const Committed committed, coordination_.Commit(Claim(key_, candidate_, lease)));
  leadership_ = LeadershipAfterClaim(committed, candidate_);
  return leadership_;
}

Result<Leadership> Election::Look(LeaseId lease) {
  ASSIGN_OR_RETURN(const Listing listing, coordination_.List(key_));
  leadership_ = LeadershipIn(listing, key_, candidate_, lease);
  vacant_ = leadership_.leader.empty();
  return leadership_;
}

Status Election::Resign() {
  if (!leadership_.is_leader) return Status::Ok();
  const int64_t epoch = leadership_.epoch;
  leadership_ = {};
  return coordination_.Commit(Resignation(key_, epoch)).status();
}

}  // namespace rhizome::coordination
