// Spares: things that are dear to make and serve one thread at a time, kept for whoever comes next: the one given back
// last goes first, so that few are in use where few are needed. At most `max` are kept idle.
//
// Thread-safe. Outlives what it lends.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace rhizome::metrics_api {

template <typename T>
class Spares {
 public:
  Spares(size_t max, std::function<std::unique_ptr<T>()> make) : max_(max), make_(std::move(make)) {
    idle_.reserve(max);
  }

  struct Return {
    Spares* from = nullptr;
    void operator()(T* spare) const { from->Keep(std::unique_ptr<T>(spare)); }
  };
  // Gives itself back when it goes.
  using Lent = std::unique_ptr<T, Return>;

  Lent Take() EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (!idle_.empty()) {
        Lent lent(idle_.back().release(), Return{this});
        idle_.pop_back();
        return lent;
      }
    }
    return Lent(make_().release(), Return{this});
  }

 private:
  void Keep(std::unique_ptr<T> spare) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (idle_.size() < max_) idle_.push_back(std::move(spare));
  }

  const size_t max_;
  const std::function<std::unique_ptr<T>()> make_;
  Mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::metrics_api
