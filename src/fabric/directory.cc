#include "fabric/directory.h"

#include <charconv>
#include <utility>

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kWatchTimeoutMs = 1'000;

template <typename T>
bool ParseNumber(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// The part of `key` behind kRoot and `folder`, if it is there.
std::optional<std::string_view> Within(std::string_view key, std::string_view folder) {
  if (!key.starts_with(kRoot)) return std::nullopt;
  key.remove_prefix(kRoot.size());
  if (!key.starts_with(folder)) return std::nullopt;
  return key.substr(folder.size());
}

Status ReadEntry(const coordination::KeyValue& entry, Topology& topology) {
  if (Within(entry.key, "members/")) {
    ASSIGN_OR_RETURN(MemberRecord member, DecodeMember(entry.value));
    topology.members[member.number] = {std::move(member), entry.mod_revision};
  } else if (Within(entry.key, "collections/")) {
    ASSIGN_OR_RETURN(CollectionRecord collection, DecodeCollection(entry.value));
    const std::string name = collection.name;
    topology.collections[name] = {std::move(collection), entry.mod_revision};
  } else if (Within(entry.key, "placements/")) {
    ASSIGN_OR_RETURN(Placement placement, DecodePlacement(entry.value));
    const ShardNumber shard = placement.shard;
    topology.placements[shard] = {std::move(placement), entry.mod_revision};
  } else if (const auto number = Within(entry.key, "live/")) {
    MemberNumber member = 0;
    if (!ParseNumber(*number, member)) return Status::Corruption("is no member's number");
    topology.live.insert(member);
  } else if (Within(entry.key, "gateways/")) {
    // For people's eyes: one that nobody understands must not keep the rest from being adopted.
    if (Result<GatewayRecord> gateway = DecodeGateway(entry.value); gateway.ok()) {
      topology.gateways.push_back(std::move(gateway).value());
    }
  } else if (entry.key == LeaderKey()) {
    if (!ParseNumber(entry.value, topology.leader)) return Status::Corruption("is no member's number");
    topology.leader_epoch = entry.create_revision;
  }
  return Status::Ok();
}

}  // namespace

Result<Topology> ReadTopology(const coordination::Listing& listing) {
  Topology topology;
  topology.revision = listing.revision;
  for (const coordination::KeyValue& entry : listing.entries) {
    const Status status = ReadEntry(entry, topology);
    if (!status.ok()) return status.Annotate("coordination's " + entry.key);
  }
  return topology;
}

Directory::Directory(Loop& loop, Truth& truth, const Settings& settings)
    : loop_(loop), truth_(truth), settings_(settings), gate_(loop) {}

Task<Status> Directory::Refresh() {
  OneShot<Status> done(loop_);
  waiting_.push_back(done);
  if (!listing_) {
    listing_ = true;
    gate_.Start(List());
  }
  co_return co_await done;
}

void Directory::Nudge() {
  if (!loop_.stopping()) gate_.Start(RefreshQuietly());
}

Task<void> Directory::RefreshQuietly() { (void)co_await Refresh(); }

Task<void> Directory::List() {
  while (!waiting_.empty()) {
    const std::vector<OneShot<Status>> served = std::exchange(waiting_, {});
    Result<coordination::Listing> listing = co_await truth_.List(std::string(kRoot));
    Status status = listing.status();
    if (status.ok()) {
      Result<Topology> topology = ReadTopology(*listing);
      status = topology.status();
      if (status.ok()) Adopt(std::move(topology).value());
    }
    if (status.ok()) {
      frozen_since_ns_ = 0;
    } else if (frozen_since_ns_ == 0) {
      frozen_since_ns_ = loop_.NowNs();
    }
    for (const OneShot<Status>& waiting : served) waiting.Set(status);
  }
  listing_ = false;
}

void Directory::Adopt(Topology topology) {
  if (topology.revision <= topology_->revision) return;
  topology_ = std::make_shared<const Topology>(std::move(topology));
  for (const auto& listener : listeners_) listener(topology_);
}

Task<Status> Directory::RefreshTo(ShardNumber shard, uint64_t epoch) {
  const Placement* known = topology_->Find(shard);
  if (known != nullptr && known->epoch >= epoch) co_return Status::Ok();
  const Status refreshed = co_await Refresh();
  if (!refreshed.ok()) co_return refreshed;
  known = topology_->Find(shard);
  if (known != nullptr && known->epoch >= epoch) co_return Status::Ok();
  co_return Status::Unavailable("coordination does not know that epoch of shard " + std::to_string(shard));
}

void Directory::Subscribe(std::function<void(const TopologyPointer&)> listener) {
  listeners_.push_back(std::move(listener));
}

Task<void> Directory::Run() {
  while (!loop_.stopping()) {
    const int64_t wait_ms = std::min(kWatchTimeoutMs, settings_.refresh_interval_ms);
    const int64_t began_ns = loop_.NowNs();
    const auto hint = co_await truth_.AwaitChange(std::string(kRoot), topology_->revision, wait_ms);
    // A hint that fails at once, or says at once that nothing is new, must not make this a busy loop.
    const bool news = hint.ok() && *hint > topology_->revision;
    const int64_t left_ns = wait_ms * kNsPerMs - (loop_.NowNs() - began_ns);
    if (!news && left_ns > 0 && !co_await Sleep(loop_, left_ns)) co_return;
    (void)co_await Refresh();  // what failed is in frozen_since_ns
    if (news && !co_await Sleep(loop_, 5 * kNsPerMs)) co_return;
  }
}

}  // namespace rhizome::fabric
