#include "tasks_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::app {
namespace {

using testing::HasSubstr;

boost::json::object Parsed(const char* text) { return boost::json::parse(text).as_object(); }

TEST(TasksText, ATaskIsALineWithItsReason) {
  const std::string table = TasksTable(Parsed(
      R"({"tasks":[{"id":"t1","state":"dead_lettered","key":"lives:x","accepted_ms":1700000000000,"reason":"torn"}],"next":""})"));
  EXPECT_THAT(table, HasSubstr("t1    dead_lettered  lives:x  2023-11-14 22:13:20  torn"));
}

TEST(TasksText, MoreThanAPageIsSaid) {
  EXPECT_THAT(TasksTable(Parsed(R"({"tasks":[{"id":"t1"}],"next":"t1"})")), HasSubstr("more behind t1"));
  EXPECT_EQ(TasksTable(Parsed(R"({"tasks":[],"next":""})")), "no tasks\n");
}

TEST(TasksText, ATaskShowsEachOfItsJobs) {
  const std::string text = TaskText(Parsed(
      R"({"id":"t1","state":"working","key":"k","jobs":[{"name":"ingest.extract","state":"retrying","attempt":2,"reason":"down"}]})"));
  EXPECT_THAT(text, HasSubstr("ingest.extract  retrying  2"));
  EXPECT_THAT(text, HasSubstr("down"));
}

TEST(TasksText, ALongReasonIsCutInATable) {
  const std::string reason(500, 'x');
  const auto letters = Parsed((R"({"dead_letters":[{"task":"t","reason":")" + reason + "\"}]}").c_str());
  EXPECT_LT(DeadLettersTable(letters).size(), 400U);
  EXPECT_EQ(DeadLettersTable({}), "no dead letters\n");
}

TEST(TasksText, UrlsHoldNoBlanksNorSigns) { EXPECT_EQ(UrlEncoded("a b&c/ü~"), "a%20b%26c%2F%C3%BC~"); }

}  // namespace
}  // namespace rhizome::app
