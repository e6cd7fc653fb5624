#include "cluster/collection.h"
#include "cluster/node.h"
#include "cluster/node_state.h"
#include "cluster/registers.h"
#include "cluster/routing.h"

namespace rhizome::cluster {
namespace {

class ShardView final : public PartitionView {
 public:
  ShardView(std::shared_ptr<Collection> collection, std::unique_ptr<vector::RegisterView> view)
      : collection_(std::move(collection)), view_(std::move(view)) {}

  uint64_t begin_lsn() const override { return view_->lsn(); }
  Result<uint64_t> EndLsn() const override { return view_->lsn(); }
  Status Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const override {
    return view_->Scan(visit);
  }
  Result<std::vector<std::optional<format::Operation>>> Read(std::span<const std::string> keys) const override {
    return view_->Read(keys);
  }

 private:
  const std::shared_ptr<Collection> collection_;  // outlives the view of its shard
  const std::unique_ptr<vector::RegisterView> view_;
};

}  // namespace

Status CheckPartition(const std::string& collection, uint32_t partition, uint32_t of, size_t there) {
  if (of != there) {
    return Status::FailedPrecondition("collection " + collection + " has " + std::to_string(there) +
                                      " partitions by now, not " + std::to_string(of) + ": begin anew");
  }
  if (partition < there) return Status::Ok();
  return Status::NotFound("collection " + collection + " has no partition " + std::to_string(partition));
}

Result<std::unique_ptr<PartitionView>> NodeRegisters::View(const std::string& collection, uint32_t partition,
                                                           uint32_t of) {
  ASSIGN_OR_RETURN(auto found, node_.state_->Find(collection));
  RETURN_IF_ERROR(CheckPartition(collection, partition, of, found->partitions().size()));
  const Partition& held = found->partitions()[partition];
  if (held.shard == nullptr) return held.damage;
  ASSIGN_OR_RETURN(auto view, held.shard->engine().ViewRegisters());
  return std::unique_ptr<PartitionView>(std::make_unique<ShardView>(std::move(found), std::move(view)));
}

Result<std::vector<Version>> NodeRegisters::Versions(const std::string& collection, std::span<const std::string> keys) {
  ASSIGN_OR_RETURN(const auto found, node_.state_->Find(collection));
  Parts<std::string> parts(static_cast<uint32_t>(found->partitions().size()));
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSIGN_OR_RETURN(const format::RegisterKey key, format::ParseRegisterKey(keys[i]));
    parts.Add(found->PartitionOf(key.id), keys[i], i);
  }
  std::vector<Version> versions(keys.size());
  for (size_t p = 0; p < parts.items.size(); ++p) {
    if (parts.items[p].empty()) continue;
    const Partition& held = found->partitions()[p];
    if (held.shard == nullptr) return held.damage;
    ASSIGN_OR_RETURN(const auto part, held.shard->engine().Versions(parts.items[p]));
    for (size_t i = 0; i < part.size(); ++i) versions[parts.positions[p][i]] = part[i].version;
  }
  return versions;
}

Status NodeRegisters::Merge(const std::string& collection, std::vector<format::Operation> operations) {
  RETURN_IF_ERROR(node_.state_->WriteStatus());
  ASSIGN_OR_RETURN(const auto found, node_.state_->Find(collection));
  return found->Write(std::move(operations), shard::Stamp::kKeep);
}

}  // namespace rhizome::cluster
