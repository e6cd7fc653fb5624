#include "engines/series/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace rhizome::series {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StoredSamples ReadAll(const Generation& generation, SeriesNumber series) {
  StoredSamples samples;
  generation.Read(series, INT64_MIN, INT64_MAX, samples);
  KeepUndominated(samples.stamped);
  return samples;
}

TEST(Generation, KeepsPromptAndStampedSamplesApart) {
  Generation generation(2);
  EXPECT_EQ(generation.AddSeries(), 2u);
  generation.Append(std::vector<TailRow>{{0, {10, 1}}, {2, {20, 2}}});
  generation.Append(std::vector<StampedRow>{{1, {5, 3, 77}}, {2, {20, 9, 78}}});
  EXPECT_THAT(ReadAll(generation, 0).prompt.times, ElementsAre(10));
  EXPECT_THAT(ReadAll(generation, 1).stamped, ElementsAre(StampedSample{5, 3, 77}));
  EXPECT_THAT(ReadAll(generation, 2).prompt.values, ElementsAre(2));
  EXPECT_THAT(ReadAll(generation, 2).stamped, ElementsAre(StampedSample{20, 9, 78}));
}

TEST(Generation, ASeriesIsEmptyUntilItHasASampleOfEitherKind) {
  Generation generation(3);
  generation.Append(std::vector<TailRow>{{0, {10, 1}}});
  generation.Append(std::vector<StampedRow>{{1, {5, 3, 77}}});
  EXPECT_FALSE(generation.IsEmpty(0));
  EXPECT_FALSE(generation.IsEmpty(1));
  EXPECT_TRUE(generation.IsEmpty(2));
}

TEST(Generation, ManyStampedSamplesOfOneTimeTakeTheRoomOfThoseThatMatter) {
  Generation generation(1);
  for (uint64_t i = 0; i < 10'000; ++i) {
    generation.Append(std::vector<StampedRow>{{0, {5, static_cast<double>(i % 3), i % 100}}});
  }
  EXPECT_LT(generation.stamped_samples(), 200u);
  // Of 0 to 99 the newest of each value: 99 % 3 differs by round, so each value comes with each stamp.
  EXPECT_THAT(ReadAll(generation, 0).stamped, ElementsAre(StampedSample{5, 2, 99}));
  EXPECT_GT(generation.memory_bytes(), 0u);
}

TEST(Generation, GivesTheStampedSamplesOfARangeInWhateverOrderTheyCame) {
  std::mt19937 random(4);
  for (const int disorder : {0, 1, 100}) {
    Generation generation(1);
    std::vector<StampedSample> all;
    for (int i = 0; i < 300; ++i) {
      all.push_back({i - static_cast<int64_t>(random() % static_cast<unsigned>(disorder + 1)), 1.0 * i, 100u + i});
      generation.Append(std::vector<StampedRow>{{0, all.back()}});
      StoredSamples read;
      generation.Read(0, i / 3, i / 2, read);
      KeepUndominated(read.stamped);
      std::vector<StampedSample> expected;
      for (const StampedSample& sample : all) {
        if (sample.time_ms >= i / 3 && sample.time_ms <= i / 2) expected.push_back(sample);
      }
      KeepUndominated(expected);
      ASSERT_EQ(read.stamped, expected) << disorder << " " << i;
    }
  }
}

TEST(Generation, ACopyReadsAsTheGenerationDid) {
  std::mt19937 random(3);
  Generation generation(4);
  for (int i = 0; i < 500; ++i) {
    const auto series = static_cast<SeriesNumber>(random() % 4);
    const auto time = static_cast<int64_t>(random() % 300);
    generation.Append(std::vector<TailRow>{{series, {time, 1.0 * i}}});
    if (i % 3 == 0) generation.Append(std::vector<StampedRow>{{series, {time, 2.0 * i, random() % 9}}});
  }
  MemoryCopy copy;
  std::vector<StoredSamples> read(4);
  for (SeriesNumber series = 0; series < 4; ++series) {
    generation.Copy(series, 50, 250, copy);
    generation.Read(series, 50, 250, read[series]);
  }
  EXPECT_EQ(copy.size(), 4u);
  for (SeriesNumber series = 0; series < 4; ++series) generation.Append(std::vector<TailRow>{{series, {100, 1e9}}});
  for (SeriesNumber series = 0; series < 4; ++series) {
    StoredSamples samples;
    copy.Read(series, 50, 250, samples);
    EXPECT_EQ(samples.prompt.times, read[series].prompt.times);
    EXPECT_EQ(samples.prompt.values, read[series].prompt.values);
    EXPECT_EQ(samples.stamped, read[series].stamped);
  }
}

}  // namespace
}  // namespace rhizome::series
