// What the port promises, asked of every implementation.
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "base/scratch_testing.h"
#include "coordination/coordination_testing.h"
#include "coordination/embedded.h"
#include "coordination/etcd.h"

namespace rhizome::coordination {
namespace {

constexpr int64_t kTtlMs = 2'000;
constexpr int64_t kTtlMsMax = 3'000;  // etcd may round up

// A store on its own folder or its own etcd.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Coordination& store() = 0;
};

class EmbeddedSubject final : public Subject {
 public:
  EmbeddedSubject() : store_(Embedded::Open(io::RealDisk(), folder_.path()).value()) {}
  Coordination& store() override { return *store_; }

 private:
  ScratchFolder folder_;
  std::unique_ptr<Embedded> store_;
};

class EtcdSubject final : public Subject {
 public:
  EtcdSubject()
      : store_(Etcd::Open({.endpoints = etcd_.servers->addresses(), .key_prefix = "", .timeout_ms = 20'000}).value()) {}
  Coordination& store() override { return *store_; }

 private:
  TestEtcd etcd_;
  std::unique_ptr<Etcd> store_;
};

class Contract : public testing::TestWithParam<const char*> {
 protected:
  Contract() {
    if (std::string(GetParam()) == "Embedded") {
      subject_ = std::make_unique<EmbeddedSubject>();
    } else {
      subject_ = std::make_unique<EtcdSubject>();
    }
  }
  Coordination& store() { return subject_->store(); }

 private:
  std::unique_ptr<Subject> subject_;
};

INSTANTIATE_TEST_SUITE_P(Store, Contract, testing::Values("Embedded", "Etcd"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(Contract, KeyIsCreatedOnce) {
  const Committed first = MustCommit(store(), {{{"a", 0}}, {Put("a", "1")}});
  EXPECT_TRUE(first.succeeded);
  const Committed second = MustCommit(store(), {{{"a", 0}}, {Put("a", "2")}});
  EXPECT_FALSE(second.succeeded);
  EXPECT_EQ(second.revision, first.revision);
  const Listing listing = MustList(store());
  EXPECT_EQ(listing.entries, (std::vector<KeyValue>{{"a", "1", first.revision, first.revision, kNoLease}}));
  EXPECT_EQ(listing.revision, first.revision);
}

TEST_P(Contract, UpdateNeedsTheRevisionItSaw) {
  const int64_t created = MustCommit(store(), {{}, {Put("a", "1")}}).revision;
  const int64_t updated = MustCommit(store(), {{{"a", created}}, {Put("a", "2")}}).revision;
  EXPECT_EQ(updated, created + 1);
  EXPECT_FALSE(MustCommit(store(), {{{"a", created}}, {Put("a", "3")}}).succeeded);
  EXPECT_EQ(MustList(store()).entries, (std::vector<KeyValue>{{"a", "2", created, updated, kNoLease}}));
}

TEST_P(Contract, DeletedKeyComesBackWithAHigherCreateRevision) {
  const int64_t first = MustCommit(store(), {{}, {Put("a", "1")}}).revision;
  EXPECT_TRUE(MustCommit(store(), {{{"a", first}}, {Delete("a")}}).succeeded);
  EXPECT_TRUE(MustList(store()).entries.empty());
  const int64_t again = MustCommit(store(), {{{"a", 0}}, {Put("a", "1")}}).revision;
  EXPECT_EQ(again, first + 2);
  EXPECT_EQ(MustList(store()).entries[0].create_revision, again);
}

TEST_P(Contract, TransactionIsAllOrNothingInOneRevision) {
  const int64_t first = MustCommit(store(), {{}, {Put("a", "1"), Put("b", "1"), Put("c", "1")}}).revision;
  EXPECT_FALSE(MustCommit(store(), {{{"a", first}, {"d", first}}, {Put("a", "2"), Delete("b")}}).succeeded);
  EXPECT_EQ(MustList(store()).entries.size(), 3u);
  const int64_t second =
      MustCommit(store(), {{{"a", first}, {"d", 0}}, {Put("a", "2"), Delete("b"), Put("d", "2")}}).revision;
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(MustList(store()).entries, (std::vector<KeyValue>{{"a", "2", first, second, kNoLease},
                                                              {"c", "1", first, first, kNoLease},
                                                              {"d", "2", second, second, kNoLease}}));
}

TEST_P(Contract, WhatChangesNothingTakesNoRevision) {
  const int64_t first = MustCommit(store(), {{}, {Put("a", "1")}}).revision;
  const Committed check = MustCommit(store(), {{{"a", first}, {"b", 0}}, {}});
  EXPECT_TRUE(check.succeeded);
  EXPECT_EQ(check.revision, first);
  EXPECT_FALSE(MustCommit(store(), {{{"a", 0}}, {}}).succeeded);
  EXPECT_TRUE(MustCommit(store(), {{}, {Delete("b")}}).succeeded);
  EXPECT_EQ(MustList(store()).revision, first);
  EXPECT_EQ(MustCommit(store(), {{}, {Put("a", "1")}}).revision, first + 1);
}

TEST_P(Contract, ListIsCompleteAndSortedAndStaysUnderThePrefix) {
  std::vector<std::string> wanted;
  for (int transaction = 0; transaction < 3; ++transaction) {
    Transaction puts;
    for (int i = 0; i < 100; ++i) {
      wanted.push_back("p/" + std::to_string(1000 + transaction * 100 + i));
      puts.changes.push_back(Put(wanted.back(), "value of " + wanted.back()));
    }
    std::reverse(puts.changes.begin(), puts.changes.end());
    MustCommit(store(), puts);
  }
  MustCommit(store(), {{}, {Put("o", ""), Put("p", ""), Put("p0", ""), Put("q", "")}});
  const Listing listing = MustList(store(), "p/");
  ASSERT_EQ(listing.entries.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(listing.entries[i].key, wanted[i]);
    EXPECT_EQ(listing.entries[i].value, "value of " + wanted[i]);
  }
  EXPECT_EQ(MustList(store()).entries.size(), wanted.size() + 4);
  EXPECT_TRUE(MustList(store(), "r").entries.empty());
}

TEST_P(Contract, AnyBytesAreKeysAndValues) {
  const std::string odd("\xff\x00\n\"\\\xff", 6);
  MustCommit(store(), {{}, {Put(odd, odd), Put("\xff\xff", ""), Put(std::string(1, '\0'), "zero")}});
  EXPECT_EQ(MustList(store()).entries.size(), 3u);
  const Listing listing = MustList(store(), "\xff");
  ASSERT_EQ(listing.entries.size(), 2u);
  EXPECT_EQ(listing.entries[0].key, odd);
  EXPECT_EQ(listing.entries[0].value, odd);
  EXPECT_EQ(MustList(store(), std::string(1, '\0')).entries.size(), 1u);
}

TEST_P(Contract, WhatIsAtTheLimitsIsTaken) {
  const std::string key(kKeyBytesMax, 'k');
  EXPECT_TRUE(MustCommit(store(), {{{key, 0}}, {Put(key, std::string(kValueBytesMax, 'v'))}}).succeeded);
  EXPECT_EQ(MustList(store(), key).entries[0].value.size(), kValueBytesMax);
  Transaction many;
  const size_t key_bytes = 512;
  const size_t value_bytes = kTransactionBytesMax / kChangesMax - 2 * key_bytes;
  for (size_t i = 0; i < kChangesMax; ++i) {
    std::string name = std::to_string(1000 + i);
    name.resize(key_bytes, '.');
    many.expect.push_back({name, 0});
    many.changes.push_back(Put(name, std::string(value_bytes, 'v')));
  }
  EXPECT_TRUE(MustCommit(store(), many).succeeded);
  EXPECT_EQ(MustList(store(), "1").entries.size(), kChangesMax);
}

TEST_P(Contract, WhatIsBeyondThemIsRefusedByName) {
  EXPECT_EQ(store().Commit({{}, {Put("a", "1"), Delete("a")}}).status().field(), "changes[1].key");
  EXPECT_EQ(store().Commit({{{"", 0}}, {}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store().List(std::string(kKeyBytesMax + 1, 'p')).status().field(), "prefix");
  EXPECT_EQ(store().AwaitChange(std::string(kKeyBytesMax + 1, 'p'), 0, 0).status().field(), "prefix");
  EXPECT_EQ(store().Grant(0).status().field(), "ttl_ms");
}

TEST_P(Contract, LeaseKeptAliveLivesAndLeftAloneTakesItsKeys) {
  const LeaseId lease = MustGrant(store(), kTtlMs);
  const int64_t made = MustCommit(store(), {{}, {Put("a", "", lease), Put("b", "", lease), Put("c", "")}}).revision;
  EXPECT_EQ(MustList(store(), "a").entries[0].lease, lease);
  for (const int64_t end = NowMs() + kTtlMsMax; NowMs() < end; SleepMs(100)) {
    const auto left = store().KeepAlive(lease);
    ASSERT_TRUE(left.ok()) << left.status().ToString();
    EXPECT_GE(*left, kTtlMs);
    EXPECT_LE(*left, kTtlMsMax);
  }
  EXPECT_EQ(MustList(store()).entries.size(), 3u);
  const int64_t left_at = NowMs();
  EXPECT_TRUE(Eventually([&] { return MustList(store()).entries.size() == 1; }));
  EXPECT_GE(NowMs() - left_at, kTtlMs / 2);
  EXPECT_EQ(MustList(store()).revision, made + 1);
  EXPECT_EQ(store().KeepAlive(lease).status().code(), Code::kNotFound);
}

TEST_P(Contract, RevokedLeaseTakesItsKeysAtOnce) {
  const LeaseId lease = MustGrant(store(), 60'000);
  const LeaseId other = MustGrant(store(), 60'000);
  EXPECT_NE(lease, other);
  const int64_t made =
      MustCommit(store(), {{}, {Put("a", "", lease), Put("b", "", lease), Put("c", "", other)}}).revision;
  EXPECT_TRUE(store().Revoke(lease).ok());
  const Listing listing = MustList(store());
  ASSERT_EQ(listing.entries.size(), 1u);
  EXPECT_EQ(listing.revision, made + 1);
  EXPECT_EQ(store().Revoke(lease).code(), Code::kNotFound);
  EXPECT_TRUE(store().KeepAlive(other).ok());
}

TEST_P(Contract, PutTakesAKeyOffItsLease) {
  const LeaseId lease = MustGrant(store(), 60'000);
  MustCommit(store(), {{}, {Put("a", "", lease)}});
  MustCommit(store(), {{}, {Put("a", "")}});
  EXPECT_TRUE(store().Revoke(lease).ok());
  EXPECT_EQ(MustList(store()).entries.size(), 1u);
}

TEST_P(Contract, UnknownLeaseIsNotFoundAndNothingChanges) {
  const LeaseId unknown = 123'456'789;
  EXPECT_EQ(store().Commit({{}, {Put("a", "1"), Put("b", "1", unknown)}}).status().code(), Code::kNotFound);
  EXPECT_FALSE(MustCommit(store(), {{{"a", 1}}, {Put("b", "1", unknown)}}).succeeded);
  EXPECT_EQ(store().KeepAlive(unknown).status().code(), Code::kNotFound);
  EXPECT_EQ(store().Revoke(unknown).code(), Code::kNotFound);
  EXPECT_TRUE(MustList(store()).entries.empty());
}

TEST_P(Contract, AwaitChangeTellsWhatAlreadyHappened) {
  const int64_t first = MustCommit(store(), {{}, {Put("p/a", "1")}}).revision;
  EXPECT_EQ(store().AwaitChange("p/", first - 1, 20'000).value(), first);
  const int64_t second = MustCommit(store(), {{}, {Delete("p/a")}}).revision;
  EXPECT_EQ(store().AwaitChange("p/", first, 20'000).value(), second);
  EXPECT_GE(store().AwaitChange("", 0, 20'000).value(), first);
}

TEST_P(Contract, AwaitChangeWaitsForTheNextChange) {
  const int64_t first = MustCommit(store(), {{}, {Put("p/a", "1")}}).revision;
  std::atomic<int64_t> seen = 0;
  std::thread waiter([&] { seen = store().AwaitChange("p/", first, 20'000).value(); });
  SleepMs(300);
  EXPECT_EQ(seen.load(), 0);
  const int64_t second = MustCommit(store(), {{}, {Put("p/b", "1")}}).revision;
  waiter.join();
  EXPECT_EQ(seen.load(), second);
}

TEST_P(Contract, AwaitChangeHearsOfAnEndedLease) {
  const LeaseId lease = MustGrant(store(), kTtlMs);
  const int64_t made = MustCommit(store(), {{}, {Put("p/a", "1", lease)}}).revision;
  EXPECT_EQ(store().AwaitChange("p/", made, 20'000).value(), made + 1);
  EXPECT_TRUE(MustList(store()).entries.empty());
}

TEST_P(Contract, AwaitChangeGivesUpInTime) {
  const int64_t revision = MustCommit(store(), {{}, {Put("a", "1")}}).revision;
  const int64_t begin = NowMs();
  EXPECT_EQ(store().AwaitChange("a", revision, 200).value(), revision);
  EXPECT_GE(NowMs() - begin, 190);
  EXPECT_LT(NowMs() - begin, 5'000);
}

TEST_P(Contract, ConcurrentIncrementsAreAllCounted) {
  MustCommit(store(), {{}, {Put("count", "0")}});
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int done = 0; done < kEach;) {
        const KeyValue seen = MustList(store(), "count").entries.at(0);
        const std::string next = std::to_string(std::stoi(seen.value) + 1);
        done += MustCommit(store(), {{{"count", seen.mod_revision}}, {Put("count", next)}}).succeeded ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(MustList(store()).entries[0].value, std::to_string(kThreads * kEach));
}

// Both implementations live the same random life and must say the same, revisions included.
class Twins {
 public:
  void Step(std::mt19937& random) {
    switch (random() % 8) {
      case 0: leases_.emplace_back(MustGrant(embedded_.store(), 600'000), MustGrant(etcd_.store(), 600'000)); break;
      case 1:
        if (!leases_.empty()) Revoke(random() % leases_.size());
        break;
      default: Commit(random);
    }
    Compare();
  }

 private:
  void Revoke(size_t lease) {
    EXPECT_EQ(embedded_.store().Revoke(leases_[lease].first).code(),
              etcd_.store().Revoke(leases_[lease].second).code());
  }
  void Commit(std::mt19937& random) {
    Transaction here;
    Transaction there;
    const Listing now = MustList(embedded_.store());
    for (const char* key : {"a", "b", "c", "d"}) {
      if (random() % 3 == 0) {
        const bool right = random() % 4 != 0;
        const auto entry = std::find_if(now.entries.begin(), now.entries.end(),
                                        [&](const KeyValue& candidate) { return candidate.key == key; });
        const int64_t revision = entry == now.entries.end() ? 0 : entry->mod_revision;
        here.expect.push_back({key, right ? revision : revision + 1});
      }
      if (random() % 3 == 0) continue;
      const bool put = random() % 3 != 0;
      const bool leased = put && !leases_.empty() && random() % 3 == 0;
      const auto lease = leased ? leases_[random() % leases_.size()] : std::pair<LeaseId, LeaseId>();
      const Change change = put ? Put(key, std::to_string(random() % 100)) : Delete(key);
      here.changes.push_back({change.key, change.value, lease.first});
      there.changes.push_back({change.key, change.value, lease.second});
    }
    there.expect = here.expect;
    const auto one = embedded_.store().Commit(here);
    const auto two = etcd_.store().Commit(there);
    ASSERT_EQ(one.status().code(), two.status().code()) << two.status().ToString();
    if (!one.ok()) return;
    EXPECT_EQ(one->succeeded, two->succeeded);
    EXPECT_EQ(one->revision, two->revision);
  }
  void Compare() {
    const Listing one = MustList(embedded_.store());
    Listing two = MustList(etcd_.store());
    EXPECT_EQ(one.revision, two.revision);
    for (KeyValue& entry : two.entries) {
      for (const auto& [here, there] : leases_) {
        if (entry.lease == there) entry.lease = here;
      }
    }
    EXPECT_EQ(one.entries, two.entries);
  }

  EmbeddedSubject embedded_;
  EtcdSubject etcd_;
  std::vector<std::pair<LeaseId, LeaseId>> leases_;
};

TEST(Contracts, EmbeddedAndEtcdSayTheSameThroughARandomLife) {
  Twins twins;
  std::mt19937 random(7);
  for (int step = 0; step < 300 && !testing::Test::HasFailure(); ++step) {
    SCOPED_TRACE(step);
    twins.Step(random);
  }
}

}  // namespace
}  // namespace rhizome::coordination
