// What a shard of series is sent, logs and replays: a record is a series batch (series_batch.h) or a deletion of
// samples (docs/formats/series_deletion.md); its first byte tells which. Who accepts one stamps it with a version,
// once.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/version.h"

namespace rhizome::format {

inline constexpr uint8_t kSeriesDeletionKind = 0x20;  // the first byte; series batches begin with 0x10

enum class SeriesRecordKind : uint8_t { kNone, kBatch, kDeletion };
// By the first byte alone; kNone for anything else.
SeriesRecordKind SeriesRecordKindOf(std::string_view record);
// Writes `version` into a sound record; of a deletion's only the time is kept.
void StampSeriesRecord(std::string& record, Version version);

}  // namespace rhizome::format
