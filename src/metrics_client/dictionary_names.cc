#include "metrics_client/dictionary_names.h"

#include <optional>

namespace rhizome::metrics_client {
namespace {

constexpr int kUnknownDictionary = 409;

}  // namespace

void DictionaryNames::Note(const DictionaryId& id, const io::HttpAnswer& answer) {
  const auto name = format::DictionaryName::Parse(answer.wanted_header);
  if (!name) return;
  const MutexLock lock(mutex_);
  if (names_.size() >= kNamesMax) names_.clear();
  names_[id] = *name;
}

Result<io::HttpAnswer> DictionaryNames::Post(io::HttpClient& http, io::HttpExchange& exchange,
                                             const std::string& batch) {
  exchange.wanted_header = format::kDictionaryHeader;
  const auto id = format::SeriesBatch::DictionaryIdOf(batch);
  std::optional<format::DictionaryName> name;
  if (id) {
    const MutexLock lock(mutex_);
    if (const auto at = names_.find(*id); at != names_.end()) name = at->second;
  }
  if (name) {
    exchange.body = RowsOf(format::SeriesBatch::Trusted(batch), *name);
    auto answer = http.Post(exchange);
    if (!answer.ok() || answer->status != kUnknownDictionary) return answer;
    const MutexLock lock(mutex_);
    names_.erase(*id);
  }
  exchange.body = batch;
  auto answer = http.Post(exchange);
  if (id && answer.ok()) Note(*id, *answer);
  return answer;
}

}  // namespace rhizome::metrics_client
