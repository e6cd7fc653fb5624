#include "engines/series/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/series/engine_testing.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

using format::Labels;
using format::MatchKind;
using io::SimDisk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr const char* kFolder = "shard";

std::unique_ptr<SeriesEngine> MustOpen(SimDisk& disk) {
  if (!disk.Exists(kFolder).value()) EXPECT_TRUE(disk.CreateDirectory(kFolder).ok());
  auto engine = SeriesEngine::Open(disk, {kFolder, {}});
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  return std::move(engine).value();
}

Answer MustAsk(const SeriesEngine& engine, std::vector<format::Matcher> matchers = {}, int64_t from = INT64_MIN,
               int64_t to = INT64_MAX) {
  auto answer = Ask(engine, matchers, from, to);
  EXPECT_TRUE(answer.ok()) << answer.status().ToString();
  return std::move(answer).value();
}

void MustCheckpoint(SeriesEngine& engine) {
  const Status status = engine.Checkpoint();
  EXPECT_TRUE(status.ok()) << status.ToString();
}

int MustCompact(SeriesEngine& engine) {
  int merges = 0;
  while (true) {
    const auto more = engine.Compact();
    EXPECT_TRUE(more.ok()) << more.status().ToString();
    if (!more.value()) return merges;
    ++merges;
  }
}

size_t FilesOf(SimDisk& disk) { return disk.List(kFolder).value().size(); }

const Labels kWeb = LabelsOf({{"__name__", "up"}, {"job", "web"}});
const Labels kDb = LabelsOf({{"__name__", "up"}, {"job", "db"}});

Deletion DeletionOf(int64_t said_ms, const char* job, int64_t from = INT64_MIN, int64_t to = INT64_MAX) {
  return {StampOf(said_ms), from, to, {MatcherOf("job", MatchKind::kEqual, job)}};
}

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

TEST(SeriesEngine, ABatchIsReadBackInTheOrderOfLabels) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 2}, {kWeb, kEpochMs + 1, 3}});
  EXPECT_EQ(engine->applied_lsn(), 1u);
  EXPECT_EQ(engine->max_version(), VersionAt(kEpochMs));
  const Answer answer = MustAsk(*engine);
  EXPECT_THAT(answer, UnorderedElementsAre(
                          Pair("up{job=\"db\"}", ElementsAre(Pair(kEpochMs, Bits(2)))),
                          Pair("up{job=\"web\"}", ElementsAre(Pair(kEpochMs, Bits(1)), Pair(kEpochMs + 1, Bits(3))))));
}

TEST(SeriesEngine, AnLsnIsAppliedOnce) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 5, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  ApplyRows(*engine, 5, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 1}});
  ASSERT_TRUE(engine->Delete(4, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  EXPECT_EQ(engine->applied_lsn(), 5u);
  EXPECT_EQ(MustAsk(*engine).begin()->second.size(), 1u);
}

TEST(SeriesEngine, SelectsByMatchersAndRange) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 2}, {kWeb, kEpochMs + 9, 3}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(MustAsk(*engine, {MatcherOf("job", MatchKind::kRegex, "w.*")}, kEpochMs + 1, kEpochMs + 9),
                ElementsAre(Pair("up{job=\"web\"}", ElementsAre(Pair(kEpochMs + 9, Bits(3))))));
    EXPECT_THAT(MustAsk(*engine, {}, kEpochMs + 1, kEpochMs + 8), IsEmpty());
    EXPECT_THAT(MustAsk(*engine, {}, kEpochMs + 9, kEpochMs), IsEmpty());
    MustCheckpoint(*engine);  // and again from the block
  }
}

TEST(SeriesEngine, ACheckpointIsWhereAReopenedEngineGoesOn) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->checkpoint_lsn(), 3u);
  const Answer kept = MustAsk(*engine);
  ApplyRows(*engine, 4, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 1}});
  engine = MustOpen(disk);
  EXPECT_EQ(engine->applied_lsn(), 3u);
  EXPECT_EQ(engine->checkpoint_lsn(), 3u);
  EXPECT_EQ(engine->max_version(), VersionAt(kEpochMs));
  EXPECT_EQ(MustAsk(*engine), kept);
  ApplyRows(*engine, 4, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 1}});
  EXPECT_EQ(MustAsk(*engine).begin()->second.size(), 2u);
}

TEST(SeriesEngine, ACheckpointWithoutAnythingNewWritesNothing) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  const uint64_t before = disk.operations();
  MustCheckpoint(*engine);
  EXPECT_EQ(disk.operations(), before);
}

TEST(SeriesEngine, EachPartitionGetsABlock) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs + kHourMs),
            {{kWeb, kEpochMs + kHourMs, 1}, {kWeb, kEpochMs + 2 * kHourMs, 2}, {kDb, kEpochMs - 1, 3}});
  const Answer before = MustAsk(*engine);
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().blocks, 3u);
  EXPECT_EQ(engine->counts().block_samples, 3u);
  EXPECT_EQ(MustAsk(*engine), before);
}

TEST(SeriesEngine, LateSamplesJoinTheirPartitionByCompaction) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  ApplyRows(*engine, 2, VersionAt(kEpochMs + 9 * kHourMs), {{kWeb, kEpochMs + 9 * kHourMs, 1}});
  MustCheckpoint(*engine);
  ApplyRows(*engine, 3, VersionAt(kEpochMs + 9 * kHourMs), {{kWeb, kEpochMs, 2}, {kDb, kEpochMs + 5, 1}});
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().blocks, 3u);
  const Answer before = MustAsk(*engine);
  EXPECT_GT(MustCompact(*engine), 0);
  EXPECT_EQ(engine->counts().blocks, 2u);
  EXPECT_EQ(FilesOf(disk), 3u);  // and the manifest
  EXPECT_EQ(MustAsk(*engine), before);
  EXPECT_EQ(before.at("up{job=\"web\"}").at(kEpochMs), Bits(2));
}

TEST(SeriesEngine, BackfilledYearsBecomeFewBlocks) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  std::vector<TestRow> rows;
  for (int hour = 0; hour < 60 * 24; ++hour) rows.push_back({kWeb, kEpochMs - hour * kHourMs, 1.0 * hour});
  ApplyRows(*engine, 1, VersionAt(kEpochMs), rows);
  const Answer before = MustAsk(*engine);
  EXPECT_EQ(before.begin()->second.size(), rows.size());
  MustCheckpoint(*engine);
  EXPECT_LT(engine->counts().blocks, 60u + 14u);
  EXPECT_EQ(MustAsk(*engine), before);
  MustCompact(*engine);
  EXPECT_LT(engine->counts().blocks, 60u + 8u);
  EXPECT_EQ(MustAsk(*engine), before);
}

TEST(SeriesEngine, ExtremeTimesAreKept) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs),
            {{kWeb, INT64_MIN, 1}, {kWeb, INT64_MAX, 2}, {kWeb, -1, 3}, {kWeb, 0, 4}, {kWeb, kEpochMs, 5}});
  const Answer before = MustAsk(*engine);
  EXPECT_EQ(before.begin()->second.size(), 5u);
  MustCheckpoint(*engine);
  MustCompact(*engine);
  engine = MustOpen(disk);
  EXPECT_EQ(MustAsk(*engine), before);
}

TEST(SeriesEngine, MemoryForgetsSeriesThatNobodyWrites) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().series, 2u);
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 1}});
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().series, 1u);
  EXPECT_EQ(MustAsk(*engine).size(), 2u);
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kDb, kEpochMs + 2, 7}});
  EXPECT_EQ(MustAsk(*engine).at("up{job=\"db\"}").size(), 2u);
}

TEST(SeriesEngine, ANumberGivenAgainIsNotTakenForTheSeriesItWas) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  uint64_t lsn = 0;
  for (int i = 0; i < 3; ++i) ApplyRows(*engine, ++lsn, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  ApplyRows(*engine, ++lsn, VersionAt(kEpochMs), {{kDb, kEpochMs, 2}});
  MustCheckpoint(*engine);
  ApplyRows(*engine, ++lsn, VersionAt(kEpochMs), {{LabelsOf({{"n", "new"}}), kEpochMs, 3}});
  ApplyRows(*engine, ++lsn, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 4}});  // the dictionary of the first
  const Answer answer = MustAsk(*engine);
  EXPECT_EQ(answer.at("{n=\"new\"}").size(), 1u);
  EXPECT_THAT(answer.at("up{job=\"web\"}"), ElementsAre(Pair(kEpochMs, Bits(1)), Pair(kEpochMs + 1, Bits(4))));
}

TEST(SeriesEngine, SeriesStayInOrderAmongNewAndForgottenOnes) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  std::mt19937 random(3);
  uint64_t lsn = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<TestRow> rows;
    for (int i = 0; i < 30; ++i) {
      const std::string number = std::to_string(random() % 200);
      rows.push_back({LabelsOf({{"n", number}}), kEpochMs + round, 1});
    }
    ApplyRows(*engine, ++lsn, VersionAt(kEpochMs), rows);
    MustAsk(*engine);  // checks the order
    if (round % 3 == 0) MustCheckpoint(*engine);
    MustAsk(*engine);
  }
  EXPECT_LT(engine->counts().series, 150u);
}

TEST(SeriesEngine, ACheckpointFreesTheMemoryOfItsSamples) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  const uint64_t empty = engine->counts().sample_bytes;
  std::vector<TestRow> rows;
  for (int i = 0; i < 5'000; ++i) {
    rows.push_back({kWeb, kEpochMs + i, 1.0 / (i + 1)});
    rows.push_back({kDb, kEpochMs - i * kHourMs / 100, 1.0 / (i + 1)});
  }
  ApplyRows(*engine, 1, VersionAt(kEpochMs), rows);
  EXPECT_GT(engine->counts().sample_bytes, empty + 100'000);
  EXPECT_GT(engine->MeasureMemory(), engine->counts().sample_bytes);
  MustCheckpoint(*engine);
  EXPECT_LT(engine->counts().sample_bytes, empty + 1'000);
}

TEST(SeriesEngine, CountsTellWhatThereIs) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  EXPECT_GT(engine->counts().min_ms, engine->counts().max_ms);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs + 7, 1}, {kDb, kEpochMs - kHourMs, 1}});
  for (int round = 0; round < 2; ++round) {
    const EngineCounts counts = engine->counts();
    EXPECT_EQ(counts.series, 2u);
    EXPECT_EQ(counts.label_pairs, 3u);
    EXPECT_EQ(counts.min_ms, kEpochMs - kHourMs);
    EXPECT_EQ(counts.max_ms, kEpochMs + 7);
    MustCheckpoint(*engine);
  }
  const Cardinalities top = engine->MeasureCardinalities(1);
  EXPECT_THAT(top.series_by_metric, ElementsAre(NamedCount{"up", 2}));
  EXPECT_THAT(top.values_by_label, ElementsAre(NamedCount{"job", 2}));
  EXPECT_THAT(top.value_bytes_by_label, ElementsAre(NamedCount{"job", 5}));
  EXPECT_THAT(top.series_by_pair, ElementsAre(NamedCount{"__name__=up", 2}));
}

TEST(SeriesEngine, NewSeriesAreCountedBeforeTheyAreThere) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  format::SeriesBatchBuilder builder;
  for (const Labels& labels : {kWeb, kDb, kDb}) builder.Add(builder.AppendSeries(labels), kEpochMs, 1);
  const std::string bytes = builder.Encode(VersionAt(kEpochMs));
  EXPECT_EQ(engine->CountNewSeries(format::SeriesBatch::Decode(bytes).value()), 1u);
  EXPECT_EQ(engine->counts().series, 1u);
}

TEST(SeriesEngine, MoreNewSeriesThanFitOnePassAreAllThere) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  std::vector<TestRow> rows;
  for (int i = 0; i < 1'500; ++i) {
    const std::string number = std::to_string(i % 1'400);
    rows.push_back({LabelsOf({{"n", number}}), kEpochMs + i, 1.0 * i});
  }
  ApplyRows(*engine, 1, VersionAt(kEpochMs), rows);
  EXPECT_EQ(MustAsk(*engine).size(), 1'400u);
  EXPECT_EQ(engine->counts().series, 1'400u);
}

TEST(SeriesEngine, ListsTheSeriesThatShowSomethingUpToALimit) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kWeb, kEpochMs + 10, 1}, {kDb, kEpochMs + 1, 1}});
  for (int round = 0; round < 2; ++round) {
    const auto list = [&](int64_t from, int64_t to, size_t limit = 0) {
      return engine->ListSeries({}, from, to, limit).value();
    };
    EXPECT_THAT(list(INT64_MIN, INT64_MAX), ElementsAre(kDb, kWeb));
    EXPECT_THAT(list(INT64_MIN, INT64_MAX, 1), ElementsAre(kDb));
    EXPECT_THAT(list(kEpochMs + 2, kEpochMs + 9), IsEmpty());
    EXPECT_THAT(list(kEpochMs + 2, kEpochMs + 10), ElementsAre(kWeb));
    EXPECT_THAT(list(kEpochMs + 10, kEpochMs + 2), IsEmpty());
    EXPECT_EQ(engine->ListSeries(std::vector{MatcherOf("job", MatchKind::kEqual, "db")}, 0, INT64_MAX)->size(), 1u);
    MustCheckpoint(*engine);
  }
}

TEST(SeriesEngine, LabelsAreThoseOfSeriesThatShowSomething) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs),
            {{kWeb, kEpochMs, 1}, {LabelsOf({{"zone", "x"}, {"job", "a"}}), kEpochMs + 5, 1}});
  MustCheckpoint(*engine);
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kDb, kEpochMs + 1, 1}});
  EXPECT_THAT(engine->LabelNames({}, INT64_MIN, INT64_MAX).value(), ElementsAre("__name__", "job", "zone"));
  EXPECT_THAT(engine->LabelNames({}, kEpochMs, kEpochMs + 4).value(), ElementsAre("__name__", "job"));
  EXPECT_THAT(engine->LabelValues("job", {}, INT64_MIN, INT64_MAX).value(), ElementsAre("a", "db", "web"));
  ASSERT_TRUE(engine->Delete(3, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  EXPECT_THAT(engine->LabelValues("job", {}, kEpochMs, kEpochMs + 4).value(), ElementsAre("db"));
  EXPECT_THAT(engine->LabelValues("none", {}, INT64_MIN, INT64_MAX).value(), IsEmpty());
}

TEST(SeriesEngine, ADeletionHidesWhatWasWrittenBeforeIt) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 1}});
  ASSERT_TRUE(engine->Delete(2, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  EXPECT_THAT(MustAsk(*engine), ElementsAre(Key("up{job=\"db\"}")));
  // Samples of now, and the old ones imported again, are there.
  ApplyRows(*engine, 3, VersionAt(kEpochMs + 2 * kHourMs), {{kWeb, kEpochMs + 2 * kHourMs, 3}, {kWeb, kEpochMs, 2}});
  EXPECT_THAT(MustAsk(*engine).at("up{job=\"web\"}"),
              ElementsAre(Pair(kEpochMs, Bits(2)), Pair(kEpochMs + 2 * kHourMs, Bits(3))));
  EXPECT_EQ(engine->max_version(), VersionAt(kEpochMs + 2 * kHourMs));
}

TEST(SeriesEngine, ADeletionHidesWhatWasWrittenBeforeItAndComesLater) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ASSERT_TRUE(engine->Delete(1, DeletionOf(kEpochMs + kHourMs, "web", INT64_MIN, kEpochMs + 1)).ok());
  ApplyRows(*engine, 2, VersionAt(kEpochMs),
            {{kWeb, kEpochMs, 1}, {kWeb, kEpochMs - kHourMs, 1}, {kWeb, kEpochMs + 2, 1}});
  EXPECT_THAT(MustAsk(*engine).at("up{job=\"web\"}"), ElementsAre(Key(kEpochMs + 2)));
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().block_samples, 1u);
}

TEST(SeriesEngine, ADeletionRevealsWhatItsVictimOutdid) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  const int64_t later = kEpochMs + 9 * kHourMs;
  ApplyRows(*engine, 1, VersionAt(later + 5), {{kWeb, kEpochMs, 1}});
  ApplyRows(*engine, 2, VersionAt(later), {{kWeb, kEpochMs, 8}});
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kWeb, kEpochMs, 9}});
  EXPECT_THAT(MustAsk(*engine).at("up{job=\"web\"}"), ElementsAre(Pair(kEpochMs, Bits(9))));
  MustCheckpoint(*engine);
  ASSERT_TRUE(engine->Delete(4, DeletionOf(later - 5, "web")).ok());
  EXPECT_THAT(MustAsk(*engine).at("up{job=\"web\"}"), ElementsAre(Pair(kEpochMs, Bits(8))));
  ASSERT_TRUE(engine->Delete(5, DeletionOf(later + 2, "web")).ok());
  EXPECT_THAT(MustAsk(*engine).at("up{job=\"web\"}"), ElementsAre(Pair(kEpochMs, Bits(1))));
}

TEST(SeriesEngine, CompactionWorksDeletionsIn) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 1}});
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kWeb, kEpochMs + 3 * kHourMs, 1}});
  MustCheckpoint(*engine);
  EXPECT_EQ(MustCompact(*engine), 0);
  ASSERT_TRUE(engine->Delete(3, DeletionOf(kEpochMs + 9 * kHourMs, "web")).ok());
  EXPECT_EQ(MustCompact(*engine), 2);
  EXPECT_EQ(engine->counts().blocks, 1u);  // the other one had nothing else
  EXPECT_EQ(engine->counts().block_samples, 1u);
  EXPECT_EQ(engine->counts().deletions, 1u);
  EXPECT_EQ(FilesOf(disk), 2u);
  engine = MustOpen(disk);
  EXPECT_EQ(engine->counts().deletions, 1u);
  EXPECT_THAT(MustAsk(*engine), ElementsAre(Key("up{job=\"db\"}")));
}

TEST(SeriesEngine, ADeletionOutlivesARestart) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ASSERT_TRUE(engine->Delete(1, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  MustCheckpoint(*engine);
  engine = MustOpen(disk);
  EXPECT_EQ(engine->applied_lsn(), 1u);
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  EXPECT_THAT(MustAsk(*engine), IsEmpty());
}

TEST(SeriesEngine, WhatIsNoDeletionChangesNothing) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  EXPECT_EQ(engine->Delete(1, {1, 2, 1, {MatcherOf("job", MatchKind::kEqual, "web")}}).code(), Code::kInvalidArgument);
  EXPECT_EQ(engine->Delete(1, {1, 1, 2, {}}).code(), Code::kInvalidArgument);
  EXPECT_EQ(engine->applied_lsn(), 0u);
  EXPECT_EQ(engine->counts().deletions, 0u);
}

TEST(SeriesEngine, SettledDeletionsAreForgottenOnceWorkedIn) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}, {kDb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  ASSERT_TRUE(engine->Delete(2, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  engine->Settle(StampOf(kEpochMs + kHourMs + kPromptMs));
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().deletions, 1u);  // a prompt sample could still come
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kDb, kEpochMs + 1, 1}});
  engine->Settle(StampOf(kEpochMs + kHourMs + kPromptMs + 1));
  EXPECT_EQ(MustCompact(*engine), 1);
  EXPECT_EQ(engine->counts().deletions, 1u);  // what had come before it was settled is not in blocks yet
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().deletions, 0u);
  EXPECT_THAT(MustAsk(*engine), ElementsAre(Key("up{job=\"db\"}")));
}

TEST(SeriesEngine, ADeletionThatABlockAwaitsIsNotForgotten) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  ASSERT_TRUE(engine->Delete(2, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  engine->Settle(StampOf(kEpochMs + 9 * kHourMs));
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().deletions, 1u);
  EXPECT_EQ(MustCompact(*engine), 1);
  EXPECT_EQ(engine->counts().deletions, 0u);
  EXPECT_THAT(MustAsk(*engine), IsEmpty());
}

TEST(SeriesEngine, SettledSamplesNeedNoStamp) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  std::vector<TestRow> rows;
  for (int i = 0; i < 200; ++i) rows.push_back({kWeb, kEpochMs + i, 1.0 * i});
  uint64_t lsn = 0;
  for (int i = 0; i < 6; ++i) {
    ++lsn;
    for (TestRow& row : rows) row.value += 1;  // each would be worth keeping beside the others
    ApplyRows(*engine, lsn, VersionAt(kEpochMs + (20 - i) * kHourMs), rows);
  }
  ApplyRows(*engine, ++lsn, VersionAt(kEpochMs + 30 * kHourMs), {{kDb, kEpochMs + 30 * kHourMs, 1}});
  MustCheckpoint(*engine);
  const Answer before = MustAsk(*engine);
  EXPECT_EQ(engine->counts().block_samples, 1'201u);
  engine->Settle(StampOf(kEpochMs + 40 * kHourMs));
  ApplyRows(*engine, ++lsn, VersionAt(kEpochMs + 30 * kHourMs), {{kDb, kEpochMs + 1, 1}});
  MustCheckpoint(*engine);
  for (int i = 0; i < 6; ++i) {  // until there are enough for a merge
    ApplyRows(*engine, ++lsn, VersionAt(kEpochMs + 30 * kHourMs), {{kDb, kEpochMs + 2 + i, 1}});
    MustCheckpoint(*engine);
  }
  MustCompact(*engine);
  EXPECT_EQ(MustAsk(*engine).at("up{job=\"web\"}"), before.at("up{job=\"web\"}"));
  EXPECT_LT(engine->counts().block_samples, 220u);
}

TEST(SeriesEngine, ACheckpointWritesNoStampsOfSettledSamples) {
  SimDisk disk;
  const auto engine = MustOpen(disk);
  std::vector<TestRow> rows;
  for (int i = 0; i < 200; ++i) rows.push_back({kWeb, kEpochMs + i, 1.0 * i});
  for (uint64_t lsn = 1; lsn <= 6; ++lsn) {
    for (TestRow& row : rows) row.value += 1;  // each would be worth keeping beside the others
    ApplyRows(*engine, lsn, VersionAt(kEpochMs + (20 - lsn) * kHourMs), rows);
  }
  const Answer before = MustAsk(*engine);
  engine->Settle(StampOf(kEpochMs + 40 * kHourMs));
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().block_samples, 200u);
  EXPECT_EQ(MustAsk(*engine), before);
}

TEST(SeriesEngine, TheHorizonHidesAndDropsAndOnlyRises) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs + 4 * kHourMs),
            {{kWeb, kEpochMs, 1}, {kWeb, kEpochMs + 4 * kHourMs, 1}, {kWeb, kEpochMs + 5 * kHourMs, 1}});
  MustCheckpoint(*engine);
  ASSERT_TRUE(engine->SetHorizon(kEpochMs + 4 * kHourMs + 1).ok());
  EXPECT_EQ(engine->counts().blocks, 1u);
  EXPECT_EQ(FilesOf(disk), 2u);
  EXPECT_THAT(MustAsk(*engine).begin()->second, ElementsAre(Key(kEpochMs + 5 * kHourMs)));
  ASSERT_TRUE(engine->SetHorizon(kEpochMs).ok());
  EXPECT_THAT(MustAsk(*engine).begin()->second, ElementsAre(Key(kEpochMs + 5 * kHourMs)));
  engine = MustOpen(disk);
  EXPECT_THAT(MustAsk(*engine).begin()->second, ElementsAre(Key(kEpochMs + 5 * kHourMs)));
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kDb, kEpochMs, 1}});
  EXPECT_EQ(MustAsk(*engine).size(), 1u);
  MustCheckpoint(*engine);
  EXPECT_EQ(engine->counts().blocks, 1u);
}

TEST(SeriesEngine, ASelectionIsOfItsMomentWhateverComesAfter) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  ApplyRows(*engine, 2, VersionAt(kEpochMs), {{kWeb, kEpochMs + 1, 1}, {kDb, kEpochMs + 1, 1}});
  const auto selection = engine->Select({}, INT64_MIN, INT64_MAX);
  ApplyRows(*engine, 3, VersionAt(kEpochMs), {{kWeb, kEpochMs + 2, 1}});
  ASSERT_TRUE(engine->Delete(4, DeletionOf(kEpochMs + kHourMs, "web")).ok());
  MustCheckpoint(*engine);
  MustCompact(*engine);
  ASSERT_TRUE(engine->SetHorizon(kEpochMs + 9 * kHourMs).ok());
  engine.reset();
  EXPECT_TRUE(selection->Next().value());
  EXPECT_EQ(selection->labels(), kDb.view());
  EXPECT_TRUE(selection->Next().value());
  EXPECT_EQ(selection->labels(), kWeb.view());
  EXPECT_THAT(selection->samples().times, ElementsAre(kEpochMs, kEpochMs + 1));
  EXPECT_FALSE(selection->Next().value());
  EXPECT_FALSE(selection->Next().value());
}

TEST(SeriesEngine, VerifyNamesTheDamagedBlock) {
  SimDisk disk;
  auto engine = MustOpen(disk);
  ApplyRows(*engine, 1, VersionAt(kEpochMs), {{kWeb, kEpochMs, 1}});
  MustCheckpoint(*engine);
  EXPECT_TRUE(engine->Verify().ok());
  ASSERT_TRUE(disk.FlipBit("shard/block.1", 8, 1).ok());
  engine = MustOpen(disk);
  const Status status = engine->Verify();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("shard/block.1"), std::string::npos);
  EXPECT_EQ(Ask(*engine).status().code(), Code::kCorruption);
  // Lists need no samples, unless a deletion asks for them.
  EXPECT_TRUE(engine->ListSeries({}, INT64_MIN, INT64_MAX).ok());
  ASSERT_TRUE(engine->Delete(2, DeletionOf(kEpochMs - kHourMs, "web")).ok());
  EXPECT_EQ(engine->ListSeries({}, INT64_MIN, INT64_MAX).status().code(), Code::kCorruption);
  EXPECT_EQ(engine->LabelNames({}, INT64_MIN, INT64_MAX).status().code(), Code::kCorruption);
  EXPECT_EQ(engine->LabelValues("job", {}, INT64_MIN, INT64_MAX).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::series
