// DictionaryNames: what a server calls the label sets that were sent to it, so that batches that repeat them go without
// them (docs/formats/series_batch.md). A server may forget a name at any time and says so; then the batch goes whole.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "format/series_dictionary.h"
#include "io/http_client.h"

namespace rhizome::metrics_client {

class DictionaryNames {
 public:
  static constexpr size_t kNamesMax = 100'000;  // then all are forgotten

  // Posts the batch, an encoded series batch, as the exchange's body, or its rows alone where the server knows the
  // rest; once more, whole, where it no longer does.
  Result<io::HttpAnswer> Post(io::HttpClient& http, io::HttpExchange& exchange, const std::string& batch)
      EXCLUDES(mutex_);

 private:
  using DictionaryId = format::SeriesBatch::DictionaryId;
  void Note(const DictionaryId& id, const io::HttpAnswer& answer) EXCLUDES(mutex_);

  Mutex mutex_;
  std::map<DictionaryId, format::DictionaryName> names_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::metrics_client
