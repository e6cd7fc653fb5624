// Progress: how far a long command is, on standard error: a bar redrawn in place on a terminal, a line every five
// seconds elsewhere. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"

namespace rhizome::app {

class Progress {
 public:
  // `total` in the unit of Advance (bytes of input); 0: unknown, then no share and no time left are shown. `noun` is
  // what is counted, in the plural.
  Progress(uint64_t total, bool quiet, std::string_view noun = "documents", Clock& clock = SystemClock());
  ~Progress();  // ends the line

  void Advance(uint64_t amount, uint64_t counted) EXCLUDES(mutex_);
  double seconds() const;

 private:
  void Draw(bool force) REQUIRES(mutex_);

  const uint64_t total_;
  const bool quiet_;
  const std::string noun_;
  const bool terminal_;
  Clock& clock_;
  const int64_t start_ns_;
  Mutex mutex_;
  uint64_t done_ GUARDED_BY(mutex_) = 0;
  uint64_t counted_ GUARDED_BY(mutex_) = 0;
  int64_t drawn_ns_ GUARDED_BY(mutex_) = 0;
};

// The text of the bar: "[######----] 61 %  12,345 documents  103/s  1:12 left".
std::string ProgressText(uint64_t done, uint64_t total, uint64_t counted, double seconds,
                         std::string_view noun = "documents");

// 1234567 → "1,234,567".
std::string Grouped(uint64_t number);

}  // namespace rhizome::app
