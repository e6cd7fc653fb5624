#include "evolve_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::app {
namespace {

using testing::HasSubstr;

boost::json::object Parsed(const char* text) { return boost::json::parse(text).as_object(); }

TEST(EvolveText, APlanSaysWhatAndWhyAndHowToDoIt) {
  const std::string text = PlanTable(Parsed(R"({"plan":"18b-1","entities":12,"truncated":false,
    "counts":{"merge":1,"split":0,"archive":1,"delete":0,"restore":0,"forget":2},"changes":[
    {"action":"merge","entity":"marie curie","other":"m. curie","cause":"names","reason":"initials","likeness":0.9},
    {"action":"archive","entity":"warsaw","before":"active","after":"archived",
     "score":{"age_days":25,"importance":0.31,"strength":0.15}}]})"));
  EXPECT_THAT(text, HasSubstr("marie curie = m. curie"));
  EXPECT_THAT(text, HasSubstr("initials, 0.90"));
  EXPECT_THAT(text, HasSubstr("25 days, importance 0.31, strength 0.15"));
  EXPECT_THAT(text, HasSubstr("1 to merge, 1 to archive, 2 that nobody names to forget, of 12 entities"));
  EXPECT_THAT(text, HasSubstr("--plan 18b-1"));
}

TEST(EvolveText, APlanWithoutChangesSaysSo) {
  EXPECT_EQ(PlanTable(Parsed(R"({"plan":"1-1","entities":3,"counts":{},"changes":[]})")),
            "nothing to do, of 3 entities\n");
}

TEST(EvolveText, WhatTheServerDidNotShowIsCounted) {
  EXPECT_THAT(PlanTable(Parsed(R"({"plan":"1-1","counts":{"merge":3},"changes":[{"action":"merge"}]})")),
              HasSubstr("... and 2 more"));
}

TEST(EvolveText, AnEventShowsWhenWhoWhatAndItsId) {
  const std::string text = AuditTable(Parsed(R"({"events":[{"id":"00ff-1-0","at_ms":1700000000000,"action":"restore",
    "by":"query","entity":"warsaw","before":"deleted","after":"active"}],"next":""})"));
  EXPECT_THAT(text, HasSubstr("2023-11-14 22:13:20  query  restore   warsaw"));
  EXPECT_THAT(text, HasSubstr("deleted before"));
  EXPECT_THAT(text, HasSubstr("00ff-1-0"));
}

TEST(EvolveText, AnswersOfAnotherVersionShowWhatTheyHave) {
  EXPECT_EQ(AuditTable({}), "nothing was done\n");
  EXPECT_THAT(AuditTable(Parsed(R"({"events":[{"at_ms":"soon"}, 3]})")), HasSubstr("no longer named"));
  EXPECT_THAT(AppliedText(Parsed(R"({"changed":2})")), HasSubstr("2 changed, 0 had"));
}

}  // namespace
}  // namespace rhizome::app
