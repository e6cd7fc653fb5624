#include "engines/vector/region.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace rhizome::vector {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kSmallStep = size_t{64} << 10;

size_t RoundUp(size_t value, size_t step) { return (value + step - 1) / step * step; }

}  // namespace

Region::~Region() {
  if (reservation_ != nullptr) munmap(reservation_, reserved_ + kHugePage);
}

Region& Region::operator=(Region&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(reservation_, other.reservation_);
  std::swap(reserved_, other.reserved_);
  std::swap(committed_, other.committed_);
  return *this;
}

Result<Region> Region::Reserve(size_t bytes) {
  Region region;
  region.reserved_ = RoundUp(std::max<size_t>(bytes, 1), kHugePage);
  // One huge page more than needed, so that the start can be aligned to one.
  void* start =
      mmap(nullptr, region.reserved_ + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return Status::ResourceExhausted("no address space for the vector index");
  region.reservation_ = static_cast<char*>(start);
  region.base_ = reinterpret_cast<char*>(RoundUp(reinterpret_cast<uintptr_t>(start), kHugePage));
  return region;
}

Status Region::Commit(size_t bytes) {
  if (bytes <= committed_) return Status::Ok();
  if (bytes > reserved_) return Status::ResourceExhausted("vector index is at its capacity");
  // Small collections stay small; large ones grow in steps of an eighth so that growth is rare.
  const size_t wanted = bytes < kHugePage ? std::max(bytes, std::min(2 * committed_, kHugePage))
                                          : std::max(bytes, committed_ + committed_ / 8);
  const size_t end = std::min(RoundUp(wanted, wanted <= kHugePage ? kSmallStep : kHugePage), reserved_);
  char* from = base_ + committed_;
  const size_t length = end - committed_;
  if (mprotect(from, length, PROT_READ | PROT_WRITE) != 0) {
    return Status::ResourceExhausted("no memory for the vector index");
  }
  // Advice only: without huge pages the index is slower, not wrong.
  if (end > kHugePage) (void)madvise(base_ + kHugePage, end - kHugePage, MADV_HUGEPAGE);
  committed_ = end;
  return Status::Ok();
}

}  // namespace rhizome::vector
