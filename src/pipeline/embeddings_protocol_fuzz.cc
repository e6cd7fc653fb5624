// Answers of an embedding server: any bytes end in a Status or in unit vectors of one dimension.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "pipeline/embeddings_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::vector<std::vector<float>> vectors(2);
  if (rhizome::pipeline::DecodeEmbeddingsAnswer(body, 0, vectors).ok()) {
    CHECK(vectors[0].size() == vectors[1].size());
    for (const std::vector<float>& vector : vectors) {
      double square = 0;
      for (const float x : vector) square += static_cast<double>(x) * x;
      CHECK(std::abs(square - 1) < 1e-3);
    }
  }
  (void)rhizome::pipeline::SaysTooLarge(400, body);
  return 0;
}
