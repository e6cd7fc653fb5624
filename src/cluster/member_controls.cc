#include "cluster/member_controls.h"

#include "base/clock.h"

namespace rhizome::cluster {
namespace {

constexpr int64_t kPatienceMs = 1'000;
constexpr int64_t kDigestPatienceMs = 30'000;  // a large shard's keys take a while to read
constexpr int64_t kNsPerMs = 1'000'000;

fabric::BalanceSettings BalanceOf(const fabric::Settings& settings) {
  fabric::BalanceSettings balance;
  balance.concurrent_moves = settings.concurrent_moves;
  balance.per_member_moves = settings.moves_per_member;
  return balance;
}

}  // namespace

MemberControls::MemberControls(LoopCalls& calls, fabric::Member& member, uint32_t default_factor,
                               const fabric::Settings& settings, TroublesOf troubles)
    : calls_(calls),
      member_(member),
      default_factor_(default_factor),
      balance_(BalanceOf(settings)),
      troubles_(std::move(troubles)) {}

Result<ClusterView> MemberControls::View() {
  return calls_.One<Result<ClusterView>>([this] { return Look(); });
}

Task<Result<ClusterView>> MemberControls::Look() {
  auto answers = co_await member_.AskStatus(kPatienceMs);
  ClusterView view;
  view.topology = *member_.directory().Now();
  view.self = member_.identity().record.number;
  view.frozen_ms = FrozenMs();
  view.wall_ms = SystemClock().WallMs();
  view.default_factor = default_factor_;
  view.balance = balance_;
  for (auto& [number, answer] : answers) {
    if (answer.ok()) view.reports.emplace(number, *std::move(answer));
  }
  for (const auto& [number, kept] : view.topology.members) {
    if (number != view.self) view.peers[number] = member_.peers().View(number);
  }
  co_return view;
}

Status MemberControls::SetMemberState(fabric::MemberNumber member, fabric::MemberState state) {
  return calls_.One<Status>([this, member, state] { return member_.SetMemberState(member, state); });
}

Status MemberControls::SetFactor(const std::string& collection, uint32_t factor) {
  return calls_.One<Status>([this, collection, factor] { return member_.SetFactor(collection, factor); });
}

Status MemberControls::Reshard(const std::string& collection, uint32_t partitions) {
  return calls_.One<Status>([this, collection, partitions] { return member_.Reshard(collection, partitions); });
}

Status MemberControls::CancelReshard(const std::string& collection) {
  return calls_.One<Status>([this, collection] { return member_.CancelReshard(collection); });
}

Result<ClusterControls::Scheduled> MemberControls::CompareNow() {
  return calls_.One<Result<Scheduled>>([this] { return Compare(); });
}

Task<Result<ClusterControls::Scheduled>> MemberControls::Compare() {
  co_return co_await member_.AskRepair(kPatienceMs);
}

Result<fabric::Member::Digests> MemberControls::Digests() {
  return calls_.One<Result<fabric::Member::Digests>>([this] { return AskDigests(); });
}

Task<Result<fabric::Member::Digests>> MemberControls::AskDigests() {
  co_return co_await member_.AskDigests(kDigestPatienceMs);
}

int64_t MemberControls::FrozenMs() {
  const int64_t since_ns = member_.directory().frozen_since_ns();
  return since_ns == 0 ? -1 : (SystemClock().MonotonicNs() - since_ns) / kNsPerMs;
}

}  // namespace rhizome::cluster
