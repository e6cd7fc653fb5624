// Any bytes as YAML: no crash, bounded time and memory.
#include "format/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = rhizome::format::Yaml::Parse({reinterpret_cast<const char*>(data), size}, 1 << 16);
  static_cast<void>(read);
  return 0;
}
