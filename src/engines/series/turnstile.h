// Turnstile: a lock for many readers and one writer in which nobody is overtaken for long: who reads waits for the
// writer that came before, and the writer for the readers that are in, not for those that keep coming.
//
// Not recursive. Thread-safe.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "base/mutex.h"

namespace rhizome::series {

class RHIZOME_TSA(capability("turnstile")) Turnstile {
 public:
  void Lock() ACQUIRE() {
    const std::lock_guard entrance(entrance_);
    inner_.lock();
  }
  void Unlock() RELEASE() { inner_.unlock(); }
  void LockShared() ACQUIRE_SHARED() {
    const std::lock_guard entrance(entrance_);
    inner_.lock_shared();
  }
  void UnlockShared() RELEASE_SHARED() { inner_.unlock_shared(); }

 private:
  std::mutex entrance_;
  std::shared_mutex inner_;
};

class RHIZOME_TSA(scoped_lockable) ReadPass {
 public:
  explicit ReadPass(Turnstile& turnstile) ACQUIRE_SHARED(turnstile) : turnstile_(turnstile) { turnstile_.LockShared(); }
  ~ReadPass() RELEASE() { turnstile_.UnlockShared(); }
  ReadPass(const ReadPass&) = delete;
  ReadPass& operator=(const ReadPass&) = delete;

 private:
  Turnstile& turnstile_;
};

class RHIZOME_TSA(scoped_lockable) WritePass {
 public:
  explicit WritePass(Turnstile& turnstile) ACQUIRE(turnstile) : turnstile_(turnstile) { turnstile_.Lock(); }
  ~WritePass() RELEASE() { turnstile_.Unlock(); }
  WritePass(const WritePass&) = delete;
  WritePass& operator=(const WritePass&) = delete;

 private:
  Turnstile& turnstile_;
};

}  // namespace rhizome::series
