// Queries: which owners are asked, and who is asked instead when one fails.
#include <algorithm>
#include <utility>

#include "fabric/coordinator.h"
#include "fabric/planted.h"

namespace rhizome::fabric {
namespace {

constexpr int kRoundsMax = 4;

}  // namespace

// State of one query while owners are asked in rounds.
struct Coordinator::Search {
  const QueryCommand& command;
  QueryAnswers answers;
  std::set<ShardNumber> open;                           // not answered enough
  std::map<ShardNumber, std::set<MemberNumber>> tried;  // asked in an earlier round, in vain
  std::map<ShardNumber, std::set<MemberNumber>> heard;  // answered
};

Task<QueryAnswers> Coordinator::Query(QueryCommand command) {
  Search search{command, {}, {command.shards.begin(), command.shards.end()}, {}, {}};
  for (int round = 0; round < kRoundsMax && !search.open.empty(); ++round) {
    if (caller_.loop().NowNs() >= command.context.deadline_ns) break;
    const std::map<MemberNumber, QueryRequest> requests = co_await Assign(search);
    if (requests.empty()) break;
    QueryReplies replies = co_await caller_.AskMany<QueryRequest>(
        requests, command.context,
        [&](const QueryReplies& so_far) { return command.level != Level::kOne && Covers(search, requests, so_far); });
    bool stale = false;
    for (auto& [member, reply] : replies) {
      stale = stale || IsStaleEpoch(reply.status());
      Note(search, member, requests.at(member), std::move(reply));
    }
    if (stale) {
      // The refusal was for the epoch; the same owners are as good as before.
      (void)co_await directory_.Refresh();
      search.tried.clear();
    }
  }
  for (const ShardNumber shard : search.open) {
    search.answers.failed.try_emplace(shard, Status::Unavailable("too few owners answered"));
  }
  co_return std::move(search.answers);
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
        return requests.contains(member) && !caller_.peers().Suspect(member);
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
  const Placement* placement = directory_.Now()->Find(shard);
  if (placement == nullptr) return false;
  Quorum quorum(*placement, search.command.level);
  for (const MemberNumber member : members) quorum.Add(member);
  return quorum.reached();
}

// Whether the replies so far, with those of earlier rounds, are enough for every open shard.
bool Coordinator::Covers(const Search& search, const std::map<MemberNumber, QueryRequest>& requests,
                         const QueryReplies& replies) const {
  std::map<ShardNumber, std::set<MemberNumber>> heard = search.heard;
  for (const auto& [member, reply] : replies) {
    if (!reply.ok()) continue;
    for (const Target& target : requests.at(member).targets) heard[target.shard].insert(member);
  }
  return std::all_of(search.open.begin(), search.open.end(),
                     [&](ShardNumber shard) { return Answered(search, shard, heard[shard]); });
}

void Coordinator::Note(Search& search, MemberNumber member, const QueryRequest& request,
                       Result<QueryRequest::Reply> reply) {
  QueryAnswers::Part part;
  part.member = member;
  for (const Target& target : request.targets) {
    part.shards.push_back(target.shard);
    if (!reply.ok()) {
      search.tried[target.shard].insert(member);
      search.answers.failed.insert_or_assign(target.shard, reply.status());
      continue;
    }
    search.heard[target.shard].insert(member);
    if (Answered(search, target.shard, search.heard[target.shard])) {
      search.open.erase(target.shard);
      search.answers.failed.erase(target.shard);
    }
  }
  if (!reply.ok()) return;
  part.answer = std::move(reply->answer);
  search.answers.parts.push_back(std::move(part));
}

}  // namespace rhizome::fabric
