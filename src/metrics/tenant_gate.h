// TenantGate: keeps tenants of a cluster from having more series than they may, at the process that takes their samples
// in: it alone refuses, owners take every sound record.
//
// How many series a tenant has the owners say. Between two answers every series of a batch counts as if it were a new
// one; when that would be too many the owners are asked anew, at most once a second, and after that which series they
// know. So far below its limit a tenant costs a comparison for each batch, and at it a look at each series. Processes
// do not know of each other's batches under way, so a few series more than the limit may come to be.
//
// Without an answer nothing is refused: a limit is no reason to lose samples. Thread-safe. The clock outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "format/series_batch.h"
#include "metrics/fingerprint_set.h"
#include "metrics/tenancy.h"

namespace rhizome::metrics {

class TenantGate {
 public:
  static constexpr int64_t kAskEveryNs = 1'000'000'000;
  static constexpr int64_t kRefuseForNs = 5'000'000'000;      // without asking anew
  static constexpr int64_t kRememberForNs = 600'000'000'000;  // that the owners know a series; or twice as long

  TenantGate(TenantLimits limits, Clock& clock) : limits_(std::move(limits)), clock_(clock) {}

  struct Census {
    uint64_t series = 0;      // that the tenant has in memory
    std::vector<bool> known;  // of each series asked for, whether it is one of them
  };
  using Ask = std::function<Result<Census>(const std::vector<std::string>& labels)>;

  // Of each series of the batch, which is as it is kept, whether it is refused; empty: none is. Calls `ask` without a
  // lock held.
  std::vector<bool> Refuse(const Tenancy& tenant, const format::SeriesBatch& batch, const Ask& ask) EXCLUDES(mutex_);

 private:
  struct Account {
    bool answered = false;  // by the owners, at least once
    int64_t asked_ns = -kAskEveryNs;
    uint64_t used = 0;  // as of the last answer, and every series that was let in unlooked at since
    FingerprintSet known, known_before, refused;
    int64_t known_ns = 0, refused_ns = 0;  // since when they are gathered
  };
  enum class Entry { kFree, kUnsure };

  // Lets a batch of so many series in if it surely fits.
  static Entry TryEnter(Account& account, uint64_t series, uint64_t limit);
  static void Age(Account& account, int64_t now_ns);
  static bool Knows(Account& account, uint64_t fingerprint);
  std::vector<bool> RefuseEach(const Tenancy& tenant, const format::SeriesBatch& batch, const Ask& ask)
      EXCLUDES(mutex_);

  const TenantLimits limits_;
  Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Account> accounts_ GUARDED_BY(mutex_);  // by tenant
};

}  // namespace rhizome::metrics
