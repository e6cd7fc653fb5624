#include "ask/answer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"
#include "extract/dates.h"
#include "format/entity_name.h"

namespace rhizome::ask {
namespace {

constexpr double kTitleShare = .7;  // of a word that only the title has
constexpr double kKindShare = .15;  // for having the kind of thing that is wanted
constexpr double kPassageShare = .35;
constexpr double kQuotedMin = .7;  // of the best sentence's score, for further ones

struct Read {
  size_t passage = 0;
  size_t begin = 0, end = 0;
  std::unordered_set<std::string> words;
  bool has_kind = false;
};

std::unordered_set<std::string> WordsOf(std::string_view text, vector::Analyzer& analyzer) {
  vector::TermBuffer terms;
  analyzer.Analyze(text, terms);
  std::unordered_set<std::string> words;
  for (size_t i = 0; i < terms.size(); ++i) words.emplace(terms[i]);
  return words;
}

// A name, a number or a time that the question does not say itself.
bool HasKind(Wanted wanted, const extract::Tokenizer& text, const extract::Sentence& sentence,
             const std::vector<extract::TimeSpan>& times, std::string_view question) {
  if (wanted == Wanted::kTime) {
    return std::ranges::any_of(times, [&](const extract::TimeSpan& span) {
      return span.first >= sentence.first && span.last <= sentence.last;
    });
  }
  if (wanted == Wanted::kAnything || wanted == Wanted::kYesOrNo) return false;
  for (uint32_t i = sentence.first; i < sentence.last; ++i) {
    const extract::Token& token = text.tokens()[i];
    const bool number = token.kind == extract::TokenKind::kNumber;
    const bool name = token.IsWord() && i > sentence.first && token.Has(extract::kCapital | extract::kUncased);
    if (wanted == Wanted::kNumber ? !number : !name) continue;
    if (question.find(text.Surface(token)) == std::string_view::npos) return true;
  }
  return false;
}

std::vector<Read> ReadSentences(std::string_view question, const Shape& shape, std::span<const Passage> passages,
                                Senses& senses) {
  std::vector<Read> sentences;
  for (size_t p = 0; p < passages.size() && p < kPassagesQuoted; ++p) {
    extract::Tokenizer& text = senses.tokenizer;
    text.Run(passages[p].text);
    const auto times = shape.wanted == Wanted::kTime ? extract::FindTimes(text) : std::vector<extract::TimeSpan>();
    for (const extract::Sentence& sentence : text.sentences()) {
      if (sentences.size() >= kSentencesRead) return sentences;
      if (sentence.first >= sentence.last) continue;
      Read read{p, text.tokens()[sentence.first].begin, text.tokens()[sentence.last - 1].end, {}, false};
      const std::string_view all = std::string_view(passages[p].text).substr(read.begin, read.end - read.begin);
      if (all.size() > kSentenceBytesMax) read.end = read.begin + Utf8ValidPrefix(all.substr(0, kSentenceBytesMax));
      read.words = WordsOf(all, *senses.analyzer);
      read.has_kind = HasKind(shape.wanted, text, sentence, times, question);
      sentences.push_back(std::move(read));
    }
  }
  return sentences;
}

// How much each word of the question says, of a sum of 1: by how few sentences have it.
std::unordered_map<std::string, double> Weigh(const std::unordered_set<std::string>& words,
                                              const std::vector<Read>& sentences) {
  std::unordered_map<std::string, double> weights;
  double sum = 0;
  for (const std::string& word : words) {
    const auto with = std::ranges::count_if(sentences, [&](const Read& read) { return read.words.contains(word); });
    const double all = static_cast<double>(sentences.size());
    sum += weights[word] = std::log(1 + (all + 1) / (static_cast<double>(with) + .5));
  }
  for (auto& [word, weight] : weights) weight /= sum;
  return weights;
}

double Coverage(const std::unordered_map<std::string, double>& weights, const std::unordered_set<std::string>& words,
                const std::unordered_set<std::string>& title) {
  double sum = 0;
  for (const auto& [word, weight] : weights) {
    if (words.contains(word)) {
      sum += weight;
    } else if (title.contains(word)) {
      sum += weight * kTitleShare;
    }
  }
  return sum;
}

double NamesFound(const std::vector<extract::Entity>& entities, std::span<const Passage> passages) {
  std::string all;
  for (size_t p = 0; p < passages.size() && p < kPassagesQuoted; ++p) {
    all += format::EntityName(passages[p].title) + "\n";
    // Cut into pieces that the normal form takes whole.
    for (size_t at = 0; at < passages[p].text.size();) {
      const std::string_view rest = std::string_view(passages[p].text).substr(at, format::kEntityNameBytesMax / 2);
      const size_t space = rest.size() < format::kEntityNameBytesMax / 2 ? std::string_view::npos : rest.rfind(' ');
      const std::string_view piece = space == std::string_view::npos || space == 0 ? rest : rest.substr(0, space);
      all.append(format::EntityName(piece)).push_back(' ');
      at += piece.size();
    }
    all += "\n";
  }
  size_t names = 0, found = 0;
  for (const extract::Entity& entity : entities) {
    if (entity.is_phrase) continue;
    ++names;
    const auto stands = [&](const std::string& name) { return !name.empty() && all.find(name) != std::string::npos; };
    const bool known = stands(entity.key) || std::ranges::any_of(entity.aliases, [&](const std::string& alias) {
                         return stands(format::EntityName(alias));
                       });
    found += known ? 1 : 0;
  }
  return names == 0 ? 1 : static_cast<double>(found) / static_cast<double>(names);
}

}  // namespace

Extract ExtractAnswer(const std::string& question, const Shape& shape, const std::vector<extract::Entity>& entities,
                      std::span<const Passage> passages, Senses& senses) {
  Extract out;
  out.names_found = NamesFound(entities, passages);
  const std::unordered_set<std::string> asked = WordsOf(question, *senses.analyzer);
  const std::vector<Read> sentences = ReadSentences(question, shape, passages, senses);
  if (sentences.empty() || asked.empty()) return out;
  const auto weights = Weigh(asked, sentences);
  std::vector<std::unordered_set<std::string>> titles, wholes;
  for (size_t p = 0; p < passages.size() && p < kPassagesQuoted; ++p) {
    titles.push_back(WordsOf(passages[p].title, *senses.analyzer));
    wholes.emplace_back();
  }
  for (const Read& read : sentences) {
    Quote quote{read.passage, read.begin, read.end};
    quote.coverage = Coverage(weights, read.words, titles[read.passage]);
    quote.score = (1 - kPassageShare - kKindShare) * quote.coverage + kPassageShare * passages[read.passage].score +
                  (read.has_kind ? kKindShare : 0);
    out.quotes.push_back(quote);
    out.coverage = std::max(out.coverage, quote.coverage);
    wholes[read.passage].insert(read.words.begin(), read.words.end());
  }
  for (size_t p = 0; p < wholes.size(); ++p) {
    out.passage_coverage = std::max(out.passage_coverage, Coverage(weights, wholes[p], titles[p]));
  }
  std::ranges::stable_sort(out.quotes, std::greater<>(), &Quote::score);
  const double least = out.quotes[0].score * kQuotedMin;
  std::erase_if(out.quotes, [&](const Quote& quote) { return quote.score < least; });
  if (out.quotes.size() > kSentencesMax) out.quotes.resize(kSentencesMax);
  return out;
}

std::pair<size_t, size_t> SentenceWith(const std::string& text, const std::string& part,
                                       extract::Tokenizer& tokenizer) {
  tokenizer.Run(text);
  const size_t at = text.find(part);
  for (const extract::Sentence& sentence : tokenizer.sentences()) {
    if (at == std::string::npos || sentence.first >= sentence.last) continue;
    const size_t begin = tokenizer.tokens()[sentence.first].begin, end = tokenizer.tokens()[sentence.last - 1].end;
    if (begin <= at && at < end) return {begin, end};
  }
  return {0, text.size()};
}

}  // namespace rhizome::ask
