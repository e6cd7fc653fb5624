// RulerSlot: where routes find the ruler once there is one. Until then, and in a cluster for ever, Get is Unavailable
// and says why.
//
// Thread-safe. What is published outlives every call.
#pragma once

#include <string>

#include "base/mutex.h"
#include "ruler/ruler.h"

namespace rhizome::ruler {

class RulerSlot {
 public:
  explicit RulerSlot(std::string reason) : reason_(std::move(reason)) {}

  void Publish(Ruler& ruler) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ruler_ = &ruler;
  }
  // Replaces the reason while nothing is published.
  void Explain(std::string reason) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    reason_ = std::move(reason);
  }
  Result<Ruler*> Get() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (ruler_ == nullptr) return Status::Unavailable("no rules here: " + reason_);
    return ruler_;
  }

 private:
  mutable Mutex mutex_;
  Ruler* ruler_ GUARDED_BY(mutex_) = nullptr;
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::ruler
