#include "format/series_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <random>
#include <sstream>

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::format {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kStart = 1'700'000'000'000;
constexpr uint64_t kStale = 0x7ff0000000000002;

struct Row {
  std::string series;
  int64_t time_ms;
  uint64_t bits;
  bool operator==(const Row&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.series << ' ' << row.time_ms << ' ' << row.bits;
}

Labels Named(int i) {
  const std::string instance = "host-" + std::to_string(i);
  return Labels::FromPairs(std::vector<LabelPair>{{"__name__", "up"}, {"instance", instance}}).value();
}

std::vector<Row> RowsOf(const SeriesBatch& batch) {
  std::vector<Row> rows;
  batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
    rows.push_back({batch.LabelsOf(series).ToString(), time, std::bit_cast<uint64_t>(value)});
  });
  return rows;
}

std::vector<Row> RunsOf(const SeriesBatch& batch) {
  std::vector<Row> rows;
  batch.ForEachRun([&](uint32_t series, size_t first, size_t count) {
    std::vector<int64_t> times(count);
    std::vector<double> values(count);
    batch.CopyTimes(first, times);
    batch.CopyValues(first, values);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(batch.TimeAt(first + i), times[i]);
      rows.push_back({batch.LabelsOf(series).ToString(), times[i], std::bit_cast<uint64_t>(values[i])});
    }
  });
  return rows;
}

// `order` is a series per row; `time` says when.
template <typename Time>
std::string Encoded(const std::vector<int>& order, Time time, std::vector<Row>* rows = nullptr) {
  SeriesBatchBuilder builder;
  for (size_t i = 0; i < order.size(); ++i) {
    const Labels labels = Named(order[i]);
    const uint64_t bits = i % 7 == 3 ? kStale : std::bit_cast<uint64_t>(static_cast<double>(i) / 10);
    builder.Add(builder.SeriesOf(labels), time(i), std::bit_cast<double>(bits));
    if (rows != nullptr) rows->push_back({labels.view().ToString(), time(i), bits});
  }
  return builder.Encode({(uint64_t{1} << 20) + 5, 3});
}

struct Shape {
  std::string name;
  std::vector<int> order;
  std::function<int64_t(size_t)> time;
  SeriesForm series_form;
  TimeForm time_form;
};

std::vector<Shape> Shapes() {
  const auto jittered = [](size_t i) { return kStart + static_cast<int64_t>(i * 37 % 11); };
  const auto far = [](size_t i) { return i % 2 == 0 ? INT64_MIN : INT64_MAX; };
  return {
      {"rounds at shared times",
       {0, 1, 2, 0, 1, 2},
       [](size_t i) { return kStart + static_cast<int64_t>(i / 3); },
       SeriesForm::kRounds,
       TimeForm::kPerRound},
      {"rounds at times of their own", {0, 1, 2, 0, 1, 2}, jittered, SeriesForm::kRounds, TimeForm::kOffsets},
      {"rounds at times far apart", {0, 1, 0, 1}, far, SeriesForm::kRounds, TimeForm::kEach},
      {"runs", {0, 0, 0, 1, 2, 2}, jittered, SeriesForm::kRuns, TimeForm::kOffsets},
      {"runs far apart", {0, 0, 1}, far, SeriesForm::kRuns, TimeForm::kEach},
      {"indices", {0, 1, 1, 0, 2}, jittered, SeriesForm::kIndices, TimeForm::kOffsets},
      {"indices far apart", {0, 1, 1, 0, 2}, far, SeriesForm::kIndices, TimeForm::kEach},
      {"one sample", {0}, [](size_t) { return kStart; }, SeriesForm::kRounds, TimeForm::kOffsets},
      {"one at the end of time", {0}, [](size_t) { return INT64_MAX; }, SeriesForm::kRounds, TimeForm::kEach},
      {"one series", {0, 0, 0}, jittered, SeriesForm::kRounds, TimeForm::kOffsets},
      {"nothing", {}, jittered, SeriesForm::kRuns, TimeForm::kEach},
  };
}

// The batch with checksums that fit what it now holds.
std::string Sealed(std::string batch) {
  if (batch.size() < kSeriesBatchHeaderBytes) return batch;
  const size_t sets = LoadFixed<uint32_t>(batch.data() + 4), label_bytes = LoadFixed<uint32_t>(batch.data() + 12);
  const size_t dictionary = std::min(batch.size() - kSeriesBatchHeaderBytes, sets * 4 + label_bytes);
  const std::string_view all(batch);
  const auto [high, low] = ContentHash(all.substr(all.size() - dictionary));
  StoreFixed(batch.data() + 24, high);
  StoreFixed(batch.data() + 32, low);
  StoreFixed(batch.data() + 40, Checksum(all.substr(64, all.size() - dictionary - 64)));
  StoreFixed(batch.data() + 60, static_cast<uint32_t>(Checksum(all.substr(0, 60))));
  return batch;
}

std::string FailureOf(const std::string& bytes) {
  const auto decoded = SeriesBatch::Decode(bytes);
  if (decoded.ok()) return "accepted";
  EXPECT_EQ(decoded.status().code(), Code::kCorruption);
  return std::string(decoded.status().message());
}

std::string Runs() {
  return Encoded({0, 0, 1}, [](size_t i) { return kStart + static_cast<int64_t>(i); });
}
std::string Indices() {
  return Encoded({0, 1, 0}, [](size_t i) { return kStart + static_cast<int64_t>(i); });
}

TEST(SeriesBatch, EveryShapeComesBackBitForBitInItsForm) {
  for (const Shape& shape : Shapes()) {
    SCOPED_TRACE(shape.name);
    std::vector<Row> rows;
    const std::string bytes = Encoded(shape.order, shape.time, &rows);
    const auto batch = SeriesBatch::Decode(bytes);
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    EXPECT_EQ(batch->series_form(), shape.series_form);
    EXPECT_EQ(batch->time_form(), shape.time_form);
    EXPECT_EQ(batch->sample_count(), rows.size());
    EXPECT_EQ(RowsOf(*batch), rows);
    EXPECT_EQ(RunsOf(*batch), rows);
    EXPECT_EQ(batch->version(), (Version{(uint64_t{1} << 20) + 5, 3}));
    EXPECT_EQ(RowsOf(SeriesBatch::Trusted(bytes)), rows);
  }
}

TEST(SeriesBatch, IsReadAtAnyAlignment) {
  std::vector<Row> rows;
  const std::string bytes = Encoded(
      {0, 1, 1, 0}, [](size_t i) { return kStart + static_cast<int64_t>(i); }, &rows);
  for (size_t shift = 1; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'x') + bytes;
    const auto batch = SeriesBatch::Decode(std::string_view(shifted).substr(shift));
    ASSERT_TRUE(batch.ok());
    EXPECT_EQ(RowsOf(*batch), rows);
  }
}

TEST(SeriesBatch, EveryTruncationAndTrailingByteIsCorruption) {
  for (const Shape& shape : Shapes()) {
    const std::string bytes = Encoded(shape.order, shape.time);
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_NE(FailureOf(bytes.substr(0, length)), "accepted") << shape.name << ' ' << length;
    }
    EXPECT_NE(FailureOf(bytes + '\0'), "accepted") << shape.name;
  }
}

TEST(SeriesBatch, EveryFlippedBitIsNoticed) {
  for (const Shape& shape : Shapes()) {
    std::string bytes = Encoded(shape.order, shape.time);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
      EXPECT_NE(FailureOf(bytes), "accepted") << shape.name << " bit " << bit;
      bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

// A liar's checksums fit. What is accepted can be walked to its end without leaving the bytes (the sanitizers look).
TEST(SeriesBatch, FlippedBitsUnderFittingChecksumsAreRefusedOrHarmless) {
  for (const Shape& shape : Shapes()) {
    const std::string bytes = Encoded(shape.order, shape.time);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string changed = bytes;
      changed[bit / 8] ^= static_cast<char>(1 << bit % 8);
      changed = Sealed(std::move(changed));
      const auto batch = SeriesBatch::Decode(changed);
      if (!batch.ok()) continue;
      EXPECT_EQ(RowsOf(*batch).size(), batch->sample_count()) << shape.name << " bit " << bit;
      EXPECT_EQ(RunsOf(*batch), RowsOf(*batch)) << shape.name << " bit " << bit;
    }
  }
}

TEST(SeriesBatch, EveryLieOfTheHeaderHasItsReason) {
  const auto with = [](std::string bytes, size_t at, auto value) {
    StoreFixed(bytes.data() + at, value);
    return FailureOf(Sealed(std::move(bytes)));
  };
  EXPECT_THAT(FailureOf(""), HasSubstr("shorter than its header"));
  EXPECT_THAT(with(Runs(), 0, uint8_t{1}), HasSubstr("another kind"));
  EXPECT_THAT(with(Runs(), 1, uint8_t{3}), HasSubstr("unknown form"));
  EXPECT_THAT(with(Runs(), 2, uint8_t{3}), HasSubstr("unknown form"));
  EXPECT_THAT(with(Runs(), 3, uint8_t{1}), HasSubstr("unknown form"));
  EXPECT_THAT(with(Runs(), 4, uint32_t{0}), HasSubstr("samples without series"));
  EXPECT_THAT(with(Runs(), 4, UINT32_MAX), HasSubstr("its length"));
  EXPECT_THAT(with(Runs(), 8, UINT32_MAX), HasSubstr("its length"));
  EXPECT_THAT(with(Runs(), 12, UINT32_MAX), HasSubstr("its length"));
  EXPECT_THAT(with(Runs(), 1, uint8_t{0}), HasSubstr("last round is not whole"));
  EXPECT_THAT(with(Runs(), 2, uint8_t{2}), HasSubstr("times per round without rounds"));
  EXPECT_THAT(with(Runs(), 2, uint8_t{0}), HasSubstr("a base without offsets"));
  EXPECT_THAT(with(Runs(), 16, INT64_MAX), HasSubstr("base is too late"));
  std::string bytes = Runs();
  bytes[61] ^= 1;
  EXPECT_THAT(FailureOf(bytes), HasSubstr("header has a wrong checksum"));
  bytes = Runs();
  bytes[64] ^= 1;
  EXPECT_THAT(FailureOf(bytes), HasSubstr("rows have a wrong checksum"));
  bytes = Runs();
  bytes.back() ^= 1;
  EXPECT_THAT(FailureOf(bytes), HasSubstr("dictionary has a wrong checksum"));
}

TEST(SeriesBatch, EveryLieOfTheColumnsHasItsReason) {
  // Three values and three offsets stand between the header and the numbers of the series.
  const size_t numbers_at = 64 + 3 * 8 + 3 * 4;
  const auto with = [](std::string bytes, size_t at, uint32_t value) {
    StoreFixed(bytes.data() + at, value);
    return FailureOf(Sealed(std::move(bytes)));
  };
  EXPECT_THAT(with(Runs(), numbers_at, 3), HasSubstr("runs do not add up"));
  EXPECT_THAT(with(Runs(), numbers_at, UINT32_MAX), HasSubstr("runs do not add up"));
  EXPECT_THAT(with(Indices(), numbers_at, 2), HasSubstr("a row of a series that is not there"));
  const size_t ends_at = numbers_at + 2 * 4;  // of Runs
  EXPECT_THAT(with(Runs(), ends_at, 0), HasSubstr("an empty label set"));
  EXPECT_THAT(with(Runs(), ends_at + 4, 1u << 30), HasSubstr("beyond the dictionary"));
  EXPECT_THAT(with(Runs(), ends_at + 4, LoadFixed<uint32_t>(Runs().data() + ends_at)), HasSubstr("an empty label set"));
  EXPECT_THAT(with(Runs(), ends_at, 1), HasSubstr("series 0"));
  EXPECT_THAT(with(Runs(), ends_at + 8, 0), HasSubstr("series 0"));
  std::string longer = Runs() + "x";
  StoreFixed(longer.data() + 12, LoadFixed<uint32_t>(longer.data() + 12) + 1);
  EXPECT_THAT(FailureOf(Sealed(std::move(longer))), HasSubstr("bytes behind its last label set"));
}

TEST(SeriesBatch, AKnownDictionaryIsNotLookedAtAgain) {
  // A dictionary that is not canonical, sealed: refused when unknown, taken on the word of a batch that has it.
  std::string lie = Runs();
  lie[lie.size() - 1] = '\xff';
  lie = Sealed(lie);
  EXPECT_THAT(FailureOf(lie), HasSubstr("series 1"));
  const SeriesBatch known = SeriesBatch::Trusted(lie);
  EXPECT_TRUE(SeriesBatch::Decode(lie, &known).ok());
}

TEST(SeriesBatch, AnUnknownDictionaryIsCheckedBesideAKnownOne) {
  const std::string other = Indices(), honest = Runs();
  const auto known = SeriesBatch::Decode(other);
  ASSERT_TRUE(known.ok());
  EXPECT_TRUE(SeriesBatch::Decode(honest, &*known).ok());
  std::string lie = Runs();
  lie[lie.size() - 1] = '\xff';
  lie = Sealed(lie);
  EXPECT_FALSE(SeriesBatch::Decode(lie, &*known).ok());
  // The identity of a known dictionary over bytes of its own.
  std::memcpy(lie.data() + 24, other.data() + 24, 16);
  StampVersion(lie, {});
  EXPECT_FALSE(SeriesBatch::Decode(lie, &*known).ok());
}

TEST(SeriesBatch, EqualDictionariesHaveEqualIdsWhateverTheRows) {
  const auto at = [](size_t i) { return kStart + static_cast<int64_t>(i); };
  const std::string a = Encoded({0, 1}, at), b = Encoded({0, 1, 1, 0, 1}, at), c = Encoded({0, 2}, at);
  const SeriesBatch x = SeriesBatch::Decode(a).value(), y = SeriesBatch::Decode(b).value();
  EXPECT_EQ(x.dictionary_id(), y.dictionary_id());
  EXPECT_TRUE(x.HasDictionaryOf(y));
  EXPECT_NE(x.dictionary_id(), SeriesBatch::Decode(c).value().dictionary_id());
  EXPECT_FALSE(x.HasDictionaryOf(SeriesBatch::Decode(c).value()));
}

TEST(SeriesBatch, StampingChangesTheVersionAndNothingElse) {
  std::string bytes = Indices();
  const std::vector<Row> rows = RowsOf(SeriesBatch::Decode(bytes).value());
  StampVersion(bytes, {77, 9});
  const auto batch = SeriesBatch::Decode(bytes);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->version(), (Version{77, 9}));
  EXPECT_EQ(RowsOf(*batch), rows);
}

TEST(SeriesBatch, SplittingKeepsEveryRowInItsPart) {
  std::mt19937 random(7);
  for (const Shape& shape : Shapes()) {
    SCOPED_TRACE(shape.name);
    const std::string bytes = Encoded(shape.order, shape.time);
    const SeriesBatch batch = SeriesBatch::Decode(bytes).value();
    std::vector<uint32_t> parts(batch.series_count());
    for (uint32_t& part : parts) part = random() % 3;
    std::vector<std::vector<Row>> expected(3);
    batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
      expected[parts[series]].push_back({batch.LabelsOf(series).ToString(), time, std::bit_cast<uint64_t>(value)});
    });
    const std::vector<std::string> split = SplitSeriesBatch(batch, parts, 3);
    ASSERT_EQ(split.size(), 3u);
    for (size_t part = 0; part < 3; ++part) {
      if (expected[part].empty()) {
        EXPECT_EQ(split[part], "");
        continue;
      }
      const auto decoded = SeriesBatch::Decode(split[part]);
      ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
      EXPECT_EQ(RowsOf(*decoded), expected[part]);
      EXPECT_EQ(decoded->version(), batch.version());
    }
  }
}

TEST(SeriesBatch, PartsHaveTheFormsOfTheWhole) {
  for (const Shape& shape : Shapes()) {
    SCOPED_TRACE(shape.name);
    const std::string bytes = Encoded(shape.order, shape.time);
    const SeriesBatch batch = SeriesBatch::Decode(bytes).value();
    if (batch.series_count() < 2) continue;
    std::vector<uint32_t> parts(batch.series_count());
    parts.back() = 1;
    for (const std::string& part : SplitSeriesBatch(batch, parts, 2)) {
      if (part.empty()) continue;
      const SeriesBatch decoded = SeriesBatch::Decode(part).value();
      EXPECT_EQ(decoded.series_form(), batch.series_form());
      EXPECT_EQ(decoded.time_form(), batch.time_form());
    }
  }
}

TEST(SeriesBatch, PartsNameNoSeriesWithoutRows) {
  for (const bool runs : {true, false}) {
    SeriesBatchBuilder builder;
    for (int i = 0; i < 6; ++i) builder.AppendSeries(Named(i));
    for (const uint32_t series : {0U, 0U, 1U, 2U, 2U, 2U, 5U}) builder.Add(runs ? series : 5 - series, 7, 1);
    const std::string bytes = builder.Encode();
    const SeriesBatch batch = SeriesBatch::Decode(bytes).value();
    const auto split = SplitSeriesBatch(batch, std::vector<uint32_t>{0, 1, 0, 0, 1, 1}, 2);
    EXPECT_EQ(SeriesBatch::Decode(split[0])->series_count(), 2u);
    EXPECT_EQ(SeriesBatch::Decode(split[1])->series_count(), 2u);
    EXPECT_EQ(SeriesBatch::Decode(split[0])->sample_count() + SeriesBatch::Decode(split[1])->sample_count(), 7u);
  }
}

TEST(SeriesBatch, WhatBelongsToOnePartPassesByteForByte) {
  const std::string bytes = Indices();
  const SeriesBatch batch = SeriesBatch::Decode(bytes).value();
  EXPECT_EQ(SplitSeriesBatch(batch, std::vector<uint32_t>{1, 1}, 3), (std::vector<std::string>{"", bytes, ""}));
}

TEST(SeriesBatchBuilder, FindsASetAgainHoweverManyThereAre) {
  SeriesBatchBuilder builder;
  EXPECT_EQ(builder.AppendSeries(Named(0)), 0u);
  for (int i = 1; i < 1000; ++i) EXPECT_EQ(builder.SeriesOf(Named(i)), static_cast<uint32_t>(i));
  EXPECT_EQ(builder.AppendSeries(Named(1000)), 1000u);
  for (int i = 0; i <= 1000; ++i) EXPECT_EQ(builder.SeriesOf(Named(i)), static_cast<uint32_t>(i));
  EXPECT_EQ(builder.series_count(), 1001u);
  builder.Clear();
  EXPECT_EQ(builder.SeriesOf(Named(5)), 0u);
  EXPECT_EQ(builder.LabelsOf(0), Named(5).view());
}

TEST(SeriesBatchBuilder, ASetAppendedTwiceIsTwoSeries) {
  SeriesBatchBuilder builder;
  const int64_t times[] = {1, 2};
  const double values[] = {0.5, 1.5};
  builder.AddRun(builder.AppendSeries(Named(0)), times, values);
  builder.AddRun(builder.AppendSeries(Named(0)), times, values);
  const std::string bytes = builder.Encode();
  EXPECT_LE(bytes.size(), builder.encoded_bytes_max());
  const auto batch = SeriesBatch::Decode(bytes);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->series_count(), 2u);
  EXPECT_EQ(batch->series_form(), SeriesForm::kRuns);
  EXPECT_EQ(batch->sample_count(), 4u);
}

TEST(SeriesBatchBuilder, EncodesBehindWhatIsThere) {
  SeriesBatchBuilder builder;
  builder.Add(builder.SeriesOf(Named(0)), kStart, 1);
  std::string out = "prefix";
  builder.Encode(out, {1, 2});
  EXPECT_EQ(out, "prefix" + builder.Encode({1, 2}));
}

TEST(SeriesBatchBuilder, ManyRandomRowsComeBack) {
  std::mt19937_64 random(3);
  std::vector<int> order(5000);
  for (int& series : order) series = static_cast<int>(random() % 300);
  std::vector<Row> rows;
  const std::string bytes = Encoded(
      order, [](size_t i) { return kStart + static_cast<int64_t>(i * 100); }, &rows);
  const auto batch = SeriesBatch::Decode(bytes);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(RowsOf(*batch), rows);
  EXPECT_EQ(batch->series_form(), SeriesForm::kIndices);
}

// Written once; a change of the format is a new kind byte beside this one.
TEST(SeriesBatch, TheGoldenFileIsWhatIsWrittenAndRead) {
  const std::string path = std::string(RHIZOME_SOURCE_DIR) + "/src/format/testdata/series_batch_v1.bin";
  std::vector<Row> rows;
  const std::string bytes = Encoded(
      {0, 1, 1, 0, 2}, [](size_t i) { return kStart + static_cast<int64_t>(i); }, &rows);
  if (const char* to = std::getenv("RHIZOME_WRITE_GOLDEN")) std::ofstream(to, std::ios::binary) << bytes;
  std::ostringstream golden;
  golden << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string read = golden.str();
  EXPECT_EQ(read, bytes);
  const auto batch = SeriesBatch::Decode(read);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(RowsOf(*batch), rows);
}

}  // namespace
}  // namespace rhizome::format
