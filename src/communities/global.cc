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

void GlobalIndex::Add(Entry entry) {
  const auto number = static_cast<uint32_t>(entries_.size());
  for (const auto& [word, count] : entry.counts) postings_[word].emplace_back(number, count);
  words_ += entry.words;
  entries_.push_back(std::move(entry));
}

Status GlobalIndex::Fill(const Source& source, const Book& book, const EmbedTexts& embed, size_t vectors,
                         std::vector<Entry>& entries) {
  std::vector<Book::Place> places;
  for (const Entry& entry : entries) places.push_back(entry.place);
  ASSIGN_OR_RETURN(const auto views, ViewCommunities(source, book, places, kMembersInText));
  std::vector<Entry> filled;
  std::vector<std::string> texts;
  for (const CommunityView& view : views) {
    const auto place = *book.Find(view.id);
    Entry& entry = filled.emplace_back();
    entry.place = place;
    entry.mark = book.levels[place.level].marks[place.community];
    const std::string text = TextOf(view);
    std::vector<uint64_t> words = WordsOf(text);
    entry.words = static_cast<uint32_t>(words.size());
    std::sort(words.begin(), words.end());
    for (const uint64_t word : words) {
      if (entry.counts.empty() || entry.counts.back().first != word) entry.counts.emplace_back(word, 0);
      ++entry.counts.back().second;
    }
    if (texts.size() < vectors) texts.push_back(text);
  }
  entries = std::move(filled);
  if (embed && !texts.empty()) {
    ASSIGN_OR_RETURN(auto made, embed(source.collection, texts));
    for (size_t i = 0; i < made.size() && i < texts.size(); ++i) entries[i].vector = std::move(made[i]);
  }
  for (Entry& entry : entries) entry.embedded = embed != nullptr;
  return Status::Ok();
}

Result<GlobalIndex> GlobalIndex::Make(const Source& source, const Book& book, const EmbedTexts& embed,
                                      const GlobalIndex* before, const std::function<bool()>& cancelled) {
  std::unordered_map<uint64_t, const Entry*> known;
  if (before != nullptr) {
    for (const Entry& entry : before->entries_) {
      if (entry.embedded || !embed) known.emplace(entry.mark, &entry);
    }
  }
  GlobalIndex index;
  std::vector<Entry> missing;
  const auto fill = [&]() -> Status {
    if (cancelled && cancelled()) return Status::Cancelled("told to end");
    const size_t there = index.entries_.size();
    RETURN_IF_ERROR(Fill(source, book, embed, there < kVectorsMax ? kVectorsMax - there : 0, missing));
    for (Entry& entry : missing) index.Add(std::move(entry));
    missing.clear();
    return Status::Ok();
  };
  size_t taken = 0;
  for (uint32_t level = 0; level < book.levels.size(); ++level) {
    for (uint32_t c = 0; c < book.levels[level].count() && taken < kCommunitiesMax; ++c) {
      if (book.levels[level].MembersOf(c).size() < 2) break;  // the rest of the level is no larger
      if (book.HomeOf({level, c}) != Book::Place{level, c}) continue;
      ++taken;
      const auto found = known.find(book.levels[level].marks[c]);
      if (found == known.end()) {
        missing.push_back({{level, c}});
        if (missing.size() == kTextsAtOnce) RETURN_IF_ERROR(fill());
        continue;
      }
      Entry same = *found->second;
      same.place = {level, c};
      index.Add(std::move(same));
    }
  }
  RETURN_IF_ERROR(fill());
  return index;
}

bool GlobalIndex::has_vectors() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return !entry.vector.empty(); });
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
