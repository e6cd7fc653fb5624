#include "shard/series_shards.h"

#include <algorithm>

#include "base/check.h"

namespace rhizome::shard {
namespace {

std::string FolderOf(const std::string& directory, uint32_t shard) { return directory + "/" + std::to_string(shard); }

}  // namespace

Status SeriesShards::Create(io::Disk& disk, const std::string& directory, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const std::string folder = FolderOf(directory, i);
    RETURN_IF_ERROR(io::CreateDirectories(disk, folder));
    RETURN_IF_ERROR(series::SeriesEngine::Open(disk, {folder, {}}).status());
  }
  return Status::Ok();
}

Result<std::unique_ptr<SeriesShards>> SeriesShards::Open(const Place& place, const SeriesShard::Parts& parts,
                                                         const SeriesOptions& options) {
  SeriesLimits limits;
  limits.window = {options.retention_ms > 0 ? options.retention_ms : INT64_MAX, options.future_ms};
  if (options.series_max != UINT64_MAX) limits.series_max = (options.series_max + place.count - 1) / place.count;
  std::unique_ptr<SeriesShards> shards(new SeriesShards(parts.wall, options));
  for (uint32_t i = 0; i < place.count; ++i) {
    series::EngineOptions engine_options;
    engine_options.directory = FolderOf(place.directory, i);
    engine_options.compaction.partition_ms = options.partition_ms;
    const std::string manifest = engine_options.directory + "/" + std::string(series::kManifestName);
    // An engine without a manifest would begin anew.
    ASSIGN_OR_RETURN(const bool exists, place.disk.Exists(manifest));
    if (!exists) return Status::Corruption(manifest + " is gone");
    ASSIGN_OR_RETURN(auto engine, series::SeriesEngine::Open(place.disk, std::move(engine_options)));
    shards->shards_.push_back(std::make_unique<SeriesShard>(place.first_stream + i, std::move(engine), parts, limits));
  }
  return shards;
}

uint32_t SeriesShards::ShardOf(format::LabelsView labels) const {
  return static_cast<uint32_t>(labels.Fingerprint().first % shards_.size());
}

SeriesShard* SeriesShards::FindStream(uint32_t stream) {
  const auto found =
      std::find_if(shards_.begin(), shards_.end(), [stream](const auto& shard) { return shard->stream() == stream; });
  return found == shards_.end() ? nullptr : found->get();
}

void SeriesShards::StartUpkeep(std::function<bool()> may_write) {
  CHECK(upkeep_ == nullptr);
  upkeep_ = std::make_unique<SeriesUpkeep>([this] { return Upkeep(); }, std::move(may_write));
}

Result<bool> SeriesShards::Upkeep() {
  bool worked = false;
  for (const auto& shard : shards_) {
    series::SeriesEngine& engine = shard->engine();
    // Versions rise with the places in the log, so nothing older than what was applied can come.
    engine.Settle(engine.max_version().time);
    engine.RankSeries();
    if (options_.retention_ms > 0) RETURN_IF_ERROR(engine.SetHorizon(wall_.WallMs() - options_.retention_ms));
    ASSIGN_OR_RETURN(const bool merged, engine.Compact());
    worked |= merged;
  }
  return worked;
}

uint64_t SeriesShards::logged_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->logged_bytes();
  return bytes;
}

uint64_t SeriesShards::sample_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->engine().counts().sample_bytes;
  return bytes;
}

Status SeriesShards::Checkpoint() {
  // Also where there is nothing to write: then the log is let go that dictionaries were kept for.
  for (const auto& shard : shards_) RETURN_IF_ERROR(shard->Checkpoint());
  return Status::Ok();
}

wal::Lsn SeriesShards::UnneededLsn() {
  wal::Lsn unneeded = UINT64_MAX;
  for (const auto& shard : shards_) unneeded = std::min(unneeded, shard->UnneededLsn());
  return unneeded;
}

Status SeriesShards::write_status() const {
  for (const auto& shard : shards_) RETURN_IF_ERROR(shard->write_status());
  return Status::Ok();
}

}  // namespace rhizome::shard
