// WordPiece: text to the token numbers BERT's uncased models were trained on.
//
// Three steps, after Devlin et al., "BERT" (NAACL 2019), section 3, and Wu et al., "Google's Neural Machine
// Translation System" (2016), section 4.1: clean and fold the text (drop control characters, isolate CJK
// ideographs, strip accents through NFD, lower-case), cut it at white space and around each punctuation mark,
// then cover each word with the longest vocabulary piece at every step; a word that cannot be covered is [UNK].
//
// The answer equals the reference tokenizer's for every text. The reference knows Unicode 8.0; characters
// assigned later are ordinary letters to it, so they are here. Invalid UTF-8 counts as U+FFFD and is dropped.
// A literal "[CLS]", "[SEP]", "[MASK]", "[PAD]" or "[UNK]" in the text is that token, as in the reference.
//
// Thread-safe once built. Owns its vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "pipeline/piece_trie.h"

namespace rhizome::pipeline {

class WordPiece {
 public:
  // Reads a `vocab.txt`: one piece a line, its number the line's; "##" marks a piece that continues a word.
  // Errors: NotFound, IoError; InvalidArgument when one of the five special tokens is missing or the file is larger
  // than 16 MiB.
  static Result<WordPiece> Load(const std::string& path);
  static Result<WordPiece> Parse(std::string vocabulary);

  // [CLS], the text's tokens, [SEP]; cut so that there are at most `tokens_max` (at least 2) in all.
  std::vector<int32_t> Encode(std::string_view text, size_t tokens_max) const;

  size_t size() const { return size_; }
  // As it was given to Parse.
  const std::string& vocabulary() const { return *vocabulary_; }

 private:
  struct Special {
    std::string_view text;
    int32_t id;
  };

  WordPiece() = default;
  void AppendPlain(std::string_view text, size_t tokens_max, std::vector<int32_t>& tokens) const;
  void AppendWord(std::string_view word, std::vector<int32_t>& tokens) const;
  const Special* SpecialAt(std::string_view text) const;

  std::unique_ptr<const std::string> vocabulary_;
  PieceTrie starts_;         // pieces that begin a word
  PieceTrie continuations_;  // pieces inside a word, without "##"
  std::vector<Special> specials_;
  size_t size_ = 0;
  int32_t unknown_ = 0;
  int32_t start_ = 0;
  int32_t end_ = 0;
};

}  // namespace rhizome::pipeline
