#include "fabric/member.h"

#include <charconv>
#include <utility>

#include "fabric/placement.h"
#include "fabric/planted.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kConflictsMax = 16;

}  // namespace

Member::Member(Ports ports, Identity identity, Settings settings)
    : ports_(ports), identity_(std::move(identity)), settings_(settings) {
  CHECK(identity_.holds_data == (ports_.store != nullptr));
  gate_ = std::make_unique<Gate>(ports_.loop);
  directory_ = std::make_unique<Directory>(ports_.loop, ports_.truth, settings_);
}

Member::~Member() = default;

Task<Status> Member::Start() {
  const Gate::Hold hold(*gate_);
  Status status = Status::Ok();
  if (identity_.holds_data && identity_.record.number == 0) {
    status = co_await TakeNumber("members", identity_.record.number);
    if (!status.ok()) co_return status.Annotate("taking a member number");
  }
  // Versions are told apart by the process that gave them: after a restart with a clock set back, or beside a frozen
  // former self, the same number could be given twice.
  if (versions_ == nullptr) {
    uint32_t writer = 0;
    status = co_await TakeNumber("writers", writer);
    if (!status.ok()) co_return status.Annotate("taking a number for versions");
    versions_ = std::make_unique<HybridClock>(ports_.clock, writer);
  }
  status = co_await directory_->Refresh();
  if (!status.ok()) co_return status;
  if (caller_ == nullptr) Compose();
  if (identity_.holds_data) {
    status = co_await WriteRecord();
    if (!status.ok()) co_return status;
    status = co_await TakeLease();
    if (!status.ok()) co_return status;
    status = co_await directory_->Refresh();
    if (!status.ok()) co_return status;
    gate_->Start(KeepLease());
    gate_->Start(ProbeStore());
    gate_->Start(custodian_->Run());
    gate_->Start(repair_->Run());
    gate_->Start(repair_->RunCollection());
    gate_->Start(leader_->Run([this] { return lease_; }));
  }
  if (!identity_.holds_data) {
    since_ms_ = ports_.loop.WallMs();
    (void)co_await TakeLease();  // only to be listed: it can do its work without
    gate_->Start(KeepLease());
  }
  gate_->Start(directory_->Run());
  gate_->Start(hints_->Run());
  gate_->Start(PingPeers());
  co_return Status::Ok();
}

void Member::Compose() {
  const MemberNumber self = identity_.record.number;
  Loop& loop = ports_.loop;
  peers_ = std::make_unique<Peers>(loop, settings_, self);
  caller_ = std::make_unique<Caller>(loop, ports_.network, *peers_, settings_);
  hints_ = std::make_unique<Hints>(*caller_, *directory_, ports_.store, settings_, self);
  coordinator_ = std::make_unique<Coordinator>(*caller_, *directory_, *hints_, *versions_);
  if (ports_.store != nullptr) {
    splitter_ = std::make_unique<Splitter>(loop, *directory_, *ports_.store, settings_);
    repair_ =
        std::make_unique<Repair>(*caller_, *directory_, Repair::Stores{*ports_.store, *splitter_}, settings_, self);
    custodian_ = std::make_unique<Custodian>(
        loop, Custodian::Parts{*directory_, *repair_, *splitter_, *ports_.store, ports_.truth}, settings_, self);
    splitter_->OpenThrough([this](ShardNumber shard) { return custodian_->Ensure(shard); });
    leader_ = std::make_unique<Leader>(*caller_, *directory_, ports_.truth, settings_, self);
  }
  replica_ =
      std::make_unique<Replica>(loop, Replica::Parts{directory_.get(), peers_.get(), hints_.get(), ports_.store,
                                                     custodian_.get(), repair_.get(), leader_.get(), splitter_.get()});
  peers_->Follow(*directory_->Now());
  directory_->Subscribe([this](const TopologyPointer& topology) { peers_->Follow(*topology); });
  peers_->OnReturn([this](MemberNumber member) {
    hints_->Deliver(member);
    if (repair_ != nullptr) repair_->ScheduleAll(member);
  });
}

Task<void> Member::Stop() {
  CHECK(ports_.loop.stopping());
  co_await gate_->Drained();
  if (custodian_ != nullptr) co_await custodian_->Drained();
  if (hints_ != nullptr) co_await hints_->Drained();
  if (caller_ != nullptr) co_await caller_->Drained();
  co_await directory_->Drained();
}

Task<Result<std::string>> Member::Handle(std::string message, CallContext context) {
  const Gate::Hold hold(*gate_);
  if (replica_ == nullptr || ports_.loop.stopping()) co_return Status::Unavailable("this member is not in service");
  co_return co_await replica_->Handle(std::move(message), std::move(context));
}

Task<Result<coordination::KeyValue>> Member::ReadKey(std::string key) {
  const auto listing = co_await ports_.truth.List(key);
  if (!listing.ok()) co_return listing.status();
  for (const coordination::KeyValue& entry : listing->entries) {
    if (entry.key == key) co_return entry;
  }
  co_return coordination::KeyValue{std::move(key), "", 0, 0, coordination::kNoLease};
}

Task<Result<Member::Counter>> Member::ReadCounter(std::string what) {
  const auto entry = co_await ReadKey(CounterKey(what));
  if (!entry.ok()) co_return entry.status();
  Counter counter{0, entry->mod_revision};
  (void)std::from_chars(entry->value.data(), entry->value.data() + entry->value.size(), counter.last);
  co_return counter;
}

// The next number of a counter in coordination.
Task<Status> Member::TakeNumber(std::string what, uint32_t& number) {
  const std::string key = CounterKey(what);
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Result<Counter> counter = co_await ReadCounter(what);
    if (!counter.ok()) co_return counter.status();
    const uint32_t next = counter->last + 1;
    coordination::Transaction transaction;
    transaction.expect = {{key, counter->mod_revision}};
    transaction.changes = {{key, std::to_string(next)}};
    const auto committed = co_await ports_.truth.Commit(std::move(transaction));
    // Unknown means that this number may be taken; the next round takes another.
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
    if (committed.ok() && committed->succeeded) {
      number = next;
      co_return Status::Ok();
    }
  }
  co_return Status::Unavailable("too many others are starting at once");
}

// Puts this member's addresses where the others find them.
Task<Status> Member::WriteRecord() {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    MemberRecord record = identity_.record;
    const TopologyPointer topology = directory_->Now();
    const auto known = topology->members.find(record.number);
    int64_t revision = 0;
    if (known != topology->members.end()) {
      revision = known->second.mod_revision;
      record.state = known->second.value.state;
      if (record.state == MemberState::kGone) {
        co_return Status::FailedPrecondition("member " + record.name +
                                             " was removed from the cluster; its data directory cannot come back");
      }
      if (known->second.value == record) co_return Status::Ok();
    }
    coordination::Transaction transaction;
    transaction.expect = {{MemberKey(record.number), revision}};
    transaction.changes = {{MemberKey(record.number), EncodeMember(record)}};
    const auto committed = co_await ports_.truth.Commit(std::move(transaction));
    if (!committed.ok() && committed.status().code() != Code::kDeadlineExceeded) co_return committed.status();
    const Status refreshed = co_await directory_->Refresh();
    if (!refreshed.ok()) co_return refreshed;
  }
  co_return Status::Unavailable("the member's record keeps changing");
}

Task<Status> Member::TakeLease() {
  const auto lease = co_await ports_.truth.Grant(settings_.lease_ttl_ms);
  if (!lease.ok()) co_return lease.status();
  const auto before = co_await ReadKey(identity_.holds_data ? LiveKey(identity_.record.number)
                                                            : GatewayKey(identity_.record.directory));
  if (!before.ok()) co_return before.status();
  coordination::Transaction transaction;
  // Else an attempt that was given up, by this life or the last, could come late and put the key on a lease that ends
  // while this one is kept.
  if (!Planted(Bug::kBlindLease)) transaction.expect = {{before->key, before->mod_revision}};
  if (identity_.holds_data) {
    transaction.changes = {{LiveKey(identity_.record.number), identity_.record.name, *lease}};
  } else {
    const GatewayRecord gateway{identity_.record.name, identity_.record.http_address, since_ms_};
    transaction.changes = {{GatewayKey(identity_.record.directory), EncodeGateway(gateway), *lease}};
  }
  const auto committed = co_await ports_.truth.Commit(std::move(transaction));
  if (!committed.ok()) co_return committed.status();
  if (!committed->succeeded) co_return Status::Unavailable("another attempt to take a lease came between");
  lease_ = *lease;
  co_return Status::Ok();
}

Task<void> Member::KeepLease() {
  while (co_await Sleep(ports_.loop, settings_.lease_ttl_ms * kNsPerMs / 3)) {
    if (lease_ != coordination::kNoLease) {
      const auto left = co_await ports_.truth.KeepAlive(lease_);
      if (left.ok() || left.status().code() != Code::kNotFound) continue;
      lease_ = coordination::kNoLease;
    }
    (void)co_await TakeLease();  // tried again at the next turn
  }
}

Task<void> Member::PingPeers() {
  while (co_await Sleep(ports_.loop, settings_.ping_interval_ms * kNsPerMs)) {
    for (const MemberNumber member : peers_->DueForPing()) gate_->Start(PingOne(member));
  }
}

// A disk is tried when nothing was written to it for a while, so that one that has become slow is noticed before it
// is needed, and one that has recovered is asked again.
Task<void> Member::ProbeStore() {
  WritePace& pace = replica_->write_pace();
  const auto interval_ns = [&] {  // one that is slow shows sooner that it no longer is
    return settings_.write_probe_interval_ms * kNsPerMs / (peers_->Slow(identity_.record.number) ? 4 : 1);
  };
  do {
    if (!pace.waiting() && ports_.loop.NowNs() - pace.noted_ns() >= interval_ns()) {
      const WritePace::Measure measure(pace);
      (void)co_await ports_.store->Probe();  // a disk that refuses says so to those who write
    }
    peers_->Paced(identity_.record.number, replica_->write_us());
  } while (co_await Sleep(ports_.loop, interval_ns()));
}

Task<void> Member::PingOne(MemberNumber member) {
  CallContext context;
  context.deadline_ns = ports_.loop.NowNs() + settings_.suspect_after_ms * kNsPerMs;
  PingRequest ping{identity_.record.number, directory_->Now()->revision, replica_->load_permille()};
  ping.write_us = replica_->write_us();
  ping.read_only = replica_->read_only();
  const auto reply = co_await caller_->Ask<PingRequest>(member, ping, context);
  if (!reply.ok()) co_return;
  peers_->Loaded(member, reply->load_permille);
  peers_->Paced(member, reply->write_us);
  peers_->ReadOnly(member, reply->read_only);
  if (reply->topology_revision > directory_->Now()->revision) directory_->Nudge();
}

}  // namespace rhizome::fabric
