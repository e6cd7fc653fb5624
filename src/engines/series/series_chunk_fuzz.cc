// Any bytes, a right checksum put under them, as a chunk: no crash, no access outside, times ascend, and what decodes
// encodes to a chunk of the same samples. Any bytes as samples: they come back bit for bit.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/hash.h"
#include "engines/series/chunk.h"
#include "format/coding.h"

namespace {

using namespace rhizome;
using namespace rhizome::series;

void ComesBack(const Samples& samples) {
  ChunkEncoder encoder;
  std::string chunk;
  encoder.Encode(samples.times, samples.values, chunk);
  Samples again;
  if (!DecodeChunk(chunk, again).ok() || again.times != samples.times) std::abort();
  if (std::memcmp(again.values.data(), samples.values.data(), samples.size() * sizeof(double)) != 0) std::abort();
}

void AsChunk(std::string_view bytes) {
  Samples samples;
  if (DecodeChunk(bytes, samples).ok()) ComesBack(samples);  // a seed of the corpus
  samples.clear();
  if (bytes.size() < 6) return;
  std::string chunk(bytes);
  chunk[0] = 1;
  chunk[1] = static_cast<char>(chunk[1] & 1);
  const auto seed = format::LoadFixed<uint16_t>(chunk.data());
  format::StoreFixed(chunk.data() + 2, static_cast<uint32_t>(Checksum(std::string_view(chunk).substr(6), seed)));
  if (!DecodeChunk(chunk, samples).ok()) {
    if (samples.size() != 0) std::abort();
    return;
  }
  for (size_t i = 1; i < samples.size(); ++i) {
    if (samples.times[i] <= samples.times[i - 1]) std::abort();
  }
  ComesBack(samples);
}

void AsSamples(std::string_view bytes) {
  format::Decoder in(bytes);
  Samples samples;
  int64_t time = 0;
  uint32_t step = 0;
  double value = 0;
  if (!in.I64(time)) return;
  while (samples.size() < kChunkSamplesMax && in.U32(step) && in.Double(value)) {
    if (time > INT64_MAX - int64_t{step} - 1) break;
    time += int64_t{step} + 1;
    samples.times.push_back(time);
    samples.values.push_back(value);
  }
  if (samples.size() > 0) ComesBack(samples);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ReadChunkInfo(bytes);
  AsChunk(bytes);
  AsSamples(bytes);
  return 0;
}
