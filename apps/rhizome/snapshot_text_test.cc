#include "snapshot_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::app {
namespace {

using boost::json::object;
using testing::HasSubstr;

object Parsed(const std::string& text) { return boost::json::parse(text).as_object(); }

TEST(SnapshotText, ProgressShowsShareStepAndCounts) {
  EXPECT_EQ(
      SnapshotProgressText(Parsed(R"({"state":"running","progress":{"step":"copying","done":1040,"total":2080}})")),
      "[############------------]  50 %  copying 1,040 of 2,080");
  EXPECT_EQ(SnapshotProgressText(Parsed(R"({"state":"waiting"})")), "waiting for other snapshot jobs");
  EXPECT_EQ(SnapshotProgressText(Parsed(R"({"state":"running","progress":{"done":0,"total":0}})")),
            "looking at what is there");
}

TEST(SnapshotText, AnOutcomeIsTheJobsErrorOrTheDamageFound) {
  EXPECT_TRUE(SnapshotOutcome(Parsed(R"({"state":"done","report":{"damaged":0}})")).ok());
  EXPECT_EQ(SnapshotOutcome(Parsed(R"({"state":"failed","error":"disk full"})")).message(), "disk full");
  const Status damaged = SnapshotOutcome(
      Parsed(R"({"state":"done","snapshot":"S","report":{"damaged":1,"problems":["c_c/chunks/aa/x: is missing"]}})"));
  EXPECT_EQ(damaged.code(), Code::kCorruption);
  EXPECT_THAT(std::string(damaged.message()), HasSubstr("S is damaged in 1 places\n  c_c/chunks/aa/x: is missing"));
}

TEST(SnapshotText, ReportsSayWhatWasDone) {
  const auto text = [](const std::string& job) { return SnapshotReportText(Parsed(job)); };
  EXPECT_EQ(text(R"({"kind":"create","target":"dir:b","report":{"chunks_written":2,"chunks_reused":1500,
                     "summary":{"id":"S","collection":"c","registers":12345,"bytes":1536,"new_bytes":10}}})"),
            "made S of c: 12,345 registers, 1.5 KiB (10 B of them new); 2 chunks written, 1,500 taken from earlier "
            "snapshots; in dir:b\n");
  EXPECT_EQ(
      text(R"({"kind":"restore","into":"d","report":{"merged":5,"already":2,"equal":true,"summary":{"id":"S"}}})"),
      "restored S into d: 5 registers written, 2 were there; equal to the snapshot\n");
  EXPECT_EQ(text(R"({"kind":"prune","dry_run":true,"report":{"snapshots":["S"],"chunks":3,"bytes":2048}})"),
            "would remove 1 snapshots and 3 chunks, 2.0 KiB\n  S\nnothing was removed; --yes does it\n");
}

TEST(SnapshotText, ATableHasDamagedOnesToo) {
  const std::string table = SnapshotTable(Parsed(
      R"({"snapshots":[{"id":"20261121T120501999Z-5f0c9a1e","registers":7,"bytes":1,"new_bytes":1,"shards":3}],"damaged":["D"]})"));
  EXPECT_THAT(table, HasSubstr("20261121T120501999Z-5f0c9a1e"));
  EXPECT_THAT(table, HasSubstr("D                             its manifest is damaged\n"));
}

TEST(SnapshotText, AnswersOfOtherVersionsDoNotHurt) {
  EXPECT_FALSE(SnapshotJobRuns({}));
  EXPECT_FALSE(SnapshotOutcome({}).ok());
  EXPECT_THAT(SnapshotReportText(Parsed(R"({"kind":7,"report":[]})")), HasSubstr("removed 0"));
  EXPECT_THAT(SnapshotTable(Parsed(R"({"snapshots":[1,{}],"damaged":{}})")), HasSubstr("SNAPSHOT"));
}

TEST(SnapshotText, ATargetFitsIntoAQuery) { EXPECT_EQ(EncodedTarget("dir:/a b&c%"), "dir:/a%20b%26c%25"); }

}  // namespace
}  // namespace rhizome::app
