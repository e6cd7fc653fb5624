// Reading: searches, lookups, pages and counts of VectorEngine.
#include <algorithm>
#include <unordered_set>

#include "engines/vector/engine.h"

namespace rhizome::vector {

using format::PointId;
using format::StoredPoint;

Status VectorEngine::ValidateQuery(const Query& query) const {
  if (query.vector.empty()) return Status::Ok();
  const std::shared_ptr<Indexes> in = View();
  if (in->graph == nullptr) return Status::InvalidArgument("vector", "the collection has no vectors, only text");
  return in->graph->Validate(query.vector, "vector");
}

SlotSet VectorEngine::Select(const Filter& filter, const Indexes& in, const SlotSet& live) {
  SlotSet selected = in.payload->Evaluate(filter, live.size());
  selected.IntersectWith(live);
  return selected;
}

Result<Candidates> VectorEngine::Search(const Query& query) const {
  RETURN_IF_ERROR(ValidateQuery(query));
  const std::shared_ptr<Indexes> in = View();
  const std::shared_ptr<const SlotSet> live = in->table.Live();
  std::optional<SlotSet> selected;
  if (query.filter != nullptr) selected = Select(*query.filter, *in, *live);
  const SlotSet* only = selected ? &*selected : nullptr;
  Candidates found;
  if (!query.vector.empty()) {
    ASSIGN_OR_RETURN(found.dense, SearchVectors(query, *in, only));
  }
  if (!query.text.empty()) found.text = SearchText(query, *in, *live, only);
  return found;
}

Result<std::vector<Candidate>> VectorEngine::SearchVectors(const Query& query, const Indexes& in,
                                                           const SlotSet* selected) {
  GraphSearch search;
  search.k = query.depth;
  search.ef = query.ef;
  search.filter = selected;
  search.exact = query.exact;
  ASSIGN_OR_RETURN(std::vector<ScoredSlot> scored, in.graph->Search(query.vector, search));
  // The index is ahead of what is published and its slots may have been replaced meanwhile: a point that is still
  // there is answered by its newest slot, so that an update never hides it.
  const std::shared_ptr<const SlotSet> live = in.table.Live();
  std::unordered_set<Slot> seen;
  std::vector<ScoredSlot> current;
  for (const ScoredSlot& found : scored) {
    if (found.slot >= in.table.size()) continue;
    ScoredSlot answer = found;
    if (!live->Contains(found.slot)) {
      answer.slot = in.table.Find(in.table.IdOf(found.slot), *live);
      if (answer.slot == kNoSlot || !in.table.HasVector(answer.slot) || selected != nullptr) continue;
      answer.score = in.graph->Score(query.vector, answer.slot);
    }
    if (seen.insert(answer.slot).second) current.push_back(answer);
  }
  std::sort(current.begin(), current.end());
  std::vector<Candidate> candidates;
  candidates.reserve(current.size());
  for (const ScoredSlot& answer : current) candidates.push_back({in.table.IdOf(answer.slot), answer.score});
  return candidates;
}

std::vector<Candidate> VectorEngine::SearchText(const Query& query, const Indexes& in, const SlotSet& live,
                                                const SlotSet* selected) {
  std::vector<Candidate> candidates;
  for (const ScoredSlot& found : in.text->Search(query.text, query.depth, selected, live)) {
    candidates.push_back({in.table.IdOf(found.slot), found.score});
  }
  return candidates;
}

std::vector<float> VectorEngine::VectorOf(const PointId& id, const Indexes& in, const SlotSet& live) {
  const Slot slot = in.table.Find(id, live);
  if (in.graph == nullptr || slot == kNoSlot || !in.table.HasVector(slot)) return {};
  const std::span<const float> vector = in.graph->Vector(slot);
  return {vector.begin(), vector.end()};
}

FetchedPoint VectorEngine::MakePoint(const PointId& id, StoredPoint stored) {
  FetchedPoint fetched;
  fetched.version = stored.version;
  fetched.point = {id, {}, std::move(stored.title), std::move(stored.text), std::move(stored.payload)};
  return fetched;
}

Result<std::vector<std::optional<FetchedPoint>>> VectorEngine::Get(std::span<const PointId> ids,
                                                                   bool with_vector) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const PointId& id : ids) keys.push_back(Key(id));
  ASSIGN_OR_RETURN(const auto values, store_.MultiGet(kv::Family::kPoints, keys));
  const std::shared_ptr<Indexes> in = View();
  const std::shared_ptr<const SlotSet> live = in->table.Live();
  std::vector<std::optional<FetchedPoint>> points(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!values[i]) continue;
    ASSIGN_OR_RETURN(StoredPoint stored, format::DecodeStoredPoint(*values[i]));
    // The database is ahead of what is published.
    if (stored.tombstone || in->table.Find(ids[i], *live) == kNoSlot) continue;
    points[i] = MakePoint(ids[i], std::move(stored));
    if (with_vector) points[i]->point.vector = VectorOf(ids[i], *in, *live);
  }
  return points;
}

Result<Page> VectorEngine::Scroll(const std::optional<PointId>& after, uint32_t limit, const Filter* filter,
                                  bool with_vector) const {
  const std::shared_ptr<Indexes> in = View();
  const std::shared_ptr<const SlotSet> live = in->table.Live();
  std::optional<SlotSet> selected;
  if (filter != nullptr) selected = Select(*filter, *in, *live);
  const std::string prefix = ShardPrefix(options_.shard);
  // The smallest key above `after` is that key and a zero byte.
  const std::string from = after ? Key(*after) + std::string(1, '\0') : prefix;
  Page page;
  kv::Cursor cursor = store_.Scan(kv::Family::kPoints, prefix, from);
  for (; cursor.Valid(); cursor.Next()) {
    ASSIGN_OR_RETURN(const PointId id, PointId::Decode(cursor.key().substr(prefix.size())));
    const Slot slot = in->table.Find(id, *live);
    if (slot == kNoSlot || (selected && !selected->Contains(slot))) continue;
    ASSIGN_OR_RETURN(StoredPoint stored, format::DecodeStoredPoint(cursor.value()));
    if (stored.tombstone) continue;
    if (page.points.size() == limit) {
      page.next = page.points.back().point.id;
      return page;
    }
    FetchedPoint fetched = MakePoint(id, std::move(stored));
    if (with_vector) fetched.point.vector = VectorOf(id, *in, *live);
    page.points.push_back(std::move(fetched));
  }
  RETURN_IF_ERROR(cursor.status());
  return page;
}

Result<uint64_t> VectorEngine::Count(const Filter* filter) const {
  const std::shared_ptr<Indexes> in = View();
  const std::shared_ptr<const SlotSet> live = in->table.Live();
  return uint64_t{filter == nullptr ? live->Count() : Select(*filter, *in, *live).Count()};
}

Result<std::optional<format::StoredDocument>> VectorEngine::GetDocument(const PointId& id) const {
  ASSIGN_OR_RETURN(auto document, ReadDocument(id));
  if (document && document->tombstone) document.reset();
  return document;
}

Result<std::optional<PointId>> VectorEngine::FindContent(std::pair<uint64_t, uint64_t> content_hash) const {
  const std::string prefix = ContentPrefix(options_.shard, content_hash);
  kv::Cursor cursor = store_.Scan(kv::Family::kContent, prefix);
  RETURN_IF_ERROR(cursor.status());
  if (!cursor.Valid()) return std::optional<PointId>();
  ASSIGN_OR_RETURN(PointId id, PointId::Decode(cursor.key().substr(prefix.size())));
  return std::optional<PointId>(std::move(id));
}

}  // namespace rhizome::vector
