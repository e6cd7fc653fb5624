// AttributeParts: how a log-structured attribute index holds its parts: one growing in memory, some frozen in
// memory that wait to be written, and sealed segments mapped from files. Parts cover disjoint, ascending slots.
//
// Thread-safety: one thread adds and freezes, one thread in the background writes and merges, any number read.
// Readers copy two pointers and look at the growing part under the lock; frozen and sealed parts are immutable and
// read outside it. The gate keeps a stream of readers from starving the writer: who waits for the lock holds it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engines/vector/slot.h"
#include "io/disk.h"

namespace rhizome::vector {

template <typename Memory, typename Segment>
class AttributeParts {
 public:
  // What does not change any more, oldest slots first.
  struct Sealed {
    std::vector<std::shared_ptr<const Segment>> segments;
    std::vector<std::shared_ptr<const Memory>> frozen;
  };

  // Runs `visit(growing, sealed)` while nothing is added, and returns the sealed parts for use afterwards.
  template <typename Visit>
  std::shared_ptr<const Sealed> Read(const Visit& visit) const EXCLUDES(gate_, mutex_) {
    gate_.Lock();
    ReaderLock lock(mutex_);
    gate_.Unlock();
    visit(static_cast<const Memory&>(*growing_), *sealed_);
    return sealed_;
  }

  // Runs `change(growing)` alone; a reader that starts after it returns sees the change.
  template <typename Change>
  void Write(const Change& change) EXCLUDES(gate_, mutex_) {
    MutexLock gate(gate_);
    WriterLock lock(mutex_);
    change(*growing_);
  }

  // For opening: the segments to start from.
  void Start(std::vector<std::shared_ptr<const Segment>> segments) EXCLUDES(gate_, mutex_) {
    MutexLock gate(gate_);
    WriterLock lock(mutex_);
    sealed_ = std::make_shared<Sealed>(Sealed{std::move(segments), {}});
  }

  // One above the highest slot of all parts.
  Slot EndSlot() const EXCLUDES(gate_, mutex_) {
    Slot end = 0;
    Read([&](const Memory& growing, const Sealed& sealed) { end = EndSlotOf(growing, sealed); });
    return end;
  }
  static Slot EndSlotOf(const Memory& growing, const Sealed& sealed) {
    if (!growing.empty()) return growing.end_slot();
    if (!sealed.frozen.empty()) return sealed.frozen.back()->end_slot();
    return sealed.segments.empty() ? 0 : sealed.segments.back()->end_slot();
  }

  // The growing part, unless empty, joins the frozen ones and a new one starts.
  void Freeze() EXCLUDES(gate_, mutex_) {
    MutexLock gate(gate_);
    WriterLock lock(mutex_);
    if (growing_->empty()) return;
    auto next = std::make_shared<Sealed>(*sealed_);
    next->frozen.push_back(std::exchange(growing_, std::make_shared<Memory>()));
    sealed_ = std::move(next);
  }

  std::shared_ptr<const Sealed> Snapshot() const EXCLUDES(gate_, mutex_) {
    return Read([](const Memory&, const Sealed&) {});
  }

  // Puts `segment` in the place of the oldest `frozen` frozen parts.
  void ReplaceFrozen(size_t frozen, std::shared_ptr<const Segment> segment) EXCLUDES(gate_, mutex_) {
    MutexLock gate(gate_);
    WriterLock lock(mutex_);
    auto next = std::make_shared<Sealed>(*sealed_);
    next->frozen.erase(next->frozen.begin(), next->frozen.begin() + static_cast<std::ptrdiff_t>(frozen));
    next->segments.push_back(std::move(segment));
    sealed_ = std::move(next);
  }

  // Puts `segment` in the place of `count` segments from the `first` one on.
  void ReplaceSegments(size_t first, size_t count, std::shared_ptr<const Segment> segment) EXCLUDES(gate_, mutex_) {
    MutexLock gate(gate_);
    WriterLock lock(mutex_);
    auto next = std::make_shared<Sealed>(*sealed_);
    const auto at = next->segments.begin() + static_cast<std::ptrdiff_t>(first);
    *at = std::move(segment);
    next->segments.erase(at + 1, at + static_cast<std::ptrdiff_t>(count));
    sealed_ = std::move(next);
  }

 private:
  mutable Mutex gate_;  // taken before mutex_
  mutable SharedMutex mutex_;
  std::shared_ptr<Memory> growing_ GUARDED_BY(mutex_) = std::make_shared<Memory>();
  std::shared_ptr<const Sealed> sealed_ GUARDED_BY(mutex_) = std::make_shared<Sealed>();
};

// Where the segments called `names`, in this order, stand next to each other: the first one's position.
template <typename Segment>
Result<size_t> FindNeighbours(const std::vector<std::shared_ptr<const Segment>>& segments,
                              const std::vector<std::string>& names) {
  for (size_t first = 0; !names.empty() && first + names.size() <= segments.size(); ++first) {
    size_t same = 0;
    while (same < names.size() && segments[first + same]->info().name == names[same]) ++same;
    if (same == names.size()) return first;
  }
  return Status::InvalidArgument("inputs", "these are not neighbouring segments of this index");
}

// Opens the named segments and puts them in slot order. FailedPrecondition when two of them overlap.
template <typename Segment>
Result<std::vector<std::shared_ptr<const Segment>>> OpenSegments(io::Disk& disk, const std::string& directory,
                                                                 const std::vector<std::string>& names) {
  std::vector<std::shared_ptr<const Segment>> segments;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(auto segment, Segment::Open(disk, directory, name));
    segments.push_back(std::move(segment));
  }
  std::ranges::sort(segments, {}, [](const auto& segment) { return segment->first_slot(); });
  for (size_t i = 1; i < segments.size(); ++i) {
    if (segments[i]->first_slot() < segments[i - 1]->end_slot()) {
      return Status::FailedPrecondition("segments " + segments[i - 1]->info().name + " and " +
                                        segments[i]->info().name + " cover the same slots");
    }
  }
  return segments;
}

}  // namespace rhizome::vector
