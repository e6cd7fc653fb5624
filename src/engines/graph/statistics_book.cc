#include "engines/graph/statistics_book.h"

#include <algorithm>

#include "engines/graph/rows.h"

namespace rhizome::graph {

StatisticsBook::StatisticsBook(const std::string& prefix, uint32_t entities_max)
    : statistics_prefix_(TablePrefix(prefix, Table::kStatistics)),
      postings_prefix_(TablePrefix(prefix, Table::kPostings)),
      generation_max_(std::max<uint32_t>(entities_max / 2, 1)) {}

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
  for (const EntityId& id : missing) keys.push_back(statistics_prefix_ + id.Encode());
  ASSIGN_OR_RETURN(const auto values, store.MultiGet(kv::Family::kGraph, keys));
  for (size_t i = 0; i < missing.size(); ++i) {
    Known known;
    if (values[i]) {
      ASSIGN_OR_RETURN(known.row, DecodeStatistics(*values[i]));
      known.stored_origins = known.row.statistics.origins;
    }
    young_.emplace(missing[i], std::move(known));
  }
  return Status::Ok();
}

// What was with the numbers becomes a posting like the others, until it is known how many there are.
StatisticsBook::Known& StatisticsBook::Touch(const EntityId& id) {
  Known* known = Find(id);
  CHECK(known != nullptr);
  if (known->changed) return *known;
  known->changed = true;
  changed_.push_back(id);
  if (!known->row.only_place.empty()) {
    known->changes.push_back({std::exchange(known->row.only_place, {}), std::exchange(known->row.only_posting, {})});
  }
  return *known;
}

EntityStatistics& StatisticsBook::Change(const EntityId& id) { return Touch(id).row.statistics; }

void StatisticsBook::Post(const EntityId& id, std::string place, std::optional<std::string> posting) {
  Touch(id).changes.push_back({std::move(place), std::move(posting)});
}

Status StatisticsBook::Write(const kv::Store& store, RowBatch& batch) {
  for (const EntityId& id : changed_) {
    Known* known = Find(id);
    RETURN_IF_ERROR(WritePostings(store, id, *known, batch));
    std::string key = statistics_prefix_ + id.Encode();
    known->stored_origins = known->row.statistics.origins;
    known->changed = false;
    if (known->stored_origins == 0) {
      batch.Delete(std::move(key));
    } else {
      batch.Put(std::move(key), EncodeStatistics(known->row));
    }
  }
  changed_.clear();
  if (young_.size() < generation_max_) return Status::Ok();  // only here: what is loaded stays until it is written
  old_ = std::move(young_);
  young_ = {};
  return Status::Ok();
}

Status StatisticsBook::WritePostings(const kv::Store& store, const EntityId& id, Known& known, RowBatch& batch) const {
  std::vector<PostingChange> changes = std::exchange(known.changes, {});
  std::stable_sort(changes.begin(), changes.end(),
                   [](const PostingChange& a, const PostingChange& b) { return a.place < b.place; });
  const bool one = known.row.statistics.origins == 1;
  const bool had_rows = known.stored_origins > 1;
  std::set<std::string> gone;
  for (size_t i = 0; i < changes.size(); ++i) {
    PostingChange& change = changes[i];
    if (i + 1 < changes.size() && changes[i + 1].place == change.place) continue;  // the last counts
    std::string key = postings_prefix_ + id.Encode() + change.place;
    const bool stays = one && change.posting;
    if (stays) {
      if (!known.row.only_place.empty()) return Status::Corruption("an entity of one origin has two postings");
      known.row.only_place = std::move(change.place);
      known.row.only_posting = std::move(*change.posting);
    }
    if (!stays && change.posting) {
      batch.Put(std::move(key), std::move(*change.posting));
    } else if (had_rows) {
      batch.Delete(std::move(key));
    }
    if (one && !stays) gone.insert(std::move(change.place));
  }
  if (!one || !known.row.only_place.empty()) return Status::Ok();
  return FindOnly(store, id, gone, known, batch);
}

// The one posting that is left was there before.
Status StatisticsBook::FindOnly(const kv::Store& store, const EntityId& id, const std::set<std::string>& gone,
                                Known& known, RowBatch& batch) const {
  const std::string prefix = postings_prefix_ + id.Encode();
  std::string found, posting;
  kv::Cursor cursor = store.Scan(kv::Family::kGraph, prefix);
  for (; cursor.Valid(); cursor.Next()) {
    if (gone.contains(std::string(cursor.key().substr(prefix.size())))) continue;
    if (!found.empty()) return Status::Corruption("an entity of one origin has two postings");
    found = cursor.key();
    posting = cursor.value();
  }
  RETURN_IF_ERROR(cursor.status());
  if (found.size() <= prefix.size() + kRankBytes) return Status::Corruption("an entity of one origin has no posting");
  known.row.only_place = found.substr(prefix.size());
  known.row.only_posting = std::move(posting);
  batch.Delete(std::move(found));
  return Status::Ok();
}

void AddShare(EntityStatistics& statistics, const EntityShare& share, int sign) {
  const auto change = [sign](uint64_t& number, uint64_t by) { number = sign > 0 ? number + by : number - by; };
  change(statistics.origins, 1);
  change(statistics.documents, share.document ? 1 : 0);
  change(statistics.mentions, share.mentions);
  change(statistics.facts, share.facts);
  // Rows of before titles were counted have none to take away.
  if (share.about && (sign > 0 || statistics.titles > 0)) change(statistics.titles, 1);
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
