#include "coordination/state.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/hash.h"

namespace rhizome::coordination {
namespace {

Change Put(std::string key, std::string value, LeaseId lease = kNoLease) {
  return {std::move(key), std::move(value), lease};
}
Change Delete(std::string key) { return {std::move(key), std::nullopt}; }

Committed MustCommit(State& state, const Transaction& transaction) {
  auto committed = state.Commit(transaction);
  EXPECT_TRUE(committed.ok()) << committed.status().ToString();
  return committed.ok() ? *committed : Committed{};
}

TEST(State, TransactionIsOneRevisionAndKeepsCreateRevisions) {
  State state;
  EXPECT_EQ(state.revision(), 1);
  EXPECT_EQ(MustCommit(state, {{}, {Put("a", "1"), Put("b", "1")}}).revision, 2);
  EXPECT_EQ(MustCommit(state, {{}, {Put("a", "2")}}).revision, 3);
  const Listing listing = state.List("");
  EXPECT_EQ(listing.revision, 3);
  EXPECT_EQ(listing.entries, (std::vector<KeyValue>{{"a", "2", 2, 3, 0}, {"b", "1", 2, 2, 0}}));
  MustCommit(state, {{}, {Delete("a")}});
  MustCommit(state, {{}, {Put("a", "3")}});
  EXPECT_EQ(state.List("a").entries[0].create_revision, 5);
}

TEST(State, FailedExpectationChangesNothing) {
  State state;
  MustCommit(state, {{}, {Put("a", "1")}});
  for (const Expect& wrong : {Expect{"a", 0}, Expect{"a", 1}, Expect{"a", 3}, Expect{"b", 2}}) {
    const Committed committed = MustCommit(state, {{{"c", 0}, wrong}, {Put("a", "x"), Put("b", "x")}});
    EXPECT_FALSE(committed.succeeded);
    EXPECT_EQ(committed.revision, 2);
  }
  EXPECT_EQ(state.List("").entries, (std::vector<KeyValue>{{"a", "1", 2, 2, 0}}));
  EXPECT_EQ(state.revision(), 2);
}

TEST(State, WhatChangesNothingTakesNoRevision) {
  State state;
  MustCommit(state, {{}, {Put("a", "1")}});
  EXPECT_TRUE(MustCommit(state, {{{"a", 2}}, {}}).succeeded);
  EXPECT_TRUE(MustCommit(state, {{}, {Delete("b")}}).succeeded);
  EXPECT_EQ(state.revision(), 2);
  EXPECT_EQ(MustCommit(state, {{}, {Put("a", "1")}}).revision, 3) << "the same value again is a change";
}

TEST(State, InvalidTransactionIsRefused) {
  State state;
  EXPECT_EQ(state.Commit({{}, {Put("a", "1"), Put("a", "2")}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(state.revision(), 1);
}

TEST(State, ListGivesThePrefixSorted) {
  State state;
  MustCommit(state, {{}, {Put("b/2", ""), Put("b/1", ""), Put("a", ""), Put("b0", ""), Put("b", "")}});
  std::vector<std::string> keys;
  for (const KeyValue& entry : state.List("b/").entries) keys.push_back(entry.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"b/1", "b/2"}));
  EXPECT_EQ(state.List("").entries.size(), 5u);
  EXPECT_TRUE(state.List("c").entries.empty());
}

TEST(State, EndedLeaseTakesItsKeysInOneRevision) {
  State state;
  const LeaseId lease = state.Grant(100, 1000).value();
  const LeaseId other = state.Grant(200, 1000).value();
  MustCommit(state, {{}, {Put("a", "", lease), Put("b", "", lease), Put("c", "", other), Put("d", "")}});
  EXPECT_EQ(state.NextExpiryMs(), 1100);
  EXPECT_FALSE(state.Expire(1099));
  EXPECT_TRUE(state.Expire(1100));
  EXPECT_EQ(state.revision(), 3);
  EXPECT_EQ(state.List("").entries.size(), 2u);
  EXPECT_EQ(state.KeepAlive(lease, 1100).status().code(), Code::kNotFound);
  EXPECT_EQ(state.Revoke(lease).code(), Code::kNotFound);
  EXPECT_EQ(state.NextExpiryMs(), 1200);
}

TEST(State, LeasesDueTogetherEndInRevisionsOfTheirOwn) {
  State state;
  for (const char* key : {"a", "b"}) MustCommit(state, {{}, {Put(key, "", state.Grant(10, 0).value())}});
  EXPECT_TRUE(state.Expire(10));
  EXPECT_EQ(state.revision(), 5);
  EXPECT_FALSE(state.NextExpiryMs().has_value());
}

TEST(State, LeaseWithoutKeysEndsWithoutARevision) {
  State state;
  ASSERT_TRUE(state.Grant(10, 0).ok());
  EXPECT_TRUE(state.Expire(10));
  EXPECT_EQ(state.revision(), 1);
}

TEST(State, KeepAliveProlongsUntilTheLeaseIsDue) {
  State state;
  const LeaseId lease = state.Grant(100, 0).value();
  EXPECT_EQ(state.KeepAlive(lease, 99).value(), 100);
  EXPECT_FALSE(state.Expire(198));
  EXPECT_EQ(state.KeepAlive(lease, 199).status().code(), Code::kNotFound) << "due, though nobody has ended it yet";
  EXPECT_TRUE(state.Expire(199));
}

TEST(State, RevokeEndsAtOnce) {
  State state;
  const LeaseId lease = state.Grant(100, 0).value();
  MustCommit(state, {{}, {Put("a", "", lease)}});
  EXPECT_TRUE(state.Revoke(lease).ok());
  EXPECT_TRUE(state.List("").entries.empty());
  EXPECT_EQ(state.revision(), 3);
}

TEST(State, PutMovesAKeyBetweenLeases) {
  State state;
  const LeaseId lease = state.Grant(100, 0).value();
  MustCommit(state, {{}, {Put("a", "", lease), Put("b", "", lease)}});
  MustCommit(state, {{}, {Put("a", "")}});
  EXPECT_TRUE(state.Expire(100));
  ASSERT_EQ(state.List("").entries.size(), 1u);
  EXPECT_EQ(state.List("").entries[0].key, "a");
}

TEST(State, UnknownLeaseIsNotFoundOnlyWhenTheExpectationsHold) {
  State state;
  EXPECT_EQ(state.Commit({{}, {Put("a", "1"), Put("b", "1", 7)}}).status().code(), Code::kNotFound);
  EXPECT_FALSE(MustCommit(state, {{{"a", 5}}, {Put("b", "1", 7)}}).succeeded);
  EXPECT_EQ(state.revision(), 1);
}

TEST(State, LeaseNumbersNeverRepeat) {
  State state;
  const LeaseId first = state.Grant(1, 0).value();
  ASSERT_TRUE(state.Expire(1));
  State again = State::Decode(state.Encode(), 0).value();
  EXPECT_GT(again.Grant(1, 0).value(), first);
}

TEST(State, BoundsAreKept) {
  State state;
  EXPECT_EQ(state.Grant(0, 0).status().code(), Code::kInvalidArgument);
  for (size_t i = 0; i < kLeasesMax; ++i) ASSERT_TRUE(state.Grant(10, 0).ok());
  EXPECT_EQ(state.Grant(10, 0).status().code(), Code::kResourceExhausted);
  const std::string value(kValueBytesMax, 'v');
  for (size_t i = 0; i < kStateBytesMax / kValueBytesMax - 1; ++i) {
    ASSERT_TRUE(state.Commit({{}, {Put("key" + std::to_string(100 + i), value)}}).ok());
  }
  EXPECT_EQ(state.Commit({{}, {Put("one", value)}}).status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(state.Commit({{}, {Delete("key100"), Put("one", value)}}).ok());
  EXPECT_TRUE(state.Commit({{}, {Put("key101", "")}}).ok());
  EXPECT_TRUE(state.Commit({{}, {Put("two", value)}}).ok());
}

TEST(State, ChangedAfterLooksUnderThePrefixOnly) {
  State state;
  const LeaseId lease = state.Grant(10, 0).value();
  MustCommit(state, {{}, {Put("a/1", "", lease)}});  // 2
  MustCommit(state, {{}, {Put("b/1", "")}});         // 3
  EXPECT_TRUE(state.ChangedAfter("a/", 1));
  EXPECT_FALSE(state.ChangedAfter("a/", 2));
  EXPECT_TRUE(state.ChangedAfter("b/", 2));
  EXPECT_FALSE(state.ChangedAfter("", 3));
  ASSERT_TRUE(state.Expire(10));  // 4
  EXPECT_TRUE(state.ChangedAfter("a/", 3));
  EXPECT_FALSE(state.ChangedAfter("b/", 3));
}

TEST(State, ForgottenDeletionsCountAsChanges) {
  State state;
  MustCommit(state, {{}, {Put("a", "")}});
  MustCommit(state, {{}, {Delete("a")}});
  for (int i = 0; i < 1024; ++i) {
    MustCommit(state, {{}, {Put("b", "")}});
    EXPECT_FALSE(state.ChangedAfter("c", 3));
    MustCommit(state, {{}, {Delete("b")}});
  }
  EXPECT_TRUE(state.ChangedAfter("c", 2));
  EXPECT_FALSE(state.ChangedAfter("c", 3));
  const State decoded = State::Decode(state.Encode(), 0).value();
  EXPECT_TRUE(decoded.ChangedAfter("c", decoded.revision() - 1));
  EXPECT_FALSE(decoded.ChangedAfter("c", decoded.revision()));
}

State Example() {
  State state;
  const LeaseId lease = state.Grant(5000, 0).value();
  (void)state.Grant(60'000, 0).value();
  MustCommit(state, {{}, {Put("leader", "node-1", lease), Put("nodes/1", std::string("\0\xff", 2))}});
  MustCommit(state, {{{"nodes/1", 2}}, {Put("nodes/1", "two"), Put("empty", "")}});
  return state;
}

std::string Golden() {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/coordination/testdata/coordination_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

TEST(StateFormat, GoldenFileStillLoads) {
  EXPECT_EQ(Example().Encode(), Golden());
  const auto decoded = State::Decode(Golden(), 0);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->List("").entries, Example().List("").entries);
  EXPECT_EQ(decoded->revision(), 3);
}

TEST(StateFormat, DecodedLeasesBeginAnew) {
  const State decoded = State::Decode(Example().Encode(), 1'000'000).value();
  EXPECT_EQ(decoded.NextExpiryMs(), 1'005'000);
}

TEST(StateFormat, EveryTruncationAndBitFlipIsCorruption) {
  const std::string bytes = Example().Encode();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(State::Decode(bytes.substr(0, length), 0).status().code(), Code::kCorruption) << length;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(State::Decode(flipped, 0).status().code(), Code::kCorruption) << bit;
  }
}

// Writes the fields of a state by hand, so that each can be wrong under a right checksum.
struct Written {
  uint32_t magic = 0x4f434852;
  uint8_t version = 1;
  int64_t revision = 9;
  int64_t next_lease = 5;
  std::vector<std::pair<LeaseId, int64_t>> leases = {{1, 100}, {4, 100}};
  std::vector<KeyValue> entries = {{"a", "1", 2, 3, 4}, {"b", "1", 9, 9, 0}};
  std::string tail;

  std::string Bytes() const {
    std::string out;
    format::PutU32(out, magic);
    format::PutU8(out, version);
    format::PutI64(out, revision);
    format::PutI64(out, next_lease);
    format::PutVarint(out, leases.size());
    for (const auto& [id, ttl_ms] : leases) {
      format::PutI64(out, id);
      format::PutI64(out, ttl_ms);
    }
    format::PutVarint(out, entries.size());
    for (const KeyValue& entry : entries) {
      format::PutBytes(out, entry.key);
      format::PutBytes(out, entry.value);
      for (const int64_t number : {entry.create_revision, entry.mod_revision, entry.lease}) {
        format::PutI64(out, number);
      }
    }
    out += tail;
    format::PutU64(out, Checksum(out));
    return out;
  }
};

TEST(StateFormat, SenselessContentUnderARightChecksumIsCorruption) {
  ASSERT_TRUE(State::Decode(Written{}.Bytes(), 0).ok());
  const std::vector<Written> wrong = {
      {.magic = 1},
      {.version = 2},
      {.revision = 0},
      {.revision = INT64_MAX},
      {.revision = 8},  // a key is newer
      {.next_lease = 0},
      {.next_lease = 4},  // a lease has that number
      {.next_lease = INT64_MAX},
      {.leases = {{4, 100}, {1, 100}}},
      {.leases = {{4, 100}, {4, 100}}},
      {.leases = {{0, 100}, {4, 100}}},
      {.leases = {{4, 0}}},
      {.leases = {{4, kLeaseTtlMsMax + 1}}},
      {.leases = {{1, 100}}},  // a key hangs on 4
      {.entries = {{"b", "", 2, 2, 0}, {"a", "", 2, 2, 0}}},
      {.entries = {{"a", "", 2, 2, 0}, {"a", "", 2, 2, 0}}},
      {.entries = {{"", "", 2, 2, 0}}},
      {.entries = {{"a", "", 1, 2, 0}}},
      {.entries = {{"a", "", 3, 2, 0}}},
      {.entries = {{std::string(kKeyBytesMax + 1, 'k'), "", 2, 2, 0}}},
      {.entries = {{"a", std::string(kValueBytesMax + 1, 'v'), 2, 2, 0}}},
      {.tail = "x"},
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_EQ(State::Decode(wrong[i].Bytes(), 0).status().code(), Code::kCorruption) << i;
  }
}

}  // namespace
}  // namespace rhizome::coordination
