#include "ingest/native.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "format/coding.h"

namespace rhizome::ingest {
namespace {

using format::DictionaryName;
using format::SeriesBatch;

constexpr size_t kEntryBytes = 512;  // about what the containers take for one dictionary

DictionaryName RandomName() {
  const Uuid uuid = Uuid::Random();
  const char* const bytes = reinterpret_cast<const char*>(uuid.bytes.data());
  return {format::LoadFixed<uint64_t>(bytes), format::LoadFixed<uint64_t>(bytes + sizeof(uint64_t))};
}

Status NoBatch(const Status& why) { return Malformed("body", why.message()); }

}  // namespace

NativeDecoder::Named NativeDecoder::Use(std::map<DictionaryId, Known>::iterator at) {
  turns_.splice(turns_.begin(), turns_, at->second.turn);
  return {at->second.dictionary, at->second.name};
}

NativeDecoder::Named NativeDecoder::FindById(const DictionaryId& id) {
  const MutexLock lock(mutex_);
  const auto at = known_.find(id);
  return at == known_.end() ? Named() : Use(at);
}

NativeDecoder::Named NativeDecoder::FindByName(DictionaryName name) {
  const MutexLock lock(mutex_);
  const auto at = names_.find(name);
  return at == names_.end() ? Named() : Use(known_.find(at->second));
}

void NativeDecoder::ForgetOldest() {
  const auto oldest = known_.find(turns_.back());
  memory_ -= oldest->second.dictionary->bytes().size() + kEntryBytes;
  names_.erase(oldest->second.name);
  known_.erase(oldest);
  turns_.pop_back();
}

NativeDecoder::Named NativeDecoder::Remember(const SeriesBatch& batch) {
  const size_t size = format::kSeriesBatchHeaderBytes + batch.DictionaryBytes().size() + kEntryBytes;
  if (size > memory_max_) return {};
  Named named{format::SeriesDictionary::Of(batch), RandomName()};
  const DictionaryId id = batch.dictionary_id();
  const MutexLock lock(mutex_);
  if (const auto at = known_.find(id); at != known_.end()) {
    // Another dictionary of the same id: the first stays.
    return at->second.dictionary->batch().HasDictionaryOf(batch) ? Use(at) : Named();
  }
  while (memory_ + size > memory_max_) ForgetOldest();
  memory_ += size;
  turns_.push_front(id);
  known_.emplace(id, Known{named.dictionary, named.name, turns_.begin()});
  names_.emplace(named.name, id);
  return named;
}

uint64_t NativeDecoder::dictionaries_known() const {
  const MutexLock lock(mutex_);
  return known_.size();
}

uint64_t NativeDecoder::dictionaries_read() const {
  const MutexLock lock(mutex_);
  return read_;
}

std::string NativeDecoder::Sifted(const SeriesBatch& batch, const std::vector<bool>& sound, Taken& taken) const {
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

Status NativeDecoder::CheckCount(const SeriesBatch& batch) const {
  if (batch.sample_count() <= limits_.samples_max) return Status::Ok();
  return Status::TooLarge("body", fmt::format("more than {} samples: send less at a time", limits_.samples_max));
}

std::vector<bool> NativeDecoder::CheckAll(const SeriesBatch& batch, Taken& taken) const {
  std::vector<bool> sound(batch.series_count());
  for (uint32_t i = 0; i < batch.series_count(); ++i) {
    const Status checked = CheckSeries(batch.LabelsOf(i), limits_);
    sound[i] = checked.ok();
    if (checked.ok()) continue;
    taken.Drop(0,
               [&] { return Status::InvalidArgument(fmt::format("series[{}]", i), std::string(checked.message())); });
  }
  return sound;
}

Result<NativeBatch> NativeDecoder::DecodeRows(std::string_view body, DictionaryName name) {
  NativeBatch out;
  auto [dictionary, found] = FindByName(name);
  if (dictionary == nullptr) {
    return Status::FailedPrecondition("the dictionary is not known here: send the batch with its label sets");
  }
  const auto decoded = SeriesBatch::DecodeRows(body, dictionary->batch());
  if (!decoded.ok()) return NoBatch(decoded.status());
  RETURN_IF_ERROR(CheckCount(*decoded));
  out.view = *decoded;
  out.taken.samples = out.view.sample_count();
  out.dictionary = std::move(dictionary);
  out.name = found;
  out.repeated = true;
  return out;
}

Result<NativeBatch> NativeDecoder::Decode(std::string_view body) {
  RETURN_IF_ERROR(CheckBodySize(body, limits_));
  if (const auto name = format::DictionaryNameOf(body)) return DecodeRows(body, *name);
  NativeBatch out;
  const auto id = SeriesBatch::DictionaryIdOf(body);
  Named known;
  if (id) known = FindById(*id);
  const auto decoded = SeriesBatch::Decode(body, known.dictionary == nullptr ? nullptr : &known.dictionary->batch());
  if (!decoded.ok()) return NoBatch(decoded.status());
  const SeriesBatch& batch = *decoded;
  RETURN_IF_ERROR(CheckCount(batch));
  out.view = batch;
  out.taken.samples = batch.sample_count();
  out.repeated = known.dictionary != nullptr && batch.HasDictionaryOf(known.dictionary->batch());
  if (!out.repeated) {
    {
      const MutexLock lock(mutex_);
      ++read_;
    }
    const std::vector<bool> sound = CheckAll(batch, out.taken);
    if (std::find(sound.begin(), sound.end(), false) != sound.end()) {
      out.batch = Sifted(batch, sound, out.taken);
      return out;
    }
    known = Remember(batch);
  }
  out.dictionary = std::move(known.dictionary);
  out.name = known.name;
  return out;
}

}  // namespace rhizome::ingest
