// What operators and clients change in coordination: collections and members. Each is one compare-and-swap, tried again
// when somebody else was faster.
#include <utility>

#include "fabric/member.h"
#include "fabric/placement.h"
#include "fabric/resharding.h"

namespace rhizome::fabric {
namespace {

constexpr int kConflictsMax = 16;
constexpr int64_t kPatienceNs = 2'000'000'000;

// The id decides where the ring puts the shards, so in the simulator it is the seed's.
Uuid NewId(Loop& loop) {
  Uuid id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(loop.Random() >> 32);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4, RFC 4122
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

// Whether every replica of shards that were split off has been filled since. One that has not still needs its parent's,
// which would be two steps away after another split.
Task<Status> EveryReplicaWhole(Caller& caller, TopologyPointer topology, CollectionRecord collection) {
  for (uint32_t p = 0; p < collection.partitions && !collection.resharding(); ++p) {
    const Placement* placement = topology->Find(collection.first_shard + p);
    if (placement == nullptr || placement->parent == 0) continue;
    std::map<MemberNumber, ProgressRequest> requests;
    for (const MemberNumber owner : placement->replicas) requests[owner] = {{placement->shard, placement->epoch}};
    CallContext context;
    context.deadline_ns = caller.loop().NowNs() + kPatienceNs;
    using Answers = std::map<MemberNumber, Result<ProgressRequest::Reply>>;
    const Answers answers =
        co_await caller.AskMany<ProgressRequest>(std::move(requests), context, [](const Answers&) { return false; });
    for (const auto& [member, answer] : answers) {
      if (answer.ok() && answer->complete) continue;
      co_return Status::Unavailable("partition " + std::to_string(p) + " of collection " + collection.name +
                                    " has been split before, and member " + std::to_string(member) +
                                    " does not say that its replica is whole: bring it back or replace it first");
    }
  }
  co_return Status::Ok();
}

}  // namespace

Task<Result<CollectionRecord>> Member::Create(NewCollection collection) {
  const Gate::Hold hold(*gate_);
  CollectionRecord record;
  record.id = NewId(ports_.loop);
  record.name = collection.name;
  record.partitions = collection.partitions;
  record.factor = collection.factor;
  record.spec = std::move(collection.spec);
  record.kind = collection.kind;
  record.created_ms = ports_.loop.WallMs();
  const std::string counter = CounterKey("shards");
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const TopologyPointer topology = directory_->Now();
    if (const auto known = topology->collections.find(record.name); known != topology->collections.end()) {
      // An attempt whose outcome was unknown may have been this one.
      if (known->second.value.id == record.id) co_return known->second.value;
      co_return Status::AlreadyExists("there is a collection " + record.name);
    }
    const Result<Counter> shards = co_await ReadCounter("shards");
    if (!shards.ok()) co_return shards.status();
    record.first_shard = shards->last + 1;
    const auto placements = PlanCreate(*topology, record, {});
    if (!placements.ok()) co_return placements.status();
    coordination::Transaction transaction;
    transaction.expect = {{counter, shards->mod_revision}, {CollectionKey(record.name), 0}};
    transaction.changes = {{counter, std::to_string(shards->last + record.partitions)},
                           {CollectionKey(record.name), EncodeCollection(record)}};
    for (const Placement& placement : *placements) {
      transaction.changes.push_back({PlacementKey(placement.shard), EncodePlacement(placement)});
    }
    const auto committed = co_await ports_.truth.Commit(std::move(transaction));
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
  }
  co_return Status::DeadlineExceeded("the catalogue keeps changing; see whether the collection is there");
}

Task<Status> Member::Drop(std::string name) {
  const Gate::Hold hold(*gate_);
  std::optional<Uuid> dropping;
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const TopologyPointer topology = directory_->Now();
    const auto known = topology->collections.find(name);
    const bool there = known != topology->collections.end();
    if (dropping && (!there || known->second.value.id != *dropping)) co_return Status::Ok();
    if (!there) co_return Status::NotFound("there is no collection " + name);
    const CollectionRecord& record = known->second.value;
    dropping = record.id;
    coordination::Transaction transaction;
    transaction.expect = {{CollectionKey(name), known->second.mod_revision}};
    transaction.changes = {{CollectionKey(name), std::nullopt}};
    for (uint32_t p = 0; p < record.partitions; ++p) {
      transaction.changes.push_back({PlacementKey(record.first_shard + p), std::nullopt});
    }
    for (uint32_t p = 0; p < record.next_partitions; ++p) {
      transaction.changes.push_back({PlacementKey(record.next_first_shard + p), std::nullopt});
    }
    const auto committed = co_await ports_.truth.Commit(std::move(transaction));
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
  }
  co_return Status::DeadlineExceeded("the catalogue keeps changing; see whether the collection is gone");
}

Task<Status> Member::SetFactor(std::string name, uint32_t factor) {
  const Gate::Hold hold(*gate_);
  if (factor == 0) co_return Status::InvalidArgument("replication_factor", "must be at least 1");
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const auto known = directory_->Now()->collections.find(name);
    if (known == directory_->Now()->collections.end()) co_return Status::NotFound("there is no collection " + name);
    CollectionRecord record = known->second.value;
    if (record.factor == factor) co_return Status::Ok();
    record.factor = factor;
    const Status put = co_await PutKept(CollectionKey(name), known->second.mod_revision, EncodeCollection(record));
    if (!put.ok()) co_return put;
  }
  co_return Status::Unavailable("the collection keeps changing");
}

Task<Status> Member::Reshard(std::string name, uint32_t partitions) {
  const Gate::Hold hold(*gate_);
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    // The counter first: shards that the listing behind it shows have numbers up to it.
    const Result<Counter> shards = co_await ReadCounter("shards");
    if (!shards.ok()) co_return shards.status();
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const TopologyPointer topology = directory_->Now();
    const auto known = topology->collections.find(name);
    if (known != topology->collections.end()) {
      const CollectionRecord& record = known->second.value;
      if ((record.resharding() ? record.next_partitions : record.partitions) == partitions) co_return Status::Ok();
      const Status whole = co_await EveryReplicaWhole(*caller_, topology, record);
      if (!whole.ok()) co_return whole;
    }
    auto transaction = BeginResharding(*topology, name, partitions, {shards->last, shards->mod_revision});
    if (!transaction.ok()) co_return transaction.status();
    const auto committed = co_await ports_.truth.Commit(std::move(transaction).value());
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
  }
  co_return Status::Unavailable("the collection keeps changing");
}

Task<Status> Member::CancelReshard(std::string name) {
  const Gate::Hold hold(*gate_);
  ShardNumber cancelling = 0;
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const TopologyPointer topology = directory_->Now();
    const auto known = topology->collections.find(name);
    if (known == topology->collections.end()) co_return Status::NotFound("there is no collection " + name);
    const CollectionRecord& record = known->second.value;
    if (cancelling != 0 && record.next_first_shard != cancelling && record.first_shard != cancelling) {
      co_return Status::Ok();
    }
    if (!record.resharding()) {
      co_return Status::FailedPrecondition("collection " + name + " is not being resharded: it has " +
                                           std::to_string(record.partitions) + " partitions");
    }
    cancelling = record.next_first_shard;
    const auto committed = co_await ports_.truth.Commit(CancelResharding(*topology, record));
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
  }
  co_return Status::Unavailable("the collection keeps changing");
}

Task<Status> Member::SetMemberState(MemberNumber member, MemberState state) {
  const Gate::Hold hold(*gate_);
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
    const auto known = directory_->Now()->members.find(member);
    if (known == directory_->Now()->members.end()) {
      co_return Status::NotFound("there is no member " + std::to_string(member));
    }
    MemberRecord record = known->second.value;
    if (record.state == state) co_return Status::Ok();
    // What was declared gone may have been given its shards' successors: it cannot come back with its old data.
    if (record.state == MemberState::kGone) {
      co_return Status::FailedPrecondition("member " + record.name + " was removed and cannot come back");
    }
    record.state = state;
    const Status put = co_await PutKept(MemberKey(member), known->second.mod_revision, EncodeMember(record));
    if (!put.ok()) co_return put;
  }
  co_return Status::Unavailable("the member's record keeps changing");
}

// One try; the caller looks again whether it took effect.
Task<Status> Member::PutKept(std::string key, int64_t mod_revision, std::string value) {
  coordination::Transaction transaction;
  transaction.expect = {{key, mod_revision}};
  transaction.changes = {{key, std::move(value)}};
  const auto committed = co_await ports_.truth.Commit(std::move(transaction));
  if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
  co_return Status::Ok();
}

}  // namespace rhizome::fabric
