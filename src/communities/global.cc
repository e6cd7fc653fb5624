#include "communities/global.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "extract/spans.h"
#include "extract/tokens.h"
#include "format/entity_name.h"

namespace rhizome::communities {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;
constexpr uint32_t kMembersInText = 10;
constexpr size_t kTextsAtOnce = 64;

constexpr uint32_t kSaysNothing = extract::kFunction | extract::kPronoun | extract::kPreposition |
                                  extract::kDeterminer | extract::kAuxiliary | extract::kConnector;

bool IsAscii(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Hashes of the words that say something, whatever their case, in the singular where that is known.
std::vector<uint64_t> WordsOf(std::string_view text) {
  extract::Tokenizer tokenizer;
  tokenizer.Run(text);
  std::vector<uint64_t> words;
  for (const extract::Token& token : tokenizer.tokens()) {
    if ((!token.IsWord() && token.kind != extract::TokenKind::kNumber) || token.Is(kSaysNothing)) continue;
    const std::string_view lower = tokenizer.Lower(token);
    words.push_back(Checksum(IsAscii(lower) ? extract::Singular(lower) : format::EntityName(lower)));
  }
  return words;
}

std::string TextOf(const CommunityView& view) {
  std::string text;
  for (const MemberView& member : view.members) text.append(member.surface).append(". ");
  return text + view.Summary();
}

}  // namespace

void GlobalIndex::AddText(Book::Place place, const std::string& text) {
  const auto number = static_cast<uint32_t>(entries_.size());
  std::vector<uint64_t> words = WordsOf(text);
  entries_.push_back({place, Checksum(text), static_cast<uint32_t>(words.size()), {}});
  words_ += words.size();
  std::sort(words.begin(), words.end());
  for (size_t i = 0; i < words.size();) {
    const uint64_t word = words[i];
    uint32_t count = 0;
    for (; i < words.size() && words[i] == word; ++i) ++count;
    postings_[word].emplace_back(number, count);
  }
}

// Vectors for entries from `first` on that have none.
Status GlobalIndex::Embed(const Source& source, std::vector<std::string> texts, size_t first, const EmbedTexts& embed) {
  std::vector<std::string> wanted;
  std::vector<size_t> entries;
  for (size_t i = 0; i < texts.size() && first + i < kVectorsMax; ++i) {
    if (!entries_[first + i].vector.empty()) continue;
    wanted.push_back(std::move(texts[i]));
    entries.push_back(first + i);
  }
  if (wanted.empty() || !embed) return Status::Ok();
  ASSIGN_OR_RETURN(auto vectors, embed(source.collection, wanted));
  for (size_t i = 0; i < entries.size() && i < vectors.size(); ++i) entries_[entries[i]].vector = std::move(vectors[i]);
  return Status::Ok();
}

Result<GlobalIndex> GlobalIndex::Make(const Source& source, const Book& book, const EmbedTexts& embed,
                                      const GlobalIndex* before, const std::function<bool()>& cancelled) {
  std::vector<Book::Place> places;
  for (uint32_t level = 0; level < book.levels.size(); ++level) {
    for (uint32_t c = 0; c < book.levels[level].count() && places.size() < kCommunitiesMax; ++c) {
      if (book.levels[level].MembersOf(c).size() < 2) break;  // the rest of the level is no larger
      if (book.HomeOf({level, c}) == Book::Place{level, c}) places.push_back({level, c});
    }
  }
  std::unordered_map<uint64_t, const std::vector<float>*> known;
  if (before != nullptr) {
    for (const Entry& entry : before->entries_) known.emplace(entry.text_hash, &entry.vector);
  }
  GlobalIndex index;
  for (size_t i = 0; i < places.size(); i += kTextsAtOnce) {
    if (cancelled && cancelled()) return Status::Cancelled("told to end");
    const auto some = std::span(places).subspan(i, std::min(kTextsAtOnce, places.size() - i));
    ASSIGN_OR_RETURN(const auto views, ViewCommunities(source, book, some, kMembersInText));
    const size_t first = index.entries_.size();
    std::vector<std::string> texts;
    for (const CommunityView& view : views) {
      texts.push_back(TextOf(view));
      index.AddText(*book.Find(view.id), texts.back());
      const auto found = known.find(index.entries_.back().text_hash);
      if (found != known.end()) index.entries_.back().vector = *found->second;
    }
    RETURN_IF_ERROR(index.Embed(source, std::move(texts), first, embed));
  }
  return index;
}

std::vector<ScoredPlace> GlobalIndex::Search(std::string_view question, const std::vector<float>& vector,
                                             size_t limit) const {
  std::vector<uint64_t> words = WordsOf(question);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  const auto count = static_cast<double>(entries_.size());
  const double average = entries_.empty() ? 1 : std::max(1.0, static_cast<double>(words_) / count);
  std::vector<double> by_words(entries_.size(), 0);
  double most = 0;
  for (const uint64_t word : words) {
    const auto found = postings_.find(word);
    const double in = found == postings_.end() ? 0 : static_cast<double>(found->second.size());
    const double rarity = std::log(1 + (count - in + 0.5) / (in + 0.5));
    most += rarity * (kK1 + 1);
    if (found == postings_.end()) continue;
    for (const auto& [entry, times] : found->second) {
      const double length = kK1 * (1 - kB + kB * entries_[entry].words / average);
      by_words[entry] += rarity * times * (kK1 + 1) / (times + length);
    }
  }
  std::vector<ScoredPlace> scored;
  for (size_t i = 0; i < entries_.size(); ++i) {
    ScoredPlace one{entries_[i].place, 0, most > 0 ? by_words[i] / most : 0, 0};
    const bool both = !vector.empty() && vector.size() == entries_[i].vector.size();
    if (both) {
      for (size_t d = 0; d < vector.size(); ++d) one.meaning += static_cast<double>(vector[d]) * entries_[i].vector[d];
      one.meaning = std::max(one.meaning, 0.0);
    }
    one.score = both ? (one.words + one.meaning) / 2 : one.words;
    if (one.score > 0) scored.push_back(one);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (scored.size() > limit) scored.resize(limit);
  return scored;
}

}  // namespace rhizome::communities
