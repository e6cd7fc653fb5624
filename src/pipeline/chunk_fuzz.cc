#include <cstdint>

#include "base/check.h"
#include "base/utf8.h"
#include "pipeline/chunk.h"

// The first three bytes choose the settings; chunks keep what chunk.h promises.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rhizome::pipeline;
  if (size < 3) return 0;
  ChunkSettings settings{.strategy = data[0] % 2 == 0 ? "sentences" : "tokens", .size_tokens = 16u + data[1]};
  settings.overlap_tokens = data[2] % ((settings.size_tokens + 1) / 2);
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  const auto chunks = ChunkText(text, settings);
  CHECK(chunks.ok() == rhizome::IsUtf8(text));
  if (!chunks.ok()) return 0;
  size_t covered = 0, begin = 0;
  for (const Chunk& chunk : *chunks) {
    CHECK(chunk.begin < chunk.end && chunk.end <= text.size() && chunk.end > covered);
    CHECK(covered == 0 || chunk.begin > begin);
    CHECK(chunk.text == text.substr(chunk.begin, chunk.end - chunk.begin));
    CHECK(rhizome::IsUtf8(chunk.text));
    CHECK(chunk.begin <= covered || EstimateTokens(text.substr(covered, chunk.begin - covered)) == 0);
    begin = chunk.begin;
    covered = chunk.end;
  }
  CHECK(EstimateTokens(text.substr(covered)) == 0);
  return 0;
}
