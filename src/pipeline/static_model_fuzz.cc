// Static models: any bytes end in a Status or in a model whose rows are all there.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/hash.h"
#include "pipeline/static_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto check = [](const std::string& some) {
    const auto model = rhizome::pipeline::DecodeStaticModel(some);
    if (model.ok()) CHECK(rhizome::pipeline::EncodeStaticModel(*model) == some);
  };
  check(bytes);
  const uint64_t checksum = rhizome::Checksum(bytes);  // so that the fuzzer gets past it
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  check(bytes);
  return 0;
}
