#include "engines/vector/slot_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace rhizome::vector {
namespace {

using format::PointId;

PointId Id(uint64_t n) { return PointId(n); }

TEST(SlotTable, SlotsAreGivenOutInOrder) {
  SlotTable table;
  EXPECT_EQ(table.Append(Id(7), {1, 1}), 0u);
  EXPECT_EQ(table.Append(Id(8), {2, 1}), 1u);
  EXPECT_EQ(table.IdOf(1), Id(8));
}

TEST(SlotTable, ReadersSeeABatchOnlyOncePublished) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  EXPECT_EQ(table.Find(Id(7), *table.Live()), kNoSlot);
  table.Publish();
  EXPECT_EQ(table.Find(Id(7), *table.Live()), 0u);
}

TEST(SlotTable, AnUpdateUnderWayHidesNothingFromReaders) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  table.Publish();
  const auto before = table.Live();
  table.Append(Id(7), {2, 1});
  table.Append(Id(7), {3, 1});
  EXPECT_EQ(table.Find(Id(7), *table.Live()), 0u);
  table.Publish();
  EXPECT_EQ(table.Find(Id(7), *before), 0u);
  EXPECT_EQ(table.Find(Id(7), *table.Live()), 2u);
}

TEST(SlotTable, AnUpdateUnderWayBringsNoDeletedPointBack) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  table.Kill(Id(7), {2, 1});
  table.Publish();
  table.Append(Id(7), {3, 1});
  EXPECT_EQ(table.Find(Id(7), *table.Live()), kNoSlot);
}

TEST(SlotTable, AnUpsertKillsThePreviousSlot) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  table.Publish();
  table.Append(Id(7), {2, 1});
  EXPECT_EQ(table.killed(), std::vector<Slot>{0});
  table.Publish();
  EXPECT_EQ(table.Live()->Count(), 1u);
  EXPECT_EQ(table.Find(Id(7), *table.Live()), 1u);
}

TEST(SlotTable, ADeletedPointIsGoneButItsVersionIsKept) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  table.Kill(Id(7), {5, 1});
  table.Publish();
  EXPECT_EQ(table.Find(Id(7), *table.Live()), kNoSlot);
  const auto newest = table.FindUnpublished(Id(7));
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->version, (Version{5, 1}));
  EXPECT_FALSE(newest->live);
}

TEST(SlotTable, AReadersViewNeverChanges) {
  SlotTable table;
  table.Append(Id(7), {1, 1});
  table.Publish();
  const auto view = table.Live();
  table.Kill(Id(7), {2, 1});
  table.Publish();
  EXPECT_TRUE(view->Contains(0));
}

TEST(SlotTable, EncodingRoundTrips) {
  SlotTable table;
  for (uint64_t n = 0; n < 100; ++n) table.Append(Id(n), {n, 1});
  table.Append(Id(3), {200, 2}, false);
  table.Kill(Id(4), {201, 1});
  table.Publish();
  SlotTable loaded;
  ASSERT_TRUE(loaded.Load(table.Encode()).ok());
  EXPECT_EQ(loaded.Live()->words(), table.Live()->words());
  EXPECT_EQ(loaded.Find(Id(3), *loaded.Live()), 100u);
  EXPECT_EQ(loaded.FindUnpublished(Id(4))->version, (Version{201, 1}));
  EXPECT_TRUE(loaded.HasVector(3));
  EXPECT_FALSE(loaded.HasVector(100));
}

// What snapshots written by this version hold; it may never change meaning.
TEST(SlotTable, GoldenFileStillLoads) {
  SlotTable table;
  for (uint64_t n = 0; n < 70; ++n) table.Append(Id(n % 60), {n + 1, 7});
  table.Kill(Id(20), {100, 8});
  table.Publish();
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/vector/testdata/slot_table_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), table.Encode());
  SlotTable loaded;
  ASSERT_TRUE(loaded.Load(bytes.str()).ok());
  EXPECT_EQ(loaded.Live()->words(), table.Live()->words());
}

TEST(SlotTable, EveryTruncationAndBitFlipIsCorruption) {
  SlotTable table;
  for (uint64_t n = 0; n < 3; ++n) table.Append(Id(n), {n, 1});
  const std::string bytes = table.Encode();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(SlotTable().Load(std::string_view(bytes).substr(0, length)).code(), Code::kCorruption);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(SlotTable().Load(flipped).code(), Code::kCorruption);
  }
}

TEST(SlotTable, ReadersRunBesideTheWriter) {
  SlotTable table;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const auto live = table.Live();
      for (Slot slot = 0; slot < live->size(); ++slot) {
        if (live->Contains(slot)) {
          EXPECT_LE(table.VersionOf(slot).time, 20'000u);
        }
      }
      (void)table.Find(Id(1), *live);
    }
  });
  for (uint64_t n = 0; n < 20'000; ++n) {
    table.Append(Id(n % 500), {n, 1});
    if (n % 100 == 0) table.Publish();
  }
  done = true;
  reader.join();
  table.Publish();
  EXPECT_EQ(table.Live()->Count(), 500u);
}

}  // namespace
}  // namespace rhizome::vector
