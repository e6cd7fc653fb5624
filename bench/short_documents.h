// Short documents out of a fixed seed, for benchmarks of the pipeline: about 300 bytes, a title that is a person, two
// sentences that state facts, one of words drawn as in natural text (Zipf). Each document brings two names that no
// other has and names some that others brought, so entities grow with documents. Deterministic; not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace rhizome::bench {

struct ShortDocument {
  std::string title, text;
};

class ShortDocuments {
 public:
  ShortDocuments() : random_(20241122) {
    double sum = 0;
    for (size_t i = 0; i < kWords; ++i) {
      words_.push_back(Word(i, 2 + i % 3));
      sum += 1.0 / static_cast<double>(i + 3);
      chances_.push_back(sum);
    }
  }

  ShortDocument Next() {
    static constexpr const char* kVerbs[] = {"met", "was founded by", "acquired", "married", "worked for", "directed"};
    const uint64_t number = made_++;
    ShortDocument document{Person(2 * number), ""};
    const uint64_t known = number == 0 ? 0 : random_() % (2 * number);
    document.text = document.title + " " + kVerbs[random_() % std::size(kVerbs)] + " " + Person(2 * number + 1) +
                    " in " + std::to_string(1900 + random_() % 120) + ". " + Person(known) + " was born in " +
                    Name(known % 997, 2) + " and " + kVerbs[random_() % std::size(kVerbs)] + " " + document.title +
                    ". The";
    for (int i = 0; i < 16; ++i) document.text += (i == 5 ? " of the " : " ") + SomeWord();
    document.text += ".";
    return document;
  }
  // A question about one of the documents made so far.
  std::string Query() { return Person(random_() % (2 * made_)) + " " + SomeWord() + " " + SomeWord(); }

 private:
  static constexpr size_t kWords = 20'000;

  static std::string Word(uint64_t number, size_t syllables) {
    static constexpr const char* kSyllables[] = {"ka", "lo",  "mi",  "ren", "sta", "vor", "bel", "dun",
                                                 "ta", "gri", "sha", "no",  "pe",  "lin", "os",  "tur"};
    std::string word;
    for (size_t i = 0; i < syllables || number > 0; ++i, number /= std::size(kSyllables)) {
      word += kSyllables[number % std::size(kSyllables)];
    }
    return word;
  }
  static std::string Name(uint64_t number, size_t syllables) {
    std::string word = Word(number, syllables);
    word[0] = static_cast<char>(word[0] & ~0x20);
    return word;
  }
  static std::string Person(uint64_t number) { return Name(number % 1009, 2) + " " + Name(number, 3); }
  const std::string& SomeWord() {
    const double at = std::uniform_real_distribution<double>(0, chances_.back())(random_);
    return words_[static_cast<size_t>(std::lower_bound(chances_.begin(), chances_.end(), at) - chances_.begin())];
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<double> chances_;
  uint64_t made_ = 0;
};

}  // namespace rhizome::bench
