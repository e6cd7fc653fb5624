#include "communities/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/courtesy.h"

namespace rhizome::communities {

Service::Service(const ServiceParts& parts, ServiceOptions options)
    : parts_(parts),
      options_(std::move(options)),
      folder_(options_.data_dir + "/communities"),
      builds_(parts.metrics.GetCounter("rhizome_communities_builds_total", "Times a memory's communities were found.")),
      failures_(parts.metrics.GetCounter("rhizome_communities_failures_total", "Times that failed.")),
      build_seconds_(parts.metrics.GetHistogram("rhizome_communities_build_seconds",
                                                "How long finding a memory's communities took.", LatencyBounds())) {}

Result<std::unique_ptr<Service>> Service::Open(const ServiceParts& parts, ServiceOptions options) {
  std::unique_ptr<Service> service(new Service(parts, std::move(options)));
  RETURN_IF_ERROR(service->ReadBooks());
  service->thread_ = std::thread([raw = service.get()] { raw->Run(); });
  return service;
}

Service::~Service() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

bool Service::stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

Status Service::ReadBooks() {
  ASSIGN_OR_RETURN(const bool exists, parts_.disk.Exists(folder_));
  if (!exists) return Status::Ok();
  ASSIGN_OR_RETURN(const auto names, parts_.disk.List(folder_));
  MutexLock lock(mutex_);
  for (const std::string& name : names) {
    const auto id = Uuid::Parse(name);
    if (!id) continue;
    ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(parts_.disk, PathOf(*id)));
    auto book = DecodeBook(bytes);
    Memory& memory = memories_[*id];
    if (book.ok() && book->collection == *id) {
      memory.book = std::make_shared<const Book>(std::move(book).value());
    } else {
      spdlog::warn("the communities in {} are damaged and will be found anew: {}", PathOf(*id),
                   book.status().ToString());
    }
  }
  return Status::Ok();
}

Result<Service::Found> Service::FindCollection(const std::string& collection) {
  ASSIGN_OR_RETURN(const auto info, parts_.node.GetCollection(collection));
  ASSIGN_OR_RETURN(auto graph, parts_.node.Graph(collection));
  if (graph == nullptr) {
    return Status::FailedPrecondition("collection " + collection +
                                      " has no knowledge graph: make it with \"graph\": true");
  }
  return Found{info.id, Source{parts_.node, collection, std::move(graph)}};
}

Result<Source> Service::SourceOf(const std::string& collection) {
  ASSIGN_OR_RETURN(Found found, FindCollection(collection));
  return std::move(found.source);
}

BuildState Service::StateOf(const Memory& memory, const Source& source) const {
  BuildState state;
  state.requested = memory.requested;
  state.running = memory.running;
  state.phase = memory.running ? memory.progress->phase.load() : Progress::Phase::kNone;
  state.done = memory.progress->done;
  state.total = memory.progress->total;
  if (memory.book != nullptr) {
    state.built_ms = memory.book->built_ms;
    state.current = memory.book->graph_mark == MarkOf(*source.graph);
  }
  state.builds = memory.builds;
  state.last = memory.last;
  state.last_s = memory.last_s;
  state.error = memory.error;
  return state;
}

Result<BuildState> Service::Request(const std::string& collection, bool afresh) {
  ASSIGN_OR_RETURN(const Found found, FindCollection(collection));
  MutexLock lock(mutex_);
  Memory& memory = memories_[found.id];
  memory.requested = true;
  memory.afresh = memory.afresh || afresh;
  woken_ = true;
  wake_.NotifyAll();
  return StateOf(memory, found.source);
}

Result<BuildState> Service::State(const std::string& collection) {
  ASSIGN_OR_RETURN(const Found found, FindCollection(collection));
  MutexLock lock(mutex_);
  return StateOf(memories_[found.id], found.source);
}

Result<std::shared_ptr<const Book>> Service::FindBook(const std::string& collection) {
  ASSIGN_OR_RETURN(const Found found, FindCollection(collection));
  MutexLock lock(mutex_);
  return memories_[found.id].book;
}

void Service::Run() {
  LetOthersFirst();
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!stopping_ && !woken_) (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(options_.tick_ms));
      woken_ = false;
      if (stopping_) return;
    }
    Tick();
  }
}

void Service::Tick() {
  std::vector<Uuid> known;  // before it is seen which are there, so that none is new
  {
    MutexLock lock(mutex_);
    for (const auto& [id, memory] : memories_) known.push_back(id);
  }
  const auto collections = parts_.node.ListCollections();
  if (!collections.ok()) return;
  std::map<Uuid, Found> there;
  for (const cluster::CollectionInfo& info : *collections) {
    auto graph = parts_.node.Graph(info.spec.name);
    if (graph.ok() && *graph != nullptr) {
      there.emplace(info.id, Found{info.id, Source{parts_.node, info.spec.name, *std::move(graph)}});
    }
  }
  Forget(known, there);
  for (const auto& [id, found] : there) {
    bool due = false;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      due = IsDue(memories_[id], MarkOf(*found.source.graph), parts_.clock.MonotonicNs());
    }
    if (due) Build(found);
    MakeIndexIfMissing(found);
  }
}

bool Service::IsDue(Memory& memory, uint64_t mark, int64_t now_ns) const {
  constexpr int64_t kNsPerMs = 1'000'000;
  if (memory.requested) return true;
  if (memory.book != nullptr && memory.book->graph_mark == mark) {
    memory.changed_ns.reset();
    return false;
  }
  if (!memory.changed_ns) memory.changed_ns = now_ns;
  if (memory.seen_mark != mark) {
    memory.seen_mark = mark;
    memory.last_change_ns = now_ns;
  }
  const bool settled = now_ns - memory.last_change_ns >= options_.settle_ms * kNsPerMs;
  const bool waited = now_ns - *memory.changed_ns >= options_.wait_max_ms * kNsPerMs;
  return options_.scheduled && (settled || waited) && now_ns >= memory.not_before_ns;
}

void Service::Build(const Found& found) {
  std::shared_ptr<const Book> before;
  std::shared_ptr<const GlobalIndex> index_before;
  std::shared_ptr<Progress> progress;
  {
    MutexLock lock(mutex_);
    Memory& memory = memories_[found.id];
    if (!memory.afresh) before = memory.book;
    index_before = memory.index;
    memory.requested = memory.afresh = false;
    memory.running = true;
    progress = memory.progress;
  }
  const int64_t begin_ns = parts_.clock.MonotonicNs();
  BuildFigures figures;
  auto built = BuildAndKeep(found, before.get(), *progress, figures);
  std::shared_ptr<const GlobalIndex> index;
  if (built.ok()) {
    auto made =
        GlobalIndex::Make(found.source, *built, options_.embed, index_before.get(), [this] { return stopping(); });
    // Without it a question makes it.
    if (made.ok()) index = std::make_shared<const GlobalIndex>(std::move(made).value());
  }
  const int64_t took_ns = parts_.clock.MonotonicNs() - begin_ns;
  const Status status = built.status();
  if (status.ok()) {
    builds_.Add();
    build_seconds_.Observe(static_cast<double>(took_ns) / 1e9);
  } else if (status.code() != Code::kCancelled) {
    failures_.Add();
    spdlog::warn("the communities of {} could not be found: {}", found.source.collection, status.ToString());
  }
  MutexLock lock(mutex_);
  Memory& memory = memories_[found.id];
  memory.running = false;
  memory.error = status.ok() ? "" : status.ToString();
  if (!status.ok()) {
    memory.not_before_ns = begin_ns + took_ns + options_.retry_ms * 1'000'000;
    return;
  }
  memory.book = std::make_shared<const Book>(std::move(built).value());
  memory.index = std::move(index);
  memory.index_whole = memory.index != nullptr;
  memory.not_before_ns = begin_ns + took_ns + took_ns * options_.rest_factor;
  ++memory.builds;
  memory.last = figures;
  memory.last_s = static_cast<double>(took_ns) / 1e9;
}

Result<Book> Service::BuildAndKeep(const Found& found, const Book* before, Progress& progress, BuildFigures& figures) {
  BuildOptions options;
  options.hierarchy = options_.hierarchy;
  options.cancelled = [this] { return stopping(); };
  ASSIGN_OR_RETURN(Book book, BuildBook(found.source, before, options, progress, figures));
  book.collection = found.id;
  book.built_ms = parts_.clock.WallMs();
  progress.phase = Progress::Phase::kWriting;
  const Status made = parts_.disk.CreateDirectory(folder_);
  if (made.code() != Code::kAlreadyExists) {
    RETURN_IF_ERROR(made);
    RETURN_IF_ERROR(parts_.disk.SyncDirectory(options_.data_dir));
  }
  RETURN_IF_ERROR(io::WriteFileAtomically(parts_.disk, PathOf(found.id), EncodeBook(book)));
  return book;
}

// After a restart, with vectors, so that no question has to wait for them.
void Service::MakeIndexIfMissing(const Found& found) {
  std::shared_ptr<const Book> book;
  {
    MutexLock lock(mutex_);
    const Memory& memory = memories_[found.id];
    if (memory.book == nullptr || (memory.index != nullptr && (memory.index->has_vectors() || memory.index_whole)))
      return;
    book = memory.book;
  }
  auto made = GlobalIndex::Make(found.source, *book, options_.embed, nullptr, [this] { return stopping(); });
  MutexLock lock(mutex_);
  Memory& memory = memories_[found.id];
  memory.index_whole = true;  // what failed now is for the next build
  if (made.ok()) memory.index = std::make_shared<const GlobalIndex>(std::move(made).value());
}

// What belongs to collections that are gone.
void Service::Forget(const std::vector<Uuid>& known, const std::map<Uuid, Found>& there) {
  for (const Uuid& id : known) {
    if (there.contains(id)) continue;
    const Status removed = parts_.disk.Remove(PathOf(id));
    if (!removed.ok() && removed.code() != Code::kNotFound) continue;  // with the next round
    if (removed.ok()) (void)parts_.disk.SyncDirectory(folder_);        // a file that comes back goes with a later start
    MutexLock lock(mutex_);
    memories_.erase(id);
  }
}

}  // namespace rhizome::communities
