#include "engines/series/tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <random>

#include "engines/series/mixed_data_testing.h"
#include "engines/series/sample_order.h"

namespace rhizome::series {
namespace {

using testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What a store should hold, said plainly.
using Model = std::map<SeriesNumber, std::map<int64_t, double>>;

void Note(Model& model, const TailRow& row) {
  const auto [at, fresh] = model[row.series].try_emplace(row.sample.time_ms, row.sample.value);
  if (!fresh && RankOf(at->second) < RankOf(row.sample.value)) at->second = row.sample.value;
}

Samples ReadAll(const TailStore& store, SeriesNumber series) {
  Samples samples;
  store.Read(series, INT64_MIN, INT64_MAX, samples);
  return samples;
}

using Bits = std::vector<std::pair<int64_t, uint64_t>>;

Bits BitsOf(const Samples& samples) {
  Bits bits;
  for (size_t i = 0; i < samples.size(); ++i) {
    bits.emplace_back(samples.times[i], std::bit_cast<uint64_t>(samples.values[i]));
  }
  return bits;
}

Bits BitsOf(const std::map<int64_t, double>& samples, int64_t from = INT64_MIN, int64_t to = INT64_MAX) {
  Bits bits;
  for (const auto& [time, value] : samples) {
    if (time >= from && time <= to) bits.emplace_back(time, std::bit_cast<uint64_t>(value));
  }
  return bits;
}

void AddSeries(TailStore& store, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(store.AddSeries(), i);
}

std::vector<TailRow> InOrder(SeriesNumber series, size_t count, int64_t start = 0) {
  std::vector<TailRow> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back({series, {start + static_cast<int64_t>(i) * 1000, static_cast<double>(i)}});
  }
  return rows;
}

TEST(SampleOrder, ItIsTotalAndANumberBeatsNan) {
  const double stale = std::bit_cast<double>(kStaleMarkerBits);
  const std::vector<double> rising = {-kNan, stale, kNan, -std::numeric_limits<double>::infinity(), -1,
                                      -0.0,  0,     1,    std::numeric_limits<double>::infinity()};
  for (size_t i = 0; i < rising.size(); ++i) {
    for (size_t j = 0; j < rising.size(); ++j) {
      EXPECT_EQ(RankOf(rising[i]) < RankOf(rising[j]), i < j) << i << " " << j;
      EXPECT_EQ(std::bit_cast<uint64_t>(Prevailing(rising[i], rising[j])),
                std::bit_cast<uint64_t>(rising[std::max(i, j)]));
    }
  }
}

TEST(Tail, SamplesInOrderComeBackAtEveryCount) {
  for (const size_t count : {0, 1, 3, 4, 5, 12, 13, 16, 17, 63, 64, 65, 68, 69, 129, 500}) {
    TailStore store;
    AddSeries(store, 2);
    Model model;
    for (const TailRow& row : InOrder(1, count)) {
      store.Append({&row, 1});
      Note(model, row);
    }
    EXPECT_EQ(BitsOf(ReadAll(store, 1)), BitsOf(model[1])) << count;
    EXPECT_EQ(ReadAll(store, 0).size(), 0u);
  }
}

TEST(Tail, ReadGivesBothEndsOfTheRange) {
  TailStore store;
  AddSeries(store, 1);
  store.Append(InOrder(0, 300));
  Samples samples;
  store.Read(0, 63'000, 65'000, samples);
  EXPECT_THAT(samples.times, ElementsAre(63'000, 64'000, 65'000));
  store.Read(0, 299'000, INT64_MAX, samples);
  EXPECT_EQ(samples.times.back(), 299'000);
  EXPECT_EQ(samples.size(), 4u);
  store.Read(0, 2, 1, samples);
  EXPECT_EQ(samples.size(), 4u);
}

TEST(Tail, ARepeatedBatchChangesNothing) {
  TailStore store;
  AddSeries(store, 1);
  const std::vector<TailRow> rows = InOrder(0, 200);
  store.Append(rows);
  const Bits before = BitsOf(ReadAll(store, 0));
  for (int i = 0; i < 3; ++i) store.Append(rows);
  EXPECT_EQ(BitsOf(ReadAll(store, 0)), before);
}

TEST(Tail, MuchThatIsLateIsFoldedAway) {
  TailStore store;
  AddSeries(store, 1);
  std::vector<TailRow> rows = InOrder(0, 2'000);
  std::reverse(rows.begin(), rows.end());
  store.Append(rows);
  EXPECT_LT(store.late_samples(), TailStore::kLateFoldAt);
  EXPECT_EQ(ReadAll(store, 0).size(), 2'000u);
}

TEST(Tail, GapsOfYearsAndTheWidestTimesComeBack) {
  TailStore store;
  AddSeries(store, 1);
  Model model;
  for (const int64_t time : {int64_t{INT64_MIN}, int64_t{-1}, int64_t{0}, int64_t{UINT32_MAX}, int64_t{1} << 33,
                             (int64_t{1} << 33) + 1, (int64_t{1} << 40), INT64_MAX - 1, int64_t{INT64_MAX}}) {
    for (int64_t i = 0; i < 5; ++i) {
      if (time > INT64_MAX - i) break;
      const TailRow row{0, {time + i, static_cast<double>(i)}};
      store.Append({&row, 1});
      Note(model, row);
    }
  }
  EXPECT_EQ(BitsOf(ReadAll(store, 0)), BitsOf(model[0]));
}

TEST(Tail, TakeRemovesWhatIsBeforeTheEnd) {
  TailStore store;
  AddSeries(store, 2);
  store.Append(InOrder(0, 300));
  store.Append(InOrder(1, 10));
  const TailRow late{0, {500, 7}};
  store.Append({&late, 1});
  Samples taken;
  store.Take(0, 200'000, taken);
  EXPECT_EQ(taken.size(), 201u);
  EXPECT_EQ(taken.times[1], 500);
  EXPECT_EQ(ReadAll(store, 0).times.front(), 200'000);
  EXPECT_EQ(ReadAll(store, 0).size(), 100u);
  EXPECT_EQ(ReadAll(store, 1).size(), 10u);
  EXPECT_EQ(store.late_samples(), 0u);
  store.Take(0, INT64_MAX, taken);
  EXPECT_EQ(taken.size(), 301u);
  EXPECT_EQ(ReadAll(store, 0).size(), 0u);
}

TEST(Tail, SpillBlocksAreUsedAgain) {
  TailStore store;
  AddSeries(store, 100);
  uint64_t after_first = 0;
  for (int round = 0; round < 5; ++round) {
    for (SeriesNumber series = 0; series < 100; ++series) store.Append(InOrder(series, 64, round * 64'000));
    Samples taken;
    for (SeriesNumber series = 0; series < 100; ++series) store.Take(series, INT64_MAX, taken);
    if (round == 0) after_first = store.memory_bytes();
  }
  EXPECT_EQ(store.memory_bytes(), after_first);
}

TEST(Tail, ASeriesTakesLessThanTwoKibibytesForTwoHours) {
  constexpr SeriesNumber kSeries = 200;
  TailStore store;
  AddSeries(store, kSeries);
  std::vector<MixedSeries> source;
  for (SeriesNumber i = 0; i < kSeries; ++i) source.emplace_back(KindOf(i), i);
  uint64_t most = 0;
  for (int round = 0; round < 480; ++round) {
    std::vector<TailRow> rows;
    for (SeriesNumber i = 0; i < kSeries; ++i) rows.push_back({i, source[i].Next()});
    store.Append(rows);
    most = std::max(most, store.memory_bytes());
  }
  // Spill blocks come in slabs of 4096, of which a store of 200 series uses a part.
  EXPECT_LT(most, kSeries * 2048u + 4096 * 160);
}

// The same rows, some of them again, in two orders: both stores hold what the model holds.
TEST(TailProperty, EveryOrderAndRepetitionEndsInTheSameState) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    constexpr uint32_t kSeries = 5;
    const double specials[] = {kNan, -0.0, 0.0, std::bit_cast<double>(kStaleMarkerBits), 1.5, -3, 1.0 / 3};
    std::vector<TailRow> rows;
    Model model;
    const int64_t span = 1 + static_cast<int64_t>(random() % 2000);
    for (int i = 0; i < 1500; ++i) {
      TailRow row{static_cast<SeriesNumber>(random() % kSeries), {static_cast<int64_t>(random() % span) * 1000, 0}};
      row.sample.value = random() % 3 ? static_cast<double>(random() % 4) : specials[random() % 7];
      rows.push_back(row);
      Note(model, row);
      if (random() % 4 == 0) rows.push_back(rows[random() % rows.size()]);
    }
    TailStore a;
    TailStore b;
    AddSeries(a, kSeries);
    AddSeries(b, kSeries);
    std::stable_sort(rows.begin(), rows.end(), [&](const TailRow& x, const TailRow& y) {
      return seed % 2 && x.sample.time_ms < y.sample.time_ms;
    });
    for (size_t at = 0; at < rows.size();) {
      const size_t count = std::min(rows.size() - at, 1 + random() % 100);
      a.Append(std::span(rows).subspan(at, count));
      at += count;
    }
    std::shuffle(rows.begin(), rows.end(), random);
    b.Append(rows);
    for (SeriesNumber series = 0; series < kSeries; ++series) {
      EXPECT_EQ(BitsOf(ReadAll(a, series)), BitsOf(model[series]));
      EXPECT_EQ(BitsOf(ReadAll(b, series)), BitsOf(model[series]));
      Samples part;
      b.Read(series, span * 300, span * 600, part);
      EXPECT_EQ(BitsOf(part), BitsOf(model[series], span * 300, span * 600));
    }
    TailCopy copy;
    for (SeriesNumber series = 0; series < kSeries; ++series) b.Copy(series, span * 300, span * 600, copy);
    b.Append(rows);  // nothing new, and still: a copy is of its moment
    for (SeriesNumber series = 0; series < kSeries; ++series) {
      Samples part;
      copy.Read(series, span * 300, span * 600, part);
      EXPECT_EQ(BitsOf(part), BitsOf(model[series], span * 300, span * 600));
      copy.Read(series, 5, 4, part);
      EXPECT_EQ(BitsOf(part), BitsOf(model[series], span * 300, span * 600));
    }
  }
}

}  // namespace
}  // namespace rhizome::series
