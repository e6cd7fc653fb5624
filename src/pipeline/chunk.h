// Chunking: a text cut into overlapping pieces that an embedding model can take in.
//
// Invariants, for every text and setting: chunks are in order; begin and end never split a UTF-8 sequence; every byte
// that is not white space lies in some chunk; a chunk begins after the one before it begins and ends after it ends;
// no chunk has more than size_tokens tokens. Deterministic. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::pipeline {

struct ChunkSettings {
  std::string strategy = "sentences";  // or "tokens"
  uint32_t size_tokens = 200;          // 16..2000
  uint32_t overlap_tokens = 30;        // below half of size_tokens
};

struct Chunk {
  size_t begin = 0;  // bytes into the text; [begin, end) has neither white space at its ends nor is it empty
  size_t end = 0;
  std::string text;  // exactly those bytes
};

// How many tokens a piece of text takes; counts of pieces cut at white space should add up.
using TokenCounter = std::function<size_t(std::string_view)>;

// A guess at the tokens of a word-piece model: one for each started eight letters of a word, each punctuation mark
// and each character of a script without spaces.
size_t EstimateTokens(std::string_view text);

// InvalidArgument; field "strategy", "size_tokens" or "overlap_tokens".
Status ValidateChunkSettings(const ChunkSettings& settings);

// "sentences" packs whole sentences (Unicode Standard Annex #29, by ICU; a line break inside a sentence does not end
// it) up to size_tokens and repeats as many of the last ones as fit overlap_tokens. "tokens" packs whole words the same
// way. What is longer than size_tokens by itself is cut at words, and a longer word at code points. White space alone
// yields no chunk. InvalidArgument for bad settings or text that is not UTF-8, TooLarge past 2 GiB.
Result<std::vector<Chunk>> ChunkText(std::string_view text, const ChunkSettings& settings,
                                     const TokenCounter& count = EstimateTokens);

// What is embedded for a chunk: a chunk from the middle of a document knows by its title what it is about.
std::string ChunkForEmbedding(std::string_view title, std::string_view chunk);

}  // namespace rhizome::pipeline
