// Any bytes as rows of one dictionary, with checksums made to fit: no crash, and what is accepted can be split, put
// together with its dictionary and read again without a loss.
#include <bit>
#include <cstdlib>

#include "base/hash.h"
#include "format/coding.h"
#include "format/series_dictionary.h"

namespace {

using namespace rhizome;
using namespace rhizome::format;

constexpr uint32_t kSeries = 3;

const SeriesDictionary& Dictionary() {
  static const auto dictionary = [] {
    SeriesBatchBuilder builder;
    for (const char* name : {"a", "b", "c"}) {
      builder.AppendSeries(Labels::FromPairs(std::vector<LabelPair>{{"__name__", name}}).value());
    }
    const std::string bytes = builder.Encode();
    return SeriesDictionary::Of(SeriesBatch::Trusted(bytes));
  }();
  return *dictionary;
}

void Seal(std::string& rows) {
  if (rows.size() < kSeriesBatchHeaderBytes) return;
  rows[0] = static_cast<char>(kSeriesRowsKind);
  StoreFixed(rows.data() + 4, kSeries);
  StoreFixed(rows.data() + 12, uint32_t{0});
  StoreFixed(rows.data() + 40, Checksum(std::string_view(rows).substr(64)));
  StoreFixed(rows.data() + 60, static_cast<uint32_t>(Checksum(std::string_view(rows).substr(0, 60))));
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
  const auto rows = SeriesBatch::DecodeRows(bytes, Dictionary().batch());
  if (!rows.ok()) return;
  const uint64_t sum = SumOf(*rows);
  const auto whole = WholeOf(*rows);
  const auto decoded = SeriesBatch::Decode(whole);
  if (!decoded.ok() || SumOf(*decoded) != sum) std::abort();
  const DictionarySplit split(Dictionary(), std::vector<uint32_t>{0, 2, 0}, kSeries);
  uint64_t split_sum = 0;
  const std::vector<std::string> parts = split.Split(*rows);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const auto part = SeriesBatch::DecodeRows(parts[i], split.dictionary(i)->batch());
    if (!part.ok()) std::abort();
    split_sum += SumOf(*part);
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
