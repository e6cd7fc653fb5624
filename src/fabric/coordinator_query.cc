// Queries: which owners are asked, and who is asked instead when one fails.
#include <algorithm>
#include <memory>
#include <utility>

#include "fabric/coordinator.h"
#include "fabric/planted.h"

namespace rhizome::fabric {
namespace {

constexpr int kRoundsMax = 5;

}  // namespace

// One query while owners are asked. Shared with the exchanges, of which the slowest may outlive it.
struct Coordinator::Search {
  explicit Search(QueryCommand of) : command(std::move(of)), open(command.shards.begin(), command.shards.end()) {}
  const QueryCommand command;
  QueryAnswers answers;
  std::set<ShardNumber> open;  // not answered enough
  // Answers count together only when they are of one epoch: a member that joins answers before it has copied anything,
  // beside a majority of the old owners, and must not be taken for one of the new.
  std::map<ShardNumber, Placement> asked;               // of which owners the shard is asked
  std::map<ShardNumber, std::set<MemberNumber>> tried;  // of those: asked in vain, or still silent
  std::map<ShardNumber, std::set<MemberNumber>> heard;  // and answered
  size_t outstanding = 0;
  bool stale = false;                 // somebody refused the epoch
  bool over = false;                  // the answer has been given
  std::optional<OneShot<bool>> wake;  // true: something has changed; false: time to ask others, too
};

Task<QueryAnswers> Coordinator::Query(QueryCommand command) {
  const auto search = std::make_shared<Search>(std::move(command));
  hedges_.FirstAttempt();
  for (int round = 0; round < kRoundsMax && !search->open.empty(); ++round) {
    if (caller_.loop().NowNs() >= search->command.context.deadline_ns) break;
    if (std::exchange(search->stale, false)) {
      // The refusal was for the epoch; the same owners are as good as before.
      (void)co_await directory_.Refresh();
      search->tried.clear();
    }
    auto requests = co_await Assign(*search);
    if (requests.empty() && search->outstanding == 0) break;
    for (auto& [member, request] : requests) {
      ++search->outstanding;
      caller_.gate().Start(AskPart(search, member, std::move(request)));
    }
    co_await AwaitParts(*search, round + 1 == kRoundsMax);
  }
  search->over = true;
  // Nobody answers for a shard that has been dropped or split.
  const bool asks = !search->open.empty() && directory_.frozen_since_ns() == 0;
  const bool current = asks && (co_await directory_.Refresh()).ok();
  for (const ShardNumber shard : search->open) {
    const bool gone = current && directory_.Now()->Find(shard) == nullptr;
    const Status missing = Status::NotFound("there is no shard " + std::to_string(shard));
    if (gone) search->answers.failed.insert_or_assign(shard, missing);
    search->answers.failed.try_emplace(shard, Status::Unavailable("too few owners answered"));
  }
  co_return std::move(search->answers);
}

// Until every shard is answered or nobody is left to wait for; at one, only as long as an answer usually takes, when
// there is budget to ask a second owner then (Dean and Barroso, "The Tail at Scale", CACM 2013).
Task<void> Coordinator::AwaitParts(Search& search, bool last) {
  const int64_t deadline_ns = search.command.context.deadline_ns;
  int64_t hedge_ns = INT64_MAX;
  if (search.command.level == Level::kOne && !last && hedges_.MayRepeat()) {
    hedge_ns = 0;
    for (const auto& [shard, members] : search.tried) {
      for (const MemberNumber member : members) hedge_ns = std::max(hedge_ns, caller_.peers().HedgeDelayNs(member));
    }
    hedge_ns += caller_.loop().NowNs();
  }
  while (!search.open.empty() && search.outstanding > 0 && caller_.loop().NowNs() < deadline_ns) {
    search.wake.emplace(caller_.loop());
    const TimeLimit limit(caller_.loop(), std::min(hedge_ns, deadline_ns), *search.wake, false);
    if (co_await OneShot<bool>(*search.wake)) continue;
    if (caller_.loop().NowNs() >= hedge_ns) (void)hedges_.TakeRepeat();  // another may have taken it: then one too many
    break;
  }
  search.wake.reset();
}

Task<void> Coordinator::AskPart(std::shared_ptr<Search> search, MemberNumber member, QueryRequest request) {
  for (const Target& target : request.targets) search->tried[target.shard].insert(member);
  auto reply = co_await caller_.Ask<QueryRequest>(member, request, search->command.context);
  --search->outstanding;
  if (search->over) co_return;
  search->stale = search->stale || IsStaleEpoch(reply.status());
  Note(*search, member, request, std::move(reply));
  if (search->wake) search->wake->Set(true);
}

// Whom to ask about the open shards. At one, a member that is asked anyway is asked about all it can answer, so that
// a query whose shards one member holds takes one exchange.
Task<std::map<MemberNumber, QueryRequest>> Coordinator::Assign(Search& search) {
  std::map<MemberNumber, QueryRequest> requests;
  const std::set<ShardNumber> open = search.open;
  for (const ShardNumber shard : open) {
    const Result<Placement> placement = co_await Locate(shard);
    if (!placement.ok()) {
      search.answers.failed[shard] = placement.status();
      search.open.erase(shard);
      continue;
    }
    if (const auto before = search.asked.find(shard);
        before != search.asked.end() && before->second.epoch != placement->epoch && !Planted(Bug::kMixEpochs)) {
      search.tried.erase(shard);
      search.heard.erase(shard);
    }
    search.asked.insert_or_assign(shard, *placement);
    std::vector<MemberNumber> members;
    if (search.command.level == Level::kOne) {
      members = caller_.peers().Order(placement->replicas);
    } else {
      members = Ask(*placement, search.command.level);
    }
    std::erase_if(members, [&](MemberNumber member) {
      return search.tried[shard].contains(member) || search.heard[shard].contains(member);
    });
    if (search.command.level == Level::kOne && !members.empty()) {
      const auto chosen = std::find_if(members.begin(), members.end(), [&](MemberNumber member) {
        return requests.contains(member) && !caller_.peers().Suspect(member) && !caller_.peers().Slow(member);
      });
      members = {chosen == members.end() ? members.front() : *chosen};
    }
    for (const MemberNumber member : members) {
      QueryRequest& request = requests[member];
      request.targets.push_back({shard, placement->epoch});
      request.query = search.command.query;
    }
  }
  co_return requests;
}

bool Coordinator::Answered(const Search& search, ShardNumber shard, const std::set<MemberNumber>& members) const {
  if (directory_.Now()->Find(shard) == nullptr) return false;  // split since
  Quorum quorum(search.asked.at(shard), search.command.level);
  for (const MemberNumber member : members) quorum.Add(member);
  return quorum.reached();
}

void Coordinator::Note(Search& search, MemberNumber member, const QueryRequest& request,
                       Result<QueryRequest::Reply> reply) {
  QueryAnswers::Part part;
  part.member = member;
  bool news = false;
  for (const Target& target : request.targets) {
    part.shards.push_back(target.shard);
    if (!search.open.contains(target.shard)) continue;
    if (!reply.ok()) {
      search.answers.failed.insert_or_assign(target.shard, reply.status());
      continue;
    }
    if (search.asked.at(target.shard).epoch != target.epoch && !Planted(Bug::kMixEpochs)) continue;  // too late
    news = true;
    search.heard[target.shard].insert(member);
    if (Answered(search, target.shard, search.heard[target.shard])) {
      search.open.erase(target.shard);
      search.answers.failed.erase(target.shard);
    }
  }
  if (!news) return;  // failed, or another owner was faster
  part.answer = std::move(reply->answer);
  search.answers.parts.push_back(std::move(part));
}

}  // namespace rhizome::fabric
