// What the tests of coordination share: folders that go, short ways to write transactions, patient waiting. Only tests
// include this header.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/scratch_testing.h"
#include "coordination/coordination.h"
#include "coordination/etcd_server.h"
#include "io/disk.h"

namespace rhizome::coordination {

inline Change Put(std::string key, std::string value, LeaseId lease = kNoLease) {
  return {std::move(key), std::move(value), lease};
}
inline Change Delete(std::string key) { return {std::move(key), std::nullopt, kNoLease}; }

inline Committed MustCommit(Coordination& store, const Transaction& transaction) {
  const auto committed = store.Commit(transaction);
  EXPECT_TRUE(committed.ok()) << committed.status().ToString();
  return committed.ok() ? *committed : Committed{};
}
inline Listing MustList(Coordination& store, const std::string& prefix = "") {
  const auto listing = store.List(prefix);
  EXPECT_TRUE(listing.ok()) << listing.status().ToString();
  return listing.ok() ? *listing : Listing{};
}
inline LeaseId MustGrant(Coordination& store, int64_t ttl_ms) {
  const auto lease = store.Grant(ttl_ms);
  EXPECT_TRUE(lease.ok()) << lease.status().ToString();
  return lease.ok() ? *lease : kNoLease;
}

inline int64_t NowMs() { return SystemClock().MonotonicNs() / 1'000'000; }
inline void SleepMs(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// Whether `condition` came true within `timeout_ms`.
inline bool Eventually(const std::function<bool()>& condition, int64_t timeout_ms = 30'000) {
  for (const int64_t end = NowMs() + timeout_ms; NowMs() < end; SleepMs(20)) {
    if (condition()) return true;
  }
  return condition();
}

// Members in a folder that goes with them.
struct TestEtcd {
  explicit TestEtcd(size_t members = 1, io::HttpTls tls = {}) {
    auto started = EtcdServers::Start({.directory = folder.path(), .members = members, .tls = std::move(tls)});
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    if (started.ok()) servers = std::move(started).value();
  }
  ScratchFolder folder;
  std::unique_ptr<EtcdServers> servers;
};

}  // namespace rhizome::coordination
