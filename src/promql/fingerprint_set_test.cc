#include "promql/fingerprint_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace rhizome::promql {
namespace {

TEST(FingerprintSet, TellsWhatCameBefore) {
  std::mt19937_64 random(3);
  FingerprintSet set;
  std::set<FingerprintSet::Fingerprint> expected;
  for (int i = 0; i < 20'000; ++i) {
    // Few of them, so that they come again, and low halves that meet.
    const FingerprintSet::Fingerprint fingerprint{random() % 64, random() % 128};
    ASSERT_EQ(set.Insert(fingerprint), expected.insert(fingerprint).second);
    ASSERT_EQ(set.size(), expected.size());
  }
  EXPECT_TRUE(expected.contains({0, 0}));
}

}  // namespace
}  // namespace rhizome::promql
