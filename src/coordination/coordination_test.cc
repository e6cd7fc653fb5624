#include "coordination/coordination.h"

#include <gtest/gtest.h>

namespace rhizome::coordination {
namespace {

Change Put(std::string key, std::string value, LeaseId lease = kNoLease) {
  return {std::move(key), std::move(value), lease};
}
Change Delete(std::string key) { return {std::move(key), std::nullopt}; }

void ExpectRefused(const Transaction& transaction, Code code, const std::string& field) {
  const Status status = CheckTransaction(transaction);
  EXPECT_EQ(status.code(), code) << field << ": " << status.ToString();
  EXPECT_EQ(status.field(), field);
}

TEST(CheckTransaction, TakesWhatIsAtTheLimits) {
  const std::string key(kKeyBytesMax, 'k');
  EXPECT_TRUE(CheckTransaction({}).ok());
  EXPECT_TRUE(CheckTransaction({{{key, 0}}, {Put(key, std::string(kValueBytesMax, 'v'))}}).ok());
  Transaction many;
  for (size_t i = 0; i < kChangesMax; ++i) {
    many.expect.push_back({std::to_string(i), 1});
    many.changes.push_back(Delete(std::to_string(i)));
  }
  EXPECT_TRUE(CheckTransaction(many).ok());
}

TEST(CheckTransaction, BadKeysAreRefusedByName) {
  ExpectRefused({{{"a", 0}, {"", 0}}, {}}, Code::kInvalidArgument, "expect[1].key");
  ExpectRefused({{{"a", 0}, {"a", 1}}, {}}, Code::kInvalidArgument, "expect[1].key");
  ExpectRefused({{{std::string(kKeyBytesMax + 1, 'k'), 0}}, {}}, Code::kTooLarge, "expect[0].key");
  ExpectRefused({{}, {Put("", "v")}}, Code::kInvalidArgument, "changes[0].key");
  ExpectRefused({{}, {Put("a", "v"), Delete("a")}}, Code::kInvalidArgument, "changes[1].key");
  ExpectRefused({{}, {Delete(std::string(kKeyBytesMax + 1, 'k'))}}, Code::kTooLarge, "changes[0].key");
}

TEST(CheckTransaction, BadValuesRevisionsAndLeasesAreRefusedByName) {
  ExpectRefused({{{"a", -1}}, {}}, Code::kInvalidArgument, "expect[0].mod_revision");
  ExpectRefused({{}, {Put("a", std::string(kValueBytesMax + 1, 'v'))}}, Code::kTooLarge, "changes[0].value");
  ExpectRefused({{}, {Put("a", "v", -1)}}, Code::kInvalidArgument, "changes[0].lease");
  ExpectRefused({{}, {{"a", std::nullopt, 7}}}, Code::kInvalidArgument, "changes[0].lease");
}

TEST(CheckTransaction, TooManyOrTooMuchIsRefused) {
  Transaction many;
  for (size_t i = 0; i <= kChangesMax; ++i) many.changes.push_back(Delete(std::to_string(i)));
  ExpectRefused(many, Code::kTooLarge, "changes");
  Transaction checks;
  for (size_t i = 0; i <= kChangesMax; ++i) checks.expect.push_back({std::to_string(i), 0});
  ExpectRefused(checks, Code::kTooLarge, "expect");
  const std::string half(kTransactionBytesMax / 2, 'v');
  EXPECT_TRUE(CheckTransaction({{}, {Put("a", half), Put("b", half.substr(2))}}).ok());
  ExpectRefused({{}, {Put("a", half), Put("b", half)}}, Code::kTooLarge, "changes");
}

TEST(CheckPrefix, OnlyItsLengthIsBounded) {
  EXPECT_TRUE(CheckPrefix("").ok());
  EXPECT_TRUE(CheckPrefix(std::string(kKeyBytesMax, 'p')).ok());
  EXPECT_EQ(CheckPrefix(std::string(kKeyBytesMax + 1, 'p')).code(), Code::kTooLarge);
}

TEST(CheckLeaseTtl, OneMillisecondToADay) {
  EXPECT_TRUE(CheckLeaseTtl(1).ok());
  EXPECT_TRUE(CheckLeaseTtl(kLeaseTtlMsMax).ok());
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, kLeaseTtlMsMax + 1}) {
    EXPECT_EQ(CheckLeaseTtl(bad).code(), Code::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace rhizome::coordination
