#include "history/register_checker.h"

#include <gtest/gtest.h>

#include "history/random.h"

namespace rhizome::history {
namespace {

using Kind = Observation::Kind;

Observation Write(uint64_t content, int64_t called, int64_t returned) {
  return {.kind = Kind::kWrite, .called_ns = called, .returned_ns = returned, .content = content};
}
Observation Maybe(uint64_t content, int64_t called) {
  return {.kind = Kind::kWrite, .outcome = Outcome::kUnknown, .called_ns = called, .content = content};
}
Observation Read(uint64_t content, int64_t called, int64_t returned) {
  return {.kind = Kind::kRead, .called_ns = called, .returned_ns = returned, .content = content};
}
Observation At(Observation seen, uint64_t time) {
  seen.version = Version{time, 1};
  return seen;
}

bool Linearizable(const History& history) { return CheckRegister(history).kind == Verdict::Kind::kLinearizable; }
bool Violated(const History& history) { return CheckRegister(history).kind == Verdict::Kind::kViolated; }

TEST(RegisterChecker, OneAfterTheOtherIsLinearizable) {
  EXPECT_TRUE(Linearizable({}));
  EXPECT_TRUE(Linearizable({Read(0, 0, 1), Write(1, 2, 3), Read(1, 4, 5), Write(2, 6, 7), Read(2, 8, 9)}));
}

TEST(RegisterChecker, AStaleReadIsAViolation) {
  EXPECT_TRUE(Violated({Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5)}));
  EXPECT_TRUE(Violated({Write(1, 0, 1), Read(0, 2, 3)}));
}

TEST(RegisterChecker, ALostWriteIsAViolation) {
  EXPECT_TRUE(Violated({Write(1, 0, 1), Write(0, 2, 3), Write(2, 4, 5), Read(0, 6, 7)}));
}

TEST(RegisterChecker, ADeletedContentThatComesBackIsAViolation) {
  EXPECT_TRUE(Violated({Write(1, 0, 1), Write(0, 2, 3), Read(0, 4, 5), Read(1, 6, 7)}));
}

TEST(RegisterChecker, ConcurrentWritesMayComeInEitherOrder) {
  EXPECT_TRUE(Linearizable({Write(1, 0, 10), Write(2, 0, 10), Read(1, 11, 12)}));
  EXPECT_TRUE(Linearizable({Write(1, 0, 10), Write(2, 0, 10), Read(2, 11, 12)}));
}

TEST(RegisterChecker, ReadersMustAgreeOnTheOrder) {
  EXPECT_TRUE(Violated({Write(1, 0, 10), Write(2, 0, 10), Read(1, 11, 12), Read(2, 13, 14), Read(1, 15, 16)}));
}

TEST(RegisterChecker, ANewAndThenAnOldReadIsAViolation) {
  // Both reads lie within the write: the first sees it, so the second must.
  EXPECT_TRUE(Violated({Write(1, 0, 1), Write(2, 2, 20), Read(2, 3, 4), Read(1, 5, 6)}));
}

TEST(RegisterChecker, AnUnknownWriteMayHappenLateOrNever) {
  EXPECT_TRUE(Linearizable({Write(1, 0, 1), Maybe(2, 2), Read(1, 3, 4), Read(2, 100, 101)}));
  EXPECT_TRUE(Linearizable({Write(1, 0, 1), Maybe(2, 2), Read(1, 3, 4), Read(1, 100, 101)}));
}

TEST(RegisterChecker, AnUnknownWriteHappensOnce) {
  EXPECT_TRUE(Violated({Maybe(1, 0), Write(2, 1, 2), Read(1, 3, 4), Read(2, 5, 6)}));
  EXPECT_TRUE(Violated({Maybe(1, 0), Read(1, 1, 2), Write(2, 3, 4), Read(1, 5, 6)}));
}

TEST(RegisterChecker, AnUnknownDeleteExplainsAbsence) {
  EXPECT_TRUE(Linearizable({Write(1, 0, 1), Maybe(0, 2), Read(0, 3, 4)}));
  EXPECT_TRUE(Violated({Write(1, 0, 1), Maybe(0, 5), Read(0, 3, 4)}));
}

TEST(RegisterChecker, AFailedWriteMustNotBeSeen) {
  Observation failed = Write(2, 2, 3);
  failed.outcome = Outcome::kFailed;
  EXPECT_TRUE(Linearizable({Write(1, 0, 1), failed, Read(1, 4, 5)}));
  EXPECT_TRUE(Violated({Write(1, 0, 1), failed, Read(2, 4, 5)}));
}

TEST(RegisterChecker, TheBoundIsSaidNotGuessed) {
  History history;
  for (uint64_t i = 1; i <= 14; ++i) history.push_back(Write(i, 0, 100));
  for (uint64_t i = 1; i <= 14; ++i) history.push_back(Read(i, 101 + i, 102 + i));
  EXPECT_EQ(CheckRegister(history, 50).kind, Verdict::Kind::kUndecided);
}

// Histories of a real register, observed by clients whose calls overlap: always linearizable; and with one read
// replaced by a content overwritten before its call: never.
TEST(RegisterChecker, TellsRandomHistoriesOfARegisterFromForgedOnes) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    History history;
    uint64_t content = 0;
    uint64_t next = 1;
    for (int64_t t = 0; t < 60; ++t) {  // the effect lies at 10 t + 5
      const int64_t called = 10 * t + 5 - random.Between(0, 30);
      const int64_t returned = 10 * t + 5 + random.Between(1, 30);
      if (random.Chance(0.5)) {
        history.push_back(Read(content, called, returned));
      } else {
        content = random.Chance(0.2) ? 0 : next++;
        history.push_back(random.Chance(0.1) ? Maybe(content, called) : Write(content, called, returned));
      }
    }
    ASSERT_TRUE(Linearizable(history)) << "seed " << seed;
    history.push_back(Write(900, 1000, 1001));
    history.push_back(Write(901, 1002, 1003));
    history.push_back(Read(900, 1004, 1005));
    ASSERT_TRUE(Violated(history)) << "seed " << seed;
  }
}

TEST(VersionOrder, RisesWithTime) {
  EXPECT_EQ(CheckVersionOrder({At(Write(1, 0, 1), 5), At(Read(1, 2, 3), 5), At(Write(2, 4, 5), 6)}), "");
  EXPECT_EQ(CheckVersionOrder({At(Write(1, 0, 10), 6), At(Write(2, 5, 15), 5)}), "");
}

TEST(VersionOrder, AWriteMustBeAboveWhatEndedBefore) {
  EXPECT_NE(CheckVersionOrder({At(Write(1, 0, 1), 6), At(Write(2, 2, 3), 5)}), "");
  EXPECT_NE(CheckVersionOrder({At(Write(1, 0, 1), 6), At(Read(3, 2, 3), 5)}), "");
}

TEST(VersionOrder, OneVersionHasOneContent) {
  EXPECT_NE(CheckVersionOrder({At(Write(1, 0, 10), 6), At(Write(2, 0, 10), 6)}), "");
}

TEST(VersionOrder, ACollectedTombstoneMayBeForgottenButNothingElse) {
  const Observation nothing = At(Read(0, 4, 5), 0);
  Observation never = nothing;
  never.version = Version{};
  EXPECT_EQ(CheckVersionOrder({At(Write(1, 0, 1), 5), At(Write(0, 2, 3), 6), never}), "");
  EXPECT_NE(CheckVersionOrder({At(Write(1, 0, 1), 5), never}), "");
  EXPECT_EQ(CheckVersionOrder({At(Write(1, 0, 1), 5), Maybe(0, 2), never}), "");
}

}  // namespace
}  // namespace rhizome::history
