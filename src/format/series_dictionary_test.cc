#include "format/series_dictionary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "format/coding.h"

namespace rhizome::format {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kStart = 1'700'000'000'000;

Labels Named(int i) {
  const std::string instance = "host-" + std::to_string(i);
  return Labels::FromPairs(std::vector<LabelPair>{{"__name__", "up"}, {"instance", instance}}).value();
}

using Rows = std::vector<std::tuple<std::string, int64_t, double>>;

Rows RowsIn(const SeriesBatch& batch) {
  Rows rows;
  batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
    rows.emplace_back(batch.LabelsOf(series).ToString(), time, value);
  });
  return rows;
}

// A batch of each form: rounds of one time, rounds of many, runs, indices near each other and far apart.
std::vector<std::string> BatchesOfAllForms() {
  std::vector<std::string> batches;
  std::mt19937_64 random(7);
  for (const int form : {0, 1, 2, 3, 4, 5}) {
    SeriesBatchBuilder builder;
    for (int i = 0; i < 40; ++i) builder.AppendSeries(Named(i));
    for (uint32_t i = 0; i < 120; ++i) {
      const uint32_t series = form < 3 ? i % 40 : form == 3 ? i / 3 : static_cast<uint32_t>(random() % 40);
      const int64_t time = form == 0   ? kStart + i / 40
                           : form == 2 ? static_cast<int64_t>(random() >> 2)
                           : form == 5 ? -static_cast<int64_t>(i) * (int64_t{1} << 50)
                                       : kStart + i;
      if (form == 3 && series % 2 == 1) continue;  // runs, half of them empty
      builder.Add(series, time, i * 0.5);
    }
    batches.push_back(builder.Encode({uint64_t{9} << 16, 2}));
  }
  return batches;
}

TEST(SeriesDictionary, RowsAreTheBatchWithoutItsDictionary) {
  for (const std::string& bytes : BatchesOfAllForms()) {
    const SeriesBatch batch = SeriesBatch::Trusted(bytes);
    const auto dictionary = SeriesDictionary::Of(batch);
    EXPECT_TRUE(dictionary->batch().HasDictionaryOf(batch));
    ASSERT_TRUE(SeriesBatch::Decode(dictionary->bytes()).ok());
    EXPECT_EQ(SeriesBatch::SampleCountOf(dictionary->bytes()), 0u);

    const DictionaryName name{5, 6};
    std::string rows = format::RowsOf(batch, name);
    EXPECT_EQ(rows.size(), bytes.size() - batch.DictionaryBytes().size());
    EXPECT_EQ(DictionaryNameOf(rows), name);
    const auto read = SeriesBatch::DecodeRows(rows, dictionary->batch());
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_TRUE(read->is_rows());
    EXPECT_EQ(RowsIn(*read), RowsIn(batch));
    EXPECT_EQ(read->dictionary_id(), batch.dictionary_id());
    EXPECT_EQ(read->version(), Version{});

    std::string whole = WholeOf(*read);
    StampVersion(whole, batch.version());
    EXPECT_EQ(whole, bytes);
    NameDictionary(rows, {7, 8});
    EXPECT_EQ(DictionaryNameOf(rows), (DictionaryName{7, 8}));
    EXPECT_TRUE(SeriesBatch::DecodeRows(rows, dictionary->batch()).ok());
  }
}

TEST(SeriesDictionary, NoTwoHaveANumber) {
  const std::string bytes = BatchesOfAllForms()[0];
  const SeriesBatch batch = SeriesBatch::Trusted(bytes);
  EXPECT_NE(SeriesDictionary::Of(batch)->number(), SeriesDictionary::Of(batch)->number());
}

TEST(SeriesDictionary, RowsAreNoBatchAndABatchIsNoRows) {
  const std::string bytes = BatchesOfAllForms()[0];
  const SeriesBatch batch = SeriesBatch::Trusted(bytes);
  EXPECT_THAT(SeriesBatch::Decode(format::RowsOf(batch, {1, 2})).status().ToString(), HasSubstr("another kind"));
  EXPECT_THAT(SeriesBatch::DecodeRows(bytes, batch).status().ToString(), HasSubstr("another kind"));
  EXPECT_FALSE(DictionaryNameOf(bytes).has_value());
  EXPECT_FALSE(DictionaryNameOf("\x11").has_value());
}

TEST(SeriesDictionary, RowsOfADictionaryOfAnotherLengthAreRefused) {
  const std::string bytes = BatchesOfAllForms()[0];
  SeriesBatchBuilder other;
  other.AppendSeries(Named(1));
  const std::string few = other.Encode();
  const std::string rows = format::RowsOf(SeriesBatch::Trusted(bytes), {});
  EXPECT_THAT(SeriesBatch::DecodeRows(rows, SeriesBatch::Trusted(few)).status().ToString(),
              HasSubstr("another dictionary"));
}

TEST(SeriesDictionary, EveryFlippedByteOfRowsIsFound) {
  for (const std::string& bytes : BatchesOfAllForms()) {
    const SeriesBatch batch = SeriesBatch::Trusted(bytes);
    const std::string rows = format::RowsOf(batch, {1, 2});
    for (size_t i = 0; i < rows.size(); i += 7) {
      std::string damaged = rows;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
      EXPECT_FALSE(SeriesBatch::DecodeRows(damaged, batch).ok()) << i;
    }
    EXPECT_FALSE(SeriesBatch::DecodeRows(std::string_view(rows).substr(0, rows.size() - 1), batch).ok());
    EXPECT_FALSE(SeriesBatch::DecodeRows(rows + "x", batch).ok());
  }
}

TEST(DictionarySplit, GivesEachPartTheRowsThatSplittingTheBatchDoes) {
  constexpr size_t kParts = 5;
  for (const std::string& bytes : BatchesOfAllForms()) {
    const SeriesBatch batch = SeriesBatch::Trusted(bytes);
    std::vector<uint32_t> part_of_series;
    for (uint32_t i = 0; i < batch.series_count(); ++i) part_of_series.push_back(i * i % 4);  // none to the last
    const auto dictionary = SeriesDictionary::Of(batch);
    const DictionarySplit split(*dictionary, part_of_series, kParts);
    const std::string rows = format::RowsOf(batch, {1, 2});
    const SeriesBatch view = SeriesBatch::DecodeRows(rows, dictionary->batch()).value();
    const std::vector<std::string> expected = SplitSeriesBatch(batch, part_of_series, kParts);
    for (const SeriesBatch& from : {batch, view}) {
      const std::vector<std::string> parts = split.Split(from);
      for (size_t i = 0; i < kParts; ++i) {
        ASSERT_EQ(parts[i].empty(), expected[i].empty());
        if (parts[i].empty()) continue;
        const auto part = SeriesBatch::DecodeRows(parts[i], split.dictionary(i)->batch());
        ASSERT_TRUE(part.ok()) << part.status().ToString();
        EXPECT_EQ(RowsIn(*part), RowsIn(SeriesBatch::Decode(expected[i]).value()));
      }
    }
    EXPECT_EQ(split.dictionary(kParts - 1), nullptr);
    EXPECT_GT(split.bytes(), batch.DictionaryBytes().size());
  }
}

TEST(DictionaryName, IsReadAsItIsWritten) {
  const DictionaryName name{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(name.ToString(), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(DictionaryName::Parse(name.ToString()), name);
  for (const char* text : {"", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
                           "0123456789abcdefxedcba9876543210", "-123456789abcdeffedcba9876543210"}) {
    EXPECT_FALSE(DictionaryName::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace rhizome::format
