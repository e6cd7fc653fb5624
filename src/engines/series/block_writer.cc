#include "engines/series/block_writer.h"

#include <algorithm>

#include "base/check.h"
#include "engines/series/block_format.h"
#include "engines/series/int_block.h"
#include "engines/series/int_sequence.h"

namespace rhizome::series {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

// Entries behind an array of where each begins.
std::string MakeSection(std::span<const std::string_view> entries) {
  std::string out;
  uint64_t at = 0;
  for (const std::string_view entry : entries) {
    CHECK(at <= UINT32_MAX);
    format::PutU32(out, static_cast<uint32_t>(at));
    at += entry.size();
  }
  CHECK(at <= UINT32_MAX);
  format::PutU32(out, static_cast<uint32_t>(at));
  for (const std::string_view entry : entries) out.append(entry);
  return out;
}

std::string MakeSection(const std::vector<std::string>& entries) {
  const std::vector<std::string_view> views(entries.begin(), entries.end());
  return MakeSection(views);
}

// Collects places that ascend as runs.
class RunWriter {
 public:
  void Add(uint32_t place) {
    if (length_ > 0 && place == start_ + length_) {
      ++length_;
      return;
    }
    Put();
    start_ = place;
    length_ = 1;
  }
  std::string Finish() {
    Put();
    return std::move(out_);
  }

 private:
  void Put() {
    if (length_ == 0) return;
    const uint64_t gap = start_ - end_;
    format::PutVarint(out_, gap << 1 | (length_ > 1 ? 1 : 0));
    if (length_ > 1) format::PutVarint(out_, length_ - 2);
    end_ = start_ + length_;
  }

  std::string out_;
  uint64_t start_ = 0;
  uint64_t length_ = 0;
  uint64_t end_ = 0;  // of the run written last
};

}  // namespace

Result<std::unique_ptr<BlockWriter>> BlockWriter::Create(io::Disk& disk, const std::string& path, Partition partition,
                                                         uint64_t deletions_lsn) {
  ASSIGN_OR_RETURN(std::unique_ptr<io::File> file, disk.Open(path, io::OpenMode::kCreate));
  return std::unique_ptr<BlockWriter>(new BlockWriter(std::move(file), partition, deletions_lsn));
}

BlockWriter::BlockWriter(std::unique_ptr<io::File> file, Partition partition, uint64_t deletions_lsn)
    : file_(std::move(file)) {
  info_.partition = partition;
  info_.min_time = INT64_MAX;
  info_.max_time = INT64_MIN;
  info_.deletions_lsn = deletions_lsn;
}

Status BlockWriter::Add(format::LabelsView labels, const StoredSamples& samples) {
  if (samples.prompt.size() + samples.stamped.size() == 0) return Status::Ok();
  CHECK(rows_.empty() || format::LabelsView::Trusted(last_labels_) < labels);
  last_labels_.assign(labels.bytes());
  rows_.push_back({static_cast<uint32_t>(row_pairs_.size()), static_cast<uint32_t>(row_chunks_.size()), chunk_bytes_});
  const char* begin = labels.bytes().data();
  for (const format::LabelPair& label : labels) {
    const char* const end = label.value.data() + label.value.size();
    const std::string_view pair(begin, static_cast<size_t>(end - begin));
    auto found = pairs_.find(pair);
    if (found == pairs_.end()) {
      found = pairs_.try_emplace(std::string(pair), static_cast<uint32_t>(pairs_.size())).first;
    }
    row_pairs_.push_back(found->second);
    begin = end;
  }
  last_min_ = info_.partition.first_ms;
  AddChunks(samples.prompt);
  AddStampedChunks(samples.stamped);
  info_.samples += samples.prompt.size() + samples.stamped.size();
  ++info_.series;
  return Flush(kBufferBytes);
}

void BlockWriter::AddChunks(const Samples& samples) {
  for (size_t at = 0; at < samples.size(); at += kChunkSamples) {
    const size_t count = std::min(kChunkSamples, samples.size() - at);
    const auto times = std::span(samples.times).subspan(at, count);
    chunk_.clear();
    encoder_.Encode(times, std::span(samples.values).subspan(at, count), chunk_);
    AddChunk(times, chunk_, false);
  }
}

// Samples of one time go to chunks of their own: the first of each time, then the second, and so on.
void BlockWriter::AddStampedChunks(std::vector<StampedSample> stamped) {
  std::vector<StampedSample> rest;
  while (!stamped.empty()) {
    Samples layer;
    std::vector<uint64_t> stamps;
    rest.clear();
    for (const StampedSample& sample : stamped) {
      const bool full = layer.size() == kChunkSamples;
      if (full || (layer.size() > 0 && layer.times.back() == sample.time_ms)) {
        rest.push_back(sample);
        continue;
      }
      layer.times.push_back(sample.time_ms);
      layer.values.push_back(sample.value);
      stamps.push_back(sample.stamp);
    }
    chunk_.clear();
    encoder_.Encode(layer.times, layer.values, chunk_);
    std::string bytes;
    format::PutBytes(bytes, chunk_);
    std::string stamp_bytes;
    format::PutU64(stamp_bytes, stamps.front());
    PutSequence(stamps, stamp_bytes);
    format::PutU32(bytes, StampsChecksum(stamp_bytes));
    bytes += stamp_bytes;
    AddChunk(layer.times, bytes, true);
    stamped.swap(rest);
  }
}

void BlockWriter::AddChunk(std::span<const int64_t> times, std::string_view bytes, bool stamped) {
  const int64_t min = times.front();
  const int64_t max = times.back();
  CHECK(min >= info_.partition.first_ms && max <= info_.partition.last_ms);
  format::PutVarint(row_chunks_, bytes.size() << 1 | (stamped ? 1 : 0));
  format::PutVarint(row_chunks_, ZigZag(static_cast<uint64_t>(min) - static_cast<uint64_t>(last_min_)));
  format::PutVarint(row_chunks_, static_cast<uint64_t>(max) - static_cast<uint64_t>(min));
  last_min_ = min;
  info_.min_time = std::min(info_.min_time, min);
  info_.max_time = std::max(info_.max_time, max);
  buffer_.append(bytes);
  chunk_bytes_ += bytes.size();
}

Status BlockWriter::Flush(size_t above) {
  if (buffer_.size() <= above) return Status::Ok();
  RETURN_IF_ERROR(file_->Append(buffer_));
  buffer_.clear();
  return Status::Ok();
}

std::vector<std::string_view> BlockWriter::SortPairs() {
  std::vector<std::pair<std::string_view, uint32_t>> sorted;
  sorted.reserve(pairs_.size());
  for (const auto& [bytes, number] : pairs_) sorted.emplace_back(bytes, number);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return *format::LabelsView::Trusted(a.first).begin() < *format::LabelsView::Trusted(b.first).begin();
  });
  std::vector<std::string_view> bytes(sorted.size());
  std::vector<uint32_t> places(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    bytes[i] = sorted[i].first;
    places[sorted[i].second] = static_cast<uint32_t>(i);
  }
  for (uint32_t& pair : row_pairs_) pair = places[pair];
  return bytes;
}

std::vector<std::string> BlockWriter::MakePostings() const {
  std::vector<RunWriter> lists(pairs_.size());
  for (size_t row = 0; row < rows_.size(); ++row) {
    const size_t end = row + 1 < rows_.size() ? rows_[row + 1].pairs : row_pairs_.size();
    for (size_t i = rows_[row].pairs; i < end; ++i) lists[row_pairs_[i]].Add(static_cast<uint32_t>(row));
  }
  std::vector<std::string> out;
  out.reserve(lists.size());
  for (RunWriter& list : lists) out.push_back(list.Finish());
  return out;
}

std::vector<std::string> BlockWriter::MakeSeries() const {
  std::vector<std::string> out(rows_.size());
  for (size_t row = 0; row < rows_.size(); ++row) {
    const bool last = row + 1 == rows_.size();
    const size_t end = last ? row_pairs_.size() : rows_[row + 1].pairs;
    format::PutVarint(out[row], end - rows_[row].pairs);
    uint32_t before = 0;
    for (size_t i = rows_[row].pairs; i < end; ++i) {
      format::PutVarint(out[row], row_pairs_[i] - before);
      before = row_pairs_[i];
    }
    format::PutVarint(out[row], rows_[row].first_at);
    const size_t chunks_end = last ? row_chunks_.size() : rows_[row + 1].chunks;
    out[row].append(row_chunks_, rows_[row].chunks, chunks_end - rows_[row].chunks);
  }
  return out;
}

Result<BlockInfo> BlockWriter::Finish() {
  CHECK(!rows_.empty());
  CHECK(row_chunks_.size() <= UINT32_MAX && row_pairs_.size() <= UINT32_MAX);
  const std::vector<std::string_view> pairs = SortPairs();
  const std::string sections[] = {MakeSection(pairs), MakeSection(MakePostings()), MakeSection(MakeSeries())};
  std::string footer;
  format::PutU64(footer, chunk_bytes_);
  info_.bytes = chunk_bytes_ + kBlockFooterBytes;
  for (const std::string& section : sections) {
    RETURN_IF_ERROR(Flush(0));
    buffer_ = section;
    format::PutU64(footer, section.size());
    format::PutU64(footer, Checksum(section));
    info_.bytes += section.size();
  }
  format::PutU32(footer, static_cast<uint32_t>(pairs.size()));
  format::PutU32(footer, info_.series);
  format::PutU64(footer, info_.samples);
  format::PutI64(footer, info_.partition.first_ms);
  format::PutI64(footer, info_.partition.last_ms);
  format::PutI64(footer, info_.min_time);
  format::PutI64(footer, info_.max_time);
  format::PutU64(footer, info_.deletions_lsn);
  format::PutU32(footer, kBlockFormat);
  format::PutU32(footer, kBlockMagic);
  format::PutU64(footer, Checksum(footer));
  CHECK(footer.size() == kBlockFooterBytes);
  buffer_ += footer;
  RETURN_IF_ERROR(Flush(0));
  RETURN_IF_ERROR(file_->Sync());
  return info_;
}

}  // namespace rhizome::series
