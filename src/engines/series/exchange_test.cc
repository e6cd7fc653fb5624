#include "engines/series/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "engines/series/engine_testing.h"
#include "engines/series/series_records.h"
#include "format/series_record.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

constexpr uint32_t kBits = 6;

class Replica {
 public:
  Replica() {
    EXPECT_TRUE(disk_.CreateDirectory("shard").ok());
    EngineOptions options{"shard", {}};
    options.compaction.blocks_max = 3;
    engine_ = SeriesEngine::Open(disk_, options).value();
    digests_ = std::make_unique<Digests>(*engine_);
  }

  void Apply(const TestRecord& record) { EXPECT_TRUE(ApplyRecord(*engine_, ++lsn_, record).ok()); }
  void ApplyBytes(const std::string& record) {
    ++lsn_;
    if (format::SeriesRecordKindOf(record) == format::SeriesRecordKind::kDeletion) {
      EXPECT_TRUE(engine_->Delete(lsn_, DecodeDeletion(record).value()).ok());
    } else {
      engine_->Apply(lsn_, format::SeriesBatch::Decode(record).value());
    }
  }
  void Settle(uint64_t what) {
    if (what % 6 == 0) EXPECT_TRUE(engine_->Checkpoint().ok());
    if (what % 6 == 1) EXPECT_TRUE(engine_->Compact().ok());
  }

  format::RangeDigest Digest(std::optional<int64_t> before = {}) { return digests_->Compute(kBits, before).value(); }
  const SeriesEngine& engine() const { return *engine_; }
  SeriesEngine& engine() { return *engine_; }

 private:
  io::SimDisk disk_;
  uint64_t lsn_ = 0;
  std::unique_ptr<SeriesEngine> engine_;
  std::unique_ptr<Digests> digests_;
};

std::vector<uint32_t> AllLeaves() {
  std::vector<uint32_t> leaves(1U << kBits);
  std::iota(leaves.begin(), leaves.end(), 0);
  return leaves;
}

// Page by page; how many samples came.
uint64_t Copy(const Replica& from, Replica& to, LeafScan scan) {
  uint64_t samples = 0;
  do {
    const LeafPage page = ScanLeaves(from.engine(), scan).value();
    EXPECT_TRUE(page.next.empty() || page.next > scan.after);
    for (const std::string& record : page.records) to.ApplyBytes(record);
    samples += page.samples;
    scan.after = page.next;
  } while (!scan.after.empty());
  return samples;
}

uint64_t Pull(Replica& from, Replica& to, size_t page = 7, std::optional<int64_t> before = {}) {
  const auto leaves = format::DifferentLeaves(from.Digest(before), to.Digest(before));
  return leaves.empty() ? 0 : Copy(from, to, {kBits, leaves, before, "", page});
}

Answer ShownBy(SampleUnion& samples) {
  Answer answer;
  EXPECT_TRUE(samples
                  .ForEach([&](format::LabelsView labels, StoredSamples& stored) {
                    Samples shown;
                    MergeStamped(stored.prompt, stored.stamped, shown);
                    for (size_t i = 0; i < shown.size(); ++i) {
                      answer[labels.ToString()][shown.times[i]] = std::bit_cast<uint64_t>(shown.values[i]);
                    }
                    return Status::Ok();
                  })
                  .ok());
  return answer;
}

std::vector<std::string> AnswerOf(const Replica& replica) {
  std::vector<std::string> records;
  for (const auto& member : replica.engine().deletions()->members()) {
    records.push_back(EncodeDeletion(member.deletion));
  }
  RecordBuilder builder(RecordBuilder::For::kAnswer);
  const auto selection = replica.engine().Select({}, INT64_MIN, INT64_MAX);
  while (selection->Next().value()) builder.Add(selection->labels(), selection->stored());
  for (std::string& record : builder.Take()) records.push_back(std::move(record));
  return records;
}

// Each record reaches one of the two at least.
struct Divided {
  explicit Divided(uint64_t seed) : random(seed) {
    for (const TestRecord& record : RandomRecords(random, 40 + random() % 60)) {
      model.Apply(record);
      const uint64_t who = random() % 4;
      if (who != 1) a.Apply(record);
      if (who != 0) b.Apply(record);
      a.Settle(random());
      b.Settle(random());
      if (random() % 8 == 0) (void)a.Digest();  // some windows are remembered, and touched again
    }
  }
  std::mt19937_64 random;
  Model model;
  Replica a, b;
};

TEST(SeriesExchange, ReplicasThatHavePulledFromEachOtherAreEqualAndAnswerAsTheModel) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Divided world(seed);
    Pull(world.a, world.b);
    Pull(world.b, world.a);
    EXPECT_EQ(world.a.Digest(), world.b.Digest());
    EXPECT_EQ(Ask(world.a.engine()).value(), world.model.Ask());
    EXPECT_EQ(Ask(world.b.engine()).value(), world.model.Ask());
    EXPECT_EQ(Pull(world.a, world.b), 0u);
  }
}

TEST(SeriesExchange, ADeletionThatComesAfterACopyHidesInTheCopyWhatItHidesInTheOriginal) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Divided world(seed);
    Replica copy;
    Copy(world.a, copy, {kBits, AllLeaves(), {}, "", 11});
    copy.Settle(seed);
    EXPECT_EQ(copy.Digest(), world.a.Digest());
    Deletion deletion{
        StampOf(kEpochMs + static_cast<int64_t>(world.random() % 10) * kHourMs), INT64_MIN, INT64_MAX, {}};
    deletion.matchers.push_back(MatcherOf("host", format::MatchKind::kRegex, "[b-d]"));
    world.a.Apply(deletion);
    copy.Apply(deletion);
    EXPECT_EQ(Ask(copy.engine()).value(), Ask(world.a.engine()).value());
    EXPECT_EQ(copy.Digest(), world.a.Digest());
  }
}

TEST(SeriesExchange, TheAnswersOfTwoReplicasUnitedAreTheModels) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Divided world(seed);
    SampleUnion both;
    for (const Replica* replica : {&world.a, &world.b}) {
      for (const std::string& record : AnswerOf(*replica)) EXPECT_TRUE(both.Add(record).ok());
    }
    EXPECT_EQ(ShownBy(both), world.model.Ask());
  }
}

TEST(SeriesExchange, RecordsJoinedIntoFewHoldTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Replica one, joined;
    SampleUnion all;
    for (const TestRecord& record : RandomRecords(random, 50)) {
      one.Apply(record);
      const auto* const batch = std::get_if<TestBatch>(&record);
      const std::string bytes =
          batch != nullptr ? EncodeRows(batch->version, batch->rows) : EncodeDeletion(std::get<Deletion>(record));
      ASSERT_TRUE(all.Add(bytes).ok());
    }
    for (const std::string& record : all.Join()) joined.ApplyBytes(record);
    EXPECT_EQ(joined.Digest(), one.Digest());
  }
}

TEST(SeriesExchange, WhatIsNotBeforeTheTimeAskedForDoesNotCount) {
  Replica a, b;
  const auto batch = [](int64_t at) { return TestBatch{VersionAt(at), {{LabelsOf({{"__name__", "m"}}), at, 1}}}; };
  a.Apply(batch(kEpochMs));
  b.Apply(batch(kEpochMs));
  a.Apply(batch(kEpochMs + 60'000));
  a.Apply(Deletion{StampOf(kEpochMs + 70'000), 0, 1, {MatcherOf("__name__", format::MatchKind::kEqual, "m")}});
  EXPECT_NE(a.Digest(), b.Digest());
  EXPECT_EQ(a.Digest(kEpochMs + 60'000), b.Digest(kEpochMs + 60'000));
  EXPECT_NE(a.Digest(kEpochMs + 60'001), b.Digest(kEpochMs + 60'001));
  EXPECT_EQ(Copy(a, b, {kBits, AllLeaves(), kEpochMs + 60'000, "", 100}), 1u);
}

TEST(SeriesExchange, ReplicasWithHorizonsOfDifferentMomentsAreEqual) {
  Replica a, b;
  for (int64_t hour = 0; hour < 24; ++hour) {
    const int64_t at = kEpochMs + hour * kHourMs;
    for (Replica* replica : {&a, &b})
      replica->Apply(TestBatch{VersionAt(at), {{LabelsOf({{"__name__", "m"}}), at, 1}}});
  }
  ASSERT_TRUE(a.engine().SetHorizon(kEpochMs + 5 * kHourMs).ok());
  ASSERT_TRUE(b.engine().SetHorizon(kEpochMs + 5 * kHourMs + 60'000).ok());
  EXPECT_EQ(a.Digest(), b.Digest());
}

TEST(SeriesExchange, NoRecordOfACopyIsOfALaterVersionThanItsSamplesWere) {
  Replica a;
  const int64_t now = kEpochMs;
  // As far ahead as is prompt.
  a.Apply(TestBatch{VersionAt(now), {{LabelsOf({{"__name__", "m"}}), now + kPromptMs, 1}}});
  const LeafPage page = ScanLeaves(a.engine(), {kBits, AllLeaves(), {}, ""}).value();
  ASSERT_EQ(page.records.size(), 1u);
  EXPECT_LE(format::SeriesBatch::Decode(page.records[0])->version(), VersionAt(now));
}

TEST(SeriesExchange, APlaceOfNoScanIsRefused) {
  Replica a;
  EXPECT_EQ(ScanLeaves(a.engine(), {kBits, {0}, {}, "x"}).status().field(), "after");
  EXPECT_FALSE(ScanLeaves(a.engine(), {kBits, {0}, {}, std::string(12, '\0') + "no labels"}).ok());
}

TEST(SeriesExchange, WhatIsNoRecordIsCorruption) {
  SampleUnion samples;
  EXPECT_EQ(samples.Add("").code(), Code::kCorruption);
  EXPECT_EQ(samples.Add("\x20").code(), Code::kCorruption);
  EXPECT_EQ(samples.Add("\x10 and no batch").code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::series
