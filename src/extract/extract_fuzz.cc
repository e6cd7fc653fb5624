// Any bytes as a title and a text: no crash, and everything points at something.
#include <cstdlib>

#include "extract/extract.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::extract;
  static Extractor extractor;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  const std::string_view title = input.substr(0, line);
  const std::string_view text = input.substr(std::min(line + 1, input.size()));
  const auto half = static_cast<uint32_t>(text.size() / 2);
  const ChunkRange chunks[] = {{0, half}, {half / 2, static_cast<uint32_t>(text.size())}};
  const Extraction extraction = extractor.Extract(title, text, chunks);
  const size_t entities = extraction.entities.size();
  for (const Mention& mention : extraction.mentions) {
    const size_t within = mention.chunk == kTitleChunk ? title.size() : text.size();
    if (mention.entity >= entities || mention.end > within || mention.begin >= mention.end || mention.count == 0)
      std::abort();
  }
  for (const Relation& relation : extraction.relations) {
    if (relation.source >= entities || relation.target >= entities || relation.end > text.size()) std::abort();
    if (relation.source == relation.target || relation.confidence <= 0 || relation.confidence > 1) std::abort();
  }
  for (const Pair& pair : extraction.pairs) {
    if (pair.a >= pair.b || pair.b >= entities) std::abort();
  }
  for (const Entity& entity : extraction.entities) {
    if (entity.key.empty()) std::abort();
  }
  (void)extractor.ExtractQuery(input);
  return 0;
}
