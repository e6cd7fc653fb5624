#include "base/worker_pool.h"

#include <pthread.h>

#include <algorithm>

#include "base/courtesy.h"

namespace rhizome {

WorkerPool::WorkerPool(std::string name, uint32_t threads, uint32_t queue_len_max, bool yielding)
    : name_(std::move(name)), queue_len_max_(queue_len_max), yielding_(yielding) {
  for (uint32_t i = 0; i < std::max(threads, 1U); ++i) threads_.emplace_back([this, i] { Work(i); });
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    for (CondVar* const idle : idle_) idle->NotifyOne();
  }
  for (auto& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(std::function<void()>& task) {
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= queue_len_max_) return false;
    queue_.push_back(std::move(task));
    if (idle_.empty()) return true;
    idle_.back()->NotifyOne();  // under the lock, so that it is still there
    idle_.pop_back();
  }
  return true;
}

WorkerPool::Load WorkerPool::load() const {
  const MutexLock lock(mutex_);
  return {queue_.size(), running_};
}

void WorkerPool::AwaitTask() {
  while (queue_.empty() && !stopping_) {
    CondVar wake;
    idle_.push_back(&wake);
    wake.Wait(mutex_);
    std::erase(idle_, &wake);  // it is there still after a wake-up that nobody asked for
  }
}

void WorkerPool::Work(uint32_t number) {
  pthread_setname_np(pthread_self(), (name_ + "-" + std::to_string(number)).substr(0, 15).c_str());
  if (yielding_) LetOthersFirst();
  for (bool ran = false;; ran = true) {
    std::function<void()> task;
    {
      const MutexLock lock(mutex_);
      if (ran) --running_;
      AwaitTask();
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
    }
    task();
  }
}

}  // namespace rhizome
