// Any bytes as task events and as a stored task: no crash, and what decodes encodes to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "workers/task_events.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::workers;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto events = DecodeEvents(bytes); events.ok()) {
    if (EncodeEvents(*events) != bytes) std::abort();
    Task once{"t"}, twice{"t"};
    for (const TaskEvent& event : *events) Merge(event, once);
    for (size_t i = events->size(); i-- > 0;) Merge((*events)[i], twice);
    for (const TaskEvent& event : *events) Merge(event, twice);
    if (once.jobs != twice.jobs || once.accepted_ms != twice.accepted_ms) std::abort();
  }
  if (const auto task = DecodeTask("t", bytes); task.ok()) {
    const auto again = DecodeTask("t", EncodeTask(*task));
    if (!again.ok() || *again != *task) std::abort();
  }
  return 0;
}
