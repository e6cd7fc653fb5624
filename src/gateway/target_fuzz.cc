// Any bytes as a request target: no crash, and what is accepted keeps the promises of target.h.
#include "base/check.h"
#include "base/utf8.h"
#include "gateway/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto target = rhizome::gateway::ParseTarget({reinterpret_cast<const char*>(data), size});
  if (!target.ok()) return 0;
  for (const std::string& segment : target->segments) {
    CHECK(!segment.empty() && segment != "." && segment != "..");
    CHECK(segment.find('/') == std::string::npos && segment.find('\\') == std::string::npos);
    CHECK(rhizome::IsUtf8(segment));
  }
  for (const auto& [name, value] : target->query) CHECK(rhizome::IsUtf8(name) && rhizome::IsUtf8(value));
  return 0;
}
