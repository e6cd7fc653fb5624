// Any bytes as YAML: no crash, bounded time and memory.
#include "format/yaml_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = rhizome::format::ParseYaml({reinterpret_cast<const char*>(data), size});
  static_cast<void>(read);
  return 0;
}
