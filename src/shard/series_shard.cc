#include "shard/series_shard.h"

#include <algorithm>

#include "format/series_record.h"

namespace rhizome::shard {
namespace {

using format::SeriesBatch;
using series::Lateness;

// The log takes records up to this size (wal::LogOptions::record_bytes_max).
constexpr size_t kRecordBytesMax = 64U << 20;

}  // namespace

SeriesShard::SeriesShard(uint32_t stream, std::unique_ptr<series::SeriesEngine> engine, const Parts& parts,
                         SeriesLimits limits)
    : engine_(std::move(engine)),
      wall_(parts.wall),
      versions_(parts.versions),
      limits_(limits),
      digests_(*engine_),
      order_(stream, parts.log) {
  versions_.Observe(engine_->max_version());
}

Status SeriesShard::Apply(wal::Lsn lsn, const SeriesBatch& batch,
                          const std::shared_ptr<const format::SeriesDictionary>& dictionary) {
  // Only one record is applied at a time.
  const series::TimeExtent extent = series::ExtentOf(batch);
  min_ms_ = std::min(min_ms_.load(), extent.min_ms);
  max_ms_ = std::max(max_ms_.load(), extent.max_ms);
  engine_->Apply(lsn, batch, dictionary);
  return Status::Ok();
}

Status SeriesShard::ReplayRows(const wal::LogRecord& record) {
  ASSIGN_OR_RETURN(const auto dictionary,
                   dictionaries_.ReplayName(format::DictionaryNameOf(record.payload).value(), record.lsn));
  ASSIGN_OR_RETURN(const SeriesBatch batch, SeriesBatch::DecodeRows(record.payload, dictionary->batch()));
  versions_.Observe(batch.version());
  return Apply(record.lsn, batch, dictionary);
}

Status SeriesShard::Replay(const wal::LogRecord& record) {
  // Rows behind a checkpoint may name what is before it.
  if (SeriesBatch::SampleCountOf(record.payload) == 0) {
    ASSIGN_OR_RETURN(const SeriesBatch definition, SeriesBatch::Decode(record.payload));
    versions_.Observe(definition.version());
    dictionaries_.ReplayDefinition(definition, record.lsn);
    return Status::Ok();
  }
  if (record.lsn <= engine_->checkpoint_lsn()) return Status::Ok();
  if (format::DictionaryNameOf(record.payload)) return ReplayRows(record);
  if (!record.payload.empty() && static_cast<uint8_t>(record.payload[0]) == series::kDeletionKind) {
    ASSIGN_OR_RETURN(const series::Deletion deletion, series::DecodeDeletion(record.payload));
    versions_.Observe({deletion.stamp, 0});
    return engine_->Delete(record.lsn, deletion);
  }
  ASSIGN_OR_RETURN(const SeriesBatch batch, SeriesBatch::Decode(record.payload));
  versions_.Observe(batch.version());
  return Apply(record.lsn, batch);
}

Status SeriesShard::Check(const SeriesBatch& batch, uint64_t room) const {
  RETURN_IF_ERROR(order_.Check());
  if (batch.bytes().size() > kRecordBytesMax) {
    return Status::TooLarge("body", "makes " + std::to_string(batch.bytes().size()) + " bytes for one shard; at most " +
                                        std::to_string(kRecordBytesMax) + " go at once");
  }
  const int64_t now_ms = wall_.WallMs();
  const series::TimeExtent extent = series::ExtentOf(batch);
  if (!extent.empty() && (CheckTime(extent.min_ms, now_ms, limits_.window) != Lateness::kInside ||
                          CheckTime(extent.max_ms, now_ms, limits_.window) != Lateness::kInside)) {
    return CheckWindow(batch, now_ms, limits_.window);
  }
  const uint64_t left = RoomWithin(room);
  if (batch.series_count() <= left) return Status::Ok();
  const uint64_t known = engine_->counts().series;
  return series::CheckSeriesLimit(known, engine_->CountNewSeries(batch), known + left);
}

uint64_t SeriesShard::RoomWithin(uint64_t room) const {
  const uint64_t known = engine_->counts().series;
  return std::min(room, known < limits_.series_max ? limits_.series_max - known : 0);
}

Sifted SeriesShard::Sift(const SeriesBatch& batch, uint64_t room) const {
  const int64_t now_ms = wall_.WallMs();
  room = RoomWithin(room);
  const bool full = batch.series_count() > room;
  Sifted sifted;
  format::SeriesBatchBuilder left;
  std::vector<int64_t> places(batch.series_count(), -1);  // in `left`; -1: not looked at; -2: there is no room
  const auto drop = [&sifted](const auto& reason) {
    ++sifted.dropped;
    if (sifted.reasons.size() < Sifted::kReasonsMax) sifted.reasons.push_back(reason());
  };
  const auto place_of = [&](uint32_t series) {
    int64_t& place = places[series];
    if (place != -1) return place;
    format::SeriesBatchBuilder alone;
    (void)alone.SeriesOf(batch.LabelsOf(series));
    const std::string bytes = full ? alone.Encode() : std::string();
    const bool fresh = full && engine_->CountNewSeries(SeriesBatch::Trusted(bytes)) > 0;
    if (fresh && room == 0) return place = -2;
    if (fresh) --room;
    return place = left.SeriesOf(batch.LabelsOf(series));
  };
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    const Lateness lateness = CheckTime(time_ms, now_ms, limits_.window);
    if (lateness != Lateness::kInside) {
      return drop([&] { return series::OutsideWindow(batch.LabelsOf(series), time_ms, lateness); });
    }
    const int64_t place = place_of(series);
    if (place < 0) {
      return drop([&] { return series::TooManySeries(batch.LabelsOf(series)); });
    }
    left.Add(static_cast<uint32_t>(place), time_ms, value);
  });
  sifted.kept = left.sample_count();
  if (sifted.kept > 0) sifted.batch = left.Encode();
  return sifted;
}

PendingSamples SeriesShard::Begin(std::string batch) {
  logged_bytes_ += batch.size();
  LogOrder::Place place = order_.BeginAll(
      [&]() -> LogOrder::Entries {
        format::StampVersion(batch, versions_.Next());
        return LogOrder::Entries{batch};
      },
      LogOrder::CommitBy::kInFinish);
  return {std::move(place), std::move(batch)};
}

PendingSamples SeriesShard::Begin(std::string rows, std::shared_ptr<const format::SeriesDictionary> dictionary) {
  PendingSamples pending;
  std::string definition;
  pending.place = order_.BeginAll(
      [&]() -> LogOrder::Entries {
        auto name = dictionaries_.Find(*dictionary);
        if (!name) {
          pending.defined = versions_.Next();
          definition = dictionary->bytes();
          format::StampVersion(definition, *pending.defined);
          name = format::DictionaryName::Of(*pending.defined);
        }
        format::NameDictionary(rows, *name);
        format::StampVersion(rows, versions_.Next());
        return pending.defined ? LogOrder::Entries{definition, rows} : LogOrder::Entries{rows};
      },
      LogOrder::CommitBy::kInFinish);
  logged_bytes_ += rows.size() + definition.size();
  pending.batch = std::move(rows);
  pending.dictionary = std::move(dictionary);
  return pending;
}

Status SeriesShard::Finish(PendingSamples pending) {
  if (pending.dictionary == nullptr) {
    return order_.Finish(std::move(pending.place), [this, batch = std::move(pending.batch)](wal::Lsn lsn) {
      return Apply(lsn, SeriesBatch::Trusted(batch));
    });
  }
  return order_.Finish(std::move(pending.place),
                       [this, rows = std::move(pending.batch), dictionary = std::move(pending.dictionary),
                        defined = pending.defined](wal::Lsn lsn) {
                         // Only what is known to be durable may be named.
                         if (defined) dictionaries_.Note(*dictionary, *defined, lsn - 1);
                         return Apply(lsn, SeriesBatch::TrustedRows(rows, dictionary->batch()), dictionary);
                       });
}

Status SeriesShard::Write(std::string batch) {
  {
    ASSIGN_OR_RETURN(const SeriesBatch decoded, SeriesBatch::Decode(batch));
    RETURN_IF_ERROR(Check(decoded));
    if (decoded.sample_count() == 0) return Status::Ok();
  }
  return Finish(Begin(std::move(batch)));
}

Status SeriesShard::Delete(std::vector<format::Matcher> matchers, int64_t from_ms, int64_t to_ms) {
  RETURN_IF_ERROR(order_.Check());
  if (matchers.empty()) return Status::InvalidArgument("matchers", "a delete needs at least one");
  if (from_ms > to_ms) return Status::InvalidArgument("to", "the range ends before it begins");
  series::Deletion deletion{0, from_ms, to_ms, std::move(matchers)};
  std::string encoded;
  LogOrder::Place place = order_.Begin([&]() -> std::string_view {
    deletion.stamp = versions_.Next().time;
    encoded = series::EncodeDeletion(deletion);
    return encoded;
  });
  return order_.Finish(std::move(place),
                       [this, deletion = std::move(deletion)](wal::Lsn lsn) { return engine_->Delete(lsn, deletion); });
}

Status SeriesShard::Merge(std::string record) {
  RETURN_IF_ERROR(order_.Check());
  if (record.size() > kRecordBytesMax) return Status::TooLarge("record", "is larger than the log takes");
  LogOrder::Apply apply;
  Version version;
  const auto bytes = std::make_shared<const std::string>(std::move(record));
  if (format::SeriesRecordKindOf(*bytes) == format::SeriesRecordKind::kDeletion) {
    ASSIGN_OR_RETURN(series::Deletion deletion, series::DecodeDeletion(*bytes));
    version = {deletion.stamp, 0};
    apply = [this, deletion = std::move(deletion)](wal::Lsn lsn) { return engine_->Delete(lsn, deletion); };
  } else {
    ASSIGN_OR_RETURN(const SeriesBatch batch, SeriesBatch::Decode(*bytes));
    version = batch.version();
    apply = [this, bytes](wal::Lsn lsn) { return Apply(lsn, SeriesBatch::Trusted(*bytes)); };
  }
  if (version.time == 0) return Status::InvalidArgument("version", "is missing");
  logged_bytes_ += bytes->size();
  LogOrder::Place place = order_.BeginAll(
      [&]() -> LogOrder::Entries {
        versions_.Observe(version);
        return LogOrder::Entries{*bytes};
      },
      LogOrder::CommitBy::kInFinish);
  return order_.Finish(std::move(place), std::move(apply));
}

Status SeriesShard::Checkpoint() {
  dictionaries_.BeginEra();
  // What was begun before may name what was forgotten just now; once it is applied the checkpoint holds it.
  const wal::Lsn named_until = order_.Drain();
  RETURN_IF_ERROR(engine_->Checkpoint());
  dictionaries_.EndEra(named_until, engine_->checkpoint_lsn());
  return Status::Ok();
}

wal::Lsn SeriesShard::UnneededLsn() {
  const wal::Lsn unneeded = order_.UnneededLsn([this] {
    return LogOrder::Reached{engine_->applied_lsn(), engine_->checkpoint_lsn()};
  });
  // After the order: a definition under way is behind what that says, and one that has been applied is noted.
  return std::min(unneeded, dictionaries_.KeepFrom() - 1);
}

Result<bool> SeriesShard::Upkeep(std::optional<int64_t> horizon_ms) {
  const MutexLock lock(upkeep_mutex_);
  if (stopped_ || !write_status().ok()) return false;
  engine_->RankSeries();
  if (horizon_ms) RETURN_IF_ERROR(engine_->SetHorizon(*horizon_ms));
  return engine_->Compact();
}

void SeriesShard::Stop(Status reason) {
  order_.Stop(std::move(reason));
  const MutexLock lock(upkeep_mutex_);
  stopped_ = true;
}

series::TimeExtent SeriesShard::times() const {
  const series::EngineCounts counts = engine_->counts();
  return {std::min(min_ms_.load(), counts.block_min_ms), std::max(max_ms_.load(), counts.block_max_ms)};
}

}  // namespace rhizome::shard
