// Any bytes as a batch of samples, with checksums made to fit so that what lies behind them is reached: no crash, and
// what is accepted can be walked, split and written again without a loss.
#include <algorithm>
#include <bit>
#include <cstdlib>

#include "base/hash.h"
#include "format/coding.h"
#include "format/series_batch.h"

namespace {

using namespace rhizome;
using namespace rhizome::format;

void Seal(std::string& batch) {
  if (batch.size() < kSeriesBatchHeaderBytes) return;
  batch[0] = static_cast<char>(kSeriesBatchKind);
  const uint64_t sets = LoadFixed<uint32_t>(batch.data() + 4), label_bytes = LoadFixed<uint32_t>(batch.data() + 12);
  const size_t dictionary = std::min<uint64_t>(batch.size() - kSeriesBatchHeaderBytes, sets * 4 + label_bytes);
  const std::string_view all(batch);
  const auto [high, low] = ContentHash(all.substr(all.size() - dictionary));
  StoreFixed(batch.data() + 24, high);
  StoreFixed(batch.data() + 32, low);
  StoreFixed(batch.data() + 40, Checksum(all.substr(64, all.size() - dictionary - 64)));
  StoreFixed(batch.data() + 60, static_cast<uint32_t>(Checksum(all.substr(0, 60))));
}

// A hash over the rows that does not depend on where a row stands.
uint64_t SumOf(const SeriesBatch& batch) {
  uint64_t sum = 0;
  batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
    sum += batch.LabelsOf(series).Hash() ^ static_cast<uint64_t>(time) * 31 ^ std::bit_cast<uint64_t>(value) * 17;
  });
  return sum;
}

void Try(std::string_view bytes) {
  const auto batch = SeriesBatch::Decode(bytes);
  if (!batch.ok()) return;
  const uint64_t sum = SumOf(*batch);
  size_t rows = 0;
  batch->ForEachRun([&](uint32_t, size_t first, size_t count) {
    if (first != rows || count == 0) std::abort();
    rows += count;
  });
  if (rows != batch->sample_count()) std::abort();
  std::vector<uint32_t> parts(batch->series_count());
  for (uint32_t i = 0; i < parts.size(); ++i) parts[i] = static_cast<uint32_t>(batch->LabelsOf(i).Hash() % 3);
  uint64_t split_sum = 0;
  for (const std::string& part : SplitSeriesBatch(*batch, parts, 3)) {
    if (part.empty()) continue;
    const auto decoded = SeriesBatch::Decode(part);
    if (!decoded.ok()) std::abort();
    split_sum += SumOf(*decoded);
  }
  if (split_sum != sum) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Try(bytes);
  std::string sealed(bytes);
  Seal(sealed);
  Try(sealed);
  return 0;
}
