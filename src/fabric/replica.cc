#include "fabric/replica.h"

#include <utility>

#include "fabric/planted.h"

namespace rhizome::fabric {

Replica::Replica(Loop& loop, Parts parts) : loop_(loop), parts_(parts), write_pace_(loop) {}

Task<Result<std::string>> Replica::Handle(std::string message, CallContext context) {
  Result<Request> request = DecodeRequest(message);
  if (!request.ok()) co_return request.status();
  message.clear();
  if (loop_.NowNs() >= context.deadline_ns) co_return Status::DeadlineExceeded("nobody waits for this any more");
  auto answer = std::visit([this](auto&& fields) { return Answer(std::forward<decltype(fields)>(fields)); },
                           std::move(request).value());
  co_return co_await std::move(answer);
}

Status Replica::CheckEpoch(const Target& target) const {
  if (Planted(Bug::kIgnoreEpoch)) return Status::Ok();
  const Placement* placement = parts_.directory->Now()->Find(target.shard);
  if (placement == nullptr && AnswersForRetired(target)) return Status::Ok();
  if (placement == nullptr) return StaleEpoch(0);
  return placement->epoch == target.epoch ? Status::Ok() : StaleEpoch(placement->epoch);
}

bool Replica::AnswersForRetired(const Target& target) const {
  return Planted(Bug::kParentAnswersForever) && !parts_.directory->Now()->ChildrenOf(target.shard).empty();
}

// Whether a request about a shard may be carried out here; opens the replica if it is the first.
Task<Status> Replica::Admit(Target target) {
  if (parts_.store == nullptr) co_return Status::NotFound("this member holds no data");
  const Placement* placement = parts_.directory->Now()->Find(target.shard);
  if (placement == nullptr && AnswersForRetired(target)) co_return Status::Ok();
  if (placement == nullptr || placement->epoch < target.epoch) {
    const Status caught_up = co_await parts_.directory->RefreshTo(target.shard, target.epoch);
    if (!caught_up.ok()) co_return caught_up;
  }
  const Status current = CheckEpoch(target);
  if (!current.ok()) co_return current;
  co_return co_await parts_.custodian->Ensure(target.shard);
}

Task<Status> Replica::AdmitVote(Target target) {
  const Status admitted = co_await Admit(target);
  if (!admitted.ok()) co_return admitted;
  if (!parts_.custodian->MayVote(target.shard) && !AnswersForRetired(target)) {
    co_return Status::Unavailable("the replica of shard " + std::to_string(target.shard) + " is being rebuilt");
  }
  co_return admitted;
}

Task<Result<std::string>> Replica::Answer(VersionsRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  const auto reply =
      co_await parts_.store->Versions(request.target.shard, std::move(request.keys), std::move(request.request));
  if (!reply.ok()) co_return reply.status();
  co_return EncodeReply(*reply);
}

Task<Result<std::string>> Replica::Answer(ApplyRequest request) {
  const Status admitted = co_await Admit(request.target);
  if (!admitted.ok()) co_return admitted;
  Status applied;
  {
    const WritePace::Measure measure(write_pace_);
    applied = co_await parts_.splitter->Apply(request.target.shard, std::move(request.batch));
  }
  if (!applied.ok()) co_return applied;
  // A new owner may have copied this replica at a newer epoch before the batch was in it: then this acknowledgement
  // would count toward a majority of owners that no longer decide.
  const Status still = Planted(Bug::kCheckEpochOnlyBefore) ? Status::Ok() : CheckEpoch(request.target);
  if (!still.ok()) co_return still;
  co_return EncodeReply(ApplyRequest::Reply{});
}

Task<Result<std::string>> Replica::Answer(ReadRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  const auto reply = co_await parts_.store->Read(request.target.shard, std::move(request.keys));
  if (!reply.ok()) co_return reply.status();
  co_return EncodeReply(*reply);
}

Task<Result<std::string>> Replica::Answer(QueryRequest request) {
  std::vector<ShardNumber> shards;
  for (const Target& target : request.targets) {
    const Status admitted = co_await AdmitVote(target);
    if (!admitted.ok()) co_return admitted;
    shards.push_back(target.shard);
  }
  auto answer = co_await parts_.store->Query(std::move(shards), std::move(request.query));
  if (!answer.ok()) co_return answer.status();
  co_return EncodeReply(QueryRequest::Reply{std::move(answer).value()});
}

Task<Result<std::string>> Replica::Answer(DigestRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  auto digest = co_await parts_.store->Digest(request.target.shard, request.bits, request.below);
  if (!digest.ok()) co_return digest.status();
  co_return EncodeReply(DigestRequest::Reply{std::move(digest).value()});
}

Task<Result<std::string>> Replica::Answer(InventoryRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  auto page = co_await parts_.store->Inventory(std::move(request));
  if (!page.ok()) co_return page.status();
  co_return EncodeReply(InventoryRequest::Reply{std::move(page).value()});
}

Task<Result<std::string>> Replica::Answer(CollectRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  const Status collected = co_await parts_.store->Collect(request.target.shard, request.below);
  if (!collected.ok()) co_return collected;
  co_return EncodeReply(CollectRequest::Reply{});
}

Task<Result<std::string>> Replica::Answer(RequestsRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  auto page = co_await parts_.store->Requests(request.target.shard, std::move(request.after), request.limit);
  if (!page.ok()) co_return page.status();
  co_return EncodeReply(RequestsRequest::Reply{std::move(page).value()});
}

Task<Result<std::string>> Replica::Answer(ScanRequest request) {
  const Status admitted = co_await AdmitVote(request.target);
  if (!admitted.ok()) co_return admitted;
  const auto page = co_await parts_.store->Scan(std::move(request));
  if (!page.ok()) co_return page.status();
  co_return EncodeReply(*page);
}

Task<Result<std::string>> Replica::Answer(KeepRequest request) {
  const Status kept = parts_.hints->Keep(std::move(request));
  if (!kept.ok()) co_return kept;
  co_return EncodeReply(KeepRequest::Reply{});
}

Task<Result<std::string>> Replica::Answer(HintRequest request) {
  const Status kept = parts_.hints->Keep(request);
  if (!kept.ok()) co_return kept;
  co_return EncodeReply(HintRequest::Reply{});
}

Task<Result<std::string>> Replica::Answer(ProgressRequest request) {
  const Status admitted = co_await Admit(request.target);
  if (!admitted.ok()) co_return admitted;
  co_return EncodeReply(parts_.custodian->Progress(request.target));
}

Task<Result<std::string>> Replica::Answer(PingRequest request) {
  parts_.peers->Loaded(request.from, request.load_permille);
  parts_.peers->Paced(request.from, request.write_us);
  parts_.peers->ReadOnly(request.from, request.read_only);
  const int64_t revision = parts_.directory->Now()->revision;
  // News travels with pings, whatever became of coordination's own hint.
  if (request.topology_revision > revision) parts_.directory->Nudge();
  co_return EncodeReply(PingRequest::Reply{revision, load_permille_, loop_.WallMs(), write_us(), read_only_});
}

}  // namespace rhizome::fabric
