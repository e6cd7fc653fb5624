#include "gateway/api_keys.h"

#include <gtest/gtest.h>

namespace rhizome::gateway {
namespace {

TEST(ApiKeys, WithoutKeysEverybodyIsAdmitted) {
  const ApiKeys keys({});
  EXPECT_FALSE(keys.required());
  EXPECT_TRUE(keys.Admits(""));
}

TEST(ApiKeys, OnlyWholeKeysAreAdmitted) {
  const ApiKeys keys({"first-key-0123456", "second-key-012345"});
  EXPECT_TRUE(keys.Admits("first-key-0123456"));
  EXPECT_TRUE(keys.Admits("second-key-012345"));
  for (const char* wrong : {"", "first-key-012345", "first-key-01234567", "FIRST-KEY-0123456"}) {
    EXPECT_FALSE(keys.Admits(wrong)) << wrong;
  }
}

TEST(ApiKeys, BearerTokensAreTakenFromAuthorization) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(BearerToken("bearer   abc"), "abc");
  for (const char* other : {"", "Bearer", "Bearer ", "Basic abc", "abc"}) EXPECT_EQ(BearerToken(other), "") << other;
}

}  // namespace
}  // namespace rhizome::gateway
