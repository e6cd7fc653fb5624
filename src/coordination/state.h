// State: what a coordination store knows, as a pure state machine; behind Embedded, and behind the simulated cluster's.
//
// Answers as etcd v3 does (coordination.h says how). Time comes in as `now_ms`, milliseconds of one clock that never
// goes back; nothing ends by itself: Expire ends the leases that are due, and whoever drives the state calls it before
// each other call. Until then an overdue lease still holds its keys, though KeepAlive no longer prolongs it.
//
// Bytes (docs/formats/coordination.md) hold everything but the leases' ends: a decoded state's leases begin anew with
// their whole life, since the time nobody served it cannot be told from the time nobody could reach it.
//
// Bounded: kStateBytesMax of keys and values, kLeasesMax leases. Deterministic. Not thread-safe; copyable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "coordination/coordination.h"
#include "format/coding.h"

namespace rhizome::coordination {

inline constexpr size_t kStateBytesMax = 64u << 20;
inline constexpr size_t kLeasesMax = 10'000;

class State {
 public:
  // InvalidArgument, TooLarge (CheckTransaction), NotFound (a lease), ResourceExhausted (full).
  Result<Committed> Commit(const Transaction& transaction);
  Listing List(const std::string& prefix) const;
  // InvalidArgument (the ttl), ResourceExhausted.
  Result<LeaseId> Grant(int64_t ttl_ms, int64_t now_ms);
  Result<int64_t> KeepAlive(LeaseId lease, int64_t now_ms);
  Status Revoke(LeaseId lease);

  // Ends every lease due at `now_ms`, each in a revision of its own if it has keys. True when one ended.
  bool Expire(int64_t now_ms);
  // When the next lease is due; nullopt without leases.
  std::optional<int64_t> NextExpiryMs() const;

  int64_t revision() const { return revision_; }
  // Whether a key under `prefix` changed after `revision`. True also where that is no longer known.
  bool ChangedAfter(const std::string& prefix, int64_t revision) const;

  std::string Encode() const;
  static Result<State> Decode(std::string_view bytes, int64_t now_ms);

 private:
  struct Entry {
    std::string value;
    int64_t create_revision = 0;
    int64_t mod_revision = 0;
    LeaseId lease = kNoLease;
  };
  struct Lease {
    int64_t ttl_ms = 0;
    int64_t end_ms = 0;
  };
  struct Deletion {
    int64_t revision;
    std::string key;
  };
  using Entries = std::map<std::string, Entry>;

  bool Holds(const Expect& expect) const;
  // What of the transaction would have an effect can be applied: leases exist, the result fits.
  Status CheckEffect(const Transaction& transaction) const;
  void Put(const Change& change, int64_t revision);
  Entries::iterator Erase(Entries::iterator entry, int64_t revision);
  void End(LeaseId lease);
  Status ReadLeases(format::Decoder& from, int64_t now_ms);
  Status ReadEntries(format::Decoder& from);

  int64_t revision_ = 1;  // as a fresh etcd's
  LeaseId next_lease_ = 1;
  Entries entries_;
  std::map<LeaseId, Lease> leases_;
  size_t bytes_ = 0;  // of keys and values
  // The latest deletions, oldest first: every one after `deletions_since_`.
  std::deque<Deletion> deletions_;
  int64_t deletions_since_ = 1;
};

}  // namespace rhizome::coordination
