// WorkerPool: threads that run what may block or compute, behind a queue of bounded length.
//
// A full queue refuses at once, so that overload is answered instead of piling up. The thread that fell idle last is
// woken first: it and its memory are in the caches, and the others sleep on. Tasks must not throw. Thread-safe. The
// destructor runs what is queued and waits for it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace rhizome {

class WorkerPool {
 public:
  // `name`, up to 12 bytes, shows in process listings. At least one thread. `yielding` threads leave the processor to
  // the process's other ones first, whoever else wants it.
  WorkerPool(std::string name, uint32_t threads, uint32_t queue_len_max, bool yielding = false);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and `task` untouched, when the queue is full.
  [[nodiscard]] bool TrySubmit(std::function<void()>& task) EXCLUDES(mutex_);

  struct Load {
    size_t queued;
    size_t running;
  };
  Load load() const EXCLUDES(mutex_);

 private:
  void Work(uint32_t number) EXCLUDES(mutex_);
  void AwaitTask() REQUIRES(mutex_);

  const std::string name_;
  const uint32_t queue_len_max_;
  const bool yielding_;
  mutable Mutex mutex_;
  std::vector<CondVar*> idle_ GUARDED_BY(mutex_);  // of those that sleep, the latest at the end
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  size_t running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace rhizome
