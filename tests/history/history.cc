#include "history/history.h"

#include <fmt/format.h>

namespace rhizome::history {

std::string Observation::ToString() const {
  const auto seconds = [](int64_t ns) { return ns == kNever ? std::string("?") : fmt::format("{:.6f}", ns * 1e-9); };
  const char* did = kind == Kind::kRead ? "read" : content == 0 ? "deleted" : "wrote";
  const char* went = outcome == Outcome::kOk ? "ok" : outcome == Outcome::kFailed ? "failed" : "unknown";
  return fmt::format(
      "client {} {} {}, {} to {} s, {}{}", client, did, content, seconds(called_ns), seconds(returned_ns), went,
      version ? fmt::format(", version {}.{}.{}", version->time >> 16, version->time & 0xffff, version->node) : "");
}

}  // namespace rhizome::history
