#include "io/crash_enumeration.h"

namespace rhizome::io {

namespace {

// Always the same end of each choice; multiplies how many states there are.
class ExtremeChooser final : public CrashChooser {
 public:
  explicit ExtremeChooser(bool newest) : newest_(newest) {}
  uint64_t Choose(uint64_t count) override {
    states_ = states_ > UINT64_MAX / count ? UINT64_MAX : states_ * count;
    return newest_ ? count - 1 : 0;
  }
  uint64_t states() const { return states_; }

 private:
  const bool newest_;
  uint64_t states_ = 1;
};

// Counts through all combinations, like an odometer; SimState::Crash asks the same questions each time.
class OdometerChooser final : public CrashChooser {
 public:
  uint64_t Choose(uint64_t count) override {
    if (position_ == digits_.size()) digits_.push_back({0, count});
    return digits_[position_++].value;
  }
  // False when all combinations have been seen.
  bool Advance() {
    position_ = 0;
    while (!digits_.empty() && digits_.back().value + 1 == digits_.back().count) digits_.pop_back();
    if (digits_.empty()) return false;
    ++digits_.back().value;
    return true;
  }

 private:
  struct Digit {
    uint64_t value;
    uint64_t count;
  };
  std::vector<Digit> digits_;
  size_t position_ = 0;
};

class PointVisitor {
 public:
  PointVisitor(const SimState& state, const CrashPoint& point, bool in_order,
               const std::function<void(SimDisk&, const CrashPoint&)>& visit)
      : state_(state), point_(point), in_order_(in_order), visit_(visit) {}

  void Try(CrashChooser& chooser) {
    SimDisk disk(state_, {});
    disk.Crash(chooser, in_order_);
    visit_(disk, point_);
    ++states_;
  }
  uint64_t states() const { return states_; }

 private:
  const SimState& state_;
  const CrashPoint& point_;
  const bool in_order_;
  const std::function<void(SimDisk&, const CrashPoint&)>& visit_;
  uint64_t states_ = 0;
};

}  // namespace

CrashEnumerationCounts EnumerateCrashStates(const SimTrace& trace, const CrashEnumerationOptions& options,
                                            const std::function<void(SimDisk&, const CrashPoint&)>& visit) {
  CrashEnumerationCounts counts;
  SimState state = trace.start;
  CrashPoint point;
  for (size_t done = 0; done <= trace.operations.size(); ++done) {
    if (done > 0) {
      const SimOperation& operation = trace.operations[done - 1];
      Replay(operation, state);
      if (operation.kind == SimOperation::Kind::kMark) point.mark = operation.offset;
      point.after = operation.ToString();
    }
    if (done % options.operations_per_point != 0) continue;
    point.operations_done = done;
    ExtremeChooser counter(false);
    SimState(state).Crash(counter, options.directory_operations_in_order);
    point.exhaustive = counter.states() <= options.states_per_point_max;
    PointVisitor visitor(state, point, options.directory_operations_in_order, visit);
    if (point.exhaustive) {
      OdometerChooser odometer;
      do {
        visitor.Try(odometer);
      } while (odometer.Advance());
    } else {
      ExtremeChooser oldest(false);
      visitor.Try(oldest);
      ExtremeChooser newest(true);
      visitor.Try(newest);
      const auto random = RandomChooser(options.seed * 0x9e3779b97f4a7c15 + done);
      while (visitor.states() < options.states_per_point_max) visitor.Try(*random);
    }
    ++counts.points;
    counts.exhaustive_points += point.exhaustive ? 1 : 0;
    counts.states += visitor.states();
  }
  return counts;
}

}  // namespace rhizome::io
