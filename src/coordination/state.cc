#include "coordination/state.h"

#include <algorithm>

#include "base/hash.h"

namespace rhizome::coordination {
namespace {

constexpr uint32_t kMagic = 0x4f434852;  // "RHCO"
constexpr uint8_t kVersion = 1;
constexpr int64_t kCounterMax = int64_t{1} << 62;  // never reached by counting; leaves room to go on from a decoded one
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr size_t kLeaseBytes = 16;
constexpr size_t kEntryBytesMin = 1 + 1 + 1 + 24;
constexpr size_t kDeletionsMax = 1024;
constexpr std::string_view kWhat = "coordination state";

}  // namespace

bool State::Holds(const Expect& expect) const {
  const auto entry = entries_.find(expect.key);
  return expect.mod_revision == (entry == entries_.end() ? 0 : entry->second.mod_revision);
}

Status State::CheckEffect(const Transaction& transaction) const {
  size_t bytes = bytes_;
  for (const Change& change : transaction.changes) {
    if (change.lease != kNoLease && !leases_.contains(change.lease)) {
      return Status::NotFound("there is no lease " + std::to_string(change.lease));
    }
    const auto entry = entries_.find(change.key);
    if (entry != entries_.end()) bytes -= change.key.size() + entry->second.value.size();
    if (change.value) bytes += change.key.size() + change.value->size();
  }
  if (bytes <= kStateBytesMax || bytes <= bytes_) return Status::Ok();
  return Status::ResourceExhausted("coordination holds " + std::to_string(kStateBytesMax) + " bytes at most");
}

Result<Committed> State::Commit(const Transaction& transaction) {
  RETURN_IF_ERROR(CheckTransaction(transaction));
  for (const Expect& expect : transaction.expect) {
    if (!Holds(expect)) return Committed{false, revision_};
  }
  RETURN_IF_ERROR(CheckEffect(transaction));
  const int64_t revision = revision_ + 1;
  for (const Change& change : transaction.changes) {
    const auto entry = entries_.find(change.key);
    if (!change.value && entry == entries_.end()) continue;
    revision_ = revision;
    if (change.value) {
      Put(change, revision);
    } else {
      Erase(entry, revision);
    }
  }
  return Committed{true, revision_};
}

void State::Put(const Change& change, int64_t revision) {
  const auto [at, created] = entries_.try_emplace(change.key);
  Entry& entry = at->second;
  if (created) {
    entry.create_revision = revision;
    bytes_ += change.key.size();
  }
  bytes_ += change.value->size() - entry.value.size();
  entry.value = *change.value;
  entry.mod_revision = revision;
  entry.lease = change.lease;
}

State::Entries::iterator State::Erase(Entries::iterator entry, int64_t revision) {
  bytes_ -= entry->first.size() + entry->second.value.size();
  deletions_.push_back({revision, entry->first});
  if (deletions_.size() > kDeletionsMax) {
    deletions_since_ = deletions_.front().revision;
    deletions_.pop_front();
  }
  return entries_.erase(entry);
}

Listing State::List(const std::string& prefix) const {
  Listing listing{{}, revision_};
  for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at) {
    const Entry& entry = at->second;
    listing.entries.push_back({at->first, entry.value, entry.create_revision, entry.mod_revision, entry.lease});
  }
  return listing;
}

Result<LeaseId> State::Grant(int64_t ttl_ms, int64_t now_ms) {
  RETURN_IF_ERROR(CheckLeaseTtl(ttl_ms));
  if (leases_.size() >= kLeasesMax) {
    return Status::ResourceExhausted("coordination holds " + std::to_string(kLeasesMax) + " leases at most");
  }
  leases_[next_lease_] = {ttl_ms, now_ms + ttl_ms};
  return next_lease_++;
}

Result<int64_t> State::KeepAlive(LeaseId lease, int64_t now_ms) {
  const auto found = leases_.find(lease);
  if (found == leases_.end() || found->second.end_ms <= now_ms) {
    return Status::NotFound("there is no lease " + std::to_string(lease));
  }
  found->second.end_ms = now_ms + found->second.ttl_ms;
  return found->second.ttl_ms;
}

Status State::Revoke(LeaseId lease) {
  if (!leases_.contains(lease)) return Status::NotFound("there is no lease " + std::to_string(lease));
  End(lease);
  return Status::Ok();
}

void State::End(LeaseId lease) {
  leases_.erase(lease);
  const int64_t revision = revision_ + 1;
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->second.lease != lease) {
      ++at;
      continue;
    }
    revision_ = revision;
    at = Erase(at, revision);
  }
}

bool State::Expire(int64_t now_ms) {
  std::vector<LeaseId> due;
  for (const auto& [id, lease] : leases_) {
    if (lease.end_ms <= now_ms) due.push_back(id);
  }
  for (const LeaseId lease : due) End(lease);
  return !due.empty();
}

std::optional<int64_t> State::NextExpiryMs() const {
  std::optional<int64_t> next;
  for (const auto& [id, lease] : leases_) next = std::min(next.value_or(lease.end_ms), lease.end_ms);
  return next;
}

bool State::ChangedAfter(const std::string& prefix, int64_t revision) const {
  if (revision >= revision_) return false;
  if (revision < deletions_since_) return true;
  for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at) {
    if (at->second.mod_revision > revision) return true;
  }
  return std::any_of(deletions_.begin(), deletions_.end(), [&](const Deletion& deletion) {
    return deletion.revision > revision && deletion.key.starts_with(prefix);
  });
}

std::string State::Encode() const {
  std::string out;
  out.reserve(bytes_ + entries_.size() * (kEntryBytesMin + 8) + leases_.size() * kLeaseBytes + 64);
  format::PutU32(out, kMagic);
  format::PutU8(out, kVersion);
  format::PutI64(out, revision_);
  format::PutI64(out, next_lease_);
  format::PutVarint(out, leases_.size());
  for (const auto& [id, lease] : leases_) {
    format::PutI64(out, id);
    format::PutI64(out, lease.ttl_ms);
  }
  format::PutVarint(out, entries_.size());
  for (const auto& [key, entry] : entries_) {
    format::PutBytes(out, key);
    format::PutBytes(out, entry.value);
    format::PutI64(out, entry.create_revision);
    format::PutI64(out, entry.mod_revision);
    format::PutI64(out, entry.lease);
  }
  format::PutU64(out, Checksum(out));
  return out;
}

Result<State> State::Decode(std::string_view bytes, int64_t now_ms) {
  if (bytes.size() < kChecksumBytes) return Status::Corruption("coordination state: too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  format::Decoder from(body);
  uint32_t magic = 0;
  uint8_t version = 0;
  if (!from.U32(magic) || magic != kMagic) return Status::Corruption("coordination state: not one");
  if (!from.U8(version) || version != kVersion) {
    return Status::Corruption("coordination state: version " + std::to_string(version) + " is not known here");
  }
  if (format::LoadFixed<uint64_t>(bytes.data() + body.size()) != Checksum(body)) {
    return Status::Corruption("coordination state: bad checksum");
  }
  State state;
  const auto counts = [](int64_t counter) { return counter >= 1 && counter <= kCounterMax; };
  if (!from.I64(state.revision_) || !from.I64(state.next_lease_)) return from.Failure(kWhat);
  if (!counts(state.revision_) || !counts(state.next_lease_)) return from.Failure(kWhat);
  state.deletions_since_ = state.revision_;
  RETURN_IF_ERROR(state.ReadLeases(from, now_ms));
  RETURN_IF_ERROR(state.ReadEntries(from));
  RETURN_IF_ERROR(from.Finish(kWhat));
  return state;
}

Status State::ReadLeases(format::Decoder& from, int64_t now_ms) {
  uint64_t count = 0;
  LeaseId last = kNoLease;
  if (!from.Count(count, kLeaseBytes) || count > kLeasesMax) return from.Failure(kWhat);
  for (uint64_t i = 0; i < count; ++i) {
    LeaseId id = 0;
    int64_t ttl_ms = 0;
    if (!from.I64(id) || !from.I64(ttl_ms)) return from.Failure(kWhat);
    if (id <= last || id >= next_lease_ || !CheckLeaseTtl(ttl_ms).ok()) return from.Failure(kWhat);
    leases_.emplace_hint(leases_.end(), id, Lease{ttl_ms, now_ms + ttl_ms});
    last = id;
  }
  return Status::Ok();
}

Status State::ReadEntries(format::Decoder& from) {
  uint64_t count = 0;
  if (!from.Count(count, kEntryBytesMin)) return from.Failure(kWhat);
  for (uint64_t i = 0; i < count; ++i) {
    std::string key;
    Entry entry;
    const bool read = from.Bytes(key, kKeyBytesMax) && from.Bytes(entry.value, kValueBytesMax) &&
                      from.I64(entry.create_revision) && from.I64(entry.mod_revision) && from.I64(entry.lease);
    const bool sorted = !key.empty() && (entries_.empty() || entries_.rbegin()->first < key);
    const bool revisions =
        entry.create_revision >= 2 && entry.create_revision <= entry.mod_revision && entry.mod_revision <= revision_;
    const bool leased = entry.lease == kNoLease || leases_.contains(entry.lease);
    if (!read || !sorted || !revisions || !leased) return from.Failure(kWhat);
    bytes_ += key.size() + entry.value.size();
    entries_.emplace_hint(entries_.end(), std::move(key), std::move(entry));
  }
  return bytes_ <= kStateBytesMax ? Status::Ok() : from.Failure(kWhat);
}

}  // namespace rhizome::coordination
