#include "format/series_record.h"

#include "base/check.h"
#include "format/coding.h"
#include "format/series_batch.h"

namespace rhizome::format {
namespace {

constexpr size_t kDeletionStampAt = 1;

}  // namespace

SeriesRecordKind SeriesRecordKindOf(std::string_view record) {
  if (record.empty()) return SeriesRecordKind::kNone;
  const auto kind = static_cast<uint8_t>(record[0]);
  if (kind == kSeriesBatchKind) return SeriesRecordKind::kBatch;
  return kind == kSeriesDeletionKind ? SeriesRecordKind::kDeletion : SeriesRecordKind::kNone;
}

void StampSeriesRecord(std::string& record, Version version) {
  if (SeriesRecordKindOf(record) == SeriesRecordKind::kBatch) return StampVersion(record, version);
  CHECK(SeriesRecordKindOf(record) == SeriesRecordKind::kDeletion);
  std::string stamp;
  PutU64(stamp, version.time);
  CHECK(record.size() >= kDeletionStampAt + stamp.size());
  record.replace(kDeletionStampAt, stamp.size(), stamp);
}

}  // namespace rhizome::format
