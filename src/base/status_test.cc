#include "base/status.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument("n", "must be even");
  return n / 2;
}

Status Quarter(int n, int& out) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  ASSIGN_OR_RETURN(out, Half(half));
  return Status::Ok();
}

TEST(Status, OkCarriesNothing) {
  EXPECT_TRUE(Status::Ok().ok());
  EXPECT_EQ(Status::Ok().ToString(), "ok");
}

TEST(Status, AFailureNamesItsField) {
  const Status status = Half(3).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "n");
  EXPECT_EQ(status.ToString(), "invalid_argument (n): must be even");
}

TEST(Status, AnnotateKeepsCodeAndField) {
  const Status status = Half(3).status().Annotate("quartering");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "n");
  EXPECT_EQ(status.message(), "quartering: must be even");
}

TEST(Result, AssignOrReturnStopsAtTheFirstFailure) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_FALSE(Quarter(6, out).ok());
}

TEST(ResultDeathTest, AskingAFailureForItsValueAborts) { EXPECT_DEATH((void)Half(1).value(), "CHECK failed"); }

}  // namespace
}  // namespace rhizome
