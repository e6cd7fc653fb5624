// Compaction: the live points of VectorEngine in fresh slots.
#include "engines/vector/engine.h"

namespace rhizome::vector {
namespace {

// Below this it is not worth the pause; above, half the slots may be dead.
constexpr Slot kSlotsMin = 20'000;
constexpr size_t kPointsPerFetch = 512;

}  // namespace

bool VectorEngine::NeedsCompaction() const {
  const std::shared_ptr<Indexes> in = View();
  return in->table.size() >= kSlotsMin && in->table.Live()->Count() < in->table.size() / 2;
}

Status VectorEngine::CopyLive(const Indexes& from, Indexes& to) const {
  const std::shared_ptr<const SlotSet> live = from.table.Live();
  std::vector<Slot> slots;
  std::vector<std::string> keys;
  const auto copy = [&]() -> Status {
    ASSIGN_OR_RETURN(auto values, store_.MultiGet(kv::Family::kPoints, keys));
    for (size_t i = 0; i < slots.size(); ++i) {
      const format::PointId& id = from.table.IdOf(slots[i]);
      if (!values[i]) return Status::Corruption("the database lacks point " + id.ToString());
      ASSIGN_OR_RETURN(format::StoredPoint stored, format::DecodeStoredPoint(*values[i]));
      ASSIGN_OR_RETURN(const boost::json::value payload, ParsePayload(stored.payload));
      const format::Point point{id, VectorOf(id, from, *live), std::move(stored.title), std::move(stored.text), {}};
      RETURN_IF_ERROR(AppendPoint(point, payload, stored.version, to));
    }
    slots.clear();
    keys.clear();
    return Status::Ok();
  };
  for (Slot slot = 0; slot < live->size(); ++slot) {
    if (!live->Contains(slot)) continue;
    slots.push_back(slot);
    keys.push_back(Key(from.table.IdOf(slot)));
    if (slots.size() == kPointsPerFetch) RETURN_IF_ERROR(copy());
  }
  return copy();
}

// What is dropped with the dead slots is known elsewhere: the version of a deleted point by its tombstone in the
// database, that of a deleted chunk by its document.
Status VectorEngine::Compact() {
  {
    MutexLock checkpoint_lock(checkpoint_mutex_);
    MutexLock apply_lock(apply_mutex_);
    RETURN_IF_ERROR(CheckWhole());
    const std::shared_ptr<Indexes> old = View();
    ASSIGN_OR_RETURN(std::shared_ptr<Indexes> fresh, MakeEmpty());
    RETURN_IF_ERROR(CopyLive(*old, *fresh));
    fresh->table.Publish();
    Replace(std::move(fresh));
    // The next snapshot shares no file with the last one; its files must not be named like them either.
    manifest_.graph = SavedGraph{{}, 0, 0, manifest_.graph.sequence};
  }
  return Checkpoint();
}

}  // namespace rhizome::vector
