// RulerSlot: where routes find the ruler while there is one here, and whom to ask while there is none: in a cluster the
// leader has it. Until then Get is Unavailable and says why.
//
// Thread-safe. The slot does not keep the ruler: it is its owner's, and of whoever has got it for as long as that
// lasts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "ruler/ruler.h"

namespace rhizome::ruler {

class RulerSlot {
 public:
  // Answers in the words of the routes (metrics_api/rule_routes.h).
  using Elsewhere = std::function<Result<std::string>(const std::string& question)>;

  explicit RulerSlot(std::string reason) : reason_(std::move(reason)) {}

  void Publish(const std::shared_ptr<Ruler>& ruler) {
    MutexLock lock(mutex_);
    ruler_ = ruler;
  }
  void Withdraw(std::string reason) {
    MutexLock lock(mutex_);
    ruler_.reset();
    reason_ = std::move(reason);
  }
  // Replaces the reason while nothing is published.
  void Explain(std::string reason) {
    MutexLock lock(mutex_);
    reason_ = std::move(reason);
  }
  Result<std::shared_ptr<Ruler>> Get() const {
    MutexLock lock(mutex_);
    std::shared_ptr<Ruler> ruler = ruler_.lock();
    if (ruler == nullptr) return Status::Unavailable("no rules here: " + reason_);
    return ruler;
  }

  void SetElsewhere(Elsewhere elsewhere) {
    MutexLock lock(mutex_);
    elsewhere_ = std::move(elsewhere);
  }
  Elsewhere elsewhere() const {
    MutexLock lock(mutex_);
    return elsewhere_;
  }

 private:
  mutable Mutex mutex_;
  std::weak_ptr<Ruler> ruler_ GUARDED_BY(mutex_);
  std::string reason_ GUARDED_BY(mutex_);
  Elsewhere elsewhere_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::ruler
