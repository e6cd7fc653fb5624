// Mutex, lock and condition variable that clang's thread-safety analysis understands
// (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html); violations are compile errors here.
//
// A class groups its fields as "constant after construction" and "guarded by mutex_", the latter with
// GUARDED_BY(mutex_). No lock is held across a co_await.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#define RHIZOME_TSA(x) __attribute__((x))
#define GUARDED_BY(x) RHIZOME_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) RHIZOME_TSA(pt_guarded_by(x))
#define REQUIRES(...) RHIZOME_TSA(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) RHIZOME_TSA(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) RHIZOME_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) RHIZOME_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) RHIZOME_TSA(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) RHIZOME_TSA(release_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) RHIZOME_TSA(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS RHIZOME_TSA(no_thread_safety_analysis)

namespace rhizome {

class RHIZOME_TSA(capability("mutex")) Mutex {
 public:
  void Lock() ACQUIRE() { inner_.lock(); }
  void Unlock() RELEASE() { inner_.unlock(); }

 private:
  friend class CondVar;
  std::mutex inner_;
};

class RHIZOME_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits give the mutex up and hold it again on return; wake-ups may be spurious, so wait in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.inner_, std::adopt_lock);
    inner_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed first.
  bool WaitFor(Mutex& mutex, std::chrono::milliseconds timeout) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.inner_, std::adopt_lock);
    const bool woken = inner_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void NotifyOne() { inner_.notify_one(); }
  void NotifyAll() { inner_.notify_all(); }

 private:
  std::condition_variable inner_;
};

class RHIZOME_TSA(capability("shared_mutex")) SharedMutex {
 public:
  void Lock() ACQUIRE() { inner_.lock(); }
  void Unlock() RELEASE() { inner_.unlock(); }
  void LockShared() ACQUIRE_SHARED() { inner_.lock_shared(); }
  void UnlockShared() RELEASE_SHARED() { inner_.unlock_shared(); }

 private:
  std::shared_mutex inner_;
};

class RHIZOME_TSA(scoped_lockable) ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.LockShared(); }
  ~ReaderLock() RELEASE() { mutex_.UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class RHIZOME_TSA(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~WriterLock() RELEASE() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace rhizome
