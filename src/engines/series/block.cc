#include "engines/series/block.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "engines/series/block_format.h"
#include "engines/series/int_block.h"
#include "engines/series/int_sequence.h"
#include "format/labels.h"

namespace rhizome::series {
namespace {

Status Bad(std::string_view what) { return Status::Corruption("series block: " + std::string(what)); }

format::LabelPair PairOf(std::string_view bytes) { return *format::LabelsView::Trusted(bytes).begin(); }

// Hands out the runs that RunWriter put; false at the end or where the bytes are none.
class RunReader {
 public:
  explicit RunReader(std::string_view bytes) : in_(bytes) {}
  bool Next(uint64_t& start, uint64_t& length) {
    uint64_t head = 0;
    if (in_.remaining() == 0 || !in_.Varint(head)) return false;
    length = 1;
    if ((head & 1) != 0) {
      if (!in_.Varint(length, UINT32_MAX)) return false;
      length += 2;
    }
    const bool apart = first_ || head >> 1 > 0;
    start = end_ + (head >> 1);
    if (!apart || start + length > UINT32_MAX) return false;
    first_ = false;
    end_ = start + length;
    return true;
  }
  // Whether everything was runs.
  bool done() const { return !in_.failed() && in_.remaining() == 0; }

 private:
  format::Decoder in_;
  uint64_t end_ = 0;
  bool first_ = true;
};

}  // namespace

// What the index tells of one series: its pairs, then its chunks.
class Block::SeriesEntry {
 public:
  SeriesEntry(std::string_view bytes, int64_t first_ms) : in_(bytes), min_(static_cast<uint64_t>(first_ms)) {
    if (!in_.Count(pairs_, 1)) pairs_ = 0;
  }

  bool NextPair(uint32_t& pair) {
    uint64_t step = 0;
    if (pairs_read_ == pairs_ || !in_.Varint(step, UINT32_MAX)) return false;
    if ((pairs_read_ > 0 && step == 0) || pair_ + step > UINT32_MAX) {
      malformed_ = true;
      return false;
    }
    ++pairs_read_;
    pair_ += step;
    pair = static_cast<uint32_t>(pair_);
    return true;
  }
  // Where the first chunk begins. After all pairs.
  bool Begin(uint64_t& at) {
    if (!in_.Varint(at)) return false;
    at_ = at;
    return true;
  }
  bool NextChunk(ChunkRef& chunk) {
    uint64_t head = 0, step = 0, span = 0;
    if (in_.remaining() == 0 || !in_.Varint(head) || !in_.Varint(step) || !in_.Varint(span)) return false;
    min_ += UnZigZag(step);
    chunk = {at_, head >> 1, (head & 1) != 0, static_cast<int64_t>(min_), static_cast<int64_t>(min_ + span)};
    at_ += chunk.length;
    return true;
  }
  // The pairs are of no more interest.
  bool SkipPairs() {
    for (uint32_t pair = 0; NextPair(pair);) {
    }
    return !failed();
  }
  bool failed() const { return in_.failed() || malformed_; }

 private:
  format::Decoder in_;
  uint64_t pairs_ = 0;
  uint64_t pairs_read_ = 0;
  uint64_t pair_ = 0;
  uint64_t at_ = 0;
  uint64_t min_;
  bool malformed_ = false;
};

Result<std::shared_ptr<const Block>> Block::Open(io::Disk& disk, const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<io::Mapping> mapping, disk.Map(path));
  std::shared_ptr<Block> block(new Block({mapping->data(), mapping->size()}));
  block->mapping_ = std::move(mapping);
  if (const Status parsed = block->Parse(); !parsed.ok()) return parsed.Annotate(path);
  return std::shared_ptr<const Block>(std::move(block));
}

Result<std::shared_ptr<const Block>> Block::View(std::string_view bytes) {
  std::shared_ptr<Block> block(new Block(bytes));
  RETURN_IF_ERROR(block->Parse());
  return std::shared_ptr<const Block>(std::move(block));
}

Status Block::Parse() {
  RETURN_IF_ERROR(ParseFooter());
  RETURN_IF_ERROR(CheckPairs());
  RETURN_IF_ERROR(CheckPostings());
  return CheckSeries();
}

Status Block::ParseFooter() {
  if (bytes_.size() < kBlockFooterBytes) return Bad("too short");
  const std::string_view footer = bytes_.substr(bytes_.size() - kBlockFooterBytes);
  const std::string_view body = footer.substr(0, kBlockFooterBytes - sizeof(uint64_t));
  if (Checksum(body) != format::LoadFixed<uint64_t>(footer.data() + body.size())) return Bad("footer's checksum");
  format::Decoder in(body);
  uint64_t at = 0, length = 0, checksum = 0;
  uint32_t version = 0, magic = 0;
  const uint64_t all = bytes_.size() - kBlockFooterBytes;
  if (!in.U64(at) || at > all) return Bad("length of chunks");
  chunks_ = bytes_.substr(0, at);
  for (std::string_view* const section : {&pairs_, &postings_, &series_}) {
    if (!in.U64(length) || !in.U64(checksum) || length > all - at) return Bad("length of a section");
    *section = bytes_.substr(at, length);
    if (Checksum(*section) != checksum) return Bad("checksum of a section");
    at += length;
  }
  if (at != all) return Bad("something between the sections");
  if (!in.U32(pair_count_) || !in.U32(info_.series) || !in.U64(info_.samples) || !in.I64(info_.partition.first_ms) ||
      !in.I64(info_.partition.last_ms) || !in.I64(info_.min_time) || !in.I64(info_.max_time) ||
      !in.U64(info_.deletions_lsn) || !in.U32(version) || !in.U32(magic)) {
    return in.Failure("series block");
  }
  if (magic != kBlockMagic || version != kBlockFormat) return Bad("unknown format");
  info_.bytes = bytes_.size();
  return Status::Ok();
}

std::string_view Block::Entry(std::string_view section, uint32_t index, uint32_t count) const {
  const uint64_t offsets = (uint64_t{count} + 1) * sizeof(uint32_t);
  if (index >= count || section.size() < offsets) return {};
  const char* const at = section.data() + uint64_t{index} * sizeof(uint32_t);
  const auto begin = format::LoadFixed<uint32_t>(at);
  const auto end = format::LoadFixed<uint32_t>(at + sizeof(uint32_t));
  if (begin > end || end > section.size() - offsets) return {};
  return section.substr(offsets + begin, end - begin);
}

namespace {

// Whether the entries follow one another without a gap from the first byte to the last.
bool IsWhole(std::string_view section, uint32_t count) {
  const uint64_t offsets = (uint64_t{count} + 1) * sizeof(uint32_t);
  if (section.size() < offsets) return false;
  uint32_t before = 0;
  for (uint64_t i = 0; i <= count; ++i) {
    const auto offset = format::LoadFixed<uint32_t>(section.data() + i * sizeof(uint32_t));
    if (offset < before || (i == 0 && offset != 0)) return false;
    before = offset;
  }
  return before == section.size() - offsets;
}

}  // namespace

Status Block::CheckPairs() {
  if (!IsWhole(pairs_, pair_count_)) return Bad("pairs");
  format::LabelPair before;
  for (uint32_t pair = 0; pair < pair_count_; ++pair) {
    const auto checked = format::LabelsView::Check(PairBytes(pair));
    if (!checked.ok() || checked->size() != 1) return Bad("a pair");
    const format::LabelPair now = *checked->begin();
    if (pair > 0 && !(before < now)) return Bad("order of pairs");
    if (names_.empty() || names_.back().name != now.name) names_.push_back({now.name, pair, pair});
    ++names_.back().end;
    before = now;
  }
  return Status::Ok();
}

Status Block::CheckPostings() const {
  if (!IsWhole(postings_, pair_count_)) return Bad("postings");
  for (uint32_t pair = 0; pair < pair_count_; ++pair) {
    RunReader runs(Entry(postings_, pair, pair_count_));
    uint64_t start = 0, length = 0;
    bool some = false;
    while (runs.Next(start, length)) {
      if (start + length > info_.series) return Bad("a posting");
      some = true;
    }
    if (!runs.done() || !some) return Bad("a posting");
  }
  return Status::Ok();
}

Status Block::CheckSeries() const {
  if (info_.series == 0 || !IsWhole(series_, info_.series)) return Bad("series");
  std::vector<uint32_t> name_of(pair_count_);
  for (uint32_t name = 0; name < names_.size(); ++name) {
    std::fill(name_of.begin() + names_[name].first, name_of.begin() + names_[name].end, name);
  }
  std::vector<uint32_t> before, now;
  uint64_t at = 0;
  BlockInfo seen;
  seen.min_time = INT64_MAX;
  seen.max_time = INT64_MIN;
  for (uint32_t i = 0; i < info_.series; ++i) {
    SeriesEntry entry(Entry(series_, i, info_.series), info_.partition.first_ms);
    now.clear();
    for (uint32_t pair = 0; entry.NextPair(pair);) {
      if (pair >= pair_count_ || (!now.empty() && name_of[now.back()] == name_of[pair])) return Bad("a series' labels");
      now.push_back(pair);
    }
    if (entry.failed() || (i > 0 && !(before < now))) return Bad("a series' labels");
    RETURN_IF_ERROR(CheckChunks(entry, at, seen));
    before.swap(now);
  }
  if (at != chunks_.size() || seen.min_time != info_.min_time || seen.max_time != info_.max_time) return Bad("chunks");
  return Status::Ok();
}

Status Block::CheckChunks(SeriesEntry& entry, uint64_t& at, BlockInfo& seen) const {
  uint64_t begin = 0;
  if (!entry.Begin(begin) || begin != at) return Bad("where chunks are");
  ChunkRef chunk, before;
  bool some = false;
  while (entry.NextChunk(chunk)) {
    if (chunk.length > chunks_.size() - at) return Bad("where chunks are");
    at += chunk.length;
    if (chunk.min_time > chunk.max_time || chunk.min_time < info_.partition.first_ms ||
        chunk.max_time > info_.partition.last_ms) {
      return Bad("times of chunks");
    }
    // Prompt chunks come first, one after the other.
    const bool ordered = chunk.stamped || (!before.stamped && before.max_time < chunk.min_time);
    if (some && !ordered) return Bad("order of chunks");
    seen.min_time = std::min(seen.min_time, chunk.min_time);
    seen.max_time = std::max(seen.max_time, chunk.max_time);
    before = chunk;
    some = true;
  }
  return entry.failed() || !some ? Bad("chunks of a series") : Status::Ok();
}

std::string_view Block::ValueOf(uint32_t pair) const { return PairOf(PairBytes(pair)).value; }

void Block::AddPostings(uint32_t pair, SeriesSet& set) const {
  RunReader runs(Entry(postings_, pair, pair_count_));
  uint64_t start = 0, length = 0;
  while (runs.Next(start, length)) {
    if (length == 1) {
      set.add(static_cast<uint32_t>(start));
    } else {
      set.addRange(start, start + length);
    }
  }
}

const Block::Name* Block::FindName(std::string_view name) const {
  const auto at = std::lower_bound(names_.begin(), names_.end(), name,
                                   [](const Name& entry, std::string_view wanted) { return entry.name < wanted; });
  return at == names_.end() || at->name != name ? nullptr : &*at;
}

uint32_t Block::LowerBound(const Name& name, std::string_view value) const {
  uint32_t first = name.first;
  uint32_t end = name.end;
  while (first < end) {
    const uint32_t middle = first + (end - first) / 2;
    if (ValueOf(middle) < value) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

void Block::Unite(const Name& name, const format::Matcher& matcher, bool accepted, SeriesSet& set) const {
  if (accepted && matcher.is_literal()) {
    for (const std::string& literal : matcher.literals()) {
      const uint32_t pair = LowerBound(name, literal);
      if (pair < name.end && ValueOf(pair) == literal) AddPostings(pair, set);
    }
    return;
  }
  const bool ranged = accepted && (!matcher.low().empty() || !matcher.high().empty());
  for (uint32_t pair = ranged ? LowerBound(name, matcher.low()) : name.first; pair < name.end; ++pair) {
    const std::string_view value = ValueOf(pair);
    if (ranged && value > matcher.high()) break;
    if (matcher.Accepts(value) == accepted) AddPostings(pair, set);
  }
}

SeriesSet Block::Select(std::span<const format::Matcher> matchers) const {
  SeriesSet result;
  result.addRange(0, info_.series);
  // First those that only a series with the label satisfies: they narrow most.
  for (const format::Matcher& matcher : matchers) {
    if (matcher.Matches("")) continue;
    const Name* const name = FindName(matcher.name());
    if (name == nullptr) return {};
    SeriesSet selected;
    Unite(*name, matcher, !matcher.negated(), selected);
    result &= selected;
    if (result.isEmpty()) return result;
  }
  for (const format::Matcher& matcher : matchers) {
    const Name* const name = matcher.Matches("") ? FindName(matcher.name()) : nullptr;
    if (name == nullptr) continue;
    SeriesSet refused;
    Unite(*name, matcher, matcher.negated(), refused);
    result -= refused;
  }
  return result;
}

void Block::LabelsOf(uint32_t series, std::string& bytes) const {
  bytes.clear();
  SeriesEntry entry(Entry(series_, series, info_.series), info_.partition.first_ms);
  for (uint32_t pair = 0; entry.NextPair(pair);) bytes.append(PairBytes(pair));
}

Presence Block::PresenceOf(uint32_t series, int64_t from, int64_t to) const {
  Presence presence = Presence::kNone;
  SeriesEntry entry(Entry(series_, series, info_.series), info_.partition.first_ms);
  uint64_t at = 0;
  if (from > to || !entry.SkipPairs() || !entry.Begin(at)) return presence;
  for (ChunkRef chunk; entry.NextChunk(chunk);) {
    if (chunk.min_time > to || chunk.max_time < from) continue;
    // At the least and at the greatest time of a chunk there are samples.
    if (chunk.min_time >= from || chunk.max_time <= to) return Presence::kSome;
    presence = Presence::kUnknown;
  }
  return presence;
}

Status Block::Read(uint32_t series, int64_t from, int64_t to, StoredSamples& out) const {
  CHECK(series < info_.series);
  if (from > to) return Status::Ok();
  SeriesEntry entry(Entry(series_, series, info_.series), info_.partition.first_ms);
  uint64_t at = 0;
  if (!entry.SkipPairs() || !entry.Begin(at)) return Bad("a series");
  const size_t prompt = out.prompt.size();
  const size_t stamped = out.stamped.size();
  for (ChunkRef chunk; entry.NextChunk(chunk);) {
    if (chunk.min_time > to || chunk.max_time < from) continue;
    RETURN_IF_ERROR(ReadChunk(chunk, out));
  }
  const auto begin = out.prompt.times.begin() + static_cast<ptrdiff_t>(prompt);
  const auto first = std::lower_bound(begin, out.prompt.times.end(), from) - begin;
  const auto end = std::upper_bound(begin, out.prompt.times.end(), to) - begin;
  const auto cut = [&](auto& column) {
    column.erase(column.begin() + static_cast<ptrdiff_t>(prompt) + end, column.end());
    column.erase(column.begin() + static_cast<ptrdiff_t>(prompt),
                 column.begin() + static_cast<ptrdiff_t>(prompt) + first);
  };
  cut(out.prompt.times);
  cut(out.prompt.values);
  const auto outside = [&](const StampedSample& sample) { return sample.time_ms < from || sample.time_ms > to; };
  out.stamped.erase(std::remove_if(out.stamped.begin() + static_cast<ptrdiff_t>(stamped), out.stamped.end(), outside),
                    out.stamped.end());
  return Status::Ok();
}

Status Block::ReadChunk(const ChunkRef& chunk, StoredSamples& out) const {
  if (chunk.length > chunks_.size() || chunk.at > chunks_.size() - chunk.length) return Bad("where a chunk is");
  std::string_view bytes = chunks_.substr(chunk.at, chunk.length);
  format::Decoder in(bytes);
  if (chunk.stamped && !in.Bytes(bytes)) return in.Failure("series block: stamped chunk");
  Samples decoded;
  Samples& to = chunk.stamped ? decoded : out.prompt;
  const size_t start = to.size();
  RETURN_IF_ERROR(DecodeChunk(bytes, to));
  if (to.times[start] != chunk.min_time || to.times.back() != chunk.max_time) return Bad("times of a chunk");
  if (!chunk.stamped) return Status::Ok();
  uint32_t checksum = 0;
  uint64_t first = 0;
  if (!in.U32(checksum) || StampsChecksum(in.rest()) != checksum || !in.U64(first)) return Bad("stamps");
  SequenceReader stamps;
  if (!stamps.Start(in, first, decoded.size())) return Bad("stamps");
  std::span<const uint64_t> some;
  size_t done = 0;
  while (done < decoded.size()) {
    if (!stamps.Next(in, some) || some.empty()) return Bad("stamps");
    for (const uint64_t stamp : some) {
      out.stamped.push_back({decoded.times[done], decoded.values[done], stamp});
      ++done;
    }
  }
  return in.remaining() == 0 ? Status::Ok() : Bad("stamps");
}

Status Block::Verify() const {
  RETURN_IF_ERROR(View(bytes_).status());
  uint64_t samples = 0;
  StoredSamples read;
  for (uint32_t series = 0; series < info_.series; ++series) {
    read.clear();
    RETURN_IF_ERROR(Read(series, INT64_MIN, INT64_MAX, read));
    samples += read.prompt.size() + read.stamped.size();
  }
  return samples == info_.samples ? Status::Ok() : Bad("count of samples");
}

}  // namespace rhizome::series
