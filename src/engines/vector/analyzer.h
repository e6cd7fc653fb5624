// Analyzer: from text to the terms a text index counts; the same steps for documents and queries.
//
// 1. Words are runs of letters, digits and marks (Unicode general categories). An apostrophe between letters and a
//    dot or comma between digits stay inside; everything else separates.
// 2. Scripts written without spaces (Han, Kana, Hangul, Thai, Lao, Khmer, Myanmar) become overlapping pairs of
//    characters; a lone character stays as it is.
// 3. Words are normalised by NFKC_Casefold, dropped when they are stop words (optional, English only), stemmed by
//    Snowball in the collection's language, and stripped of combining accents. Folding comes after stemming
//    because suffix rules of French or Spanish look at accents.
// Words are cut at 255 bytes. Invalid UTF-8 separates.
//
// Thread-safety: none; an Analyzer is cheap, so each thread makes its own. Terms are persisted: a change of these
// steps that changes terms is a new version of the text segment format.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/status.h"

struct sb_stemmer;

namespace rhizome::vector {

struct AnalyzerOptions {
  std::string language = "english";  // a Snowball language in lower case, or "none"
  bool drop_stop_words = false;

  bool operator==(const AnalyzerOptions&) const = default;
};

// Terms of one text in order, kept in one piece of memory that is reused.
class TermBuffer {
 public:
  void Clear() {
    bytes_.clear();
    ends_.clear();
  }
  void Append(std::string_view term) {
    bytes_ += term;
    ends_.push_back(bytes_.size());
  }
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const size_t start = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(start, ends_[i] - start);
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

class Analyzer {
 public:
  // InvalidArgument (field "language") when Snowball does not know the language.
  static Result<std::unique_ptr<Analyzer>> Create(const AnalyzerOptions& options);
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  // Appends the terms of `text`, repetitions included.
  void Analyze(std::string_view text, TermBuffer& terms);

  // Every language Create() knows, "none" included, sorted.
  static std::vector<std::string> Languages();

 private:
  // Words come back in almost every document: remembering their terms spares normalisation and stemming.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return Checksum(word); }
  };

  Analyzer(const AnalyzerOptions& options, sb_stemmer* stemmer) : options_(options), stemmer_(stemmer) {}
  void AddWord(std::string_view word, TermBuffer& terms);
  std::string TermOf(std::string_view word);

  const AnalyzerOptions options_;
  sb_stemmer* const stemmer_;  // owned; null for "none"
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> known_;
};

}  // namespace rhizome::vector
