#include "format/series_record.h"

#include <gtest/gtest.h>

#include "format/coding.h"
#include "format/series_batch.h"

namespace rhizome::format {
namespace {

std::string Batch() {
  SeriesBatchBuilder builder;
  LabelsBuilder labels;
  labels.Set("__name__", "up");
  builder.Add(builder.SeriesOf(labels.Build()), 1'000, 1.0);
  return builder.Encode();
}

TEST(SeriesRecord, TheFirstByteTellsBatchesAndDeletionsApart) {
  EXPECT_EQ(SeriesRecordKindOf(Batch()), SeriesRecordKind::kBatch);
  EXPECT_EQ(SeriesRecordKindOf("\x20"), SeriesRecordKind::kDeletion);
  EXPECT_EQ(SeriesRecordKindOf("\x01"), SeriesRecordKind::kNone);
  EXPECT_EQ(SeriesRecordKindOf(""), SeriesRecordKind::kNone);
}

TEST(SeriesRecord, AStampedBatchIsSoundAndHasItsVersion) {
  std::string batch = Batch();
  StampSeriesRecord(batch, {77, 3});
  const auto decoded = SeriesBatch::Decode(batch);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->version(), (Version{77, 3}));
}

TEST(SeriesRecord, ADeletionsStampIsTheVersionsTime) {
  std::string deletion(1, '\x20');
  PutU64(deletion, 0);
  deletion += "the rest";
  StampSeriesRecord(deletion, {77, 3});
  EXPECT_EQ(LoadFixed<uint64_t>(deletion.data() + 1), 77u);
  EXPECT_EQ(deletion.substr(9), "the rest");
}

}  // namespace
}  // namespace rhizome::format
