#include "engines/vector/slot_table.h"

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::vector {
namespace {

constexpr uint32_t kMagic = 0x54534852;  // "RHST"
constexpr uint8_t kFormat = 1;

}  // namespace

size_t SlotTable::HashById::operator()(const format::PointId& id) const {
  if (id.is_number()) {
    const uint64_t number = id.number();
    return Checksum({reinterpret_cast<const char*>(&number), sizeof(number)});
  }
  return Checksum(id.Encode());
}

SlotTable::SlotTable() : newest_(0, HashById{this}, EqualById{this}), live_(std::make_shared<const SlotSet>()) {}

std::optional<SlotTable::Newest> SlotTable::FindUnpublished(const format::PointId& id) const {
  const auto it = newest_.find(id);
  if (it == newest_.end()) return std::nullopt;
  return Newest{*it, entries_[*it].version.load(), unpublished_live_.Contains(*it)};
}

void SlotTable::End(Slot slot) {
  if (!unpublished_live_.Contains(slot)) return;
  unpublished_live_.Remove(slot);
  killed_.push_back(slot);
}

Slot SlotTable::Append(const format::PointId& id, Version version, bool has_vector) {
  const Slot slot = size();
  const auto it = newest_.find(id);
  entries_.Append({id, AtomicVersion(version), has_vector, it == newest_.end() ? kNoSlot : *it});
  unpublished_live_.Resize(slot + 1, true);
  dirty_ = true;
  WriterLock lock(map_mutex_);
  if (it != newest_.end()) {
    End(*it);
    newest_.erase(it);
  }
  newest_.insert(slot);
  return slot;
}

void SlotTable::Kill(const format::PointId& id, Version version) {
  const auto it = newest_.find(id);
  CHECK(it != newest_.end());
  End(*it);
  entries_[*it].version.store(version);
  dirty_ = true;
}

void SlotTable::Publish() {
  killed_.clear();
  if (!dirty_) return;
  auto live = std::make_shared<const SlotSet>(unpublished_live_);
  MutexLock lock(live_mutex_);
  live_ = std::move(live);
  dirty_ = false;
}

Slot SlotTable::Find(const format::PointId& id, const SlotSet& live) const {
  ReaderLock lock(map_mutex_);
  const auto it = newest_.find(id);
  if (it == newest_.end()) return kNoSlot;
  // Slots past the view came after it; the first one within it was the newest then, and alone may be live in it.
  Slot slot = *it;
  while (slot != kNoSlot && slot >= live.size()) slot = entries_[slot].previous;
  return slot != kNoSlot && live.Contains(slot) ? slot : kNoSlot;
}

std::shared_ptr<const SlotSet> SlotTable::Live() const {
  MutexLock lock(live_mutex_);
  return live_;
}

std::string SlotTable::Encode() const {
  std::string out;
  out.reserve(size_t{size()} * 32 + 64);
  format::PutU32(out, kMagic);
  format::PutU8(out, kFormat);
  format::PutU32(out, size());
  for (Slot slot = 0; slot < size(); ++slot) {
    const Version version = VersionOf(slot);
    format::PutBytes(out, IdOf(slot).Encode());
    format::PutU64(out, version.time);
    format::PutU32(out, version.node);
    format::PutU8(out, HasVector(slot) ? 1 : 0);
  }
  for (const uint64_t word : unpublished_live_.words()) format::PutU64(out, word);
  format::PutU64(out, Checksum(out));
  return out;
}

Status SlotTable::Load(std::string_view bytes) {
  CHECK(size() == 0);
  if (bytes.size() < 8 ||
      Checksum(bytes.substr(0, bytes.size() - 8)) != format::LoadFixed<uint64_t>(bytes.data() + bytes.size() - 8)) {
    return Status::Corruption("slot table: bad checksum");
  }
  format::Decoder in(bytes.substr(0, bytes.size() - 8));
  uint32_t magic = 0, count = 0;
  uint8_t format = 0;
  if (!in.U32(magic) || magic != kMagic || !in.U8(format) || format != kFormat || !in.U32(count) ||
      count > in.remaining() / 15) {
    return in.Failure("slot table header");
  }
  WriterLock map_lock(map_mutex_);
  newest_.reserve(count);
  for (Slot slot = 0; slot < count; ++slot) {
    std::string_view id_bytes;
    Version version;
    uint8_t has_vector = 0;
    if (!in.Bytes(id_bytes) || !in.U64(version.time) || !in.U32(version.node) || !in.U8(has_vector) || has_vector > 1) {
      return in.Failure("slot table entry");
    }
    ASSIGN_OR_RETURN(format::PointId id, format::PointId::Decode(id_bytes));
    entries_.Append({std::move(id), AtomicVersion(version), has_vector == 1, kNoSlot});
    // A later slot of the same id replaces the earlier one, as it did when it was written.
    if (const auto [it, inserted] = newest_.insert(slot); !inserted) {
      newest_.erase(it);
      newest_.insert(slot);
    }
  }
  unpublished_live_ = SlotSet(count);
  for (uint64_t& word : unpublished_live_.mutable_words()) {
    if (!in.U64(word)) return in.Failure("slot table live set");
  }
  RETURN_IF_ERROR(in.Finish("slot table"));
  MutexLock live_lock(live_mutex_);
  live_ = std::make_shared<const SlotSet>(unpublished_live_);
  return Status::Ok();
}

}  // namespace rhizome::vector
