// Cluster: the Database whose collections are kept as replicas on many members. A call comes in on any thread, asks the
// owners of the partitions through fabric, and merges what they say; nothing of it outlives the call.
//
// Writes and key reads go through the register protocol of fabric/coordinator.h. A search gathers candidates from one
// owner of each partition or, at quorum, from a majority of each; then a majority states its versions of all
// candidates, and those that are superseded or deleted drop out. docs/consistency.md says what this promises.
//
// A write that some partitions took and others did not is unknown (DeadlineExceeded); every error names its partition.
// Thread-safe. The member has started before the first call and outlives this.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cluster/database.h"
#include "cluster/loop_calls.h"
#include "cluster/query_codec.h"
#include "fabric/member.h"

namespace rhizome::cluster {

class Node;

struct ClusterParts {
  ThreadLoop& loop;
  LoopCalls& calls;
  fabric::Member& member;
  Node* node = nullptr;  // the replicas of this process; null when it holds none
  CollectionDefaults defaults;
};

class Cluster final : public Database {
 public:
  explicit Cluster(ClusterParts parts);

  CollectionDefaults Defaults() override { return parts_.defaults; }
  Result<CollectionInfo> CreateCollection(const CollectionSpec& spec) override;
  Result<CollectionSpec> GetSpec(const std::string& name) override;
  Result<CollectionInfo> GetCollection(const std::string& name) override;
  Result<std::vector<CollectionInfo>> ListCollections() override;
  Status DropCollection(const std::string& name) override;

  Status Write(const std::string& collection, std::vector<format::Operation> operations,
               const WriteOptions& options = {}) override;

  Result<SearchResponse> Search(const SearchRequest& request, const ReadOptions& options = {}) override;
  Result<std::vector<std::optional<StoredPointView>>> Get(const std::string& collection,
                                                          std::span<const format::PointId> ids, bool with_vector,
                                                          const ReadOptions& options = {}) override;
  Result<ScrollResponse> Scroll(const ScrollRequest& request, const ReadOptions& options = {}) override;
  // Above one it counts by walking all ids that match, since replicas may differ in which.
  Result<uint64_t> Count(const std::string& collection, const vector::Filter* filter,
                         const ReadOptions& options = {}) override;
  Result<std::optional<format::StoredDocument>> GetDocument(const std::string& collection, const format::PointId& id,
                                                            const ReadOptions& options = {}) override;
  Result<std::optional<format::PointId>> FindContent(const std::string& collection,
                                                     std::pair<uint64_t, uint64_t> content_hash,
                                                     const ReadOptions& options = {}) override;

  // What this process holds of the cluster.
  std::vector<ShardInfo> Shards() override;
  std::map<std::string, double> Stats() override;
  // Always empty: what this process cannot take, others can. Notices say what is wrong here and elsewhere
  // (operations.h).
  std::string ReadOnlyReason() override { return ""; }

 private:
  friend class ClusterRegisters;
  // A collection as the topology has it.
  struct View {
    CollectionSpec spec;
    fabric::CollectionRecord record;

    uint32_t PartitionOf(const format::PointId& id) const;
    fabric::ShardNumber ShardOf(uint32_t partition) const { return record.first_shard + partition; }
    std::string Name(uint32_t partition) const;
    std::vector<fabric::ShardNumber> AllShards() const;
  };
  // What is being asked for, by whom and how.
  struct Call {
    View view;
    fabric::Level level;
    fabric::CallContext context;
  };
  using Registers = std::vector<std::optional<format::Operation>>;
  using NewestVersions = std::map<std::string, Version>;  // of live registers; those deleted are not in it
  struct SearchRound;

  Result<View> Find(const std::string& name);
  Result<Call> Begin(const std::string& name, const CallOptions& options, fabric::Level usual);
  CollectionInfo Counted(const View& view);

  // Registers by key; the first failure, naming its partition.
  Result<std::map<std::string, format::Operation>> ReadRegisters(
      const Call& call, const std::map<std::string, uint32_t>& partition_of_key);
  // The newest version that the level's owners know of each register; partitions that could not say are put into
  // `failed`.
  NewestVersions Newest(const Call& call, const std::map<std::string, uint32_t>& partition_of_key,
                        std::map<uint32_t, Status>& failed);
  // Answers of the asked members, decoded. What cannot be decoded counts as no answer.
  // When the collection has been resharded since the call began, it is asked anew and the call has its new shards.
  template <typename Q>
  std::vector<typename Q::Reply> Ask(Call& call, const Q& query, std::map<uint32_t, Status>& failed);
  template <typename Q>
  std::vector<typename Q::Reply> AskOnce(const Call& call, const Q& query, std::map<uint32_t, Status>& failed);
  bool Renumbered(Call& call);

  void Gather(Call& call, const SearchRequest& request, SearchRound& round);
  bool Settle(const Call& call, const SearchRequest& request, SearchRound& round);
  void Fill(Call& call, const SearchRequest& request, SearchRound& round, SearchResponse& response);
  // One page, and whether there is more behind it.
  Result<ScrollQuery::Reply> Page(Call& call, const ScrollQuery& query);

  const ClusterParts parts_;
  Mutex mutex_;
  fabric::TopologyPointer topology_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::cluster
