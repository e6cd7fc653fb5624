#include "engines/series/dictionary_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/series/engine_testing.h"

namespace rhizome::series {
namespace {

using testing::ElementsAre;
using testing::Pointee;

std::string BatchOf(const std::vector<std::string>& names, double value = 1) {
  std::vector<TestRow> rows;
  for (const std::string& name : names) rows.push_back({LabelsOf({{"n", name}}), kEpochMs, value});
  return EncodeRows(VersionAt(kEpochMs), rows);
}

format::SeriesBatch View(const std::string& bytes) { return format::SeriesBatch::Decode(bytes).value(); }

size_t KeptBytes(const std::string& bytes) {
  return format::SeriesDictionary::Of(View(bytes))->bytes().size() + sizeof(SeriesNumber);
}

void Add(DictionaryCache& cache, const std::string& bytes, std::vector<SeriesNumber> numbers) {
  cache.Add(View(bytes), nullptr, numbers);
  cache.Add(View(bytes), nullptr, numbers);
}

TEST(DictionaryCache, WhatCameOnceIsNotKept) {
  DictionaryCache cache;
  const std::string a = BatchOf({"a"});
  cache.Add(View(a), nullptr, std::vector<SeriesNumber>{1});
  EXPECT_EQ(cache.Find(View(a)), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
  cache.Add(View(a), nullptr, std::vector<SeriesNumber>{1});
  EXPECT_THAT(cache.Find(View(a)), Pointee(ElementsAre(1)));
}

TEST(DictionaryCache, AddedAgainItIsKeptOnce) {
  DictionaryCache cache;
  const std::string a = BatchOf({"a"});
  Add(cache, a, {1});
  const size_t bytes = cache.bytes();
  Add(cache, a, {2});
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_THAT(cache.Find(View(a)), Pointee(ElementsAre(2)));
}

TEST(DictionaryCache, KnowsTheDictionaryWhateverTheRows) {
  DictionaryCache cache;
  {
    const std::string gone = BatchOf({"a", "b"});
    Add(cache, gone, {7, 9});
  }
  EXPECT_THAT(cache.Find(View(BatchOf({"a", "b"}, 5))), Pointee(ElementsAre(7, 9)));
  EXPECT_EQ(cache.Find(View(BatchOf({"b", "a"}))), nullptr);
  EXPECT_EQ(cache.Find(View(BatchOf({"a"}))), nullptr);
}

TEST(DictionaryCache, OneThatBatchesShareIsKeptAtOnceAndNotCopied) {
  const std::string a = BatchOf({"a"});
  const auto shared = format::SeriesDictionary::Of(View(a));
  DictionaryCache cache;
  cache.Add(View(a), shared, std::vector<SeriesNumber>{1});
  EXPECT_EQ(shared.use_count(), 2);
  EXPECT_THAT(cache.Find(shared->batch()), Pointee(ElementsAre(1)));
  EXPECT_THAT(cache.Find(View(a)), Pointee(ElementsAre(1)));
}

TEST(DictionaryCache, ForgetsWhatWasNotUsedForLongest) {
  const std::string a = BatchOf({"a"}), b = BatchOf({"b"}), c = BatchOf({"c"});
  DictionaryCache cache(2 * KeptBytes(a));
  Add(cache, a, {1});
  Add(cache, b, {2});
  EXPECT_NE(cache.Find(View(a)), nullptr);
  Add(cache, c, {3});
  EXPECT_THAT(cache.Find(View(a)), Pointee(ElementsAre(1)));
  EXPECT_THAT(cache.Find(View(c)), Pointee(ElementsAre(3)));
  EXPECT_EQ(cache.Find(View(b)), nullptr);
  EXPECT_EQ(cache.bytes(), 2 * KeptBytes(a));
}

TEST(DictionaryCache, DoesNotGiveAllRoomToOne) {
  const std::string large = BatchOf({"a", "b", "c", "d", "e", "f"});
  DictionaryCache cache(large.size());
  Add(cache, large, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(cache.Find(View(large)), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(DictionaryCache, ClearForgetsAll) {
  DictionaryCache cache;
  Add(cache, BatchOf({"a"}), {1});
  cache.Clear();
  EXPECT_EQ(cache.Find(View(BatchOf({"a"}))), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace rhizome::series
