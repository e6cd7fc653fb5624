#include "workers/task_book.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace rhizome::workers {
namespace {

constexpr kv::Family kFamily = kv::Family::kMeta;
constexpr std::string_view kTaskPrefix = "task/", kFinishedPrefix = "finished/";
constexpr uint64_t kFlushBytes = 16u << 20;
constexpr size_t kForgetAtOnceMax = 10'000;
constexpr size_t kListedAtOnceMax = 20'000;

std::string TaskKey(const std::string& id) { return std::string(kTaskPrefix) + id; }

// Sorts by time.
std::string FinishedKey(int64_t changed_ms, const std::string& id) {
  std::string key(kFinishedPrefix);
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((changed_ms >> shift) & 0xff));
  return key + id;
}

int64_t FinishedMs(std::string_view key) {
  int64_t ms = 0;
  for (size_t i = 0; i < 8; ++i) ms = (ms << 8) | static_cast<uint8_t>(key[kFinishedPrefix.size() + i]);
  return ms;
}
std::string FinishedId(std::string_view key) { return std::string(key.substr(kFinishedPrefix.size() + 8)); }

}  // namespace

Result<std::unique_ptr<TaskBook>> TaskBook::Open(queue::Queue& queue, const PipelineSettings& settings,
                                                 const std::string& path, const TaskBookOptions& options) {
  std::unique_ptr<TaskBook> book(new TaskBook(options));
  kv::StoreOptions store;
  store.memtable_bytes = 8u << 20;
  store.block_cache_bytes = 16u << 20;
  store.env = options.env;
  ASSIGN_OR_RETURN(book->store_, kv::Store::Open(path, store));
  RETURN_IF_ERROR(book->Load());
  const std::string topic = TaskTopic(settings);
  ASSIGN_OR_RETURN(book->consumer_, queue.Subscribe(settings.prefix + "tasks." + options.name, {&topic, 1}));
  book->flushed_ns_ = options.clock->MonotonicNs();
  return book;
}

TaskBook::~TaskBook() { Stop(); }

Status TaskBook::Load() {
  const MutexLock lock(mutex_);
  kv::Cursor cursor = store_->Scan(kFamily, kFinishedPrefix, {}, kv::Store::Cache::kSpare);
  for (; cursor.Valid(); cursor.Next()) ++finished_;
  return cursor.status();
}

void TaskBook::Start() {
  thread_ = std::thread([this] { Run(); });
}

void TaskBook::Stop() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  consumer_->Wake();
  thread_.join();
  // What is not flushed comes again.
  (void)Flush().ok();
}

void TaskBook::Run() {
  while (!stopping_) {
    const auto taken = Step(500);
    {
      const MutexLock lock(mutex_);
      if (!taken.ok() && health_.ok()) spdlog::error("the book of tasks stands still: {}", taken.status().ToString());
      health_ = taken.status();
    }
    if (!taken.ok()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Result<size_t> TaskBook::Step(int64_t wait_ms) {
  ASSIGN_OR_RETURN(const std::vector<queue::Message> messages,
                   consumer_->Poll({.messages_max = 1024, .wait_ms = wait_ms}));
  size_t count = 0;
  std::vector<Task> changed;
  for (const queue::Message& message : messages) {
    const auto events = DecodeEvents(message.value);
    if (!events.ok()) {
      spdlog::error("events of tasks that nobody can read are left out: {} at offset {} of {}",
                    events.status().ToString(), message.offset, message.topic);
      continue;
    }
    RETURN_IF_ERROR(Take(*events, changed));
    count += events->size();
    bytes_since_flush_ += message.value.size();
  }
  for (queue::Position& position : queue::PositionsAfter(messages)) uncommitted_.push_back(std::move(position));
  Tell(changed);
  const int64_t due_ns = flushed_ns_ + options_.flush_every_ms * 1'000'000;
  if (bytes_since_flush_ >= kFlushBytes || (!uncommitted_.empty() && options_.clock->MonotonicNs() >= due_ns)) {
    RETURN_IF_ERROR(Flush());
  }
  return count;
}

Status TaskBook::Flush() {
  {
    const MutexLock lock(mutex_);
    RETURN_IF_ERROR(WriteDirty());
    RETURN_IF_ERROR(ForgetOld());
  }
  RETURN_IF_ERROR(store_->Flush());
  RETURN_IF_ERROR(consumer_->Commit(uncommitted_));
  uncommitted_.clear();
  bytes_since_flush_ = 0;
  flushed_ns_ = options_.clock->MonotonicNs();
  return Status::Ok();
}

Result<TaskBook::Cached*> TaskBook::Find(const std::string& id, bool make) {
  if (const auto found = tasks_.find(id); found != tasks_.end()) {
    order_.splice(order_.end(), order_, found->second.place);
    return &found->second;
  }
  ASSIGN_OR_RETURN(const auto stored, store_->Get(kFamily, TaskKey(id)));
  if (!stored && !make) return nullptr;
  Task task;
  task.id = id;
  if (stored) {
    ASSIGN_OR_RETURN(task, DecodeTask(id, *stored));
  }
  order_.push_back(id);
  Cached& cached = tasks_[id];
  cached.task = std::move(task);
  cached.place = std::prev(order_.end());
  return &cached;
}

Status TaskBook::Take(std::span<const TaskEvent> events, std::vector<Task>& changed) {
  const MutexLock lock(mutex_);
  std::set<std::string> touched;
  for (const TaskEvent& event : events) {
    ASSIGN_OR_RETURN(Cached * cached, Find(event.task, true));
    if (!Merge(event, cached->task)) continue;
    dirty_.insert(event.task);
    touched.insert(event.task);
  }
  for (const std::string& id : touched) changed.push_back(tasks_.at(id).task);
  events_ += events.size();
  changed_.NotifyAll();
  if (tasks_.size() > options_.cached_max) {
    RETURN_IF_ERROR(WriteDirty());
    Evict();
  }
  return Status::Ok();
}

void TaskBook::Note(std::span<const TaskEvent> events) {
  // They come again through the queue: a failure shows there.
  std::vector<Task> changed;
  (void)Take(events, changed).ok();
  Tell(changed);
}

void TaskBook::Tell(const std::vector<Task>& changed) {
  if (changed.empty()) return;
  const MutexLock lock(watch_mutex_);
  for (const auto& [number, watching] : watchers_) {
    for (const Task& task : changed) {
      if (watching.id.empty() || watching.id == task.id) watching.watcher(task);
    }
  }
}

uint64_t TaskBook::Watch(const std::string& id, Watcher watcher) {
  const MutexLock lock(watch_mutex_);
  watchers_[next_watcher_] = {id, std::move(watcher)};
  return next_watcher_++;
}

void TaskBook::Unwatch(uint64_t number) {
  const MutexLock lock(watch_mutex_);
  watchers_.erase(number);
}

Status TaskBook::WriteDirty() {
  kv::WriteBatch batch;
  uint64_t finished = finished_;
  for (const std::string& id : dirty_) {
    const Task& task = tasks_.at(id).task;
    // What is under way has no place in the order of forgetting; one that was finished before may be again (redriven).
    ASSIGN_OR_RETURN(const auto before, store_->Get(kFamily, TaskKey(id)));
    if (before) {
      ASSIGN_OR_RETURN(const Task stored, DecodeTask(id, *before));
      if (stored.state() != TaskState::kWorking) {
        batch.Delete(kFamily, FinishedKey(stored.changed_ms(), id));
        --finished;
      }
    }
    batch.Put(kFamily, TaskKey(id), EncodeTask(task));
    if (task.state() != TaskState::kWorking) {
      batch.Put(kFamily, FinishedKey(task.changed_ms(), id), {});
      ++finished;
    }
  }
  RETURN_IF_ERROR(store_->Write(batch));
  finished_ = finished;
  dirty_.clear();
  return Status::Ok();
}

void TaskBook::Evict() {
  while (tasks_.size() > options_.cached_max / 2 && !order_.empty()) {
    tasks_.erase(order_.front());
    order_.pop_front();
  }
}

Status TaskBook::ForgetOld() {
  const int64_t before_ms = options_.clock->WallMs() - options_.keep_ms;
  kv::WriteBatch batch;
  size_t count = 0;
  kv::Cursor cursor = store_->Scan(kFamily, kFinishedPrefix, {}, kv::Store::Cache::kSpare);
  for (; cursor.Valid() && count < kForgetAtOnceMax; cursor.Next()) {
    const bool too_many = finished_ - count > options_.finished_max;
    if (!too_many && FinishedMs(cursor.key()) >= before_ms) break;
    const std::string id = FinishedId(cursor.key());
    if (const auto cached = tasks_.find(id); cached != tasks_.end()) {
      order_.erase(cached->second.place);
      tasks_.erase(cached);
    }
    batch.Delete(kFamily, cursor.key());
    batch.Delete(kFamily, TaskKey(id));
    ++count;
  }
  RETURN_IF_ERROR(cursor.status());
  if (count == 0) return Status::Ok();
  RETURN_IF_ERROR(store_->Write(batch));
  finished_ -= count;
  return Status::Ok();
}

Result<Task> TaskBook::Get(const std::string& id) {
  const MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(Cached * cached, Find(id, false));
  if (cached == nullptr || cached->task.jobs.empty()) return Status::NotFound("there is no task " + id);
  return cached->task;
}

Result<TaskPage> TaskBook::List(const TaskQuery& query) {
  const MutexLock lock(mutex_);
  RETURN_IF_ERROR(WriteDirty());
  TaskPage page;
  size_t looked_at = 0;
  kv::Cursor cursor = store_->Scan(kFamily, kTaskPrefix, query.after.empty() ? std::string() : TaskKey(query.after));
  for (; cursor.Valid(); cursor.Next()) {
    std::string id(cursor.key().substr(kTaskPrefix.size()));
    if (!query.after.empty() && id <= query.after) continue;
    if (page.tasks.size() == query.limit || looked_at++ == kListedAtOnceMax) return page;
    page.next = id;
    ASSIGN_OR_RETURN(Task task, DecodeTask(std::move(id), cursor.value()));
    if (!task.jobs.empty() && (!query.state || task.state() == *query.state)) page.tasks.push_back(std::move(task));
  }
  RETURN_IF_ERROR(cursor.status());
  page.next.clear();
  return page;
}

Result<Task> TaskBook::AwaitChange(const std::string& id, int64_t changed_ms, int64_t wait_ms) {
  const int64_t until_ns = SystemClock().MonotonicNs() + wait_ms * 1'000'000;
  const MutexLock lock(mutex_);
  while (true) {
    ASSIGN_OR_RETURN(Cached * cached, Find(id, false));
    if (cached != nullptr && cached->task.changed_ms() != changed_ms) return cached->task;
    const int64_t left_ms = (until_ns - SystemClock().MonotonicNs()) / 1'000'000;
    if (left_ms <= 0) return Status::DeadlineExceeded("task " + id + " has not changed within the wait");
    (void)changed_.WaitFor(mutex_, std::chrono::milliseconds(left_ms));
  }
}

TaskBook::Counts TaskBook::counts() {
  const MutexLock lock(mutex_);
  return {finished_, tasks_.size(), events_};
}

Status TaskBook::health() {
  const MutexLock lock(mutex_);
  return health_;
}

}  // namespace rhizome::workers
