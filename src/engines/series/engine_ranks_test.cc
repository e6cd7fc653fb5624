// That the order of labels is right however series came, were ranked, were forgotten and came again.
#include <gtest/gtest.h>

#include "engines/series/engine_testing.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

class EngineRanksTest : public testing::Test {
 protected:
  EngineRanksTest() {
    EXPECT_TRUE(disk_.CreateDirectory("shard").ok());
    engine_ = SeriesEngine::Open(disk_, {"shard", {}}).value();
  }
  // So many series out of a thousand, in any order.
  void Apply(size_t count) {
    std::vector<TestRow> rows;
    for (size_t i = 0; i < count; ++i) {
      const std::string host = "host-" + std::to_string(random_() % 1'000);
      rows.push_back({LabelsOf({{"__name__", "up"}, {"host", host}}), kEpochMs + ++now_, 1});
    }
    ++lsn_;
    ApplyRows(*engine_, lsn_, VersionAt(kEpochMs + now_), rows);
    model_.Apply(TestBatch{VersionAt(kEpochMs + now_), rows});
  }
  // Ask itself checks the order.
  void Check() { EXPECT_EQ(Ask(*engine_).value(), model_.Ask()); }

  io::SimDisk disk_;
  std::mt19937_64 random_{5};
  uint64_t lsn_ = 0;
  int64_t now_ = 0;
  std::unique_ptr<SeriesEngine> engine_;
  Model model_;
};

TEST_F(EngineRanksTest, SeriesThatCameAfterTheRankingStandWhereTheyBelong) {
  Apply(600);
  engine_->RankSeries();
  Check();
  Apply(100);
  Check();
  engine_->RankSeries();  // too few are new
  Check();
  Apply(900);
  engine_->RankSeries();
  Check();
}

TEST_F(EngineRanksTest, ANumberThatIsGivenAgainHasNoRank) {
  for (int round = 0; round < 12; ++round) {
    Apply(round % 3 == 0 ? 20 : 500);
    engine_->RankSeries();
    Check();
    ASSERT_TRUE(engine_->Checkpoint().ok());  // every other one forgets those that were not written to
    Check();
    if (round % 2 == 0) engine_->RankSeries();
    Check();
  }
}

}  // namespace
}  // namespace rhizome::series
