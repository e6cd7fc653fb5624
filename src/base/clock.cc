#include "base/clock.h"

#include <chrono>

namespace rhizome {
namespace {

class RealClock final : public Clock {
 public:
  int64_t WallMs() override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  int64_t MonotonicNs() override {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace

Clock& SystemClock() {
  static RealClock* clock = new RealClock;  // never destroyed: threads may outlive static destructors
  return *clock;
}

}  // namespace rhizome
