// Region: one flat array that grows without ever moving.
//
// The address range is reserved once (PROT_NONE) and committed from the front as it grows, so a pointer into it
// stays good for the object's life and readers need no lock while a writer extends it. Committed bytes are zero.
// From 2 MiB on the pages ask for huge pages: a graph search touches random rows, and the TLB is what it misses.
//
// Thread-safety: one thread grows; any thread may use what was committed before it learned of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace rhizome::vector {

class Region {
 public:
  Region() = default;
  ~Region();
  Region(Region&& other) noexcept { *this = static_cast<Region&&>(other); }
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Reserves room for `bytes`; uses no memory yet. ResourceExhausted when the address space is.
  static Result<Region> Reserve(size_t bytes);
  // Makes the first `bytes` usable. ResourceExhausted beyond the reservation or when memory is short.
  Status Commit(size_t bytes);

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(base_);
  }
  size_t committed() const { return committed_; }

 private:
  char* base_ = nullptr;  // aligned to a huge page
  char* reservation_ = nullptr;
  size_t reserved_ = 0;
  size_t committed_ = 0;
};

}  // namespace rhizome::vector
