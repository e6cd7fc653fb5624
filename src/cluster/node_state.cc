#include "cluster/node_state.h"

#include <spdlog/spdlog.h>

#include <set>

#include "base/uuid.h"
#include "cluster/housekeeper.h"
#include "format/coding.h"

namespace rhizome::cluster {
namespace {

constexpr std::string_view kNodeKey = "node";

// A data directory says what it is, so that a later version knows what it opens.
constexpr std::string_view kFormatFile = "FORMAT";
constexpr std::string_view kFormatText = "rhizome data directory ";  // and a number
constexpr int kFormatFirst = 1;                                      // later ones: NodeState::Content

std::string FormatText(int number) { return std::string(kFormatText) + std::to_string(number) + "\n"; }

// 0: of no version that is known.
int FormatOf(const std::string& text) {
  for (int number = kFormatFirst; number <= static_cast<int>(NodeState::Content::kGraphs); ++number) {
    if (text == FormatText(number)) return number;
  }
  return 0;
}

Status CheckFormat(io::Disk& disk, const std::string& directory) {
  const std::string path = directory + "/" + std::string(kFormatFile);
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (!exists) return io::WriteFileAtomically(disk, path, FormatText(kFormatFirst));
  ASSIGN_OR_RETURN(const std::string text, io::ReadWholeFile(disk, path));
  if (FormatOf(text) != 0) return Status::Ok();
  return Status::FailedPrecondition(path + " names a format this version does not know: " + text);
}

}  // namespace

NodeState::NodeState(io::Disk& disk_in, NodeOptions options_in)
    : disk(disk_in), options(std::move(options_in)), clock(SystemClock()) {}

NodeState::~NodeState() = default;

Status NodeState::Open() {
  RETURN_IF_ERROR(io::CreateDirectories(disk, options.data_dir + "/shards"));
  ASSIGN_OR_RETURN(directory_lock, disk.Lock(options.data_dir + "/LOCK"));
  RETURN_IF_ERROR(CheckFormat(disk, options.data_dir));
  env = kv::NewDiskEnv(disk);
  kv::StoreOptions store_options;
  store_options.env = env.get();
  store_options.memtable_bytes = options.memtable_bytes;
  ASSIGN_OR_RETURN(store, kv::Store::Open(options.data_dir + "/database", store_options));
  ASSIGN_OR_RETURN(log, wal::Log::Open(disk, options.data_dir + "/log"));
  if (!log->damage().empty()) NoteLogDamage("the log is damaged:\n" + log->damage().ToString());
  ASSIGN_OR_RETURN(const uint32_t number, NodeNumber());
  versions = std::make_unique<HybridClock>(clock, number);
  ASSIGN_OR_RETURN(catalogue, Catalogue::Open(*store));
  RETURN_IF_ERROR(RemoveOrphans());
  for (const CatalogueEntry& entry : catalogue->List()) RETURN_IF_ERROR(OpenCollection(entry).status());
  RETURN_IF_ERROR(replicas.Open());
  if (const auto entry = catalogue->Series()) RETURN_IF_ERROR(OpenSeries(*entry));
  for (const auto& [collection, entry] : catalogue->Graphs()) RETURN_IF_ERROR(OpenGraph(collection, entry));
  RETURN_IF_ERROR(ReplayLog());
  const auto may_write = [this] { return WriteStatus().ok(); };
  series_upkeep = std::make_unique<shard::SeriesUpkeep>([this] { return KeepUpSeriesReplicas(); }, may_write);
  ReaderLock lock(mutex);
  if (series != nullptr) series->StartUpkeep(may_write);
  return Status::Ok();
}

Status NodeState::MakeSeriesReplica(const std::string& directory) {
  ASSIGN_OR_RETURN(const bool left_over, disk.Exists(directory));
  if (left_over) RETURN_IF_ERROR(io::RemoveTree(disk, directory));
  RETURN_IF_ERROR(io::CreateDirectories(disk, directory));
  return series::SeriesEngine::Open(disk, {directory, {}}).status();
}

Result<std::unique_ptr<shard::SeriesShard>> NodeState::OpenSeriesReplica(uint32_t stream,
                                                                         const std::string& directory) {
  const std::string manifest = directory + "/" + std::string(series::kManifestName);
  ASSIGN_OR_RETURN(const bool exists, disk.Exists(manifest));
  if (!exists) return Status::Corruption(manifest + " is gone");
  ASSIGN_OR_RETURN(auto engine, series::SeriesEngine::Open(disk, {directory, {}}));
  return std::make_unique<shard::SeriesShard>(stream, std::move(engine),
                                              shard::SeriesShard::Parts{*log, clock, *versions}, shard::SeriesLimits{});
}

Result<bool> NodeState::KeepUpSeriesReplicas() {
  std::optional<int64_t> horizon_ms;
  if (options.series_retention_ms > 0) horizon_ms = clock.WallMs() - options.series_retention_ms;
  bool worked = false;
  for (const auto& replica : replicas.SeriesShards()) {
    const Result<bool> more = replica->Upkeep(horizon_ms);
    if (!more.ok() && replicas.Isolate(replica->stream(), more.status())) continue;
    RETURN_IF_ERROR(more.status());
    worked |= *more;
  }
  return worked;
}

Status NodeState::OpenSeries(const StreamsEntry& entry) {
  shard::SeriesOptions series_options;
  series_options.retention_ms = options.series_retention_ms;
  series_options.series_max = options.series_max;
  auto opened = shard::SeriesShards::Open({disk, SeriesDirectory(), entry.first_stream, entry.shards},
                                          {*log, clock, *versions}, series_options);
  if (opened.ok()) {
    WriterLock lock(mutex);
    series = std::move(opened).value();
    return Status::Ok();
  }
  if (opened.status().code() != Code::kCorruption) return opened.status();
  NoteDamage("the metrics cannot be opened: " + std::string(opened.status().message()));
  WriterLock lock(mutex);
  series_damage = opened.status();
  return Status::Ok();
}

Result<std::shared_ptr<shard::SeriesShards>> NodeState::Series() const {
  ReaderLock lock(mutex);
  RETURN_IF_ERROR(series_damage);
  return series;
}

Result<std::shared_ptr<shard::SeriesShards>> NodeState::MakeSeries() {
  MutexLock creation(create_mutex);
  ASSIGN_OR_RETURN(auto present, Series());
  if (present != nullptr) return present;
  RETURN_IF_ERROR(WriteStatus());
  RETURN_IF_ERROR(Mark(Content::kMetrics));
  // Before the entry: from it on a shard's folder that is missing is damage.
  RETURN_IF_ERROR(shard::SeriesShards::Create(disk, SeriesDirectory(), options.series_shards));
  ASSIGN_OR_RETURN(const StreamsEntry entry, catalogue->AddSeries(options.series_shards, clock.WallMs()));
  RETURN_IF_ERROR(OpenSeries(entry));
  ASSIGN_OR_RETURN(auto made, Series());
  made->StartUpkeep([this] { return WriteStatus().ok(); });
  return made;
}

Status NodeState::OpenGraph(const Uuid& collection, const StreamsEntry& entry) {
  auto opened = shard::GraphShards::Open({*store, entry.first_stream, entry.shards}, *log, *versions);
  if (!opened.ok() && opened.status().code() != Code::kCorruption) return opened.status();
  if (!opened.ok()) NoteDamage("a knowledge graph cannot be opened: " + std::string(opened.status().message()));
  WriterLock lock(mutex);
  if (opened.ok()) {
    graphs[collection] = std::move(opened).value();
  } else {
    graph_damage[collection] = opened.status();
  }
  return Status::Ok();
}

Result<std::shared_ptr<shard::GraphShards>> NodeState::Graph(const std::string& collection) const {
  ASSIGN_OR_RETURN(const auto found, Find(collection));
  ReaderLock lock(mutex);
  if (const auto damaged = graph_damage.find(found->entry().id); damaged != graph_damage.end()) return damaged->second;
  const auto graph = graphs.find(found->entry().id);
  return graph == graphs.end() ? nullptr : graph->second;
}

Result<std::shared_ptr<shard::GraphShards>> NodeState::MakeGraph(const std::string& collection) {
  MutexLock creation(create_mutex);
  ASSIGN_OR_RETURN(auto present, Graph(collection));
  if (present != nullptr) return present;
  RETURN_IF_ERROR(WriteStatus());
  RETURN_IF_ERROR(Mark(Content::kGraphs));
  ASSIGN_OR_RETURN(const auto found, Find(collection));
  ASSIGN_OR_RETURN(const StreamsEntry entry, catalogue->AddGraph(collection, clock.WallMs()));
  RETURN_IF_ERROR(OpenGraph(found->entry().id, entry));
  return Graph(collection);
}

std::vector<std::shared_ptr<shard::GraphShards>> NodeState::Graphs() const {
  ReaderLock lock(mutex);
  std::vector<std::shared_ptr<shard::GraphShards>> all;
  for (const auto& [collection, graph] : graphs) all.push_back(graph);
  return all;
}

Result<uint32_t> NodeState::NodeNumber() {
  ASSIGN_OR_RETURN(const auto stored, store->Get(kv::Family::kMeta, kNodeKey));
  if (stored && stored->size() == sizeof(uint32_t)) return format::LoadFixed<uint32_t>(stored->data());
  const Uuid random = Uuid::Random();
  const uint32_t number = format::LoadFixed<uint32_t>(reinterpret_cast<const char*>(random.bytes.data())) | 1;
  std::string value;
  format::PutU32(value, number);
  kv::WriteBatch batch;
  batch.Put(kv::Family::kMeta, kNodeKey, value);
  RETURN_IF_ERROR(store->Write(batch));
  RETURN_IF_ERROR(store->Flush());
  return number;
}

std::string NodeState::ShardDirectory(const CatalogueEntry& entry, uint32_t partition) const {
  return options.data_dir + "/shards/" + entry.id.ToString() + "-" + std::to_string(partition);
}

std::string NodeState::ReplicaDirectory(uint32_t stream) const {
  return options.data_dir + "/shards/replica-" + std::to_string(stream);
}

Status NodeState::Mark(Content content) {
  const std::string path = options.data_dir + "/" + std::string(kFormatFile);
  ASSIGN_OR_RETURN(const std::string text, io::ReadWholeFile(disk, path));
  const int wanted = static_cast<int>(content);
  return FormatOf(text) >= wanted ? Status::Ok() : io::WriteFileAtomically(disk, path, FormatText(wanted));
}

Status NodeState::RemoveOrphans() {
  std::set<std::string> wanted;
  std::set<uint32_t> streams;
  for (const ReplicaEntry& entry : catalogue->Replicas()) {
    wanted.insert(ReplicaDirectory(entry.stream));
    streams.insert(entry.stream);
  }
  for (const CatalogueEntry& entry : catalogue->List()) {
    for (uint32_t p = 0; p < entry.spec.shards; ++p) {
      wanted.insert(ShardDirectory(entry, p));
      streams.insert(entry.first_shard + p);
    }
  }
  std::set<uint32_t> graph_streams;
  for (const auto& [collection, entry] : catalogue->Graphs()) {
    for (uint32_t i = 0; i < entry.shards; ++i) graph_streams.insert(entry.first_stream + i);
  }
  // They take room and do no harm: on a disk that is full they stay for another time.
  Status rows = vector::VectorEngine::DropRowsExcept(*store, streams);
  if (rows.ok()) rows = graph::GraphEngine::DropRowsExcept(*store, graph_streams);
  if (!rows.ok()) spdlog::warn("rows of what was dropped are left in the database: {}", rows.ToString());
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(options.data_dir + "/shards"));
  for (const std::string& name : names) {
    const std::string path = options.data_dir + "/shards/" + name;
    if (!wanted.contains(path)) RETURN_IF_ERROR(io::RemoveTree(disk, path));
  }
  return Status::Ok();
}

Result<std::unique_ptr<shard::Shard>> NodeState::OpenShard(uint32_t stream, const std::string& directory,
                                                           const CollectionSpec& spec) {
  RETURN_IF_ERROR(io::CreateDirectories(disk, directory));
  ASSIGN_OR_RETURN(auto engine, vector::VectorEngine::Open(
                                    disk, *store, {stream, directory, spec.dimension, spec.metric, spec.language}));
  return std::make_unique<shard::Shard>(stream, std::move(engine), *log, *versions);
}

Result<Partition> NodeState::OpenPartition(const CatalogueEntry& entry, uint32_t partition) {
  const uint32_t number = entry.first_shard + partition;
  auto shard = OpenShard(number, ShardDirectory(entry, partition), entry.spec);
  Partition opened{number, nullptr, Status::Ok()};
  if (shard.ok()) {
    opened.shard = std::move(shard).value();
    return opened;
  }
  if (shard.status().code() != Code::kCorruption && shard.status().code() != Code::kNotFound) return shard.status();
  opened.damage = Status::Corruption("shard " + std::to_string(opened.number) + " of collection " + entry.spec.name +
                                     " cannot be opened: " + std::string(shard.status().message()));
  NoteDamage(std::string(opened.damage.message()));
  return opened;
}

Result<std::shared_ptr<Collection>> NodeState::OpenCollection(const CatalogueEntry& entry) {
  std::vector<Partition> partitions;
  for (uint32_t p = 0; p < entry.spec.shards; ++p) {
    ASSIGN_OR_RETURN(Partition partition, OpenPartition(entry, p));
    partitions.push_back(std::move(partition));
  }
  auto collection = std::make_shared<Collection>(entry, std::move(partitions));
  WriterLock lock(mutex);
  collections[entry.spec.name] = collection;
  return collection;
}

void NodeState::CheckLogReaches(wal::Lsn reached, const std::string& reader) {
  if (reached <= log->durable_lsn()) return;
  NoteLogDamage("the log ends at LSN " + std::to_string(log->durable_lsn()) + ", but " + reader + " had applied LSN " +
                std::to_string(reached) + ": records are missing at its end");
}

Status NodeState::ReplayLog() {
  std::map<uint32_t, std::shared_ptr<shard::Shard>> shards;
  wal::Lsn from = log->durable_lsn() + 1;
  for (const auto& shard : OpenShards()) {
    shards[shard->number()] = shard;
    from = std::min(from, shard->engine().checkpoint_lsn() + 1);
    CheckLogReaches(shard->engine().database_lsn(), "shard " + std::to_string(shard->number()));
  }
  std::shared_ptr<shard::SeriesShards> metrics;
  {
    ReaderLock lock(mutex);
    metrics = series;
  }
  for (size_t i = 0; metrics != nullptr && i < metrics->size(); ++i) {
    const wal::Lsn reached = metrics->at(i).engine().checkpoint_lsn();
    from = std::min(from, reached + 1);
    CheckLogReaches(reached, "shard " + std::to_string(i) + " of the metrics");
  }
  std::map<uint32_t, std::shared_ptr<shard::SeriesShard>> series_replicas;
  for (const auto& replica : replicas.SeriesShards()) {
    series_replicas[replica->stream()] = replica;
    const wal::Lsn reached = replica->engine().checkpoint_lsn();
    from = std::min(from, reached + 1);
    CheckLogReaches(reached, "a replica of series");
  }
  std::map<uint32_t, shard::GraphShard*> graph_shards;
  for (const auto& graph : Graphs()) {
    for (uint32_t i = 0; i < graph->size(); ++i) {
      shard::GraphShard& part = graph->at(i);
      graph_shards[part.stream()] = &part;
      from = std::min(from, part.engine().checkpoint_lsn() + 1);
      CheckLogReaches(part.engine().applied_lsn(), "a shard of a knowledge graph");
    }
  }
  // Rows behind a checkpoint may name label sets that a record before it holds.
  if (metrics != nullptr) from = 0;
  // A shard that was idle for long needs nothing of what has been cut off since.
  from = std::max(from, log->stats().first_lsn);
  const Status status = log->Read(from, [&](const wal::LogRecord& record) {
    if (const auto replica = series_replicas.find(record.stream); replica != series_replicas.end()) {
      const Status replayed = replica->second->Replay(record);
      if (replayed.ok() || !replicas.Isolate(record.stream, replayed)) return replayed;
      series_replicas.erase(replica);
      return Status::Ok();
    }
    const auto shard = shards.find(record.stream);
    if (const auto part = graph_shards.find(record.stream); part != graph_shards.end()) {
      return part->second->Replay(record);
    }
    if (shard == shards.end()) {
      shard::SeriesShard* const samples = metrics == nullptr ? nullptr : metrics->FindStream(record.stream);
      return samples == nullptr ? Status::Ok() : samples->Replay(record);
    }
    const Status replayed = shard->second->Replay(record);
    if (replayed.ok() || !replicas.Isolate(record.stream, replayed)) return replayed;
    shards.erase(shard);
    return Status::Ok();
  });
  if (status.code() != Code::kCorruption) return status;
  NoteLogDamage("replay of the log ended early: " + std::string(status.message()));
  return Status::Ok();
}

void NodeState::NoteLogDamage(const std::string& what) {
  NoteDamage(what);
  replicas.CondemnAll("acknowledged writes may be missing: " + what);
}

void NodeState::NoteDamage(const std::string& what) {
  spdlog::error("{}", what);
  WriterLock lock(mutex);
  damage += (damage.empty() ? "" : "\n") + what;
}

std::string NodeState::ReadOnlyReason() const {
  {
    ReaderLock lock(mutex);
    if (!damage.empty()) return damage;
  }
  if (const Status status = log->write_status(); !status.ok()) return status.ToString();
  for (const auto& collection : Collections()) {
    for (const Partition& partition : collection->partitions()) {
      const Status status = partition.shard == nullptr ? Status::Ok() : partition.shard->write_status();
      if (!status.ok() && status.code() != Code::kNotFound)
        return "shard " + std::to_string(partition.number) + ": " + status.ToString();
    }
  }
  for (const auto& graph : Graphs()) {
    const Status status = graph->write_status();
    if (!status.ok() && status.code() != Code::kNotFound) return "knowledge graph: " + status.ToString();
  }
  ReaderLock lock(mutex);
  const Status metrics = series == nullptr ? Status::Ok() : series->write_status();
  return metrics.ok() ? "" : "metrics: " + metrics.ToString();
}

Status NodeState::WriteStatus() const {
  {
    ReaderLock lock(mutex);
    if (!damage.empty()) return Status::ReadOnly("this node only reads: " + damage);
  }
  return log->write_status();
}

Status NodeState::DropCollection(const std::string& name) {
  ASSIGN_OR_RETURN(const auto collection, Find(name));
  std::shared_ptr<shard::GraphShards> graph;
  {
    MutexLock creation(create_mutex);  // a graph that is being made goes too
    MutexLock checkpoint_lock(checkpoint_mutex);
    ASSIGN_OR_RETURN(graph, Graph(name));
    if (graph != nullptr) graph->Stop(Status::NotFound("there is no collection " + name));
    for (Partition& partition : collection->partitions()) {
      if (partition.shard != nullptr) partition.shard->Stop(Status::NotFound("there is no collection " + name));
    }
    RETURN_IF_ERROR(catalogue->Remove(name));
    WriterLock lock(mutex);
    collections.erase(name);
    graphs.erase(collection->entry().id);
  }
  for (uint32_t i = 0; graph != nullptr && i < graph->size(); ++i) {
    const Status rows = graph::GraphEngine::DropRows(*store, graph->at(i).stream(), {});
    if (!rows.ok()) spdlog::warn("what was dropped is removed at the next start: {}", rows.ToString());
  }
  for (uint32_t p = 0; p < collection->entry().spec.shards; ++p) {
    RemoveRest(collection->partitions()[p].number, ShardDirectory(collection->entry(), p), {});
  }
  return Status::Ok();
}

void NodeState::RemoveRest(uint32_t stream, const std::string& directory, std::chrono::milliseconds pause) {
  Status status = vector::VectorEngine::DropRows(*store, stream, pause);
  if (status.ok()) status = io::RemoveTree(disk, directory);
  if (!status.ok()) spdlog::warn("what was dropped is removed at the next start: {}", status.ToString());
}

Result<std::shared_ptr<Collection>> NodeState::Find(const std::string& name) const {
  ReaderLock lock(mutex);
  const auto it = collections.find(name);
  if (it == collections.end()) return Status::NotFound("there is no collection " + name);
  return it->second;
}

std::vector<std::shared_ptr<Collection>> NodeState::Collections() const {
  ReaderLock lock(mutex);
  std::vector<std::shared_ptr<Collection>> all;
  for (const auto& [name, collection] : collections) all.push_back(collection);
  return all;
}

std::vector<std::shared_ptr<shard::Shard>> NodeState::OpenShards() const {
  std::vector<std::shared_ptr<shard::Shard>> shards = replicas.Shards();
  for (const auto& collection : Collections()) {
    for (const Partition& partition : collection->partitions()) {
      if (partition.shard != nullptr) shards.emplace_back(collection, partition.shard.get());
    }
  }
  return shards;
}

shard::SinceCheckpoint NodeState::Unwritten() const {
  shard::SinceCheckpoint since;
  since.log_bytes = log->stats().payload_bytes - checkpointed_bytes;
  // What a dropped replica had is in none of the sums any more.
  const auto above = [](uint64_t now, uint64_t then) { return now > then ? now - then : 0; };
  const SampleBytes samples = MeasureSamples();
  since.sample_log_bytes = above(samples.logged, checkpointed_sample_bytes);
  since.sample_memory_bytes = above(samples.memory, sample_memory_least);
  return since;
}

NodeState::SampleBytes NodeState::MeasureSamples() const {
  SampleBytes bytes;
  const auto metrics = Series();
  if (metrics.ok() && *metrics != nullptr) bytes = {(*metrics)->logged_bytes(), (*metrics)->sample_bytes()};
  for (const auto& replica : replicas.SeriesShards()) {
    bytes.logged += replica->logged_bytes();
    bytes.memory += replica->engine().counts().sample_bytes;
  }
  return bytes;
}

Status NodeState::Checkpoint() {
  MutexLock lock(checkpoint_mutex);
  const uint64_t bytes = log->stats().payload_bytes;
  wal::Lsn unneeded = log->durable_lsn();
  for (const auto& collection : Collections()) {
    for (const Partition& partition : collection->partitions()) {
      if (partition.shard == nullptr) return Status::ReadOnly("a damaged shard still needs the log");
    }
  }
  for (const auto& shard : OpenShards()) {
    // One that refuses writes keeps its last snapshot, and the log from there on.
    const bool writable = shard->write_status().ok();
    if (writable && shard->dirty()) {
      const Status status = shard->engine().Checkpoint();
      if (!status.ok() && replicas.Isolate(shard->number(), status)) continue;  // it will be copied anew
      RETURN_IF_ERROR(status);
    }
    unneeded = std::min(unneeded, shard->UnneededLsn());
  }
  {
    ReaderLock reader(mutex);
    if (!graph_damage.empty()) return Status::ReadOnly("a damaged knowledge graph still needs the log");
  }
  for (const auto& graph : Graphs()) {
    RETURN_IF_ERROR(graph->Checkpoint());
    unneeded = std::min(unneeded, graph->UnneededLsn());
  }
  auto metrics = Series();
  if (!metrics.ok()) return Status::ReadOnly("damaged metrics still need the log");
  const uint64_t sample_bytes = MeasureSamples().logged;
  if (*metrics != nullptr) {
    RETURN_IF_ERROR((*metrics)->Checkpoint());
    unneeded = std::min(unneeded, (*metrics)->UnneededLsn());
  }
  for (const auto& replica : replicas.SeriesShards()) {
    if (replica->write_status().ok() && replica->dirty()) {
      const Status status = replica->Checkpoint();
      if (!status.ok() && replicas.Isolate(replica->stream(), status)) continue;  // it will be copied anew
      RETURN_IF_ERROR(status);
    }
    unneeded = std::min(unneeded, replica->UnneededLsn());
  }
  sample_memory_least = MeasureSamples().memory;
  checkpointed_bytes = bytes;
  checkpointed_sample_bytes = sample_bytes;
  ++checkpoints;
  return log->TruncateBefore(unneeded + 1);
}

Status NodeState::Compact(shard::Shard& shard) {
  MutexLock lock(checkpoint_mutex);  // a dropped shard's files must not come back
  if (!shard.write_status().ok() || !WriteStatus().ok()) return Status::Ok();
  ++compactions;
  const Status status = shard.engine().Compact();
  return replicas.Isolate(shard.number(), status) ? Status::Ok() : status;
}

ShardInfo InfoOf(const shard::Shard& shard) {
  const vector::VectorEngine& engine = shard.engine();
  const Status status = shard.write_status();
  ShardInfo info;
  info.state = status.ok() ? "active" : "read_only";
  info.detail = status.ok() ? "" : status.ToString();
  info.points = engine.points();
  info.documents = engine.documents();
  info.slots = engine.slots();
  info.pending_index = engine.pending_index();
  info.applied_lsn = engine.applied_lsn();
  info.checkpoint_lsn = engine.checkpoint_lsn();
  return info;
}

ShardInfo InfoOf(const shard::SeriesShard& shard) {
  const Status status = shard.write_status();
  ShardInfo info;
  info.state = status.ok() ? "active" : "read_only";
  info.detail = status.ok() ? "" : status.ToString();
  info.applied_lsn = shard.engine().applied_lsn();
  info.checkpoint_lsn = shard.engine().checkpoint_lsn();
  return info;
}

std::map<std::string, double> NodeState::Stats() const {
  const wal::LogStats wal = log->stats();
  std::map<std::string, double> stats;
  stats["wal_records_total"] = static_cast<double>(wal.records);
  stats["wal_payload_bytes_total"] = static_cast<double>(wal.payload_bytes);
  stats["wal_syncs_total"] = static_cast<double>(wal.groups);
  stats["wal_sync_seconds_total"] = static_cast<double>(wal.sync_ns_total) / 1e9;
  stats["wal_sync_seconds_max"] = static_cast<double>(wal.sync_ns_max) / 1e9;
  stats["wal_bytes_on_disk"] = static_cast<double>(wal.bytes_on_disk);
  stats["wal_durable_lsn"] = static_cast<double>(wal.durable_lsn);
  stats["checkpoints_total"] = static_cast<double>(checkpoints.load());
  stats["compactions_total"] = static_cast<double>(compactions.load());
  double points = 0, documents = 0, pending = 0;
  for (const auto& shard : OpenShards()) {
    points += static_cast<double>(shard->engine().points());
    documents += static_cast<double>(shard->engine().documents());
    pending += static_cast<double>(shard->engine().pending_index());
  }
  graph::Counts knowledge;
  for (const auto& graph : Graphs()) {
    const graph::Counts one = graph->counts();
    knowledge.documents += one.documents;
    knowledge.facts += one.facts;
  }
  stats["graph_documents"] = static_cast<double>(knowledge.documents);
  stats["graph_facts"] = static_cast<double>(knowledge.facts);
  stats["collections"] = static_cast<double>(Collections().size());
  stats["points"] = points;
  stats["documents"] = documents;
  stats["index_pending_vectors"] = pending;
  double series_count = 0, block_bytes = 0, block_samples = 0;
  const auto add = [&](const series::EngineCounts& counts) {
    series_count += static_cast<double>(counts.series);
    block_bytes += static_cast<double>(counts.block_bytes);
    block_samples += static_cast<double>(counts.block_samples);
  };
  const auto metrics = Series();
  for (size_t i = 0; metrics.ok() && *metrics != nullptr && i < (*metrics)->size(); ++i) {
    add((*metrics)->at(i).engine().counts());
  }
  for (const auto& replica : replicas.SeriesShards()) add(replica->engine().counts());
  stats["metrics_series"] = series_count;
  stats["metrics_block_bytes"] = block_bytes;
  stats["metrics_block_samples"] = block_samples;
  return stats;
}

}  // namespace rhizome::cluster
