// Saving: full chunks of vectors and codes once, changed neighbour rows at every save, all while work goes on.
#include <algorithm>

#include "base/hash.h"
#include "engines/vector/graph/graph_state.h"
#include "engines/vector/graph_file.h"

namespace rhizome::vector {
namespace {

Slot RowsAt(unsigned level, Slot slots) {
  return static_cast<Slot>((uint64_t{slots} + (uint64_t{1} << (kLevelShift * level)) - 1) >> (kLevelShift * level));
}

std::string_view AsBytes(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

class Saver {
 public:
  Saver(io::Disk& disk, const std::string& directory, const SavedGraph& previous, const GraphOptions& options)
      : disk_(disk), directory_(directory), previous_(previous), options_(options) {}

  // Keeps the file of `previous` whose name starts so; false when there is none.
  bool Reuse(GraphFileKind kind, unsigned level, Slot chunk) {
    const std::string prefix = GraphFilePrefix(kind, level, chunk);
    for (const SavedFile& file : previous_.files) {
      if (!file.name.starts_with(prefix)) continue;
      result.files.push_back(file);
      return true;
    }
    return false;
  }

  Status Write(GraphFooter footer, std::initializer_list<std::string_view> parts) {
    footer.metric = options_.metric;
    footer.dimension = static_cast<uint32_t>(options_.dimension);
    footer.degree = options_.degree;
    footer.payload_checksum = 0;
    for (const std::string_view part : parts) footer.payload_checksum = Checksum(part, footer.payload_checksum);
    SavedFile saved;
    saved.name = GraphFileName(footer.kind, footer.level, footer.chunk, result.sequence);
    saved.size = GraphPayloadSize(footer) + GraphFooter::kSize;
    ASSIGN_OR_RETURN(const auto file, disk_.Open(directory_ + "/" + saved.name, io::OpenMode::kCreateOrOpen));
    RETURN_IF_ERROR(file->Truncate(0));  // left over from a save that no manifest names
    for (const std::string_view part : parts) RETURN_IF_ERROR(file->Append(part));
    RETURN_IF_ERROR(file->Append(EncodeGraphFooter(footer, saved.checksum)));
    RETURN_IF_ERROR(file->Sync());
    result.files.push_back(std::move(saved));
    return Status::Ok();
  }

  SavedGraph result;

 private:
  io::Disk& disk_;
  const std::string& directory_;
  const SavedGraph& previous_;
  const GraphOptions& options_;
};

// Vectors and codes of one chunk, which are there already when it holds no more slots than before.
Status SaveChunk(Saver& saver, const GraphStore& store, Slot chunk, Slot count, bool same, bool coded) {
  const Slot first = chunk * kChunkSlots;
  if (!same || !saver.Reuse(GraphFileKind::kVectors, 0, chunk)) {
    RETURN_IF_ERROR(saver.Write({.kind = GraphFileKind::kVectors, .chunk = chunk, .count = count},
                                {AsBytes(store.vector(first), size_t{count} * store.dimension * sizeof(float))}));
  }
  if (coded && (!same || !saver.Reuse(GraphFileKind::kCodes, 0, chunk))) {
    RETURN_IF_ERROR(saver.Write({.kind = GraphFileKind::kCodes, .chunk = chunk, .count = count},
                                {AsBytes(store.code(first), size_t{count} * store.stride),
                                 AsBytes(&store.facts(first), size_t{count} * sizeof(CodeFacts))}));
  }
  return Status::Ok();
}

Status SaveRows(Saver& saver, const GraphStore& store, unsigned level, Slot chunk, Slot count) {
  std::vector<uint32_t> copy(size_t{count} * store.degree);
  uint32_t* from = store.rows[level].as<uint32_t>() + size_t{chunk} * kChunkSlots * store.degree;
  for (size_t i = 0; i < copy.size(); ++i) {
    copy[i] = std::atomic_ref<uint32_t>(from[i]).load(std::memory_order_relaxed);
  }
  return saver.Write(
      {.kind = GraphFileKind::kRows, .level = static_cast<uint8_t>(level), .chunk = chunk, .count = count},
      {AsBytes(copy.data(), copy.size() * sizeof(uint32_t))});
}

}  // namespace

Result<SavedGraph> GraphIndex::Save(io::Disk& disk, const std::string& directory, const SavedGraph& previous,
                                    Slot slots) {
  State& state = *state_;
  const GraphStore& store = state.store;
  CHECK(slots <= store.count.load(std::memory_order_acquire));
  Saver saver(disk, directory, previous, state.options);
  SavedGraph& result = saver.result;
  result.sequence = std::max(previous.sequence, state.saved_sequence) + 1;
  const bool coded = state.coded.load(std::memory_order_acquire);
  // Rows of slots below `linked` are complete; ids at or above `slots` that they may hold are dropped on opening.
  result.linked = std::min(store.linked.load(std::memory_order_acquire), slots);
  result.slots = slots;
  const bool known = previous.sequence == state.saved_sequence && previous.slots > 0;

  for (Slot chunk = 0; chunk * kChunkSlots < result.slots; ++chunk) {
    const Slot end = std::min((chunk + 1) * kChunkSlots, result.slots);
    const bool same = end == std::min((chunk + 1) * kChunkSlots, previous.slots);
    RETURN_IF_ERROR(SaveChunk(saver, store, chunk, end - chunk * kChunkSlots, same, coded));
  }
  auto changes = state.saved_changes;
  if (coded) {
    const std::vector<float>& centre = state.codec->centre();
    if (!saver.Reuse(GraphFileKind::kCentre, 0, 0)) {
      RETURN_IF_ERROR(saver.Write({.kind = GraphFileKind::kCentre, .count = 1},
                                  {AsBytes(centre.data(), centre.size() * sizeof(float))}));
    }
    for (unsigned level = 0; level < kLevels; ++level) {
      const Slot rows = RowsAt(level, result.slots), rows_before = RowsAt(level, previous.slots);
      changes[level].resize(store.changes[level].size());
      for (Slot chunk = 0; chunk * kChunkSlots < rows; ++chunk) {
        const Slot end = std::min((chunk + 1) * kChunkSlots, rows);
        const uint32_t change = store.changes[level][chunk].load(std::memory_order_acquire);
        const bool clean =
            known && change == changes[level][chunk] && end == std::min((chunk + 1) * kChunkSlots, rows_before);
        changes[level][chunk] = change;
        if (clean && saver.Reuse(GraphFileKind::kRows, level, chunk)) continue;
        RETURN_IF_ERROR(SaveRows(saver, store, level, chunk, end - chunk * kChunkSlots));
      }
    }
  }
  RETURN_IF_ERROR(disk.SyncDirectory(directory));
  state.saved_changes = std::move(changes);
  state.saved_sequence = result.sequence;
  return std::move(result);
}

}  // namespace rhizome::vector
