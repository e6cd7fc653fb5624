#include "engines/vector/engine.h"

namespace rhizome::vector {
namespace {

GraphOptions GraphOptionsOf(const EngineOptions& options) {
  GraphOptions graph;
  graph.dimension = options.dimension;
  graph.metric = options.metric;
  return graph;
}

TextIndexOptions TextOptionsOf(const EngineOptions& options) {
  TextIndexOptions text;
  text.analyzer.language = options.language;
  return text;
}

std::vector<std::string> NamesOf(const std::vector<SegmentInfo>& segments) {
  std::vector<std::string> names;
  for (const SegmentInfo& segment : segments) names.push_back(segment.name);
  return names;
}

// Writes what is frozen and merges what is worth it; returns the names of all segments.
template <typename Index>
Result<std::vector<std::string>> WriteSegments(Index& index, io::Disk& disk, const std::string& directory,
                                               const std::string& name, const SlotSet& live) {
  const Result<SegmentInfo> written = index.WriteSegment(disk, directory, name + ".seg");
  if (!written.ok() && written.status().code() != Code::kNotFound) return written.status();
  int merges = 0;
  for (std::vector<std::string> plan = index.MergePlan(); !plan.empty(); plan = index.MergePlan()) {
    const std::string merged = name + ".merged" + std::to_string(merges++) + ".seg";
    RETURN_IF_ERROR(index.Merge(disk, directory, plan, merged, live).status());
  }
  return NamesOf(index.Segments());
}

}  // namespace

VectorEngine::VectorEngine(io::Disk& disk, kv::Store& store, EngineOptions options)
    : disk_(disk), store_(store), options_(std::move(options)) {}

VectorEngine::~VectorEngine() = default;

Result<std::unique_ptr<VectorEngine>> VectorEngine::Open(io::Disk& disk, kv::Store& store, EngineOptions options) {
  std::unique_ptr<VectorEngine> engine(new VectorEngine(disk, store, std::move(options)));
  ASSIGN_OR_RETURN(const bool saved, disk.Exists(engine->options_.directory + "/" + std::string(kManifestName)));
  ASSIGN_OR_RETURN(auto indexes, saved ? engine->LoadSnapshot() : engine->MakeEmpty());
  engine->Replace(std::move(indexes));
  RETURN_IF_ERROR(engine->LoadApplied());
  return engine;
}

Result<std::shared_ptr<VectorEngine::Indexes>> VectorEngine::MakeEmpty() const {
  auto in = std::make_shared<Indexes>();
  if (options_.dimension > 0) {
    ASSIGN_OR_RETURN(in->graph, GraphIndex::Create(GraphOptionsOf(options_)));
  }
  ASSIGN_OR_RETURN(in->text, TextIndex::Create(TextOptionsOf(options_)));
  in->payload = std::make_unique<PayloadIndex>();
  return in;
}

std::shared_ptr<VectorEngine::Indexes> VectorEngine::View() const {
  MutexLock lock(indexes_mutex_);
  return indexes_;
}

void VectorEngine::Replace(std::shared_ptr<Indexes> in) {
  MutexLock lock(indexes_mutex_);
  indexes_ = std::move(in);
}

Result<std::shared_ptr<VectorEngine::Indexes>> VectorEngine::LoadSnapshot() {
  auto in = std::make_shared<Indexes>();
  const std::string& directory = options_.directory;
  MutexLock lock(checkpoint_mutex_);
  ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(disk_, directory + "/" + std::string(kManifestName)));
  ASSIGN_OR_RETURN(manifest_, DecodeManifest(bytes));
  ASSIGN_OR_RETURN(const auto table, disk_.Map(directory + "/" + manifest_.slot_table));
  RETURN_IF_ERROR(in->table.Load({table->data(), table->size()}));
  if (in->table.size() != manifest_.slots) return Status::Corruption("snapshot: slot table of another length");
  if (options_.dimension > 0) {
    SlotSet dead = *in->table.Live();
    dead.Complement();
    for (Slot slot = 0; slot < in->table.size(); ++slot) {
      if (!in->table.HasVector(slot)) dead.Add(slot);
    }
    ASSIGN_OR_RETURN(in->graph, GraphIndex::Open(GraphOptionsOf(options_), disk_, directory, manifest_.graph, dead));
  }
  ASSIGN_OR_RETURN(in->text, TextIndex::Open(TextOptionsOf(options_), disk_, directory, manifest_.text));
  ASSIGN_OR_RETURN(in->payload, PayloadIndex::Open(disk_, directory, manifest_.payload));
  checkpoint_sequence_ = manifest_.sequence;
  applied_lsn_ = manifest_.lsn;
  checkpoint_lsn_ = manifest_.lsn;
  RETURN_IF_ERROR(RemoveUnnamedFiles(disk_, directory, manifest_));
  return in;
}

Status VectorEngine::LoadApplied() {
  ASSIGN_OR_RETURN(const auto value, store_.Get(kv::Family::kMeta, AppliedKey(options_.shard)));
  MutexLock lock(apply_mutex_);
  if (value) {
    ASSIGN_OR_RETURN(const Applied applied, DecodeApplied(*value));
    stored_lsn_ = applied.lsn;
    max_version_ = applied.max_version;
    documents_ = applied.documents;
  }
  if (stored_lsn_ < checkpoint_lsn_) return Status::Corruption("the database is behind the snapshot");
  return Status::Ok();
}

uint64_t VectorEngine::database_lsn() const {
  MutexLock lock(apply_mutex_);
  return stored_lsn_;
}

Version VectorEngine::max_version() const {
  MutexLock lock(apply_mutex_);
  return max_version_;
}

std::string VectorEngine::Key(const format::PointId& id) const { return ShardPrefix(options_.shard) + id.Encode(); }

uint64_t VectorEngine::pending_index() const {
  const std::shared_ptr<Indexes> in = View();
  return in->graph == nullptr ? 0 : in->graph->pending();
}

bool VectorEngine::ImproveIndex(uint32_t limit, uint32_t threads) {
  MutexLock lock(improve_mutex_);
  const std::shared_ptr<Indexes> in = View();
  if (in->graph == nullptr) return false;
  const Slot linked = in->graph->Absorb(limit, static_cast<int>(threads));
  const Slot mended = in->graph->unrepaired() > 0 ? in->graph->Repair(limit) : 0;
  return linked > 0 || mended > 0;
}

Status VectorEngine::Checkpoint() {
  MutexLock lock(checkpoint_mutex_);
  Manifest next;
  std::shared_ptr<Indexes> in;
  std::string table;
  std::shared_ptr<const SlotSet> live;
  {
    MutexLock apply_lock(apply_mutex_);
    RETURN_IF_ERROR(CheckWhole());
    in = View();
    next.lsn = applied_lsn_;
    next.slots = in->table.size();
    table = in->table.Encode();
    live = in->table.Live();
    in->text->Freeze();
    in->payload->Freeze();
  }
  next.sequence = ++checkpoint_sequence_;  // also after a failed attempt: file names are never used twice
  const std::string stamp = std::to_string(next.sequence);
  next.slot_table = "slots." + stamp;
  RETURN_IF_ERROR(store_.Flush());
  RETURN_IF_ERROR(io::WriteFileAtomically(disk_, options_.directory + "/" + next.slot_table, table));
  if (in->graph != nullptr) {
    ASSIGN_OR_RETURN(next.graph, in->graph->Save(disk_, options_.directory, manifest_.graph, next.slots));
  }
  ASSIGN_OR_RETURN(next.text, WriteSegments(*in->text, disk_, options_.directory, "text." + stamp, *live));
  ASSIGN_OR_RETURN(next.payload, WriteSegments(*in->payload, disk_, options_.directory, "payload." + stamp, *live));
  RETURN_IF_ERROR(
      io::WriteFileAtomically(disk_, options_.directory + "/" + std::string(kManifestName), EncodeManifest(next)));
  manifest_ = std::move(next);
  checkpoint_lsn_ = manifest_.lsn;
  return RemoveUnnamedFiles(disk_, options_.directory, manifest_);
}

Status VectorEngine::VerifySnapshot() const {
  MutexLock lock(checkpoint_mutex_);
  if (manifest_.graph.files.empty()) return Status::Ok();
  return GraphIndex::Verify(disk_, options_.directory, manifest_.graph);
}

}  // namespace rhizome::vector
