#include <gtest/gtest.h>

#include "engines/vector/replica_testing.h"

namespace rhizome::vector {
namespace {

using format::Operation;
using format::RegisterVersion;

// Every register of the view, as the operation that recreates it.
std::vector<Operation> AllOf(const RegisterView& view) {
  std::vector<std::string> keys;
  EXPECT_TRUE(view.Scan([&](const RegisterVersion& entry) {
                    keys.push_back(entry.key);
                    return true;
                  })
                  .ok());
  std::vector<Operation> all;
  for (auto& operation : view.Read(keys).value()) all.push_back(std::move(operation).value());
  return all;
}

// What the replica holds now.
std::vector<Operation> AllOf(TestReplica& replica) {
  std::vector<Operation> all;
  for (const RegisterVersion& entry : replica.All()) all.push_back(replica.Read(entry.key).value());
  return all;
}

void Fill(TestReplica& replica) {
  for (uint64_t id = 0; id < 40; ++id) replica.Apply({Upsert(id, {id + 1, 1})});
  replica.Apply({Put("doc", {100, 1}, 3), Put("other", {101, 1}, 2), Delete(3, {102, 1}), Remove("gone", {103, 1})});
}

// Rewrites, deletes and revives everything.
void Change(TestReplica& replica) {
  for (uint64_t id = 0; id < 40; ++id) replica.Apply({Upsert(id, {id + 1'000, 1}, "changed")});
  for (uint64_t id = 0; id < 40; id += 2) replica.Apply({Delete(id, {id + 2'000, 1})});
  replica.Apply({Put("doc", {3'000, 1}, 1), Remove("other", {3'001, 1}), Put("gone", {3'002, 1}, 4)});
}

TEST(EngineView, ShowsAllThatIsThere) {
  TestReplica replica;
  Fill(replica);
  const auto view = replica->ViewRegisters().value();
  EXPECT_EQ(view->lsn(), replica->applied_lsn());
  EXPECT_EQ(AllOf(*view), AllOf(replica));
  EXPECT_EQ(AllOf(*view).size(), 43u);
}

TEST(EngineView, StaysAsItWasWhateverIsWrittenAndCompacted) {
  TestReplica replica;
  Fill(replica);
  const std::vector<Operation> before = AllOf(replica);
  const uint64_t lsn = replica->applied_lsn();
  const auto view = replica->ViewRegisters().value();
  Change(replica);
  EXPECT_EQ(AllOf(*view), before);
  ASSERT_TRUE(replica->Compact().ok());
  ASSERT_TRUE(replica->CollectTombstones({5'000, 1}).ok());
  replica.CheckpointNow();
  Change(replica);
  EXPECT_EQ(AllOf(*view), before);
  EXPECT_EQ(view->lsn(), lsn);
  EXPECT_NE(AllOf(replica), before);
}

TEST(EngineView, AVersionAfterItIsNotInIt) {
  TestReplica replica;
  Fill(replica);
  const auto view = replica->ViewRegisters().value();
  replica.Apply({Upsert(500, {500, 1})});
  EXPECT_EQ(view->Read(std::vector{Upsert(500, {}).Key()}).value()[0], std::nullopt);
  EXPECT_TRUE(replica.Read(Upsert(500, {}).Key()).has_value());
}

TEST(EngineView, AScanEndsWhenTold) {
  TestReplica replica;
  Fill(replica);
  int seen = 0;
  ASSERT_TRUE(replica->ViewRegisters().value()->Scan([&](const RegisterVersion&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST(EngineView, ABadKeyIsNamed) {
  TestReplica replica;
  const auto view = replica->ViewRegisters().value();
  EXPECT_EQ(view->Read(std::vector<std::string>{"nonsense"}).status().field(), "keys[0]");
}

TEST(EngineView, MergedElsewhereItGivesTheSameReplica) {
  TestReplica replica, other;
  Fill(replica);
  Change(replica);
  for (const Operation& operation : AllOf(*replica->ViewRegisters().value())) other.Apply({operation});
  ExpectEqual(replica, other);
}

}  // namespace
}  // namespace rhizome::vector
