// Steps: where the time of one request went, for the line that is logged when it was slow.
//
// A StepLog on the stack makes the thread's Steps count for the request it works on; a Step measures from its
// construction to its destruction. A step that is met again adds to its first time. Without a StepLog on the thread a
// Step costs one look and measures nothing, so libraries may use it anywhere. Steps inside steps count for both.
// Thread-safe: both belong to their thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace rhizome {

class StepLog {
 public:
  explicit StepLog(Clock& clock = SystemClock());
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  // `name` lives for ever: a literal.
  void Add(std::string_view name, int64_t elapsed_ns);
  // "queue=0.21ms embed=10.00ms", in the order in which they first ended; "" without any.
  std::string ToString() const;

 private:
  friend class Step;
  Clock& clock_;
  StepLog* const previous_;
  std::vector<std::pair<std::string_view, int64_t>> steps_;
};

class Step {
 public:
  explicit Step(std::string_view name);
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  StepLog* const log_;  // null: nobody asks
  const std::string_view name_;
  const int64_t started_ns_;
};

}  // namespace rhizome
