#include "metrics/tenant_gate.h"

#include <utility>

namespace rhizome::metrics {

using format::SeriesBatch;

namespace {

constexpr size_t kAskedBytesMax = 4 << 20;  // of labels, in one question

uint64_t FingerprintOf(format::LabelsView labels) { return labels.Fingerprint().first; }

}  // namespace

TenantGate::Entry TenantGate::TryEnter(Account& account, uint64_t series, uint64_t limit) {
  if (!account.answered || account.used > limit || series > limit - account.used) return Entry::kUnsure;
  account.used += series;
  return Entry::kFree;
}

void TenantGate::Age(Account& account, int64_t now_ns) {
  if (now_ns - account.known_ns > kRememberForNs) {
    account.known_before = std::exchange(account.known, {});
    account.known_ns = now_ns;
  }
  if (now_ns - account.refused_ns > kRefuseForNs) {
    account.refused.Clear();
    account.refused_ns = now_ns;
  }
}

bool TenantGate::Knows(Account& account, uint64_t fingerprint) {
  if (account.known.Contains(fingerprint)) return true;
  if (!account.known_before.Contains(fingerprint)) return false;
  account.known.Insert(fingerprint);
  return true;
}

std::vector<bool> TenantGate::Refuse(const Tenancy& tenant, const SeriesBatch& batch, const Ask& ask) {
  const uint64_t limit = limits_.SeriesMaxOf(tenant.name());
  if (limit == UINT64_MAX) return {};
  bool may_ask = false;
  {
    const MutexLock lock(mutex_);
    Account& account = accounts_[tenant.name()];
    if (TryEnter(account, batch.series_count(), limit) == Entry::kFree) return {};
    const int64_t now_ns = clock_.MonotonicNs();
    may_ask = now_ns - account.asked_ns >= kAskEveryNs;
    if (may_ask) account.asked_ns = now_ns;
    if (!may_ask && !account.answered) return {};  // somebody else asks
  }
  if (may_ask) {
    const auto census = ask({});
    if (!census.ok()) return {};
    const MutexLock lock(mutex_);
    Account& account = accounts_[tenant.name()];
    account.answered = true;
    account.used = census->series;
    if (TryEnter(account, batch.series_count(), limit) == Entry::kFree) return {};
  }
  return RefuseEach(tenant, batch, ask);
}

std::vector<bool> TenantGate::RefuseEach(const Tenancy& tenant, const SeriesBatch& batch, const Ask& ask) {
  std::vector<bool> refused(batch.series_count());
  std::vector<uint32_t> unsure;
  {
    const MutexLock lock(mutex_);
    Account& account = accounts_[tenant.name()];
    Age(account, clock_.MonotonicNs());
    for (uint32_t i = 0; i < refused.size(); ++i) {
      const uint64_t fingerprint = FingerprintOf(batch.LabelsOf(i));
      if (Knows(account, fingerprint)) continue;
      refused[i] = account.refused.Contains(fingerprint);
      if (!refused[i]) unsure.push_back(i);
    }
  }
  uint64_t let_in = 0;  // new ones, which nobody has yet
  for (size_t at = 0; at < unsure.size();) {
    std::vector<std::string> labels;
    const size_t first = at;
    for (size_t bytes = 0; at < unsure.size() && bytes < kAskedBytesMax; ++at) {
      labels.emplace_back(batch.LabelsOf(unsure[at]).bytes());
      bytes += labels.back().size();
    }
    const auto census = ask(labels);
    if (!census.ok()) break;
    const uint64_t limit = limits_.SeriesMaxOf(tenant.name());
    const MutexLock lock(mutex_);
    Account& account = accounts_[tenant.name()];
    for (size_t i = 0; i < labels.size(); ++i) {
      const uint32_t series = unsure[first + i];
      refused[series] = !census->known[i] && census->series + let_in >= limit;
      (refused[series] ? account.refused : account.known).Insert(FingerprintOf(batch.LabelsOf(series)));
      let_in += !census->known[i] && !refused[series];
    }
    account.used = census->series + let_in;
  }
  return refused;
}

}  // namespace rhizome::metrics
