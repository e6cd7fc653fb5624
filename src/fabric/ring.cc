#include "fabric/ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/hash.h"

namespace rhizome::fabric {

namespace {

constexpr double kWeightStep = 0.25;
constexpr double kWeightMin = 0.25;
constexpr double kWeightMax = 4.0;
// What a sum of doubles may be off by before a whole shard is rounded the wrong way.
constexpr double kRounding = 1e-6;

}  // namespace

std::vector<double> CapacityWeights(const std::vector<uint64_t>& capacities_bytes) {
  std::vector<uint64_t> known;
  std::copy_if(capacities_bytes.begin(), capacities_bytes.end(), std::back_inserter(known),
               [](uint64_t capacity) { return capacity > 0; });
  std::vector<double> weights(capacities_bytes.size(), 1.0);
  if (known.empty()) return weights;
  std::sort(known.begin(), known.end());
  const auto median = static_cast<double>(known[(known.size() - 1) / 2]);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (capacities_bytes[i] == 0) continue;
    const double steps = std::round(static_cast<double>(capacities_bytes[i]) / median / kWeightStep);
    weights[i] = std::clamp(steps * kWeightStep, kWeightMin, kWeightMax);
  }
  return weights;
}

uint64_t LoadMax(double share, double epsilon) {
  return static_cast<uint64_t>(std::max(0.0, std::ceil((1 + epsilon) * share - kRounding)));
}

uint64_t LoadMin(double share, double epsilon) {
  const double least = std::min(std::floor(share + kRounding), std::ceil((1 - epsilon) * share - kRounding));
  return static_cast<uint64_t>(std::max(0.0, least));
}

std::string RingKey(const Uuid& collection, uint32_t partition) {
  return fmt::format("s:{}:{}", collection.ToString(), partition);
}

Result<Ring> Ring::Build(const std::vector<RingMember>& members, uint64_t seed, uint32_t version) {
  if (version != kRingVersion) {
    return Status::InvalidArgument("ring_version",
                                   fmt::format("{} is unknown here; this program has {}", version, kRingVersion));
  }
  std::vector<const RingMember*> ordered;
  for (const RingMember& member : members) ordered.push_back(&member);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->number < b->number; });

  Ring ring;
  ring.seed_ = seed;
  std::map<std::string, uint32_t> zones;
  for (const RingMember* member : ordered) {
    CHECK(ring.members_.empty() || ring.members_.back() != member->number);
    const auto index = static_cast<uint32_t>(ring.members_.size());
    ring.members_.push_back(member->number);
    ring.zone_of_.push_back(zones.emplace(member->zone, zones.size()).first->second);
    const auto points = static_cast<uint32_t>(std::lround(kVirtualNodes * std::max(member->weight, 0.0)));
    for (uint32_t i = 0; i < points; ++i) {
      ring.points_.push_back({RouteHash(fmt::format("m:{}:{}", member->number, i), seed), index});
    }
  }
  ring.zones_ = static_cast<uint32_t>(zones.size());
  std::sort(ring.points_.begin(), ring.points_.end());
  return ring;
}

size_t Ring::StartOf(std::string_view key) const {
  const Point at{RouteHash(key, seed_), 0};
  return static_cast<size_t>(std::lower_bound(points_.begin(), points_.end(), at) - points_.begin());
}

void Ring::Clockwise(std::string_view key, const PassOver& pass_over,
                     const std::function<bool(uint32_t)>& visit) const {
  std::vector<bool> met(members_.size());
  size_t left = members_.size();
  size_t at = StartOf(key);
  for (size_t step = 0; step < points_.size() && left > 0; ++step, ++at) {
    if (at == points_.size()) at = 0;
    const uint32_t member = points_[at].member;
    if (met[member]) continue;
    met[member] = true;
    --left;
    if (pass_over && pass_over(members_[member])) continue;
    if (!visit(member)) return;
  }
}

std::vector<MemberNumber> Ring::Walk(std::string_view key, size_t count, const PassOver& pass_over) const {
  std::vector<MemberNumber> found;
  if (count == 0) return found;
  Clockwise(key, pass_over, [&](uint32_t member) {
    found.push_back(members_[member]);
    return found.size() < count;
  });
  return found;
}

std::vector<MemberNumber> Ring::Spread(std::string_view key, size_t count, const PassOver& pass_over) const {
  std::vector<MemberNumber> found;
  std::vector<bool> taken(members_.size());
  std::vector<uint32_t> given(zones_);
  // In each round a zone gives one member, in the order in which the walk meets the zones.
  for (uint32_t round = 0; found.size() < count; ++round) {
    const size_t before = found.size();
    Clockwise(key, pass_over, [&](uint32_t member) {
      uint32_t& of_zone = given[zone_of_[member]];
      if (taken[member] || of_zone > round) return true;
      taken[member] = true;
      ++of_zone;
      found.push_back(members_[member]);
      return found.size() < count && found.size() - before < zones_;
    });
    if (found.size() == before) break;
  }
  return found;
}

}  // namespace rhizome::fabric
