// Any text as rules, applied to a few series: no crash, and what comes out is canonical labels.
#include <cstdlib>

#include "ingest/relabel_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome;
  const auto rules = ingest::RelabelRules::Parse({reinterpret_cast<const char*>(data), size});
  if (!rules.ok()) return 0;
  const std::vector<format::LabelPair> pairs = {{"__name__", "up"}, {"a", "foo"}, {"b", "b\xc3\xa4r;1"}, {"job", "x"}};
  std::string out;
  if (!rules->Apply(format::Labels::FromPairs(pairs).value(), out)) return 0;
  if (const auto labels = format::LabelsView::Check(out); !labels.ok()) std::abort();
  return 0;
}
