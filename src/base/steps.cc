#include "base/steps.h"

#include <algorithm>
#include <cstdio>

namespace rhizome {
namespace {

thread_local StepLog* t_steps = nullptr;

}  // namespace

StepLog::StepLog(Clock& clock) : clock_(clock), previous_(t_steps) { t_steps = this; }
StepLog::~StepLog() { t_steps = previous_; }

void StepLog::Add(std::string_view name, int64_t elapsed_ns) {
  const auto known =
      std::find_if(steps_.begin(), steps_.end(), [name](const auto& step) { return step.first == name; });
  if (known == steps_.end()) {
    steps_.emplace_back(name, elapsed_ns);
  } else {
    known->second += elapsed_ns;
  }
}

std::string StepLog::ToString() const {
  std::string text;
  for (const auto& [name, elapsed_ns] : steps_) {
    char number[32];
    std::snprintf(number, sizeof(number), "=%.2fms", static_cast<double>(elapsed_ns) / 1e6);
    text.append(text.empty() ? "" : " ").append(name).append(number);
  }
  return text;
}

Step::Step(std::string_view name)
    : log_(t_steps), name_(name), started_ns_(log_ == nullptr ? 0 : log_->clock_.MonotonicNs()) {}

Step::~Step() {
  if (log_ != nullptr) log_->Add(name_, log_->clock_.MonotonicNs() - started_ns_);
}

}  // namespace rhizome
