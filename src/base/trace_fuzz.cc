// Any bytes as a traceparent: no crash, and what parses prints to something that parses to the same.
#include <cstdlib>

#include "base/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using rhizome::Traceparent;
  const auto parsed = Traceparent::Parse({reinterpret_cast<const char*>(data), size});
  if (parsed && Traceparent::Parse(parsed->ToString()) != parsed) std::abort();
  return 0;
}
