#include <cstdint>

#include "base/check.h"
#include "pipeline/parse.h"
#include "pipeline/plain_text.h"

// Any bytes as CSV: documents of clean text, or an error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::pipeline;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto documents = Parse("input.csv", bytes);
  if (!documents.ok()) return 0;
  for (const Document& document : *documents) {
    CHECK(CheckText(document.text, "text").ok());
    CHECK(CheckText(document.title, "title").ok());
    CHECK(CheckText(document.id, "id").ok());
  }
  return 0;
}
