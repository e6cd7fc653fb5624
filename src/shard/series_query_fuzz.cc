// Questions and answers about series as a hostile peer may send them, and what is made of the records in them.
#include "base/check.h"
#include "engines/series/series_records.h"
#include "shard/series_query.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto query = shard::DecodeSeriesQuery(bytes);
  if (query.ok()) CHECK(shard::EncodeSeriesQuery(*query) == bytes);
  const auto answer = shard::DecodeSeriesAnswer(bytes);
  if (answer.ok()) CHECK(shard::EncodeSeriesAnswer(*answer) == bytes);
  series::SampleUnion samples;
  if (samples.Add(bytes).ok()) (void)samples.Join();
  return 0;
}
