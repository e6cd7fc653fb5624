#include "engines/series/deletion.h"

#include <algorithm>
#include <tuple>

namespace rhizome::series {
namespace {

constexpr auto kMatchKindLast = static_cast<uint8_t>(format::MatchKind::kNotRegex);

bool Before(const Deletion& a, const Deletion& b) {
  const auto rank = [](const Deletion& d) { return std::tie(d.stamp, d.from_ms, d.to_ms); };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  return std::lexicographical_compare(
      a.matchers.begin(), a.matchers.end(), b.matchers.begin(), b.matchers.end(),
      [](const format::Matcher& x, const format::Matcher& y) {
        return std::make_tuple(x.kind(), std::string_view(x.name()), std::string_view(x.value())) <
               std::make_tuple(y.kind(), std::string_view(y.name()), std::string_view(y.value()));
      });
}

bool Hides(const Hiding& hiding, int64_t time_ms) { return hiding.from_ms <= time_ms && time_ms <= hiding.to_ms; }

// Range and matchers.
void PutWhat(std::string& out, const Deletion& deletion) {
  format::PutI64(out, deletion.from_ms);
  format::PutI64(out, deletion.to_ms);
  format::PutVarint(out, deletion.matchers.size());
  for (const format::Matcher& matcher : deletion.matchers) {
    format::PutU8(out, static_cast<uint8_t>(matcher.kind()));
    format::PutBytes(out, matcher.name());
    format::PutBytes(out, matcher.value());
  }
}

bool GetWhat(format::Decoder& in, Deletion& deletion) {
  uint64_t count = 0;
  if (!in.I64(deletion.from_ms) || !in.I64(deletion.to_ms) || !in.Count(count, 3)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t kind = 0;
    std::string name, value;
    if (!in.U8(kind) || kind > kMatchKindLast || !in.Bytes(name) || !in.Bytes(value)) return false;
    auto matcher = format::Matcher::Make(static_cast<format::MatchKind>(kind), std::move(name), std::move(value));
    if (!matcher.ok()) return false;
    deletion.matchers.push_back(std::move(matcher).value());
  }
  return true;
}

// OK, or what no deletion may be.
Status CheckDeletion(const Deletion& deletion) {
  if (deletion.from_ms > deletion.to_ms) return Status::InvalidArgument("to", "the range ends before it begins");
  if (deletion.matchers.empty()) return Status::InvalidArgument("matchers", "a delete needs at least one");
  return Status::Ok();
}

}  // namespace

std::string EncodeDeletion(const Deletion& deletion) {
  std::string out;
  format::PutU8(out, kDeletionKind);
  format::PutU64(out, deletion.stamp);
  PutWhat(out, deletion);
  return out;
}

Result<Deletion> DecodeDeletion(std::string_view bytes) {
  format::Decoder in(bytes);
  Deletion deletion;
  uint8_t kind = 0;
  if (!in.U8(kind) || kind != kDeletionKind || !in.U64(deletion.stamp) || !GetWhat(in, deletion)) {
    return in.Failure("deletion");
  }
  RETURN_IF_ERROR(in.Finish("deletion"));
  if (!CheckDeletion(deletion).ok()) return Status::Corruption("deletion: impossible values");
  return deletion;
}

void Hide(std::span<const Hiding> hidings, Samples& prompt) {
  if (hidings.empty()) return;
  size_t kept = 0;
  for (size_t i = 0; i < prompt.size(); ++i) {
    const int64_t time = prompt.times[i];
    const bool hidden = std::any_of(hidings.begin(), hidings.end(),
                                    [&](const Hiding& h) { return Hides(h, time) && time <= StampMs(h.stamp); });
    if (hidden) continue;
    prompt.times[kept] = time;
    prompt.values[kept++] = prompt.values[i];
  }
  prompt.times.resize(kept);
  prompt.values.resize(kept);
}

void Hide(std::span<const Hiding> hidings, std::vector<StampedSample>& stamped) {
  if (hidings.empty()) return;
  std::erase_if(stamped, [&](const StampedSample& sample) {
    return std::any_of(hidings.begin(), hidings.end(),
                       [&](const Hiding& h) { return Hides(h, sample.time_ms) && sample.stamp <= h.stamp; });
  });
}

Result<bool> DeletionSet::Add(Deletion deletion, uint64_t lsn) {
  RETURN_IF_ERROR(CheckDeletion(deletion));
  const auto at = std::lower_bound(members_.begin(), members_.end(), deletion,
                                   [](const Member& member, const Deletion& d) { return Before(member.deletion, d); });
  if (at != members_.end() && at->deletion == deletion) return false;
  members_.insert(at, {std::move(deletion), lsn});
  return true;
}

bool DeletionSet::Contains(const Deletion& deletion) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return member.deletion == deletion; });
}

void DeletionSet::FindHidings(format::LabelsView labels, std::vector<Hiding>& hidings) const {
  hidings.clear();
  for (const Member& member : members_) {
    const auto& matchers = member.deletion.matchers;
    const bool all = std::all_of(matchers.begin(), matchers.end(), [&](const format::Matcher& matcher) {
      return matcher.Matches(labels.Get(matcher.name()));
    });
    if (all) hidings.push_back({member.deletion.stamp, member.deletion.from_ms, member.deletion.to_ms});
  }
}

void DeletionSet::EncodeTo(std::string& out) const {
  format::PutVarint(out, members_.size());
  for (const Member& member : members_) {
    format::PutU64(out, member.deletion.stamp);
    format::PutU64(out, member.lsn);
    PutWhat(out, member.deletion);
  }
}

Result<DeletionSet> DeletionSet::Decode(format::Decoder& in) {
  constexpr size_t kBytesMin = 4 * sizeof(uint64_t) + 1 + 3;
  DeletionSet set;
  uint64_t count = 0;
  if (!in.Count(count, kBytesMin)) return in.Failure("deletions");
  for (uint64_t i = 0; i < count; ++i) {
    Deletion deletion;
    uint64_t lsn = 0;
    if (!in.U64(deletion.stamp) || !in.U64(lsn) || !GetWhat(in, deletion)) return in.Failure("deletions");
    if (!set.members_.empty() && !Before(set.members_.back().deletion, deletion)) return in.Failure("deletions");
    if (!set.Add(std::move(deletion), lsn).ok()) return in.Failure("deletions");
  }
  return set;
}

}  // namespace rhizome::series
