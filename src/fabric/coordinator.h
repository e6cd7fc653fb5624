// Coordinator: carries out one client's reads and writes on a shard's owners. Any member can, with or without data of
// its own; nothing of a request outlives it here.
//
// Register protocol: multi-writer ABD (Attiya, Bar-Noy, Dolev, "Sharing Memory Robustly in Message-Passing Systems",
// JACM 1995; Lynch and Shvartsman, FTCS 1997). A quorum write first asks a majority for the versions of its registers
// and then writes once above them; a quorum read writes back what it is about to answer unless a majority has it. So
// per register quorum histories are linearizable, whatever the clocks say.
//
// It is the one layer that repeats. A repetition because too few answered takes from a budget of a tenth of all
// requests; one because the placement has moved on asks others and is free. Below it each exchange is one attempt, and
// the gateway passes failures on.
//
// Outcomes: OK: as the level promises. Unavailable, and any error but the next: surely not written. DeadlineExceeded:
// unknown; repeating with the same idempotency key is safe. A request for a shard that has been split since goes on
// with those that took over; a query says which shards are not there any more, and is asked again by who knows all of
// them. On the loop.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/retry_budget.h"
#include "base/version.h"
#include "fabric/caller.h"
#include "fabric/directory.h"
#include "fabric/hints.h"
#include "fabric/quorum.h"

namespace rhizome::fabric {

struct WriteCommand {
  ShardNumber shard = 0;
  std::vector<format::Operation> operations;  // of one shard; versions are given here
  // The operations bring their versions and stamps, as those of a backup do: where something newer is, it stays.
  bool brought = false;
  Level level = Level::kQuorum;
  std::optional<format::RequestStamp> request;  // of the client's idempotency key; none of operations that are brought
  CallContext context;
};

struct WriteReceipt {
  Version version;                // the highest of
  std::vector<Version> versions;  // each operation's; they differ only where the shard has been split meanwhile
  std::set<MemberNumber> acknowledged;
  bool repeated = false;  // an earlier request with this idempotency key had been accepted
};

// For a shard of series.
struct AppendCommand {
  ShardNumber shard = 0;
  std::string record;  // sound (format/series_record.h); its version is given here
  // Above all that a majority knows: of a deletion, which is to hide whatever was acknowledged before it.
  bool after_all = false;
  Level level = Level::kQuorum;
  CallContext context;
};

struct ReadCommand {
  ShardNumber shard = 0;
  std::vector<std::string> keys;
  Level level = Level::kQuorum;
  CallContext context;
};

struct InventoryCommand {
  ShardNumber shard = 0;
  std::string after;  // as of format::InventoryPage
  uint32_t limit = 0;
  Level level = Level::kQuorum;
  CallContext context;
};

struct QueryCommand {
  std::vector<ShardNumber> shards;
  std::string query;  // the engine's
  Level level = Level::kOne;
  CallContext context;
};

// What the owners asked answered: each shard by at least one owner, or at quorum by a majority of each of its owner
// sets. A shard may be in several parts.
struct QueryAnswers {
  struct Part {
    MemberNumber member = 0;
    std::vector<ShardNumber> shards;
    std::string answer;
  };
  std::vector<Part> parts;
  std::map<ShardNumber, Status> failed;  // shards without enough answers; NotFound: it is not there any more
};

// What any of them has, up to where the first of the pages ends.
format::InventoryPage UnionOf(const std::vector<format::InventoryPage>& pages);

class Coordinator {
 public:
  // `clock` gives versions no other process ever gives: its node number is of this process alone.
  Coordinator(Caller& caller, Directory& directory, Hints& hints, HybridClock& clock);

  Task<Result<WriteReceipt>> Write(WriteCommand command);
  // Adds a record to a shard of series. Records are a set, so there is no round for versions before and repeating one,
  // under another version too, does no harm.
  Task<Result<WriteReceipt>> Append(AppendCommand command);
  // Registers in the order of the keys, tombstones included; nullopt: never written.
  Task<Result<std::vector<std::optional<format::Operation>>>> Read(ReadCommand command);
  // The newest version of each key that the level's owners know of.
  Task<Result<VersionsRequest::Reply>> Versions(ReadCommand command);
  // Registers in key order, the newest version that the level's owners know of each: at quorum all that was ever
  // acknowledged. A page may be shorter than its limit.
  Task<Result<format::InventoryPage>> Inventory(InventoryCommand command);
  Task<QueryAnswers> Query(QueryCommand command);

 private:
  using Registers = std::vector<std::optional<format::Operation>>;
  using VersionAnswers = std::map<MemberNumber, Result<VersionsRequest::Reply>>;
  using ReadAnswers = std::map<MemberNumber, Result<ReadRequest::Reply>>;
  using ApplyAnswers = std::map<MemberNumber, Result<ApplyRequest::Reply>>;
  struct Search;
  struct Attempts {
    int count = 0;
  };
  static constexpr int kAttemptsMax = 2;        // repetitions because too few answered
  static constexpr int kStaleAttemptsMax = 12;  // and because the placement has moved on

  Task<Result<Placement>> Locate(ShardNumber shard);
  // The owners worth asking.
  std::vector<MemberNumber> Ask(const Placement& placement, Level level) const;
  template <typename R>
  Task<std::map<MemberNumber, Result<typename R::Reply>>> AskFor(const Placement& placement, const R& message,
                                                                 Level level, CallContext context);
  // The shards that have taken over from one that is not there any more, with the partitions of their collection;
  // empty: it was never there, or its collection is gone.
  struct Successors {
    std::vector<ShardNumber> shards;
    ShardNumber first_shard = 0;
    uint32_t partitions = 0;

    bool empty() const { return shards.empty(); }
    Result<ShardNumber> ShardOf(std::string_view key) const;
  };
  Successors SuccessorsOf(ShardNumber shard) const;
  // The same request, to whoever took over. `sent`: the operations have their versions and may be somewhere already.
  Task<Result<WriteReceipt>> WriteToSuccessors(Successors successors, WriteCommand command, bool sent);
  Task<Result<Registers>> ReadFromSuccessors(Successors successors, ReadCommand command);
  Task<Result<VersionsRequest::Reply>> VersionsFromSuccessors(Successors successors, ReadCommand command);
  Task<Result<format::InventoryPage>> InventoryOfSuccessors(Successors successors, InventoryCommand command);
  // Whether to go round once more after this failure; waits a little where that helps.
  Task<bool> Again(ShardNumber shard, Status failure, Attempts& attempts, int64_t deadline_ns);

  // The version to write under; with acknowledgements if the request is finished already.
  Task<Result<WriteReceipt>> GiveVersions(const Placement& placement, const WriteCommand& command);
  // A batch on its way to the owners.
  struct Sending {
    Level level = Level::kQuorum;
    CallContext context;
    std::string batch;
    Missed missed;  // what an absent owner is told of it
  };
  Task<Result<WriteReceipt>> Send(const Placement& placement, Sending sending, WriteReceipt receipt);
  Task<Status> WriteBack(const Placement& placement, const ReadCommand& command,
                         const std::vector<std::optional<format::Operation>>& newest, const ReadAnswers& answers);
  Task<Result<VersionAnswers>> AskVersions(const Placement& placement, std::vector<std::string> keys,
                                           std::string request, Level level, CallContext context);

  Task<std::map<MemberNumber, QueryRequest>> Assign(Search& search);
  Task<void> AwaitParts(Search& search, bool last);
  Task<void> AskPart(std::shared_ptr<Search> search, MemberNumber member, QueryRequest request);
  bool Answered(const Search& search, ShardNumber shard, const std::set<MemberNumber>& members) const;
  void Note(Search& search, MemberNumber member, const QueryRequest& request, Result<QueryRequest::Reply> reply);

  Caller& caller_;
  Directory& directory_;
  Hints& hints_;
  HybridClock& clock_;
  RetryBudget hedges_;   // second owners asked before the first has answered
  RetryBudget repeats_;  // whole rounds done again
};

}  // namespace rhizome::fabric
