#include "engines/graph/statistics_book.h"

#include <algorithm>

#include "engines/graph/rows.h"

namespace rhizome::graph {

StatisticsBook::StatisticsBook(std::string table_prefix, uint32_t entities_max)
    : table_prefix_(std::move(table_prefix)), generation_max_(std::max<uint32_t>(entities_max / 2, 1)) {}

StatisticsBook::Known* StatisticsBook::Find(const EntityId& id) {
  const auto young = young_.find(id);
  if (young != young_.end()) return &young->second;
  auto node = old_.extract(id);
  if (node.empty()) return nullptr;
  return &young_.insert(std::move(node)).position->second;
}

Status StatisticsBook::Load(const kv::Store& store, const std::vector<EntityId>& ids) {
  std::vector<EntityId> missing;
  for (const EntityId& id : ids) {
    if (Find(id) == nullptr) missing.push_back(id);
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  std::vector<std::string> keys;
  keys.reserve(missing.size());
  for (const EntityId& id : missing) keys.push_back(table_prefix_ + id.Encode());
  ASSIGN_OR_RETURN(const auto values, store.MultiGet(kv::Family::kGraph, keys));
  for (size_t i = 0; i < missing.size(); ++i) {
    Known known;
    if (values[i]) {
      ASSIGN_OR_RETURN(known.statistics, DecodeStatistics(*values[i]));
    }
    young_.emplace(missing[i], std::move(known));
  }
  return Status::Ok();
}

EntityStatistics& StatisticsBook::Change(const EntityId& id) {
  Known* known = Find(id);
  CHECK(known != nullptr);
  if (!known->changed) {
    known->changed = true;
    changed_.push_back(id);
  }
  return known->statistics;
}

void StatisticsBook::Write(RowBatch& batch) {
  for (const EntityId& id : changed_) {
    Known* known = Find(id);
    known->changed = false;
    std::string key = table_prefix_ + id.Encode();
    if (known->statistics.origins == 0) {
      batch.Delete(std::move(key));
    } else {
      batch.Put(std::move(key), EncodeStatistics(known->statistics));
    }
  }
  changed_.clear();
  if (young_.size() < generation_max_) return;  // only here: what is loaded for a batch stays until it is written
  old_ = std::move(young_);
  young_ = {};
}

void AddShare(EntityStatistics& statistics, const EntityShare& share, int sign) {
  const auto change = [sign](uint64_t& number, uint64_t by) { number = sign > 0 ? number + by : number - by; };
  change(statistics.origins, 1);
  change(statistics.documents, share.document ? 1 : 0);
  change(statistics.mentions, share.mentions);
  change(statistics.facts, share.facts);
  if (share.type.empty()) return;
  auto& types = statistics.types;
  const auto place = std::lower_bound(types.begin(), types.end(), share.type,
                                      [](const auto& entry, std::string_view type) { return entry.first < type; });
  const uint64_t votes = std::max<uint64_t>(share.mentions, 1);
  if (place == types.end() || place->first != share.type) {
    if (sign > 0) types.insert(place, {std::string(share.type), votes});
    return;
  }
  change(place->second, votes);
  if (place->second == 0) types.erase(place);
}

}  // namespace rhizome::graph
