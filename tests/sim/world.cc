#include "world.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/hash.h"

namespace rhizome::sim {

void World::At(int64_t time_ns, std::function<void()> event) {
  events_.push({std::max(time_ns, now_ns_), sequence_++, std::move(event)});
}

void World::RunUntil(int64_t time_ns) {
  while (!failed() && !events_.empty() && events_.top().time_ns <= time_ns) {
    // The queue gives only constant access; what is moved out is popped at once.
    Event next = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ns_ = next.time_ns;
    next.run();
  }
  if (!failed()) now_ns_ = std::max(now_ns_, time_ns);
}

void World::Note(std::string_view kind, std::string_view subject, std::string_view bytes) {
  hash_ = Checksum(kind, hash_ ^ static_cast<uint64_t>(now_ns_));
  hash_ = Checksum(subject, hash_);
  hash_ = Checksum(bytes, hash_);
  if (trace_) {
    fmt::print("{:>12.6f} {:<10} {}{}\n", static_cast<double>(now_ns_) / kSecond, kind, subject,
               bytes.empty() ? "" : fmt::format(" ({} bytes, {:08x})", bytes.size(), Checksum(bytes) >> 32));
  }
}

void World::Say(std::string_view text) const {
  if (trace_) fmt::print("{:>12.6f} {}\n", static_cast<double>(now_ns_) / kSecond, text);
}

void World::Fail(std::string reason) {
  CHECK(!reason.empty());
  if (failure_.empty()) failure_ = std::move(reason);
  Say("FAILED: " + failure_);
}

}  // namespace rhizome::sim
