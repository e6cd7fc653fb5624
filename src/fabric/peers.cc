#include "fabric/peers.h"

#include <algorithm>
#include <cmath>

#include "fabric/write_pace.h"

namespace rhizome::fabric {
namespace {

constexpr double kNsPerMs = 1e6;
// RFC 6298's gains.
constexpr double kMeanGain = 1.0 / 8, kDeviationGain = 1.0 / 4;
constexpr double kBehindMs = 1e9;  // further back than any latency
constexpr int64_t kHedgeMinNs = 20'000'000, kHedgeMaxNs = 500'000'000;

}  // namespace

Peers::Peers(Loop& loop, const Settings& settings, MemberNumber self) : loop_(loop), settings_(settings), self_(self) {}

bool Peers::Silent(const Peer& peer) const {
  return loop_.NowNs() - peer.heard_ns > settings_.suspect_after_ms * static_cast<int64_t>(kNsPerMs);
}

void Peers::Answered(MemberNumber member, int64_t latency_ns) {
  const auto it = peers_.find(member);
  if (it == peers_.end()) return;
  Peer& peer = it->second;
  const bool returned = peer.was_suspect || Silent(peer);
  peer.heard_ns = loop_.NowNs();
  peer.was_suspect = false;
  ++peer.calls;
  const double latency_ms = static_cast<double>(latency_ns) / kNsPerMs;
  const double off = std::abs(latency_ms - peer.latency_ms);
  if (peer.calls == 1) {
    peer.latency_ms = latency_ms;
    peer.deviation_ms = latency_ms / 2;
  } else {
    peer.deviation_ms += kDeviationGain * (off - peer.deviation_ms);
    peer.latency_ms += kMeanGain * (latency_ms - peer.latency_ms);
  }
  if (returned) {
    for (const auto& listener : on_return_) listener(member);
  }
}

void Peers::Failed(MemberNumber member) {
  const auto it = peers_.find(member);
  if (it == peers_.end()) return;
  ++it->second.calls;
  ++it->second.failures;
  it->second.was_suspect = it->second.was_suspect || Silent(it->second);
}

void Peers::Loaded(MemberNumber member, uint32_t load_permille) {
  const auto it = peers_.find(member);
  if (it != peers_.end()) it->second.load_permille = std::min(load_permille, 1'000U);
}

void Peers::Paced(MemberNumber member, uint32_t write_us) {
  const auto it = peers_.find(member);
  if (member != self_ && it == peers_.end()) return;
  (member == self_ ? own_write_us_ : it->second.write_us) = write_us;
  // One figure changes what is ordinary for all.
  std::vector<uint32_t> others;
  const auto others_of = [&](MemberNumber of) {
    others.clear();
    if (of != self_) others.push_back(own_write_us_);
    for (const auto& [number, peer] : peers_) {
      if (number != of) others.push_back(peer.write_us);
    }
    return others;
  };
  self_slow_ = MuchSlower(own_write_us_, others_of(self_), self_slow_);
  for (auto& [number, peer] : peers_) peer.slow = MuchSlower(peer.write_us, others_of(number), peer.slow);
}

void Peers::ReadOnly(MemberNumber member, bool read_only) {
  const auto it = peers_.find(member);
  if (it != peers_.end()) it->second.read_only = read_only;
}

bool Peers::Slow(MemberNumber member) const {
  if (member == self_) return self_slow_;
  const auto it = peers_.find(member);
  return it != peers_.end() && it->second.slow;
}

std::vector<MemberNumber> Peers::Suspects() const {
  std::vector<MemberNumber> suspects;
  for (const auto& [member, peer] : peers_) {
    if (Silent(peer)) suspects.push_back(member);
  }
  return suspects;
}

void Peers::Follow(const Topology& topology) {
  std::erase_if(peers_, [&](const auto& entry) {
    const MemberRecord* member = topology.Member(entry.first);
    return member == nullptr || member->state == MemberState::kGone;
  });
  for (const auto& [number, kept] : topology.members) {
    if (number == self_ || kept.value.state == MemberState::kGone) continue;
    peers_.try_emplace(number, Peer{.heard_ns = loop_.NowNs()});
  }
}

bool Peers::Suspect(MemberNumber member) const {
  if (member == self_) return false;
  const auto it = peers_.find(member);
  return it == peers_.end() || Silent(it->second);
}

PeerView Peers::View(MemberNumber member) const {
  PeerView view;
  const auto it = peers_.find(member);
  view.suspect = Suspect(member);
  view.slow = Slow(member);
  view.write_us = member == self_ ? own_write_us_ : 0;
  if (it == peers_.end()) return view;
  const Peer& peer = it->second;
  view.silent_ms = static_cast<int64_t>(static_cast<double>(loop_.NowNs() - peer.heard_ns) / kNsPerMs);
  view.latency_ms = peer.latency_ms;
  view.deviation_ms = peer.deviation_ms;
  view.load_permille = peer.load_permille;
  view.write_us = peer.write_us;
  view.read_only = peer.read_only;
  view.calls = peer.calls;
  view.failures = peer.failures;
  return view;
}

std::vector<MemberNumber> Peers::Order(std::vector<MemberNumber> members) const {
  const auto cost = [this](MemberNumber member) {
    const double behind = Slow(member) ? kBehindMs : 0;
    if (member == self_) return behind - 1.0;
    const auto it = peers_.find(member);
    if (it == peers_.end() || Silent(it->second)) return 2 * kBehindMs;
    return behind + it->second.latency_ms * (1 + it->second.load_permille / 1000.0);
  };
  // Equals take turns, or one of them would get all the work.
  std::vector<std::pair<double, MemberNumber>> ranked;
  for (const MemberNumber member : members) ranked.emplace_back(cost(member), member);
  if (!ranked.empty()) std::rotate(ranked.begin(), ranked.begin() + loop_.Random() % ranked.size(), ranked.end());
  // A tenth of a millisecond is noise.
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return std::floor(a.first * 10) < std::floor(b.first * 10); });
  std::vector<MemberNumber> ordered;
  for (const auto& [unused, member] : ranked) ordered.push_back(member);
  return ordered;
}

int64_t Peers::HedgeDelayNs(MemberNumber member) const {
  const auto it = peers_.find(member);
  if (it == peers_.end()) return kHedgeMinNs;
  const double expected_ms = it->second.latency_ms + 4 * it->second.deviation_ms;
  return std::clamp(static_cast<int64_t>(expected_ms * kNsPerMs), kHedgeMinNs, kHedgeMaxNs);
}

std::vector<MemberNumber> Peers::DueForPing() const {
  const int64_t quiet_ns = loop_.NowNs() - settings_.ping_interval_ms * static_cast<int64_t>(kNsPerMs);
  std::vector<MemberNumber> due;
  for (const auto& [member, peer] : peers_) {
    if (peer.heard_ns <= quiet_ns) due.push_back(member);
  }
  return due;
}

}  // namespace rhizome::fabric
