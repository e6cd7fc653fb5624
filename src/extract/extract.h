// Extraction: what a document speaks of, found locally, without any model.
//
// From a title and a text: entities with their types, aliases and where they are mentioned; relations whose type a
// pattern gives, with the time they hold; how often two entities share a sentence; times. English has patterns and a
// small lexicon; in other languages names with capitals, words of scripts without case, ISO days and years are found.
//
//   entities    names (runs of capitalised words with what joins them), quoted works, acronyms with what they stand
//   for,
//               noun phrases in the singular, the title, moments and numbers. One entity per normal form
//               (format/entity_name.h); short forms within a document ("Smith") are the entity they stand for when only
//               one can be meant. Phrases are bounded per chunk.
//   relations   between entities of one sentence; a pronoun is the document's title. The same relation is stated once
//   per
//               chunk, with the highest confidence.
//   pairs       of entities within a sentence, for extract/cooccurrence.h; a sentence has at most kPairEntitiesMax.
//
// Deterministic. No input is refused: bytes that are no UTF-8 separate words, text past kTextBytesMax is not read.
// Extractor keeps its memory between documents and is not thread-safe; make one per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "extract/dates.h"

namespace rhizome::extract {

inline constexpr size_t kTextBytesMax = 64u << 20;
inline constexpr size_t kTitleBytesMax = 512;
inline constexpr size_t kPairEntitiesMax = 16;
inline constexpr uint32_t kTitleChunk = UINT32_MAX;  // of what stands in the title and not in a chunk

enum class EntityType : uint8_t { kOther, kPerson, kOrganisation, kPlace, kWork, kEvent, kDate, kNumber };
// "person"; stable, stored.
std::string_view EntityTypeName(EntityType type);

struct Entity {
  std::string name;  // as the document writes it best
  std::string key;   // its normal form
  EntityType type = EntityType::kOther;
  std::vector<std::string> aliases;  // other names the document gives; their normal forms differ from `key`
  bool is_title = false;             // the document is about it
  bool is_phrase = false;            // a noun phrase in lower case, not a name
};

// All occurrences of one entity in one chunk.
struct Mention {
  uint32_t entity = 0;
  uint32_t chunk = 0;  // kTitleChunk: in the title; begin and end are then the title's bytes
  uint32_t count = 0;
  uint32_t begin = 0;  // the first one's bytes in the text
  uint32_t end = 0;
};

struct Relation {
  uint32_t source = 0;
  uint32_t target = 0;
  std::string_view type;  // of the program's own texts: "born_in"; extract/relations.h lists them
  float confidence = 0;   // above 0, at most 1
  uint32_t chunk = 0;
  uint32_t begin = 0;  // the sentence's bytes in the text
  uint32_t end = 0;
  std::optional<int64_t> valid_from_ms;   // 1970 UTC
  std::optional<int64_t> valid_until_ms;  // exclusive
};

struct Pair {
  uint32_t a = 0;  // below b
  uint32_t b = 0;
  uint32_t sentences = 0;
};

struct Extraction {
  std::vector<Entity> entities;
  std::vector<Mention> mentions;    // by chunk, then by first occurrence; the title's last
  std::vector<Relation> relations;  // in the order of the text
  std::vector<Pair> pairs;          // by a, then b
  std::vector<TimeSpan> times;
  uint32_t sentences = 0;
};

struct ChunkRange {
  uint32_t begin = 0;  // bytes of the text; chunks are in order and may overlap
  uint32_t end = 0;
};

struct ExtractOptions {
  uint32_t phrases_per_chunk_max = 48;  // the most frequent, then the longest; 0: none
  bool numbers = true;
};

class Extractor {
 public:
  explicit Extractor(const ExtractOptions& options = {});
  ~Extractor();
  Extractor(const Extractor&) = delete;
  Extractor& operator=(const Extractor&) = delete;

  // No chunks: the whole text is chunk 0. What lies in two chunks is mentioned in both; a relation belongs to the first
  // chunk that has the beginning of its sentence.
  Extraction Extract(std::string_view title, std::string_view text, std::span<const ChunkRange> chunks = {});
  // The names, phrases and moments of a question, in the order they were found; no relations.
  std::vector<Entity> ExtractQuery(std::string_view query);

 private:
  struct Work;

  const std::unique_ptr<Work> work_;
};

}  // namespace rhizome::extract
