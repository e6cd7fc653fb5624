#include "engines/vector/slot.h"

#include <gtest/gtest.h>

namespace rhizome::vector {
namespace {

TEST(SlotSet, MembersAreWhatWasAdded) {
  SlotSet set(130);
  set.Add(0);
  set.Add(129);
  EXPECT_TRUE(set.Contains(129));
  EXPECT_FALSE(set.Contains(64));
  EXPECT_EQ(set.Count(), 2u);
  set.Remove(129);
  EXPECT_EQ(set.Count(), 1u);
}

TEST(SlotSet, BeyondTheEndIsNotAMember) { EXPECT_FALSE(SlotSet(10, true).Contains(10)); }

TEST(SlotSet, ComplementCountsOnlyRealSlots) {
  SlotSet set(70);
  set.Add(3);
  set.Complement();
  EXPECT_EQ(set.Count(), 69u);
}

TEST(SlotSet, GrowingFillsTheNewSlotsOnly) {
  SlotSet set(3);
  set.Resize(100, true);
  EXPECT_FALSE(set.Contains(2));
  EXPECT_TRUE(set.Contains(3));
  EXPECT_EQ(set.Count(), 97u);
  set.Resize(5, true);
  EXPECT_EQ(set.Count(), 2u);
}

TEST(SlotSet, IntersectionAndUnionAreSetOperations) {
  SlotSet a(8), b(8);
  a.Add(1);
  a.Add(2);
  b.Add(2);
  b.Add(3);
  SlotSet both = a;
  both.IntersectWith(b);
  EXPECT_EQ(both.Count(), 1u);
  a.UnionWith(b);
  EXPECT_EQ(a.Count(), 3u);
}

}  // namespace
}  // namespace rhizome::vector
