#include "ingest/native.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace rhizome::ingest {
namespace {

constexpr size_t kEntryBytes = 256;  // about what the containers take for one dictionary

}  // namespace

const NativeDecoder::Known* NativeDecoder::Find(const format::SeriesBatch::DictionaryId& id) {
  const auto at = known_.find(id);
  if (at == known_.end()) return nullptr;
  turns_.splice(turns_.begin(), turns_, at->second.turn);
  return &at->second;
}

void NativeDecoder::Remember(const format::SeriesBatch& batch) {
  const auto id = batch.dictionary_id();
  if (known_.contains(id)) return;  // another dictionary of the same id: the first stays
  format::SeriesBatchBuilder builder;
  for (uint32_t i = 0; i < batch.series_count(); ++i) builder.AppendSeries(batch.LabelsOf(i));
  std::string bytes = builder.Encode();
  const size_t size = bytes.size() + kEntryBytes;
  if (size > memory_max_) return;
  while (memory_ + size > memory_max_) {
    const auto oldest = known_.find(turns_.back());
    memory_ -= oldest->second.bytes.size() + kEntryBytes;
    known_.erase(oldest);
    turns_.pop_back();
  }
  memory_ += size;
  turns_.push_front(id);
  known_.emplace(id, Known{std::move(bytes), turns_.begin()});
}

std::string NativeDecoder::Sifted(const format::SeriesBatch& batch, const std::vector<bool>& sound,
                                  Taken& taken) const {
  std::vector<uint32_t> index(batch.series_count());
  format::SeriesBatchBuilder builder;
  for (uint32_t i = 0; i < batch.series_count(); ++i) {
    if (sound[i]) index[i] = builder.AppendSeries(batch.LabelsOf(i));
  }
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    if (sound[series]) {
      builder.Add(index[series], time_ms, value);
    } else {
      ++taken.dropped;
    }
  });
  taken.samples = builder.sample_count();
  return builder.Encode();
}

Result<NativeBatch> NativeDecoder::Decode(std::string_view body) {
  RETURN_IF_ERROR(CheckBodySize(body, limits_));
  NativeBatch out;
  const auto refuse = [](const Status& why) { return Malformed("body", why.message()); };
  const auto header = format::SeriesBatch::DictionaryIdOf(body);
  const Known* const known = header ? Find(*header) : nullptr;
  format::SeriesBatch known_batch;
  if (known != nullptr) known_batch = format::SeriesBatch::Trusted(known->bytes);
  const auto decoded = format::SeriesBatch::Decode(body, known == nullptr ? nullptr : &known_batch);
  if (!decoded.ok()) return refuse(decoded.status());
  const format::SeriesBatch& batch = *decoded;
  out.taken.samples = batch.sample_count();
  if (batch.sample_count() > limits_.samples_max) {
    return Status::TooLarge("body", fmt::format("more than {} samples: send less at a time", limits_.samples_max));
  }
  if (known != nullptr && batch.HasDictionaryOf(known_batch)) return out;
  ++read_;
  std::vector<bool> sound(batch.series_count());
  bool all = true;
  for (uint32_t i = 0; i < batch.series_count(); ++i) {
    const Status checked = CheckSeries(batch.LabelsOf(i), limits_);
    sound[i] = checked.ok();
    all = all && checked.ok();
    if (checked.ok()) continue;
    out.taken.Drop(
        0, [&] { return Status::InvalidArgument(fmt::format("series[{}]", i), std::string(checked.message())); });
  }
  if (all) {
    Remember(batch);
  } else {
    out.batch = Sifted(batch, sound, out.taken);
  }
  return out;
}

}  // namespace rhizome::ingest
