// TaskBook: what became of every task, for a while: read by id, waited for, watched.
//
// It reads the topic of task events in a group of its own and keeps what they add up to in a database of its own
// (kv/store.h) in one folder. The group's offset is committed only after the database is flushed, and merging an event
// twice changes nothing: so after a crash it says what it would have said. Several books (one per gateway) read the
// same topic, each in a group with a name of its own.
//
// Tasks that are done or dead-lettered are forgotten some time after their last change, or when there are too many;
// tasks under way never. Thread-safe, but Step and Stop belong to one thread.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kv/store.h"
#include "queue/queue.h"
#include "workers/settings.h"
#include "workers/task_events.h"

namespace rhizome::workers {

struct TaskBookOptions {
  std::string name = "book";  // of its group, after the prefix
  int64_t keep_ms = 24LL * 3'600'000;
  uint64_t finished_max = 1'000'000;
  uint64_t cached_max = 100'000;  // tasks in memory
  int64_t flush_every_ms = 5'000;
  rocksdb::Env* env = nullptr;  // as in kv::StoreOptions
  Clock* clock = &SystemClock();
};

struct TaskQuery {
  std::optional<TaskState> state;  // none: of any
  std::string after;               // an id, exclusive
  uint32_t limit = 100;
};
struct TaskPage {
  std::vector<Task> tasks;  // by id
  std::string next;         // pass as `after`; "": the end
};

class TaskBook {
 public:
  using Watcher = std::function<void(const Task&)>;

  // Opens the database at `path`, or makes it; topics exist (EnsureTopics). The queue outlives the book.
  static Result<std::unique_ptr<TaskBook>> Open(queue::Queue& queue, const PipelineSettings& settings,
                                                const std::string& path, const TaskBookOptions& options = {});
  ~TaskBook();
  TaskBook(const TaskBook&) = delete;
  TaskBook& operator=(const TaskBook&) = delete;

  // A thread of its own that takes in events; without it, whoever calls Step.
  void Start();
  void Stop();
  // Takes in what is there, waiting up to `wait_ms` for the first; how many events. Commits when it is time.
  Result<size_t> Step(int64_t wait_ms);
  // Makes what was taken in durable and commits it.
  Status Flush();

  // NotFound: never heard of, or forgotten.
  Result<Task> Get(const std::string& id) EXCLUDES(mutex_);
  // A page looks at a bounded number of tasks, so it may be empty and not the last one.
  Result<TaskPage> List(const TaskQuery& query) EXCLUDES(mutex_);
  // Returns once the task is no longer as it was at `changed_ms` (0: once it is known), or with DeadlineExceeded.
  Result<Task> AwaitChange(const std::string& id, int64_t changed_ms, int64_t wait_ms) EXCLUDES(mutex_);
  // `watcher` is called, on the thread that takes in events, with each task that changes: of `id`, or of all when it is
  // empty. It must not call the book. After Unwatch has returned it is not called any more.
  uint64_t Watch(const std::string& id, Watcher watcher) EXCLUDES(watch_mutex_);
  void Unwatch(uint64_t number) EXCLUDES(watch_mutex_);
  // Merges events before they come back through the queue: what a process has just published is seen at once.
  void Note(std::span<const TaskEvent> events) EXCLUDES(mutex_);

  struct Counts {
    uint64_t finished = 0;  // kept in the database
    uint64_t cached = 0;
    uint64_t events = 0;  // taken in since Open
  };
  Counts counts() EXCLUDES(mutex_);
  // Why Step failed last; OK when it did not.
  Status health() EXCLUDES(mutex_);

 private:
  struct Cached {
    Task task;
    std::list<std::string>::iterator place;  // in order_
  };
  explicit TaskBook(const TaskBookOptions& options) : options_(options) {}

  Status Load();
  Result<Cached*> Find(const std::string& id, bool make) REQUIRES(mutex_);
  Status Take(std::span<const TaskEvent> events, std::vector<Task>& changed) EXCLUDES(mutex_);
  void Tell(const std::vector<Task>& changed) EXCLUDES(watch_mutex_);
  Status WriteDirty() REQUIRES(mutex_);
  void Evict() REQUIRES(mutex_);
  Status ForgetOld() REQUIRES(mutex_);
  void Run();

  // Constant after Open.
  const TaskBookOptions options_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<queue::Consumer> consumer_;

  // Of the thread that steps.
  std::vector<queue::Position> uncommitted_;
  int64_t flushed_ns_ = 0;
  uint64_t bytes_since_flush_ = 0;
  std::thread thread_;
  std::atomic<bool> stopping_{false};

  Mutex mutex_;
  CondVar changed_;
  std::unordered_map<std::string, Cached> tasks_ GUARDED_BY(mutex_);
  std::list<std::string> order_ GUARDED_BY(mutex_);  // least recently touched first
  std::unordered_set<std::string> dirty_ GUARDED_BY(mutex_);
  uint64_t finished_ GUARDED_BY(mutex_) = 0;
  uint64_t events_ GUARDED_BY(mutex_) = 0;
  Status health_ GUARDED_BY(mutex_);

  Mutex watch_mutex_;
  struct Watching {
    std::string id;
    Watcher watcher;
  };
  std::unordered_map<uint64_t, Watching> watchers_ GUARDED_BY(watch_mutex_);
  uint64_t next_watcher_ GUARDED_BY(watch_mutex_) = 1;
};

}  // namespace rhizome::workers
