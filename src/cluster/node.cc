#include "cluster/node.h"

#include <thread>

#include "base/mutex.h"
#include "cluster/catalogue.h"
#include "cluster/collection.h"
#include "cluster/housekeeper.h"
#include "cluster/node_state.h"
#include "io/disk.h"

namespace rhizome::cluster {

using format::Operation;
using format::PointId;

Node::Node(std::unique_ptr<NodeState> state) : state_(std::move(state)) {}

Node::~Node() {
  state_->housekeeper.reset();
  state_->series_upkeep.reset();
  // A clean close leaves nothing to replay. If it fails the log still has everything.
  if (state_->ReadOnlyReason().empty()) (void)state_->Checkpoint();
}

Result<std::unique_ptr<Node>> Node::Open(io::Disk& disk, NodeOptions options) {
  auto state = std::make_unique<NodeState>(disk, std::move(options));
  RETURN_IF_ERROR(state->Open());
  state->housekeeper = std::make_unique<Housekeeper>(*state);
  return std::unique_ptr<Node>(new Node(std::move(state)));
}

Status Node::ProbeDisk() { return io::WriteFileAtomically(state_->disk, state_->options.data_dir + "/PROBE", "probe"); }

Result<std::shared_ptr<shard::SeriesShards>> Node::Series() { return state_->Series(); }

Result<std::shared_ptr<shard::SeriesShards>> Node::MakeSeries() { return state_->MakeSeries(); }

Result<std::shared_ptr<shard::GraphShards>> Node::Graph(const std::string& collection) {
  return state_->Graph(collection);
}

Result<std::shared_ptr<shard::GraphShards>> Node::MakeGraph(const std::string& collection) {
  return state_->MakeGraph(collection);
}

Status Node::WriteStatus() { return state_->WriteStatus(); }

Result<CollectionInfo> Node::CreateCollection(const CollectionSpec& spec) { return Create(spec, false); }

Result<CollectionInfo> Node::CreateWithGraph(const CollectionSpec& spec) { return Create(spec, true); }

Result<CollectionInfo> Node::Create(const CollectionSpec& spec, bool with_graph) {
  RETURN_IF_ERROR(ValidateSpec(spec));
  if (spec.replication_factor != 1) {
    return Status::InvalidArgument("replication_factor", "this server runs alone and keeps one copy: must be 1");
  }
  RETURN_IF_ERROR(state_->WriteStatus());
  MutexLock lock(state_->create_mutex);  // who hears AlreadyExists can use it
  if (with_graph) RETURN_IF_ERROR(state_->Mark(NodeState::Content::kGraphs));
  ASSIGN_OR_RETURN(const CatalogueEntry entry, state_->catalogue->Add(spec, state_->clock.WallMs(), with_graph));
  ASSIGN_OR_RETURN(const auto collection, state_->OpenCollection(entry));
  if (with_graph) RETURN_IF_ERROR(state_->OpenGraph(entry.id, state_->catalogue->Graphs().at(entry.id)));
  return collection->Info();
}

Result<CollectionSpec> Node::GetSpec(const std::string& name) {
  ASSIGN_OR_RETURN(const auto collection, state_->Find(name));
  return collection->entry().spec;
}

Result<CollectionInfo> Node::GetCollection(const std::string& name) {
  ASSIGN_OR_RETURN(const auto collection, state_->Find(name));
  return collection->Info();
}

Result<std::vector<CollectionInfo>> Node::ListCollections() {
  std::vector<CollectionInfo> infos;
  for (const auto& collection : state_->Collections()) infos.push_back(collection->Info());
  return infos;
}

Status Node::DropCollection(const std::string& name) {
  RETURN_IF_ERROR(state_->WriteStatus());
  return state_->DropCollection(name);
}

Status Node::Write(const std::string& collection, std::vector<Operation> operations, const WriteOptions& options) {
  RETURN_IF_ERROR(state_->WriteStatus());
  ASSIGN_OR_RETURN(const auto found, state_->Find(collection));
  const auto request = StampOf(options, operations);
  return found->Write(std::move(operations), shard::Stamp::kAssign, request);
}

Result<SearchResponse> Node::Search(const SearchRequest& request, const ReadOptions& options) {
  RETURN_IF_ERROR(ValidateSearch(request));
  ASSIGN_OR_RETURN(const auto collection, state_->Find(request.collection));
  ASSIGN_OR_RETURN(SearchResponse response, collection->Search(request));
  if (options.all_or_error && !response.failed_partitions.empty()) {
    return collection->partitions()[response.failed_partitions[0]].damage;
  }
  return response;
}

Result<std::vector<std::optional<StoredPointView>>> Node::Get(const std::string& collection,
                                                              std::span<const PointId> ids, bool with_vector,
                                                              const ReadOptions&) {
  ASSIGN_OR_RETURN(const auto found, state_->Find(collection));
  return found->Get(ids, with_vector);
}

Result<ScrollResponse> Node::Scroll(const ScrollRequest& request, const ReadOptions&) {
  RETURN_IF_ERROR(ValidateScroll(request));
  ASSIGN_OR_RETURN(const auto found, state_->Find(request.collection));
  return found->Scroll(request);
}

Result<uint64_t> Node::Count(const std::string& collection, const vector::Filter* filter, const ReadOptions&) {
  ASSIGN_OR_RETURN(const auto found, state_->Find(collection));
  return found->Count(filter);
}

Result<std::optional<format::StoredDocument>> Node::GetDocument(const std::string& collection, const PointId& id,
                                                                const ReadOptions&) {
  ASSIGN_OR_RETURN(const auto found, state_->Find(collection));
  return found->GetDocument(id);
}

Result<std::optional<PointId>> Node::FindContent(const std::string& collection,
                                                 std::pair<uint64_t, uint64_t> content_hash, const ReadOptions&) {
  ASSIGN_OR_RETURN(const auto found, state_->Find(collection));
  return found->FindContent(content_hash);
}

std::vector<ShardInfo> Node::Shards() {
  std::vector<ShardInfo> infos;
  const std::string read_only = state_->ReadOnlyReason();
  for (const auto& collection : state_->Collections()) {
    for (size_t p = 0; p < collection->partitions().size(); ++p) {
      const Partition& partition = collection->partitions()[p];
      ShardInfo info = partition.shard != nullptr ? InfoOf(*partition.shard) : ShardInfo{};
      info.shard = partition.number;
      info.collection = collection->entry().spec.name;
      info.partition = static_cast<uint32_t>(p);
      if (partition.shard == nullptr) {
        info.state = "damaged";
        info.detail = partition.damage.ToString();
      }
      infos.push_back(std::move(info));
    }
  }
  for (ShardInfo& info : state_->replicas.ShardInfos()) infos.push_back(std::move(info));
  for (ShardInfo& info : infos) {
    if (info.state != "active" || read_only.empty()) continue;
    info.state = "read_only";
    info.detail = read_only;
  }
  return infos;
}

Status Node::AddReplica(const ReplicaSpec& spec) { return state_->replicas.Add(spec); }

Status Node::MarkReplicaComplete(uint32_t shard, uint64_t since) { return state_->replicas.MarkComplete(shard, since); }

Status Node::DropReplica(uint32_t shard) { return state_->replicas.Drop(shard); }

Result<std::shared_ptr<shard::Shard>> Node::Replica(uint32_t shard) { return state_->replicas.Find(shard); }

Result<std::shared_ptr<shard::SeriesShard>> Node::SeriesReplica(uint32_t shard) {
  return state_->replicas.FindSeries(shard);
}

std::vector<ReplicaInfo> Node::Replicas() { return state_->replicas.List(); }

HybridClock& Node::versions() { return *state_->versions; }

std::map<std::string, double> Node::Stats() { return state_->Stats(); }

std::string Node::ReadOnlyReason() { return state_->ReadOnlyReason(); }

Status Node::Checkpoint() { return state_->Checkpoint(); }

}  // namespace rhizome::cluster
