// Bytes → JSON → filter → its evaluation on a payload, straight and through the index: no crash, and both agree.
#include <boost/json.hpp>

#include "base/check.h"
#include "engines/vector/filter.h"
#include "engines/vector/payload_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace json = boost::json;
  using namespace rhizome::vector;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  boost::system::error_code error;
  const json::value written = json::parse(text.substr(0, line), error);
  if (error) return 0;
  const auto filter = ParseFilter(written);
  if (!filter.ok()) return 0;
  json::value payload = json::object();
  if (line != std::string_view::npos) {
    json::value parsed = json::parse(text.substr(line + 1), error);
    if (!error) payload = std::move(parsed);
  }
  PayloadIndex index;
  CHECK(index.Add(0, payload).ok());
  const bool matches = Matches(*filter, payload);
  CHECK(index.Evaluate(*filter, 1).Contains(0) == matches);
  const Cardinality bounds = index.EstimateCardinality(*filter, 1);
  CHECK(bounds.low <= (matches ? 1 : 0) && bounds.high >= (matches ? 1 : 0));
  return 0;
}
