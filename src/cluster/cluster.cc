#include "cluster/cluster.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "cluster/cluster_parts.h"
#include "cluster/node.h"
#include "format/routing.h"

namespace rhizome::cluster {

using fabric::CollectionRecord;
using fabric::Level;
using fabric::ShardNumber;

namespace {

constexpr int64_t kDefaultTimeoutNs = 30'000'000'000;

// What the topology says of a replica that is held here.
void Place(const fabric::Topology& topology, fabric::MemberNumber self, ShardInfo& info) {
  const fabric::Placement* placement = topology.Find(info.shard);
  info.role = "unowned";
  if (placement == nullptr) return;
  info.epoch = placement->epoch;
  const auto in = [self](const std::vector<fabric::MemberNumber>& owners) {
    return std::find(owners.begin(), owners.end(), self) != owners.end();
  };
  const bool now = in(placement->replicas);
  const bool then = placement->moving() ? in(placement->next) : now;
  if (now || then) info.role = now && then ? "owner" : then ? "joining" : "leaving";
  if (placement->pending()) info.role = "filling";
  const auto collection = topology.CollectionOf(*placement);
  if (!collection) return;
  info.collection = collection->name;
  info.partition = info.shard - collection->first_shard;
}

}  // namespace

Status FirstFailure(const std::map<uint32_t, Status>& failed) {
  return failed.empty() ? Status::Ok() : failed.begin()->second;
}

Cluster::Cluster(ClusterParts parts) : parts_(parts) {
  const auto follow = [this](const fabric::TopologyPointer& topology) {
    const MutexLock lock(mutex_);
    topology_ = topology;
  };
  (void)parts_.calls.One<Status>([this, follow]() -> Task<Status> {
    fabric::Directory& directory = parts_.member.directory();
    directory.Subscribe(follow);
    follow(directory.Now());
    return AtOnce(Status::Ok());
  });
}

uint32_t Cluster::View::PartitionOf(const format::PointId& id) const {
  return format::PartitionOf(id, record.partitions);
}

std::string Cluster::View::Name(uint32_t partition) const {
  return "partition " + std::to_string(partition) + " of collection " + spec.name;
}

std::vector<ShardNumber> Cluster::View::AllShards() const {
  std::vector<ShardNumber> shards;
  for (uint32_t p = 0; p < record.partitions; ++p) shards.push_back(ShardOf(p));
  return shards;
}

Result<Cluster::View> Cluster::Find(const std::string& name) {
  for (const bool refreshed : {false, true}) {
    // One that was made elsewhere a moment ago may not be known here yet.
    if (refreshed) {
      RETURN_IF_ERROR(parts_.calls.One<Status>([this] { return parts_.member.directory().Refresh(); }));
    }
    fabric::TopologyPointer topology;
    {
      const MutexLock lock(mutex_);
      topology = topology_;
    }
    const auto known = topology->collections.find(name);
    if (known == topology->collections.end()) continue;
    // What holds series is no collection to clients.
    if (known->second.value.kind != fabric::ShardKind::kRegisters) break;
    View view;
    view.record = known->second.value;
    RETURN_IF_ERROR(DecodeSpec(view.record.spec, view.spec));
    view.spec.name = name;
    view.spec.shards = view.record.partitions;
    view.spec.replication_factor = view.record.factor;
    return view;
  }
  return Status::NotFound("there is no collection " + name);
}

Result<Cluster::Call> Cluster::Begin(const std::string& name, const CallOptions& options, Level usual) {
  Call call;
  ASSIGN_OR_RETURN(call.view, Find(name));
  call.level = usual;
  if (options.consistency == Consistency::kOne) call.level = Level::kOne;
  if (options.consistency == Consistency::kQuorum) call.level = Level::kQuorum;
  if (options.consistency == Consistency::kAll) call.level = Level::kAll;
  const int64_t now_ns = SystemClock().MonotonicNs();
  call.context.deadline_ns = options.deadline_ns > 0 ? options.deadline_ns : now_ns + kDefaultTimeoutNs;
  call.context.request_id = options.request_id;
  call.context.traceparent = options.traceparent;
  return call;
}

// Whether the collection has other shards than the call knows; from then on it knows them.
bool Cluster::Renumbered(Call& call) {
  Result<View> view = Find(call.view.spec.name);
  if (!view.ok() || view->record.id != call.view.record.id) return false;
  if (view->record.first_shard == call.view.record.first_shard) return false;
  call.view = std::move(view).value();
  return true;
}

Result<CollectionInfo> Cluster::CreateCollection(const CollectionSpec& spec) {
  RETURN_IF_ERROR(ValidateSpec(spec));
  const fabric::NewCollection wanted{spec.name, spec.shards, spec.replication_factor, EncodeSpec(spec)};
  ASSIGN_OR_RETURN(const CollectionRecord record,
                   parts_.calls.One<Result<CollectionRecord>>([this, wanted] { return parts_.member.Create(wanted); }));
  return CollectionInfo{spec, record.id, record.created_ms, 0, 0, {}};
}

Result<CollectionSpec> Cluster::GetSpec(const std::string& name) {
  ASSIGN_OR_RETURN(View view, Find(name));
  return std::move(view.spec);
}

CollectionInfo Cluster::Counted(const View& view) {
  CollectionInfo info{view.spec, view.record.id, view.record.created_ms, 0, 0, {}};
  Call call{view, Level::kOne, {}};
  call.context.deadline_ns = SystemClock().MonotonicNs() + kDefaultTimeoutNs;
  std::map<uint32_t, Status> failed;
  std::map<uint32_t, CountQuery::Reply::OfShard> counts;
  for (const CountQuery::Reply& reply : Ask(call, CountQuery{}, failed)) {
    for (const auto& count : reply.shards) counts[count.shard] = count;
  }
  info.spec.shards = call.view.record.partitions;
  for (uint32_t p = 0; p < call.view.record.partitions; ++p) {
    const auto count = counts.find(call.view.ShardOf(p));
    if (count == counts.end()) {
      info.failed_partitions.push_back(p);
      continue;
    }
    info.points += count->second.points;
    info.documents += count->second.documents;
  }
  return info;
}

Result<CollectionInfo> Cluster::GetCollection(const std::string& name) {
  ASSIGN_OR_RETURN(const View view, Find(name));
  return Counted(view);
}

Result<std::vector<CollectionInfo>> Cluster::ListCollections() {
  fabric::TopologyPointer topology;
  {
    const MutexLock lock(mutex_);
    topology = topology_;
  }
  std::vector<CollectionInfo> infos;
  for (const auto& [name, kept] : topology->collections) {
    const Result<View> view = Find(name);
    if (view.status().code() == Code::kNotFound) continue;  // dropped meanwhile
    if (!view.ok()) return view.status();
    infos.push_back(Counted(*view));
  }
  return infos;
}

Status Cluster::DropCollection(const std::string& name) {
  RETURN_IF_ERROR(Find(name).status());
  return parts_.calls.One<Status>([this, name] { return parts_.member.Drop(name); });
}

std::vector<ShardInfo> Cluster::Shards() {
  if (parts_.node == nullptr) return {};
  fabric::TopologyPointer topology;
  {
    const MutexLock lock(mutex_);
    topology = topology_;
  }
  const fabric::MemberNumber self = parts_.member.identity().record.number;
  std::vector<ShardInfo> infos = parts_.node->Shards();
  for (ShardInfo& info : infos) Place(*topology, self, info);
  return infos;
}

std::map<std::string, double> Cluster::Stats() {
  std::map<std::string, double> stats;
  if (parts_.node != nullptr) stats = parts_.node->Stats();
  using Figures = Result<std::map<std::string, double>>;
  const Figures figures = parts_.calls.One<Figures>([this]() -> Task<Figures> {
    std::map<std::string, double> of_member;
    const fabric::TopologyPointer topology = parts_.member.directory().Now();
    double suspects = 0;
    double slow = 0;
    for (const auto& [number, member] : topology->members) {
      if (member.value.state == fabric::MemberState::kGone) continue;
      of_member["cluster_members"] += 1;
      suspects += parts_.member.peers().Suspect(number) ? 1 : 0;
      slow += parts_.member.peers().Slow(number) ? 1 : 0;
    }
    of_member["cluster_members_suspect"] = suspects;
    of_member["cluster_members_slow"] = slow;
    of_member["cluster_durable_write_seconds"] = parts_.member.replica().write_us() / 1e6;
    of_member["cluster_hints_pending"] = static_cast<double>(parts_.member.hints().pending());
    of_member["cluster_frozen"] = parts_.member.directory().frozen_since_ns() > 0 ? 1 : 0;
    if (fabric::Repair* repair = parts_.member.repair(); repair != nullptr) {
      of_member["repair_rounds_total"] = static_cast<double>(repair->stats().rounds);
      of_member["repair_failures_total"] = static_cast<double>(repair->stats().failures);
      of_member["repair_copied_total"] = static_cast<double>(repair->stats().copied);
    }
    return AtOnce(Figures(std::move(of_member)));
  });
  if (figures.ok()) stats.insert(figures->begin(), figures->end());
  return stats;
}

}  // namespace rhizome::cluster
