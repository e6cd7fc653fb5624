#include "base/uuid.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(Uuid, TextRoundTrips) {
  const Uuid id = Uuid::Random();
  EXPECT_EQ(Uuid::Parse(id.ToString()), id);
}

TEST(Uuid, UpperCaseIsAccepted) {
  EXPECT_EQ(Uuid::Parse("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")->ToString(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

TEST(Uuid, OtherFormsAreRefused) {
  EXPECT_FALSE(Uuid::Parse(""));
  EXPECT_FALSE(Uuid::Parse("6ba7b8109dad11d180b400c04fd430c8"));
  EXPECT_FALSE(Uuid::Parse("6ba7b810-9dad-11d1-80b4-00c04fd430cg"));
  EXPECT_FALSE(Uuid::Parse("6ba7b810x9dad-11d1-80b4-00c04fd430c8"));
}

TEST(Uuid, ANameAlwaysGivesTheSameId) {
  EXPECT_EQ(Uuid::FromName("poppler-utils"), Uuid::FromName("poppler-utils"));
  EXPECT_NE(Uuid::FromName("poppler-utils"), Uuid::FromName("poppler-utils2"));
}

TEST(Uuid, RandomOnesDiffer) { EXPECT_NE(Uuid::Random(), Uuid::Random()); }

}  // namespace
}  // namespace rhizome
