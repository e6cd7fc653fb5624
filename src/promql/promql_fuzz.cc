// Any bytes as a query: no crash, and what parses prints to something that parses to the same tree.
#include <cstdlib>

#include "promql/parser.h"
#include "promql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::promql;
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  (void)ParseSelector(query);
  const auto tree = Parse(query);
  if (!tree.ok()) return 0;
  for (const std::string& printed : {Print(**tree), Prettify(**tree)}) {
    const auto again = Parse(printed);
    if (!again.ok() || !SameTree(**tree, **again)) std::abort();
  }
  return 0;
}
