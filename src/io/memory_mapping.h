// MemoryMapping: a Mapping over pages of this process, whatever put the bytes there.
//
// Owns the pages: they are unmapped when it goes. Inside a caller's reservation (`fixed`) the range stays reserved and
// inaccessible instead, because nothing else may move in there. Thread-safety: constant after construction.
#pragma once

#include <sys/mman.h>

#include "io/disk.h"

namespace rhizome::io {

class MemoryMapping final : public Mapping {
 public:
  MemoryMapping(char* data, size_t size, bool fixed) : data_(data), size_(size), fixed_(fixed) {}
  MemoryMapping(const MemoryMapping&) = delete;
  MemoryMapping& operator=(const MemoryMapping&) = delete;
  ~MemoryMapping() override {
    if (size_ == 0) return;
    if (fixed_) {
      ::mmap(data_, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    } else {
      ::munmap(data_, size_);
    }
  }
  char* data() const override { return data_; }
  size_t size() const override { return size_; }

 private:
  char* const data_;
  const size_t size_;
  const bool fixed_;
};

}  // namespace rhizome::io
