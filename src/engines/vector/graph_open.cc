// Opening and verifying saved files. Nothing read from disk is believed before it is checked.
#include <set>
#include <thread>
#include <tuple>

#include "base/hash.h"
#include "engines/vector/graph/graph_state.h"
#include "engines/vector/graph_file.h"

namespace rhizome::vector {
namespace {

struct CheckedFile {
  std::unique_ptr<io::File> file;
  std::string path;
  GraphFooter footer;
};

Result<CheckedFile> CheckFile(io::Disk& disk, const std::string& directory, const SavedFile& saved) {
  CheckedFile checked;
  checked.path = directory + "/" + saved.name;
  ASSIGN_OR_RETURN(checked.file, disk.Open(checked.path, io::OpenMode::kRead));
  ASSIGN_OR_RETURN(const uint64_t size, checked.file->Size());
  if (size != saved.size || size < GraphFooter::kSize) return Status::Corruption("size of " + checked.path);
  ASSIGN_OR_RETURN(const std::string tail, checked.file->ReadAt(size - GraphFooter::kSize, GraphFooter::kSize));
  uint64_t checksum = 0;
  auto footer = DecodeGraphFooter(tail, checksum);
  if (!footer.ok()) return footer.status().Annotate(checked.path);
  checked.footer = *footer;
  if (checksum != saved.checksum) return Status::Corruption("checksum of " + checked.path);
  if (GraphPayloadSize(checked.footer) + GraphFooter::kSize != size) {
    return Status::Corruption("length of " + checked.path);
  }
  return checked;
}

struct Part {
  void* to;
  size_t size;
};

// Reads the payload into its parts and holds it against the footer's checksum.
Status ReadParts(const CheckedFile& checked, std::initializer_list<Part> parts) {
  uint64_t offset = 0, checksum = 0;
  for (const Part& part : parts) {
    ASSIGN_OR_RETURN(const size_t read, checked.file->ReadInto(offset, static_cast<char*>(part.to), part.size));
    if (read != part.size) return Status::Corruption("length of " + checked.path);
    checksum = Checksum({static_cast<const char*>(part.to), part.size}, checksum);
    offset += part.size;
  }
  if (checksum != checked.footer.payload_checksum) return Status::Corruption("content of " + checked.path);
  return Status::Ok();
}

Slot RowsAt(unsigned level, Slot slots) {
  return static_cast<Slot>((uint64_t{slots} + (uint64_t{1} << (kLevelShift * level)) - 1) >> (kLevelShift * level));
}

class Opener {
 public:
  Opener(io::Disk& disk, GraphStore& store, const GraphOptions& options, const SavedGraph& saved)
      : disk_(disk), store_(store), options_(options), saved_(saved) {}

  // Footers of all files, each where it belongs, none missing, none twice.
  Status Check(const std::string& directory) {
    std::set<std::tuple<GraphFileKind, unsigned, Slot>> seen;
    for (const SavedFile& file : saved_.files) {
      ASSIGN_OR_RETURN(CheckedFile checked, CheckFile(disk_, directory, file));
      const GraphFooter& footer = checked.footer;
      if (footer.dimension != options_.dimension || footer.metric != options_.metric ||
          footer.degree != options_.degree) {
        return Status::FailedPrecondition(checked.path + " was saved with other dimension, metric or degree");
      }
      if (footer.count != Expected(footer)) return Status::Corruption("slots of " + checked.path);
      if (!seen.insert({footer.kind, footer.level, footer.chunk}).second) {
        return Status::Corruption(checked.path + " is there twice");
      }
      coded = coded || footer.kind == GraphFileKind::kCentre;
      files.push_back(std::move(checked));
    }
    // Counts are right and nothing is twice, so the number tells whether all are there.
    if (saved_.files.size() != FilesWanted()) return Status::Corruption("a file of the saved index is missing");
    return Status::Ok();
  }

  Status Load(const CheckedFile& checked) {
    const GraphFooter& footer = checked.footer;
    const size_t count = footer.count;
    const Slot first = footer.chunk * kChunkSlots;
    switch (footer.kind) {
      case GraphFileKind::kCentre:
        centre.resize(options_.dimension);
        return ReadParts(checked, {{centre.data(), centre.size() * sizeof(float)}});
      case GraphFileKind::kVectors:
        return ReadParts(checked, {{store_.vector(first), count * options_.dimension * sizeof(float)}});
      case GraphFileKind::kCodes:
        return ReadParts(checked, {{store_.code(first), count * store_.stride},
                                   {store_.facts_region.as<CodeFacts>() + first, count * sizeof(CodeFacts)}});
      case GraphFileKind::kRows: break;
    }
    uint32_t* rows = store_.rows[footer.level].as<uint32_t>() + size_t{first} * store_.degree;
    RETURN_IF_ERROR(ReadParts(checked, {{rows, count * store_.degree * sizeof(uint32_t)}}));
    for (size_t i = 0; i < count; ++i) CleanRow({rows + i * store_.degree, store_.degree}, saved_.slots);
    return Status::Ok();
  }

  // A full chunk of vectors is mapped: its pages are read when a candidate is scored exactly.
  static bool IsMapped(const CheckedFile& checked) {
    return checked.footer.kind == GraphFileKind::kVectors && checked.footer.count == kChunkSlots;
  }

  std::vector<CheckedFile> files;
  std::vector<float> centre;
  bool coded = false;

 private:
  Slot Expected(const GraphFooter& footer) const {
    if (footer.kind == GraphFileKind::kCentre) return footer.chunk == 0 && footer.level == 0 ? 1 : kNoSlot;
    if (footer.kind != GraphFileKind::kRows && footer.level != 0) return kNoSlot;
    const uint64_t items = RowsAt(footer.level, saved_.slots), first = uint64_t{footer.chunk} * kChunkSlots;
    return first >= items ? kNoSlot : static_cast<Slot>(std::min<uint64_t>(kChunkSlots, items - first));
  }
  size_t FilesWanted() const {
    const auto chunks = [](Slot items) { return (size_t{items} + kChunkSlots - 1) / kChunkSlots; };
    if (!coded) return chunks(saved_.slots);
    size_t wanted = 1 + 2 * chunks(saved_.slots);
    for (unsigned level = 0; level < kLevels; ++level) wanted += chunks(RowsAt(level, saved_.slots));
    return wanted;
  }

  io::Disk& disk_;
  GraphStore& store_;
  const GraphOptions& options_;
  const SavedGraph& saved_;
};

// Loads the files that are not mapped with all cores: the time goes into copying and clearing pages.
Status LoadAll(Opener& opener) {
  std::atomic<size_t> next{0};
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 16);
  std::vector<Status> outcome(threads);
  const auto work = [&](size_t self) {
    for (size_t i = next.fetch_add(1); i < opener.files.size(); i = next.fetch_add(1)) {
      if (Opener::IsMapped(opener.files[i])) continue;
      if (Status status = opener.Load(opener.files[i]); !status.ok()) outcome[self] = std::move(status);
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads && opener.files.size() > 16; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  for (const Status& status : outcome) RETURN_IF_ERROR(status);
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<GraphIndex>> GraphIndex::Open(const GraphOptions& options, io::Disk& disk,
                                                     const std::string& directory, const SavedGraph& saved,
                                                     const SlotSet& dead) {
  ASSIGN_OR_RETURN(auto index, Create(options));
  if (saved.slots > options.capacity) return Status::ResourceExhausted("saved index is above the capacity");
  if (saved.linked > saved.slots) return Status::Corruption("more slots linked than saved");
  State& state = *index->state_;
  GraphStore& store = state.store;
  Opener opener(disk, store, options, saved);
  RETURN_IF_ERROR(opener.Check(directory));
  RETURN_IF_ERROR(store.Commit(saved.slots));
  // In ascending order: the footer after a chunk lies where the next one begins.
  std::sort(opener.files.begin(), opener.files.end(),
            [](const CheckedFile& a, const CheckedFile& b) { return a.footer.chunk < b.footer.chunk; });
  for (const CheckedFile& checked : opener.files) {
    if (!Opener::IsMapped(checked)) continue;
    ASSIGN_OR_RETURN(auto mapping, disk.Map(checked.path, store.vector(checked.footer.chunk * kChunkSlots)));
    state.mappings.push_back(std::move(mapping));
  }
  RETURN_IF_ERROR(LoadAll(opener));
  if (opener.coded) {
    state.AdoptCentre(std::move(opener.centre));
    state.coded.store(true, std::memory_order_release);
  }
  for (Slot slot = 0; slot < std::min(saved.slots, dead.size()); ++slot) {
    if (dead.Contains(slot)) store.MarkDead(slot);
  }
  for (unsigned level = 0; level < kLevels; ++level) {
    state.saved_changes[level].assign(store.changes[level].size(), 0);
  }
  state.saved_sequence = saved.sequence;
  store.linked.store(opener.coded ? saved.linked : 0, std::memory_order_release);
  store.count.store(saved.slots, std::memory_order_release);
  if (!opener.coded) {
    for (Slot slot = 0; slot < saved.slots; ++slot) store.ClearRows(slot);
    // Saved in the moment between the last vector that was waited for and the codes of all.
    if (saved.slots >= kCentreSlots) state.FixCentre();
  }
  return index;
}

Status GraphIndex::Verify(io::Disk& disk, const std::string& directory, const SavedGraph& saved) {
  std::string payload;
  for (const SavedFile& file : saved.files) {
    ASSIGN_OR_RETURN(const CheckedFile checked, CheckFile(disk, directory, file));
    payload.resize(static_cast<size_t>(GraphPayloadSize(checked.footer)));
    const GraphFooter& footer = checked.footer;
    const size_t codes = footer.kind == GraphFileKind::kCodes ? footer.count * CodeStride(footer.dimension) : 0;
    if (codes > 0) {
      RETURN_IF_ERROR(ReadParts(checked, {{payload.data(), codes}, {payload.data() + codes, payload.size() - codes}}));
    } else {
      RETURN_IF_ERROR(ReadParts(checked, {{payload.data(), payload.size()}}));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::vector
