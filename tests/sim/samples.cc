#include "samples.h"

#include "format/coding.h"
#include "format/series_batch.h"

namespace rhizome::sim {
namespace {

using format::SeriesBatch;

constexpr size_t kPage = 5;

bool Counts(const std::string& record, const std::optional<Version>& below) {
  return !below || SeriesBatch::Trusted(record).TimeAt(0) < below->WallMs();
}

}  // namespace

Status Samples::Merge(const std::string& record) {
  ASSIGN_OR_RETURN(const SeriesBatch batch, SeriesBatch::Decode(record));
  if (batch.version() == Version{}) return Status::Corruption("a batch without a version");
  max_version_ = std::max(max_version_, batch.version());
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    format::SeriesBatchBuilder one;
    one.Add(one.SeriesOf(batch.LabelsOf(series)), time_ms, value);
    records_.insert(one.Encode(batch.version()));
  });
  return Status::Ok();
}

format::RangeDigest Samples::Digest(uint32_t bits, const std::optional<Version>& below) const {
  format::RangeDigest digest(bits);
  for (const std::string& record : records_) {
    if (Counts(record, below)) format::AddToDigest(digest, {record, Version{1, 1}, false});
  }
  return digest;
}

fabric::ScanRequest::Reply Samples::Scan(const fabric::ScanRequest& request) const {
  fabric::ScanRequest::Reply page;
  for (auto at = records_.upper_bound(request.after); at != records_.end(); ++at) {
    const uint32_t leaf = format::LeafOf(*at, request.bits);
    if (!std::binary_search(request.leaves.begin(), request.leaves.end(), leaf)) continue;
    if (!Counts(*at, request.below)) continue;
    if (page.records.size() == kPage) {
      page.next = page.records.back();
      break;
    }
    page.records.push_back(*at);
  }
  page.items = page.records.size();
  return page;
}

std::set<uint64_t> Samples::Values() const {
  std::set<uint64_t> values;
  for (const std::string& record : records_) {
    values.insert(static_cast<uint64_t>(SeriesBatch::Trusted(record).ValueAt(0)));
  }
  return values;
}

std::string RecordOf(uint64_t value, int64_t time_ms) {
  format::SeriesBatchBuilder builder;
  format::LabelsBuilder labels;
  labels.Set("__name__", "sample");
  builder.Add(builder.SeriesOf(labels.Build()), time_ms, static_cast<double>(value));
  return builder.Encode();
}

std::string EncodeValues(const std::set<uint64_t>& values) {
  std::string out;
  for (const uint64_t value : values) format::PutU64(out, value);
  return out;
}

std::set<uint64_t> DecodeValues(const std::string& bytes) {
  std::set<uint64_t> values;
  for (size_t at = 0; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t)) {
    values.insert(format::LoadFixed<uint64_t>(bytes.data() + at));
  }
  return values;
}

}  // namespace rhizome::sim
