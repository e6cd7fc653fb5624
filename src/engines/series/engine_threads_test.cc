// Readers beside a writer, checkpoints, compactions and deletions: each sees whole batches and all that was applied
// before it began.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engines/series/engine.h"
#include "engines/series/engine_testing.h"
#include "io/sim_disk.h"

namespace rhizome::series {
namespace {

using format::MatchKind;

constexpr int kSeries = 40;
constexpr int kBatches = 300;

std::vector<format::Labels> ManyLabels() {
  std::vector<format::Labels> labels;
  for (int i = 0; i < kSeries; ++i) {
    const std::string number = std::to_string(i);
    labels.push_back(LabelsOf({{"__name__", "m"}, {"n", number}}));
  }
  return labels;
}

// Every batch has a sample of every series at a time of its own, so a reader's series all end at the same time.
void Read(const SeriesEngine& engine, int64_t applied) {
  const auto selection = engine.Select({}, INT64_MIN, INT64_MAX);
  size_t series = 0;
  std::vector<int64_t> first;
  while (true) {
    const auto more = selection->Next();
    ASSERT_TRUE(more.ok()) << more.status().ToString();
    if (!more.value()) break;
    const std::vector<int64_t>& times = selection->samples().times;
    if (series++ == 0) first = times;
    ASSERT_EQ(times, first);
  }
  ASSERT_EQ(series, applied > 0 || series > 0 ? size_t{kSeries} : 0u);
  ASSERT_GE(first.size(), static_cast<size_t>(applied));
}

TEST(SeriesEngineThreads, ReadersSeeWholeBatchesWhateverElseGoesOn) {
  io::SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("shard").ok());
  EngineOptions options{"shard", {}};
  options.compaction.blocks_max = 3;
  const auto engine = SeriesEngine::Open(disk, options).value();
  const auto labels = ManyLabels();
  std::atomic<int64_t> applied{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!done.load() && !testing::Test::HasFatalFailure()) Read(*engine, applied.load());
    });
  }
  threads.emplace_back([&] {
    while (!done.load()) EXPECT_TRUE(engine->Checkpoint().ok());
  });
  threads.emplace_back([&] {
    while (!done.load()) EXPECT_TRUE(engine->Compact().ok());
  });
  for (int64_t i = 1; i <= kBatches; ++i) {
    std::vector<TestRow> rows;
    const int64_t time = kEpochMs + i * 300'000;
    for (const format::Labels& one : labels) rows.push_back({one, time, 1.0 * static_cast<double>(i)});
    if (i % 50 == 0) {  // of nothing there is
      ASSERT_TRUE(engine
                      ->Delete(static_cast<uint64_t>(2 * i - 1),
                               {StampOf(time), 0, time, {MatcherOf("n", MatchKind::kEqual, "none")}})
                      .ok());
    }
    ApplyRows(*engine, static_cast<uint64_t>(2 * i), VersionAt(time), rows);
    applied = i;
    if (i % 60 == 0) engine->Settle(StampOf(time));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  Read(*engine, kBatches);
  EXPECT_TRUE(engine->Checkpoint().ok());
  Read(*engine, kBatches);
}

// More series than one pass copies, while memory is exchanged all the time: nothing that was there is missed.
TEST(SeriesEngineThreads, ALargeSelectionMissesNothing) {
  constexpr size_t kMany = SeriesEngine::kSeriesPerPass * 2 + 100;
  io::SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("shard").ok());
  const auto engine = SeriesEngine::Open(disk, {"shard", {}}).value();
  std::vector<format::Labels> labels;
  for (size_t i = 0; i < kMany; ++i) {
    const std::string number = std::to_string(i);
    labels.push_back(LabelsOf({{"n", number}}));
  }
  std::atomic<size_t> applied{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!done.load()) EXPECT_TRUE(engine->Checkpoint().ok());
  });
  threads.emplace_back([&] {
    for (uint64_t i = 1; i <= 20; ++i) {
      std::vector<TestRow> rows;
      const int64_t time = kEpochMs + static_cast<int64_t>(i);
      for (const format::Labels& one : labels) rows.push_back({one, time, 1});
      ApplyRows(*engine, i, VersionAt(time), rows);
      applied = i;
    }
    done = true;
  });
  while (!done.load()) {
    const size_t before = applied.load();
    const auto selection = engine->Select({}, INT64_MIN, INT64_MAX);
    const size_t after = applied.load() + 1;  // one may be applied and not yet noted
    size_t series = 0;
    while (selection->Next().value()) {
      const std::vector<int64_t>& times = selection->samples().times;
      EXPECT_GE(times.size(), before);
      EXPECT_LE(times.size(), after);
      EXPECT_EQ(times.back() - times.front() + 1, static_cast<int64_t>(times.size()));
      ++series;
    }
    if (before > 0) EXPECT_EQ(series, kMany);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace rhizome::series
