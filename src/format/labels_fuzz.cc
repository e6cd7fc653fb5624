// Any bytes as a set of labels: no crash, and what is accepted is canonical.
#include <cstdlib>

#include "format/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::format;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = LabelsView::Check(bytes);
  if (read.ok() && LabelsBuilder(*read).Build().bytes() != bytes) std::abort();
  return 0;
}
