// Service: the communities of a server's memories: found in the background, kept on disk, shown, searched.
//
//   something was written to a graph → after a while without more (settle_ms, or wait_max_ms in all) → read, divided
//   and summarised anew by one thread that lets others first (communities/build.h) → one file, written whole
//   (communities/book.h) → what is shown from then on
//
// The file is derived from the graph: one that is missing, damaged or of a collection that is gone is made anew or
// removed. A crash at any point leaves the old book or the new one. What is shown is read from the memory at that
// moment (communities/view.h): a document's text is shown from its deletion on no more, and the next book, a moment
// later, names neither it nor what only it spoke of.
//
// It runs on a server alone, as knowledge graphs do; in a cluster the elected leader will be who builds.
//
// Thread-safe. What it is given outlives it. The destructor ends a build under way, at a point where nothing is lost.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "cluster/node.h"
#include "communities/build.h"
#include "communities/global.h"
#include "io/disk.h"

namespace rhizome::communities {

struct ServiceParts {
  cluster::Node& node;
  io::Disk& disk;
  Clock& clock;
  MetricRegistry& metrics;
};

struct ServiceOptions {
  std::string data_dir;
  leiden::HierarchyOptions hierarchy = {};
  EmbedTexts embed = nullptr;
  bool scheduled = true;          // false: only when asked to
  int64_t tick_ms = 1'000;        // how often it is looked whether something is due
  int64_t settle_ms = 5'000;      // without writes
  int64_t wait_max_ms = 120'000;  // since the first write that no book knows
  int64_t retry_ms = 60'000;      // after a failure
  uint32_t rest_factor = 9;       // builds rest so many times as long as the last one took, asked ones excepted
};

// How far a memory's communities are.
struct BuildState {
  bool requested = false;  // and not begun
  bool running = false;
  Progress::Phase phase = Progress::Phase::kNone;
  uint64_t done = 0;
  uint64_t total = 0;
  std::optional<int64_t> built_ms;  // of the book there is
  bool current = false;             // that book knows all that was written
  uint64_t builds = 0;              // since the start
  BuildFigures last;
  double last_s = 0;
  std::string error;  // of the last build; "": it went well
};

struct ListQuery {
  std::string collection;
  std::optional<uint32_t> level = std::nullopt;      // without: 0, or all levels of `entity`
  std::optional<std::string> entity = std::nullopt;  // normalised: the communities it is in
  std::optional<std::string> parent = std::nullopt;  // id: what it is divided into
  std::string after = {};
  uint32_t limit = 20;
  uint32_t members_max = 10;
};

struct ListPage {
  std::vector<CommunityView> communities;  // largest first
  std::string next;                        // "": the end. A page may be short, even empty, and not be the last
  uint64_t communities_in_all = 0;         // of the level
  uint32_t levels = 0;
  uint64_t entities = 0;
  int64_t built_ms = 0;
};

struct GlobalQuestion {
  std::string collection;
  std::string text;
  uint32_t limit = 5;
  uint32_t members_max = 10;
};

struct GlobalHit {
  CommunityView community;  // with its title, summary and citations as they are now
  double score = 0;         // 0 to 1: communities/global.h
  double words = 0;
  double meaning = 0;
};

class Service {
 public:
  // Reads what was kept. Errors: those of the disk; a damaged file is none.
  static Result<std::unique_ptr<Service>> Open(const ServiceParts& parts, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // All of these: NotFound where there is no such collection, FailedPrecondition where it has no graph.
  //
  // Asks for a build as soon as may be, whether something changed or not; `afresh`: not from the book before.
  Result<BuildState> Request(const std::string& collection, bool afresh) EXCLUDES(mutex_);
  Result<BuildState> State(const std::string& collection) EXCLUDES(mutex_);
  // The book there is; null before the first one.
  Result<std::shared_ptr<const Book>> FindBook(const std::string& collection) EXCLUDES(mutex_);
  // What to read a collection's views from.
  Result<Source> SourceOf(const std::string& collection);
  // Unavailable before the first build. NotFound: `entity` or `parent` is in no community. InvalidArgument: "after" is
  // not what a page of this book gave, "level" is not there.
  Result<ListPage> List(const ListQuery& query) EXCLUDES(mutex_);
  // The communities whose title and summary speak most of what is asked, best first: what a question about a memory as
  // a whole is answered from. Empty where none does. Unavailable before the first build.
  Result<std::vector<GlobalHit>> BestFor(const GlobalQuestion& question) EXCLUDES(mutex_);

 private:
  struct Memory {
    std::shared_ptr<const Book> book;
    std::shared_ptr<const GlobalIndex> index;
    bool index_whole = false;  // with all the vectors that can be had
    bool requested = false;
    bool afresh = false;
    bool running = false;
    std::shared_ptr<Progress> progress = std::make_shared<Progress>();
    uint64_t seen_mark = 0;
    std::optional<int64_t> changed_ns;  // since when the book is behind
    int64_t last_change_ns = 0;
    int64_t not_before_ns = 0;  // for builds nobody asked for
    uint64_t builds = 0;
    BuildFigures last;
    double last_s = 0;
    std::string error;
  };
  struct Found {
    Uuid id;
    Source source;
  };

  Service(const ServiceParts& parts, ServiceOptions options);
  Status ReadBooks();
  std::string PathOf(const Uuid& id) const { return folder_ + "/" + id.ToString(); }
  Result<Found> FindCollection(const std::string& collection);
  BuildState StateOf(const Memory& memory, const Source& source) const REQUIRES(mutex_);
  void Run() EXCLUDES(mutex_);
  void Tick() EXCLUDES(mutex_);
  bool IsDue(Memory& memory, uint64_t mark, int64_t now_ns) const REQUIRES(mutex_);
  void Build(const Found& found) EXCLUDES(mutex_);
  Result<Book> BuildAndKeep(const Found& found, const Book* before, Progress& progress, BuildFigures& figures);
  void Forget(const std::vector<Uuid>& known, const std::map<Uuid, Found>& there) EXCLUDES(mutex_);
  void MakeIndexIfMissing(const Found& found) EXCLUDES(mutex_);
  bool stopping() EXCLUDES(mutex_);
  Result<std::shared_ptr<const GlobalIndex>> IndexOf(const Found& found, const std::shared_ptr<const Book>& book)
      EXCLUDES(mutex_);

  // Constant after construction.
  const ServiceParts parts_;
  const ServiceOptions options_;
  const std::string folder_;
  Counter builds_, failures_;
  Histogram build_seconds_;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool woken_ GUARDED_BY(mutex_) = false;
  std::map<Uuid, Memory> memories_ GUARDED_BY(mutex_);
  Mutex index_mutex_;   // one index is made at a time
  std::thread thread_;  // last, so that all else is there before it begins
};

}  // namespace rhizome::communities
