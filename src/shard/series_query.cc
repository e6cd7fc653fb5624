#include "shard/series_query.h"

#include <algorithm>
#include <set>

#include "engines/series/series_records.h"
#include "format/coding.h"
#include "format/tenant.h"
#include "shard/series_extent.h"

namespace rhizome::shard {
namespace {

using format::Decoder;
using What = SeriesQuery::What;

constexpr uint8_t kFormat = 1;
constexpr uint8_t kCountsFormat = 2;  // kFormat and what only kCounts has
constexpr size_t kSelectorsMax = 1'000;
constexpr size_t kMatchersMax = 1'000;
constexpr size_t kTextLenMax = 1 << 20;
constexpr size_t kBytesMax = 64 << 20;
constexpr size_t kLookEvery = 256;  // series between two looks at how large the answer is

void PutStrings(std::string& out, const std::vector<std::string>& strings) {
  format::PutVarint(out, strings.size());
  for (const std::string& string : strings) format::PutBytes(out, string);
}

bool GetStrings(Decoder& in, std::vector<std::string>& strings) {
  uint64_t count = 0;
  if (!in.Count(count, 1)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!in.Bytes(strings.emplace_back(), kBytesMax)) return false;
  }
  return true;
}

bool GetMatchers(Decoder& in, std::vector<format::Matcher>& matchers) {
  uint64_t count = 0;
  if (!in.Count(count, 3) || count > kMatchersMax) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t kind = 0;
    std::string name, value;
    if (!in.U8(kind) || kind > 3 || !in.Bytes(name, kTextLenMax) || !in.Bytes(value, kTextLenMax)) return false;
    auto matcher = format::Matcher::Make(static_cast<format::MatchKind>(kind), std::move(name), std::move(value));
    if (!matcher.ok()) return false;
    matchers.push_back(std::move(matcher).value());
  }
  return true;
}

bool GetPart(Decoder& in, uint8_t format, SeriesQuery::Part& part) {
  uint8_t too_much = 0;
  if (!in.U32(part.shard) || !in.U8(too_much) || too_much > 1) return false;
  part.too_much = too_much == 1;
  return GetStrings(in, part.deletions) && GetStrings(in, part.batches) && GetStrings(in, part.labels) &&
         in.I64(part.times.min_ms) && in.I64(part.times.max_ms) && (format != kCountsFormat || in.U64(part.series));
}

// Reads one shard, as long as there is room.
class Reader {
 public:
  Reader(const SeriesQuery& query, const AskedSeries& asked, uint64_t room)
      : query_(query), asked_(asked), room_(room) {
    part_.shard = asked.number;
  }

  Result<SeriesQuery::Part> Read() {
    if (query_.what == What::kCounts) return Count();
    if (query_.what == What::kTimes) return ReadTimes();
    for (const auto& member : asked_.shard->engine().deletions()->members()) {
      part_.deletions.push_back(series::EncodeDeletion(member.deletion));
      bytes_ += part_.deletions.back().size();
    }
    std::vector<std::vector<format::Matcher>> selectors = query_.selectors;
    if (selectors.empty()) selectors.emplace_back();
    for (const auto& selector : selectors) {
      RETURN_IF_ERROR(query_.what == What::kSamples ? ReadSamples(selector) : ReadLabels(selector));
      if (bytes_ > room_) break;
    }
    if (bytes_ <= room_) return std::move(part_);
    SeriesQuery::Part nothing;
    nothing.shard = asked_.number;
    nothing.too_much = true;
    return nothing;
  }

 private:
  SeriesQuery::Part Count() {
    const series::SeriesEngine& engine = asked_.shard->engine();
    part_.series = engine.CountSeries(format::kTenantLabel, query_.tenant);
    std::vector<format::LabelsView> labels;
    for (const std::string& bytes : query_.labels) labels.push_back(format::LabelsView::Trusted(bytes));
    const std::vector<bool> known = engine.KnowsSeries(labels);
    for (size_t i = 0; i < labels.size(); ++i) {
      if (known[i]) part_.labels.push_back(query_.labels[i]);
    }
    return std::move(part_);
  }

  Result<SeriesQuery::Part> ReadTimes() {
    const auto& selectors = query_.selectors;
    for (const auto& selector : selectors.empty() ? std::vector<std::vector<format::Matcher>>(1) : selectors) {
      ASSIGN_OR_RETURN(const series::TimeExtent times, ExtentOf(*asked_.shard, selector));
      part_.times.min_ms = std::min(part_.times.min_ms, times.min_ms);
      part_.times.max_ms = std::max(part_.times.max_ms, times.max_ms);
    }
    return std::move(part_);
  }

  Status ReadSamples(const std::vector<format::Matcher>& selector) {
    series::RecordBuilder builder(series::RecordBuilder::For::kAnswer);
    const auto selection = asked_.shard->engine().Select(selector, query_.from_ms, query_.to_ms);
    for (size_t n = 1;; ++n) {
      ASSIGN_OR_RETURN(const bool more, selection->Next());
      if (!more) break;
      builder.Add(selection->labels(), selection->stored());
      if (n % kLookEvery == 0 && bytes_ + builder.bytes_max() > room_) {
        bytes_ = room_ + 1;
        return Status::Ok();
      }
    }
    for (std::string& batch : builder.Take()) {
      bytes_ += batch.size();
      part_.batches.push_back(std::move(batch));
    }
    return Status::Ok();
  }

  Status ReadLabels(const std::vector<format::Matcher>& selector) {
    const auto selection = asked_.shard->engine().Select(selector, query_.from_ms, query_.to_ms);
    while (bytes_ <= room_) {
      ASSIGN_OR_RETURN(const bool more, selection->NextPresent());
      if (!more) break;
      std::string labels(selection->labels().bytes());
      if (!seen_.insert(labels).second) continue;
      bytes_ += labels.size() + 4;
      part_.labels.push_back(std::move(labels));
    }
    return Status::Ok();
  }

  const SeriesQuery& query_;
  const AskedSeries& asked_;
  const uint64_t room_;
  SeriesQuery::Part part_;
  std::set<std::string> seen_;
  uint64_t bytes_ = 0;
};

}  // namespace

std::string EncodeSeriesQuery(const SeriesQuery& query) {
  std::string out;
  format::PutU8(out, query.what == What::kCounts ? kCountsFormat : kFormat);
  format::PutU8(out, static_cast<uint8_t>(query.what));
  format::PutVarint(out, query.selectors.size());
  for (const auto& selector : query.selectors) {
    format::PutVarint(out, selector.size());
    for (const format::Matcher& matcher : selector) {
      format::PutU8(out, static_cast<uint8_t>(matcher.kind()));
      format::PutBytes(out, matcher.name());
      format::PutBytes(out, matcher.value());
    }
  }
  format::PutI64(out, query.from_ms);
  format::PutI64(out, query.to_ms);
  format::PutU64(out, query.bytes_max);
  if (query.what == What::kCounts) {
    format::PutBytes(out, query.tenant);
    PutStrings(out, query.labels);
  }
  return out;
}

Result<SeriesQuery> DecodeSeriesQuery(std::string_view bytes) {
  Decoder in(bytes);
  SeriesQuery query;
  uint8_t format = 0, what = 0;
  uint64_t count = 0;
  bool whole = in.U8(format) && in.U8(what) && what >= 1 && what <= 4 &&
               format == (what == 4 ? kCountsFormat : kFormat) && in.Count(count, 1) && count <= kSelectorsMax;
  for (uint64_t i = 0; whole && i < count; ++i) whole = GetMatchers(in, query.selectors.emplace_back());
  whole = whole && in.I64(query.from_ms) && in.I64(query.to_ms) && in.U64(query.bytes_max);
  if (format == kCountsFormat) whole = whole && in.Bytes(query.tenant, kTextLenMax) && GetStrings(in, query.labels);
  if (!whole) return in.Failure("a question about series");
  query.what = static_cast<What>(what);
  RETURN_IF_ERROR(in.Finish("a question about series"));
  for (const std::string& labels : query.labels) RETURN_IF_ERROR(format::LabelsView::Check(labels).status());
  return query;
}

std::string EncodeSeriesAnswer(const SeriesQuery::Answer& answer) {
  std::string out;
  const bool counts = std::any_of(answer.parts.begin(), answer.parts.end(), [](const auto& p) { return p.series > 0; });
  format::PutU8(out, counts ? kCountsFormat : kFormat);
  format::PutVarint(out, answer.parts.size());
  for (const SeriesQuery::Part& part : answer.parts) {
    format::PutU32(out, part.shard);
    format::PutU8(out, part.too_much ? 1 : 0);
    PutStrings(out, part.deletions);
    PutStrings(out, part.batches);
    PutStrings(out, part.labels);
    format::PutI64(out, part.times.min_ms);
    format::PutI64(out, part.times.max_ms);
    if (counts) format::PutU64(out, part.series);
  }
  return out;
}

Result<SeriesQuery::Answer> DecodeSeriesAnswer(std::string_view bytes) {
  Decoder in(bytes);
  SeriesQuery::Answer answer;
  uint8_t format = 0;
  uint64_t count = 0;
  bool whole = in.U8(format) && (format == kFormat || format == kCountsFormat) && in.Count(count, sizeof(uint32_t));
  for (uint64_t i = 0; whole && i < count; ++i) whole = GetPart(in, format, answer.parts.emplace_back());
  const auto has_count = [](const SeriesQuery::Part& part) { return part.series > 0; };
  whole = whole && (format == kFormat || std::any_of(answer.parts.begin(), answer.parts.end(), has_count));
  if (!whole) return in.Failure("an answer about series");
  RETURN_IF_ERROR(in.Finish("an answer about series"));
  for (const SeriesQuery::Part& part : answer.parts) {
    for (const std::string& labels : part.labels) RETURN_IF_ERROR(format::LabelsView::Check(labels).status());
  }
  return answer;
}

Result<SeriesQuery::Answer> AnswerSeriesQuery(const std::vector<AskedSeries>& shards, const SeriesQuery& query) {
  SeriesQuery::Answer answer;
  uint64_t room = std::min<uint64_t>(query.bytes_max, kBytesMax - (64 << 10));
  for (const AskedSeries& asked : shards) {
    ASSIGN_OR_RETURN(SeriesQuery::Part part, Reader(query, asked, room).Read());
    for (const auto* strings : {&part.deletions, &part.batches, &part.labels}) {
      for (const std::string& string : *strings) room -= std::min<uint64_t>(room, string.size() + 4);
    }
    answer.parts.push_back(std::move(part));
  }
  return answer;
}

}  // namespace rhizome::shard
