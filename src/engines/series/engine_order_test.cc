// The engine's state is a join: order, repetition and the moments of flush, compaction and restart do not matter.
#include <gtest/gtest.h>

#include <algorithm>

#include "engines/series/engine.h"
#include "engines/series/engine_testing.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

using format::MatchKind;
using io::SimDisk;

constexpr const char* kFolder = "shard";

EngineOptions Options() {
  EngineOptions options{kFolder, {}};
  options.compaction.blocks_max = 3;
  return options;
}

std::unique_ptr<SeriesEngine> MustOpen(SimDisk& disk) {
  if (!disk.Exists(kFolder).value()) EXPECT_TRUE(disk.CreateDirectory(kFolder).ok());
  return SeriesEngine::Open(disk, Options()).value();
}

// Applies a log to one engine with checkpoints, compactions and restarts in between.
class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed), engine_(MustOpen(disk_)) {}

  void Apply(const TestRecord& record) {
    log_.push_back(record);
    EXPECT_TRUE(ApplyRecord(*engine_, log_.size(), record).ok());
    Happen();
  }

  void Happen() {
    switch (random_() % 12) {
      case 0: EXPECT_TRUE(engine_->Checkpoint().ok()); break;
      case 1: EXPECT_TRUE(engine_->Compact().ok()); break;
      case 2: {
        engine_ = MustOpen(disk_);
        EXPECT_LE(engine_->applied_lsn(), log_.size());
        // Replay, from a little before where it has to.
        const uint64_t back = std::min<uint64_t>(engine_->applied_lsn(), random_() % 4);
        for (uint64_t lsn = engine_->applied_lsn() - back + 1; lsn <= log_.size(); ++lsn) {
          EXPECT_TRUE(ApplyRecord(*engine_, lsn, log_[lsn - 1]).ok());
        }
        break;
      }
      default: break;
    }
  }

  const SeriesEngine& engine() const { return *engine_; }
  SeriesEngine& engine() { return *engine_; }

 private:
  std::mt19937_64 random_;
  SimDisk disk_;
  std::vector<TestRecord> log_;
  std::unique_ptr<SeriesEngine> engine_;
};

void ExpectAnswers(const SeriesEngine& engine, const Model& model, std::mt19937_64& random) {
  EXPECT_EQ(Ask(engine).value(), model.Ask());
  for (int i = 0; i < 3; ++i) {
    const int64_t from = kEpochMs + static_cast<int64_t>(random() % 20) * kHourMs - 8 * kHourMs;
    const int64_t to = from + static_cast<int64_t>(random() % 300) * 60'000;
    const std::vector<format::Matcher> matchers = {
        MatcherOf("host", i ? MatchKind::kRegex : MatchKind::kNotEqual, "b|d")};
    const Answer answer = model.Ask(matchers, from, to);
    EXPECT_EQ(Ask(engine, matchers, from, to).value(), answer);
    const auto listed = engine.ListSeries(matchers, from, to).value();
    EXPECT_EQ(listed.size(), answer.size());
    for (const format::Labels& labels : listed) EXPECT_TRUE(answer.contains(labels.view().ToString()));
  }
}

TEST(SeriesEngineOrder, EveryOrderAndRepetitionGivesTheModelsAnswers) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<TestRecord> records = RandomRecords(random, 20 + random() % 60);
    Model model;
    for (const TestRecord& record : records) model.Apply(record);
    for (uint64_t life = 0; life < 3; ++life) {
      Life one(seed * 10 + life);
      if (life > 0) {
        for (uint64_t i = random() % 10; i > 0; --i) records.push_back(records[random() % records.size()]);
        std::shuffle(records.begin(), records.end(), random);
      }
      for (const TestRecord& record : records) one.Apply(record);
      ExpectAnswers(one.engine(), model, random);
      EXPECT_TRUE(one.engine().Checkpoint().ok());
      while (one.engine().Compact().value()) {
      }
      ExpectAnswers(one.engine(), model, random);
      EXPECT_TRUE(one.engine().Verify().ok());
    }
  }
}

TEST(SeriesEngineOrder, EveryMomentAnswersForWhatCameSoFar) {
  for (uint64_t seed = 100; seed < 110; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Model model;
    Life life(seed);
    for (const TestRecord& record : RandomRecords(random, 60)) {
      life.Apply(record);
      model.Apply(record);
      EXPECT_EQ(Ask(life.engine()).value(), model.Ask());
    }
  }
}

// Some settle early, some late, some never: nobody can tell.
TEST(SeriesEngineOrder, SettlingChangesNoAnswer) {
  for (uint64_t seed = 200; seed < 230; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const std::vector<TestRecord> records = RandomRecords(random, 60);
    Model model;
    Life life(seed);
    for (const TestRecord& record : records) {
      life.Apply(record);
      model.Apply(record);
      // In this order every stamp is above those before it, so all that is here is settled.
      if (random() % 3 == 0) {
        const auto* const batch = std::get_if<TestBatch>(&record);
        life.engine().Settle(batch != nullptr ? batch->version.time : std::get<Deletion>(record).stamp);
      }
      if (random() % 4 == 0) EXPECT_TRUE(life.engine().Checkpoint().ok());
      if (random() % 4 == 0) EXPECT_TRUE(life.engine().Compact().ok());
      EXPECT_EQ(Ask(life.engine()).value(), model.Ask());
    }
  }
}

}  // namespace
}  // namespace rhizome::series
