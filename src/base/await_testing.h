// Waiting for what another thread does.

#ifndef RHIZOME_BASE_AWAIT_TESTING_H_
#define RHIZOME_BASE_AWAIT_TESTING_H_

#include <chrono>
#include <functional>
#include <thread>

namespace rhizome {

// Whether `holds` comes true within 20 s or so.
inline bool Await(const std::function<bool()>& holds) {
  for (int i = 0; i < 2'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace rhizome

#endif  // RHIZOME_BASE_AWAIT_TESTING_H_
