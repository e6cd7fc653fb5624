#include "fabric/coordinator.h"

#include <algorithm>
#include <utility>

#include "fabric/planted.h"
#include "format/series_record.h"

namespace rhizome::fabric {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

template <typename Reply>
using Answers = std::map<MemberNumber, Result<Reply>>;

template <typename Reply>
Quorum Counted(const Placement& placement, Level level, const Answers<Reply>& answers) {
  Quorum quorum(placement, level);
  for (const auto& [member, answer] : answers) {
    if (answer.ok()) quorum.Add(member);
  }
  return quorum;
}

// Whether waiting on can change anything: the level is reached, or too many have failed.
template <typename Reply>
bool Settled(const Placement& placement, Level level, const Answers<Reply>& answers) {
  std::set<MemberNumber> lost;
  for (const auto& [member, answer] : answers) {
    if (!answer.ok()) lost.insert(member);
  }
  const Quorum quorum = Counted(placement, level, answers);
  return quorum.reached() || !quorum.reachable_without(lost);
}

// Why too few answered, for people; a refusal for the epoch goes first, because it can be mended here.
template <typename Reply>
Status WhyNot(const Answers<Reply>& answers, Level level, const Quorum& quorum) {
  std::string reasons;
  for (const auto& [member, answer] : answers) {
    if (answer.ok()) continue;
    if (IsStaleEpoch(answer.status())) return answer.status();
    reasons += (reasons.empty() ? "" : "; ") + ("member " + std::to_string(member) + ": ") + answer.status().ToString();
  }
  const std::string_view name = level == Level::kAll ? "all" : level == Level::kQuorum ? "quorum" : "one";
  return Status::Unavailable("only " + std::to_string(quorum.counted().size()) +
                             " owners answered, too few for level " + std::string(name) +
                             (reasons.empty() ? "" : ": " + reasons));
}

std::vector<format::InventoryPage> PagesOf(const Answers<InventoryRequest::Reply>& answers) {
  std::vector<format::InventoryPage> pages;
  for (const auto& [member, answer] : answers) {
    if (answer.ok()) pages.push_back(answer->page);
  }
  return pages;
}

// A refusal that proves the member has not logged what it was sent.
bool SurelyNotApplied(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kReadOnly:
    case Code::kNoSpace:
    case Code::kResourceExhausted:
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kTooLarge: return true;
    default: return false;
  }
}

Status Unknown(const Status& why) {
  return Status::DeadlineExceeded("the write may or may not take effect; repeat it: " + why.ToString());
}

std::vector<std::string> KeysOf(const std::vector<format::Operation>& operations) {
  std::vector<std::string> keys;
  for (const format::Operation& operation : operations) keys.push_back(operation.Key());
  return keys;
}

// Who remembers the request at that version and has what it wrote, or what replaced it. Anybody else may be sent it
// again: what deletes a register stays for longer than requests are remembered (Settings::tombstone_grace_ms), so where
// the register is absent or older it was never written or deleted after it.
std::set<MemberNumber> Finished(const Answers<VersionsRequest::Reply>& answers, Version version) {
  std::set<MemberNumber> finished;
  for (const auto& [member, answer] : answers) {
    if (!answer.ok() || answer->request != version) continue;
    const auto has = [version](Version there) { return there >= version; };
    if (std::all_of(answer->versions.begin(), answer->versions.end(), has)) finished.insert(member);
  }
  return finished;
}

// At one, too, one of those that stay has to have a write while an owner set changes: the others' replicas go.
bool StaysSomewhere(const Placement& placement, Level level, const Answers<ApplyRequest::Reply>& answers) {
  if (level != Level::kOne || !placement.moving()) return true;
  return std::any_of(placement.next.begin(), placement.next.end(), [&](MemberNumber member) {
    const auto answer = answers.find(member);
    return answer != answers.end() && answer->second.ok();
  });
}

std::string RequestKey(const WriteCommand& command) {
  if (!command.request) return "";
  return format::ToBytes(command.request->key);
}

template <typename R>
std::map<MemberNumber, R> ForEach(const std::vector<MemberNumber>& members, const R& request) {
  std::map<MemberNumber, R> requests;
  for (const MemberNumber member : members) requests.emplace(member, request);
  return requests;
}

}  // namespace

Coordinator::Coordinator(Caller& caller, Directory& directory, Hints& hints, HybridClock& clock)
    : caller_(caller), directory_(directory), hints_(hints), clock_(clock) {}

Task<Result<Placement>> Coordinator::Locate(ShardNumber shard) {
  const Placement* placement = directory_.Now()->Find(shard);
  if (placement == nullptr) {
    const Status refreshed = co_await directory_.Refresh();
    placement = directory_.Now()->Find(shard);
    if (placement == nullptr && !refreshed.ok()) co_return refreshed;
  }
  if (placement == nullptr) co_return Status::NotFound("there is no shard " + std::to_string(shard));
  co_return *placement;
}

std::vector<MemberNumber> Coordinator::Ask(const Placement& placement, Level level) const {
  std::vector<MemberNumber> owners = placement.Owners();
  if (level == Level::kAll) return owners;
  std::set<MemberNumber> suspects;
  for (const MemberNumber member : owners) {
    if (caller_.peers().Suspect(member)) suspects.insert(member);
  }
  // Suspicion may be wrong: without enough others, everybody is asked.
  if (Quorum(placement, level).reachable_without(suspects)) {
    std::erase_if(owners, [&](MemberNumber member) { return suspects.contains(member); });
  }
  return owners;
}

// At one, owners are asked in turn, best first; otherwise all worth asking at once.
template <typename R>
Task<std::map<MemberNumber, Result<typename R::Reply>>> Coordinator::AskFor(const Placement& placement,
                                                                            const R& message, Level level,
                                                                            CallContext context) {
  using Answered = std::map<MemberNumber, Result<typename R::Reply>>;
  if (level != Level::kOne) {
    co_return co_await caller_.AskMany<R>(ForEach(Ask(placement, level), message), std::move(context),
                                          [&](const Answered& so_far) { return Settled(placement, level, so_far); });
  }
  Answered answers;
  // The newcomers of a move may not have everything yet.
  for (const MemberNumber member : caller_.peers().Order(placement.replicas)) {
    Result<typename R::Reply> answer = co_await caller_.Ask<R>(member, message, context);
    const bool done = answer.ok();
    answers.emplace(member, std::move(answer));
    if (done) break;
  }
  co_return answers;
}

Task<bool> Coordinator::Again(ShardNumber shard, Status failure, Attempts& attempts, int64_t deadline_ns) {
  const bool stale = IsStaleEpoch(failure);
  const bool passing = failure.code() == Code::kUnavailable || failure.code() == Code::kDeadlineExceeded;
  if (!stale && !passing) co_return false;
  if (++attempts.count > (stale ? kStaleAttemptsMax : kAttemptsMax)) co_return false;
  Loop& loop = caller_.loop();
  const Placement* known = directory_.Now()->Find(shard);
  const uint64_t before = known == nullptr ? 0 : known->epoch;
  (void)co_await directory_.Refresh();
  known = directory_.Now()->Find(shard);
  if (known == nullptr) co_return loop.NowNs() < deadline_ns;  // others may have taken over
  if (known->epoch != before) co_return loop.NowNs() < deadline_ns;
  // Nothing new here: the member asked is ahead or behind by a moment. Full jitter keeps many from coming together.
  const int64_t pause_ns = FullJitter(loop.Random(), attempts.count, 40 * kNsPerMs, 320 * kNsPerMs);
  if (loop.NowNs() + pause_ns >= deadline_ns) co_return false;
  if (!stale && !repeats_.TakeRepeat()) co_return false;
  co_return co_await Sleep(loop, pause_ns);
}

Task<Result<WriteReceipt>> Coordinator::Write(WriteCommand command) {
  WriteReceipt receipt;
  std::string batch;
  bool perhaps = false;  // some owner may have logged it
  Attempts attempts;
  repeats_.FirstAttempt();
  Status failure;
  do {
    const Result<Placement> placement = co_await Locate(command.shard);
    failure = placement.status();
    if (!placement.ok()) {
      const Successors successors = SuccessorsOf(command.shard);
      if (successors.empty()) break;
      auto done = co_await WriteToSuccessors(successors, std::move(command), !batch.empty());
      if (done.ok() || !perhaps) co_return done;
      failure = done.status();
      break;
    }
    if (command.brought && batch.empty()) {
      for (const format::Operation& operation : command.operations) {
        clock_.Observe(operation.version);
        receipt.version = std::max(receipt.version, operation.version);
      }
      batch = format::EncodeBatch(command.operations);
    } else if (batch.empty() || (Planted(Bug::kNewVersionOnRetry) && !command.brought)) {
      Result<WriteReceipt> given = co_await GiveVersions(*placement, command);
      failure = given.status();
      if (!given.ok()) continue;
      receipt = std::move(given).value();
      if (!receipt.acknowledged.empty()) {
        // The first attempt has come to its end, and others may have gone on from there.
        receipt.versions.assign(command.operations.size(), receipt.version);
        co_return receipt;
      }
      for (format::Operation& operation : command.operations) {
        operation.version = receipt.version;
        operation.request = command.request;
      }
      batch = format::EncodeBatch(command.operations);
    }
    // From here on the version stays, whatever happens: members that have it and members that get it later agree.
    Sending sending{command.level, command.context, batch, {KeysOf(command.operations), ""}};
    Result<WriteReceipt> done = co_await Send(*placement, std::move(sending), receipt);
    if (done.ok()) {
      for (const format::Operation& operation : command.operations) done->versions.push_back(operation.version);
      co_return done;
    }
    failure = done.status();
    perhaps = perhaps || !SurelyNotApplied(failure);
  } while (co_await Again(command.shard, failure, attempts, command.context.deadline_ns));
  co_return perhaps ? Unknown(failure) : failure;
}

Task<Result<WriteReceipt>> Coordinator::GiveVersions(const Placement& placement, const WriteCommand& command) {
  WriteReceipt receipt;
  const bool asks = command.level != Level::kOne || command.request.has_value();
  if (asks && !Planted(Bug::kVersionFromClockOnly)) {
    // What a majority has seen bounds what any earlier quorum write was given; `all` finds out here who is missing,
    // while nothing has been written yet.
    Result<VersionAnswers> answers = co_await AskVersions(placement, KeysOf(command.operations), RequestKey(command),
                                                          command.level, command.context);
    if (!answers.ok()) co_return answers.status();
    std::optional<Version> before;
    for (const auto& [member, answer] : *answers) {
      if (!answer.ok()) continue;
      for (const Version version : answer->versions) clock_.Observe(version);
      if (!answer->request) continue;
      if (!command.request || answer->content_hash != command.request->content_hash) {
        co_return Status::InvalidArgument("idempotency_key", "was used for another request");
      }
      before = std::max(before.value_or(Version{}), *answer->request);
    }
    if (before && !Planted(Bug::kRepeatAsNew)) {
      receipt.version = *before;
      receipt.repeated = true;
      Quorum finished(placement, command.level);
      for (const MemberNumber member : Finished(*answers, *before)) finished.Add(member);
      if (finished.reached()) receipt.acknowledged = finished.counted();
      co_return receipt;
    }
  }
  receipt.version = clock_.Next();
  co_return receipt;
}

Task<Result<Coordinator::VersionAnswers>> Coordinator::AskVersions(const Placement& placement,
                                                                   std::vector<std::string> keys, std::string request,
                                                                   Level level, CallContext context) {
  const VersionsRequest message{{placement.shard, placement.epoch}, std::move(keys), std::move(request)};
  VersionAnswers answers = co_await caller_.AskMany<VersionsRequest>(
      ForEach(Ask(placement, level), message), std::move(context),
      [&](const VersionAnswers& so_far) { return Settled(placement, level, so_far); });
  for (auto& [member, answer] : answers) {
    if (answer.ok() && answer->versions.size() != message.keys.size()) {
      answer = Status::Corruption("answered about other keys");
    }
  }
  const Quorum quorum = Counted(placement, level, answers);
  if (!quorum.reached()) co_return WhyNot(answers, level, quorum);
  co_return answers;
}

Task<Result<WriteReceipt>> Coordinator::Append(AppendCommand command) {
  WriteReceipt receipt;
  bool perhaps = false;  // some owner may have logged it
  Attempts attempts;
  repeats_.FirstAttempt();
  Status failure;
  do {
    const Result<Placement> placement = co_await Locate(command.shard);
    failure = placement.status();
    if (!placement.ok()) break;
    if (receipt.version == Version{}) {
      if (command.after_all) {
        const Result<VersionAnswers> known =
            co_await AskVersions(*placement, {""}, "", Level::kQuorum, command.context);
        failure = known.status();
        if (!known.ok()) continue;
        for (const auto& [member, answer] : *known) {
          if (answer.ok()) clock_.Observe(answer->versions[0]);
        }
      }
      receipt.version = clock_.Next();
      format::StampSeriesRecord(command.record, receipt.version);
    }
    Sending sending{command.level, command.context, command.record, {{}, command.record}};
    Result<WriteReceipt> done = co_await Send(*placement, std::move(sending), receipt);
    if (done.ok()) co_return done;
    failure = done.status();
    perhaps = perhaps || !SurelyNotApplied(failure);
  } while (co_await Again(command.shard, failure, attempts, command.context.deadline_ns));
  co_return perhaps ? Unknown(failure) : failure;
}

Task<Result<WriteReceipt>> Coordinator::Send(const Placement& placement, Sending sending, WriteReceipt receipt) {
  const Target target{placement.shard, placement.epoch};
  const Level level = sending.level;
  const Missed what = std::move(sending.missed);
  const std::vector<MemberNumber> asked = Ask(placement, level);
  // Who fails after the level was reached still has to get it some time.
  auto late = [hints = &hints_, target, what, placement](MemberNumber member, const auto& answer) {
    if (!answer.ok() && !IsStaleEpoch(answer.status())) {
      const std::vector<MemberNumber> owners = placement.Owners();
      hints->Note(target, member, what, {owners.begin(), owners.end()});
    }
  };
  ApplyAnswers answers = co_await caller_.AskMany<ApplyRequest>(
      ForEach(asked, ApplyRequest{target, std::move(sending.batch)}), sending.context,
      [&](const ApplyAnswers& so_far) {
        // When it fails, everybody is waited for: whether nobody has logged it is worth knowing.
        const bool reached = Counted(placement, level, so_far).reached();
        return (reached && StaysSomewhere(placement, level, so_far)) || Planted(Bug::kCountUnansweredWrite);
      },
      std::move(late));
  Quorum quorum = Counted(placement, level, answers);
  std::set<MemberNumber> missed;
  bool perhaps = answers.size() < asked.size();
  for (const MemberNumber owner : placement.Owners()) {
    const auto answer = answers.find(owner);
    if (answer == answers.end()) {
      // Still under way, or never asked because it is suspect.
      if (std::find(asked.begin(), asked.end(), owner) == asked.end()) missed.insert(owner);
    } else if (!answer->second.ok()) {
      missed.insert(owner);
      perhaps = perhaps || !SurelyNotApplied(answer->second.status());
    } else {
      perhaps = true;
    }
  }
  const std::set<MemberNumber> acknowledged = quorum.counted();
  if (!acknowledged.empty()) {
    for (const MemberNumber member : missed) hints_.Note(target, member, what, acknowledged);
  }
  if (Planted(Bug::kCountHintAsWrite) && !acknowledged.empty()) {
    for (const MemberNumber member : missed) quorum.Add(member);
  }
  const bool reached = quorum.reached() && StaysSomewhere(placement, level, answers);
  if (reached || Planted(Bug::kCountUnansweredWrite)) {
    receipt.acknowledged = acknowledged;
    co_return receipt;
  }
  const Status why = WhyNot(answers, level, quorum);
  if (!perhaps || IsStaleEpoch(why)) co_return why;
  co_return Status::DeadlineExceeded(std::string(why.message()));
}

Task<Result<std::vector<std::optional<format::Operation>>>> Coordinator::Read(ReadCommand command) {
  Attempts attempts;
  repeats_.FirstAttempt();
  Status failure;
  const Level level = Planted(Bug::kReadFromOne) ? Level::kOne : command.level;
  do {
    const Result<Placement> placement = co_await Locate(command.shard);
    if (!placement.ok()) {
      const Successors successors = SuccessorsOf(command.shard);
      if (successors.empty()) co_return placement.status();
      co_return co_await ReadFromSuccessors(successors, std::move(command));
    }
    const ReadRequest message{{placement->shard, placement->epoch}, command.keys};
    ReadAnswers answers = co_await AskFor<ReadRequest>(*placement, message, level, command.context);
    for (auto& [member, answer] : answers) {
      if (answer.ok() && answer->registers.size() != command.keys.size()) {
        answer = Status::Corruption("answered about other keys");
      }
    }
    const Quorum quorum = Counted(*placement, level, answers);
    if (!quorum.reached()) {
      failure = WhyNot(answers, level, quorum);
      continue;
    }
    std::vector<std::optional<format::Operation>> newest(command.keys.size());
    for (const auto& [member, answer] : answers) {
      if (!answer.ok()) continue;
      for (size_t i = 0; i < newest.size(); ++i) {
        const auto& found = answer->registers[i];
        if (found && (!newest[i] || newest[i]->version < found->version)) newest[i] = found;
      }
    }
    if (level == Level::kOne || Planted(Bug::kSkipReadWriteBack)) co_return newest;
    failure = co_await WriteBack(*placement, command, newest, answers);
    if (failure.ok()) co_return newest;
  } while (co_await Again(command.shard, failure, attempts, command.context.deadline_ns));
  co_return failure;
}

Task<Result<format::InventoryPage>> Coordinator::Inventory(InventoryCommand command) {
  Attempts attempts;
  repeats_.FirstAttempt();
  Status failure;
  do {
    const Result<Placement> placement = co_await Locate(command.shard);
    if (!placement.ok()) {
      const Successors successors = SuccessorsOf(command.shard);
      if (successors.empty()) co_return placement.status();
      co_return co_await InventoryOfSuccessors(successors, std::move(command));
    }
    const InventoryRequest message{{placement->shard, placement->epoch}, 0, {0}, command.after, command.limit};
    Answers<InventoryRequest::Reply> answers =
        co_await AskFor<InventoryRequest>(*placement, message, command.level, command.context);
    const Quorum quorum = Counted(*placement, command.level, answers);
    if (quorum.reached()) co_return UnionOf(PagesOf(answers));
    failure = WhyNot(answers, command.level, quorum);
  } while (co_await Again(command.shard, failure, attempts, command.context.deadline_ns));
  co_return failure;
}

Task<Status> Coordinator::WriteBack(const Placement& placement, const ReadCommand& command,
                                    const std::vector<std::optional<format::Operation>>& newest,
                                    const ReadAnswers& answers) {
  Quorum holders(placement, command.level);
  std::map<MemberNumber, ApplyRequest> requests;
  for (const auto& [member, answer] : answers) {
    if (!answer.ok()) continue;
    std::vector<format::Operation> lacks;
    for (size_t i = 0; i < newest.size(); ++i) {
      const auto& has = answer->registers[i];
      if (!newest[i] || (has && has->version >= newest[i]->version)) continue;
      lacks.push_back(*newest[i]);
      if (Planted(Bug::kWriteBackDropsStamp)) lacks.back().request.reset();
    }
    if (lacks.empty()) {
      holders.Add(member);
    } else {
      requests[member] = {{placement.shard, placement.epoch}, format::EncodeBatch(lacks)};
    }
  }
  if (holders.reached()) co_return Status::Ok();
  const auto enough = [&holders](const ApplyAnswers& so_far) {
    Quorum quorum = holders;
    for (const auto& [member, answer] : so_far) {
      if (answer.ok()) quorum.Add(member);
    }
    return quorum.reached();
  };
  ApplyAnswers written = co_await caller_.AskMany<ApplyRequest>(std::move(requests), command.context, enough);
  if (enough(written)) co_return Status::Ok();
  // Of those that answered first one may be unable to take it, because its disk is full. Then the others do.
  std::vector<format::Operation> everything;
  for (const auto& operation : newest) {
    if (operation) everything.push_back(*operation);
  }
  const ApplyRequest message{{placement.shard, placement.epoch}, format::EncodeBatch(everything)};
  std::vector<MemberNumber> others = Ask(placement, command.level);
  std::erase_if(others, [&](MemberNumber member) { return answers.contains(member) && answers.at(member).ok(); });
  for (const auto& [member, answer] : written) {
    if (answer.ok()) holders.Add(member);
  }
  written.merge(co_await caller_.AskMany<ApplyRequest>(ForEach(others, message), command.context, enough));
  if (enough(written)) co_return Status::Ok();
  co_return WhyNot(written, command.level, holders);
}

Task<Result<VersionsRequest::Reply>> Coordinator::Versions(ReadCommand command) {
  Attempts attempts;
  repeats_.FirstAttempt();
  Status failure;
  do {
    const Result<Placement> placement = co_await Locate(command.shard);
    if (!placement.ok()) {
      const Successors successors = SuccessorsOf(command.shard);
      if (successors.empty()) co_return placement.status();
      co_return co_await VersionsFromSuccessors(successors, std::move(command));
    }
    const Result<VersionAnswers> answers =
        co_await AskVersions(*placement, command.keys, "", command.level, command.context);
    failure = answers.status();
    if (!answers.ok()) continue;
    VersionsRequest::Reply newest;
    newest.versions.resize(command.keys.size());
    newest.tombstones.resize(command.keys.size());
    for (const auto& [member, answer] : *answers) {
      if (!answer.ok()) continue;
      for (size_t i = 0; i < newest.versions.size(); ++i) {
        if (newest.versions[i] < answer->versions[i]) {
          newest.versions[i] = answer->versions[i];
          newest.tombstones[i] = answer->tombstones[i];
        }
      }
    }
    co_return newest;
  } while (co_await Again(command.shard, failure, attempts, command.context.deadline_ns));
  co_return failure;
}

}  // namespace rhizome::fabric
