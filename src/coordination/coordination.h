// Coordination port: the small truths that all nodes share (members, leases, placement, the catalogue).
//
// A sorted map of keys to values with one revision counter, changed by transactions: all expectations hold and every
// change is made under one new revision, or nothing changes. Decisions are taken by Commit alone: what List showed may
// be past by the time it is read, and AwaitChange is a hint that may come early, late, twice or never. A key may hang
// on a lease and goes with it. Implementations: Embedded (one process, its own disk), Etcd (etcd v3).
//
// Revisions only grow. `create_revision` stays while a key is updated and is new when it comes back, so it serves as a
// fencing epoch. A transaction that changes nothing (it only checks, or deletes what is not there) takes no revision.
//
// What completion promises: an OK Commit is durable and seen by every later List of every caller. DeadlineExceeded
// means unknown: it may have been made, or be made yet; List tells. Any other error of Commit means surely not made;
// Unavailable among them may be tried again. The other calls may be repeated after any error.
//
// Thread-safe; every call blocks its caller for as long as its implementation's time limit allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace rhizome::coordination {

using LeaseId = int64_t;
inline constexpr LeaseId kNoLease = 0;

inline constexpr size_t kKeyBytesMax = 1 << 10;
inline constexpr size_t kValueBytesMax = 1 << 20;
inline constexpr size_t kChangesMax = 128;  // and as many expectations
// Keys and values of one transaction together; a fifth below what etcd takes by default.
inline constexpr size_t kTransactionBytesMax = (1 << 20) + (256 << 10);
inline constexpr int64_t kLeaseTtlMsMax = 24 * 3'600'000;

struct KeyValue {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  LeaseId lease = kNoLease;
  bool operator==(const KeyValue&) const = default;
};

// That the key was last changed at `mod_revision`; 0: that it does not exist.
struct Expect {
  std::string key;
  int64_t mod_revision = 0;
};

// Puts a value, on a lease or on none whatever it was on before, or deletes the key (no value).
struct Change {
  std::string key;
  std::optional<std::string> value;
  LeaseId lease = kNoLease;
};

struct Transaction {
  std::vector<Expect> expect;   // each key at most once
  std::vector<Change> changes;  // each key at most once
};

struct Committed {
  bool succeeded = false;  // false: an expectation did not hold, nothing changed
  int64_t revision = 0;    // of the changes when it succeeded, else the store's at that time
};

struct Listing {
  std::vector<KeyValue> entries;  // sorted by key
  int64_t revision = 0;           // all entries are of this moment
};

// InvalidArgument or TooLarge, naming the field, for what no implementation takes: an empty or duplicate key, a limit
// above passed, a negative revision, a delete on a lease.
Status CheckTransaction(const Transaction& transaction);
// The same for a prefix (too long) and for a lease's life (1 ms to kLeaseTtlMsMax).
Status CheckPrefix(const std::string& prefix);
Status CheckLeaseTtl(int64_t ttl_ms);

class Coordination {
 public:
  virtual ~Coordination() = default;

  // NotFound: the expectations held and a change names a lease that is gone; nothing changed.
  virtual Result<Committed> Commit(const Transaction& transaction) = 0;
  // Every key that begins with `prefix` (all with ""): linearizable, complete, of one moment.
  virtual Result<Listing> List(const std::string& prefix) = 0;

  // A lease that lives `ttl_ms` or somewhat longer (etcd counts whole seconds and has a least life), and again as
  // long from every KeepAlive. A grant whose answer was lost leaves a lease behind that ends by itself.
  virtual Result<LeaseId> Grant(int64_t ttl_ms) = 0;
  // Milliseconds it now has. NotFound once it has ended; an ended lease never comes back.
  virtual Result<int64_t> KeepAlive(LeaseId lease) = 0;
  // Ends the lease; its keys go in one revision. NotFound when it had ended.
  virtual Status Revoke(LeaseId lease) = 0;

  // A hint. Returns the newest revision seen once something under `prefix` may have changed after `after_revision`, or
  // `after_revision` when `timeout_ms` has passed. May return early, repeat or miss: callers list again, and do so from
  // time to time without a hint.
  virtual Result<int64_t> AwaitChange(const std::string& prefix, int64_t after_revision, int64_t timeout_ms) = 0;
};

}  // namespace rhizome::coordination
