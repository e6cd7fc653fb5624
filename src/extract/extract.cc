#include "extract/extract.h"

#include <algorithm>
#include <unordered_map>

#include "base/utf8.h"
#include "extract/aliases.h"
#include "extract/relations.h"
#include "extract/spans.h"
#include "extract/types.h"
#include "format/entity_name.h"

namespace rhizome::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kAliasesMax = 16;
constexpr uint32_t kTitleNameWordsMax = 10;  // a longer title is a sentence and no name
constexpr uint32_t kDefinitionTokensMax = 40;
constexpr uint32_t kNotJustAName = kOrgCue | kPlaceCue | kEventCue | kWorkCue;

struct Hash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return Checksum(text); }
};
using Index = std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>>;

std::string_view SpanText(const Tokenizer& text, const NameSpan& span) {
  const uint32_t begin = text.tokens()[span.first].begin;
  return text.text().substr(begin, text.tokens()[span.last - 1].end - begin);
}

std::string OnOneLine(std::string_view surface) {
  std::string line;
  for (const char c : surface) {
    const bool space = c == '\n' || c == '\t' || c == '\r' || c == ' ';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
  }
  return line;
}

std::string_view CutAt(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

std::string_view EntityTypeName(EntityType type) {
  switch (type) {
    case EntityType::kOther: return "other";
    case EntityType::kPerson: return "person";
    case EntityType::kOrganisation: return "organisation";
    case EntityType::kPlace: return "place";
    case EntityType::kWork: return "work";
    case EntityType::kEvent: return "event";
    case EntityType::kDate: return "date";
    case EntityType::kNumber: return "number";
  }
  return "other";
}

// One document at a time; memory is kept between them.
struct Extractor::Work {
  explicit Work(const ExtractOptions& given) : options(given) {}

  struct Found : Occurrence {
    bool title = false;
  };

  void Begin(std::string_view title, std::string_view text);
  void TakeTitle(std::string_view title);
  void TakeNames(const Tokenizer& from, const std::vector<NameSpan>& spans);
  void TakeAcronyms();
  void TakeAcronym(uint32_t open, uint32_t close);
  void TakeShortForms();
  void TakeOtherNames();
  void Resolve(const Tokenizer& from, const std::vector<NameSpan>& spans, bool in_title);
  void CountPhrases(const Tokenizer& from, const std::vector<NameSpan>& spans);
  void LimitPhrases(size_t limit);
  void TakeMoments();
  void TakeNumbers();
  void SetTypes();
  void DropUnmentioned();
  void TakeMentions(std::span<const ChunkRange> chunks);
  void TakeRelations(std::span<const ChunkRange> chunks);
  void TakePairs();

  uint32_t EntityOf(std::string_view key) const;
  uint32_t AddEntity(std::string_view name, std::string key, bool is_phrase);
  void AddAlias(uint32_t entity, std::string_view alias, bool told);
  std::string KeyOf(const Tokenizer& from, const NameSpan& span) const;
  uint32_t NameEntity(const Tokenizer& from, const NameSpan& span);

  const ExtractOptions options;
  Tokenizer text;
  Tokenizer title;
  WordUses uses;
  std::vector<NameSpan> spans;        // of the text
  std::vector<NameSpan> title_spans;  // of the title
  Extraction out;
  Index by_key;  // keys and aliases of this document -> entity
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> phrase_counts;
  std::vector<bool> voted;       // per entity: its name has
  std::vector<TypeVotes> votes;  // per entity
  std::vector<Found> found;      // by first token; the title's last
  uint32_t title_entity = kNone;
};

uint32_t Extractor::Work::EntityOf(std::string_view key) const {
  const auto found_key = by_key.find(key);
  return found_key == by_key.end() ? kNone : found_key->second;
}

uint32_t Extractor::Work::AddEntity(std::string_view name, std::string key, bool is_phrase) {
  const auto id = static_cast<uint32_t>(out.entities.size());
  Entity entity;
  entity.name = OnOneLine(name);
  entity.key = key;
  entity.is_phrase = is_phrase;
  out.entities.push_back(std::move(entity));
  votes.emplace_back();
  voted.push_back(false);
  by_key.emplace(std::move(key), id);
  return id;
}

// `told`: the document says so; otherwise the alias only serves to resolve this document's mentions.
void Extractor::Work::AddAlias(uint32_t entity, std::string_view alias, bool told) {
  std::string key = format::EntityName(alias);
  Entity& target = out.entities[entity];
  if (key.size() < 2 || key == target.key) return;
  const bool free = by_key.emplace(key, entity).second;
  if (!told || (!free && by_key.find(key)->second != entity) || target.aliases.size() >= kAliasesMax) return;
  const bool known =
      std::ranges::any_of(target.aliases, [&](const std::string& had) { return format::EntityName(had) == key; });
  if (!known) target.aliases.push_back(OnOneLine(alias));
}

std::string Extractor::Work::KeyOf(const Tokenizer& from, const NameSpan& span) const {
  return span.kind == SpanKind::kPhrase ? PhraseName(from, span) : format::EntityName(SpanText(from, span));
}

uint32_t Extractor::Work::NameEntity(const Tokenizer& from, const NameSpan& span) {
  std::string key = KeyOf(from, span);
  if (key.empty()) return kNone;
  if (const uint32_t known = EntityOf(key); known != kNone) return known;
  return AddEntity(span.kind == SpanKind::kPhrase ? std::string_view(key) : SpanText(from, span), key,
                   span.kind == SpanKind::kPhrase);
}

void Extractor::Work::Begin(std::string_view title_text, std::string_view text_text) {
  out = {};
  by_key.clear();
  phrase_counts.clear();
  votes.clear();
  voted.clear();
  found.clear();
  uses.Clear();
  title_entity = kNone;
  title.Run(title_text);
  text.Run(text_text);
  uses.Count(text);
  out.times = FindTimes(text);
  out.sentences = static_cast<uint32_t>(text.sentences().size());
  spans = FindSpans(text, uses, out.times);
  title_spans = FindSpans(title, uses, FindTimes(title));
}

// A title that can be a name is the entity the document is about.
void Extractor::Work::TakeTitle(std::string_view text_of_title) {
  uint32_t words = 0;
  for (const Token& token : title.tokens()) words += token.kind == TokenKind::kPunctuation ? 0 : 1;
  std::string key = format::EntityName(text_of_title);
  if (words == 0 || words > kTitleNameWordsMax || title.sentences().size() > 2 || key.empty()) return;
  title_entity = AddEntity(text_of_title, std::move(key), false);
  out.entities[title_entity].is_title = true;
  for (const std::string& alias : TitleAliases(text_of_title)) AddAlias(title_entity, alias, true);
  const TitleParts parts = SplitTitle(text_of_title);
  uint32_t bracket = 0;
  for (uint32_t i = 0; i < title.tokens().size(); ++i) bracket = title.Mark(title.tokens()[i]) == '(' ? i : bracket;
  if (!parts.disambiguation.empty())
    VoteByNouns(title, bracket, static_cast<uint32_t>(title.tokens().size()), 4, votes[title_entity]);
  // What the title calls by a name that is not all of it may also be written in lower case: "demon algorithm".
  const auto last = static_cast<uint32_t>(parts.disambiguation.empty() ? title.tokens().size() : bracket);
  if (last > 0) by_key.emplace(PhraseName(title, {0, last, SpanKind::kPhrase, false}), title_entity);
}

void Extractor::Work::TakeNames(const Tokenizer& from, const std::vector<NameSpan>& given) {
  for (const NameSpan& span : given) {
    if (span.kind == SpanKind::kPhrase || (span.kind == SpanKind::kName && span.last - span.first == 1)) continue;
    const uint32_t entity = NameEntity(from, span);
    if (entity == kNone) continue;
    const std::string_view surface = SpanText(from, span);
    if (const std::string plain = WithoutInitials(surface); !plain.empty()) AddAlias(entity, plain, true);
    // Of a name only a place before its region has a comma and a further part: "Leland, North Carolina".
    const size_t comma = surface.find(", ");
    if (comma != std::string_view::npos && IsRegionName(format::EntityName(surface.substr(comma + 2)))) {
      AddAlias(entity, surface.substr(0, comma), true);
    }
  }
}

// "World Health Organization (WHO)" and "WHO (World Health Organization)".
void Extractor::Work::TakeAcronyms() {
  const auto& tokens = text.tokens();
  for (uint32_t open = 1; open + 2 < tokens.size(); ++open) {
    if (text.Mark(tokens[open]) != '(') continue;
    const char after = text.Mark(tokens[open + 2]);
    if (after == ')' || after == ';' || after == ',') TakeAcronym(open, open + 2);
  }
}

void Extractor::Work::TakeAcronym(uint32_t open, uint32_t close) {
  const auto& tokens = text.tokens();
  const Token& token = tokens[close - 1];
  if (!token.IsWord() || !token.Has(kAllCaps | kInnerCap) || tokens[open].sentence != token.sentence) return;
  std::string_view acronym = text.Surface(token);
  uint32_t first = LongFormOf(text, acronym, open);
  if (first == open && acronym.ends_with('s')) first = LongFormOf(text, acronym.substr(0, acronym.size() - 1), open);
  if (first == open) return;
  NameSpan span{first, open, tokens[first].Has(kCapital) ? SpanKind::kName : SpanKind::kPhrase, false};
  // In a name most words have capitals; "Induction therapy (IT)" at the beginning of a sentence has not.
  for (uint32_t i = first; i < open; ++i) {
    if (tokens[i].IsWord() && !tokens[i].Is(kFunction | kConnector) && !tokens[i].Has(kCapital))
      span.kind = SpanKind::kPhrase;
  }
  const uint32_t entity = NameEntity(text, span);
  if (entity != kNone) AddAlias(entity, acronym, true);
}

// "Smith" is "John Smith", "Acme" is "Acme Corporation", when the document has no other.
void Extractor::Work::TakeShortForms() {
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> shorts;  // kNone: of several
  const auto offer = [&](std::string key, uint32_t entity) {
    const auto [at, fresh] = shorts.emplace(std::move(key), entity);
    if (fresh || at->second == entity) return;
    // Of several the one that the document is about.
    at->second = at->second == title_entity || entity == title_entity ? title_entity : kNone;
  };
  const auto offer_of = [&](const Tokenizer& from, uint32_t first, uint32_t last, uint32_t entity) {
    const auto& tokens = from.tokens();
    if (last - first < 2 || last - first > 6) return;
    bool plain = true, tail = true;
    for (uint32_t i = first; i < last; ++i) {
      plain = plain && !tokens[i].Is(kNotJustAName | kConnector) && tokens[i].kind != TokenKind::kNumber;
      tail = tail && (i == first || tokens[i].Is(kOrgCue) || tokens[i].kind == TokenKind::kPunctuation);
    }
    const bool place = IsPlaceName(out.entities[entity].key);
    if (plain && !place && tokens[last - 1].IsWord()) offer(format::EntityName(from.Surface(tokens[last - 1])), entity);
    const bool given = plain && !place && (entity == title_entity || tokens[first].Is(kGivenName));
    if ((tail || given) && tokens[first].IsWord()) offer(format::EntityName(from.Surface(tokens[first])), entity);
  };
  if (title_entity != kNone) {
    uint32_t last = static_cast<uint32_t>(title.tokens().size());
    for (uint32_t i = 1; i < title.tokens().size(); ++i) {
      if (title.Mark(title.tokens()[i]) == '(') last = std::min(last, i);
    }
    offer_of(title, 0, last, title_entity);
  }
  for (const NameSpan& span : spans) {
    if (span.kind != SpanKind::kName || span.last - span.first < 2) continue;
    const uint32_t entity = EntityOf(KeyOf(text, span));
    if (entity != kNone) offer_of(text, span.first, span.last, entity);
  }
  for (auto& [key, entity] : shorts) {
    if (entity != kNone && key.size() > 1 && !IsPlaceName(key)) by_key.emplace(key, entity);
  }
}

// "X, also known as Y"; and the full name a text begins with: "William Alan Shatner (born …) is".
void Extractor::Work::TakeOtherNames() {
  if (title_entity == kNone || text.sentences().empty()) return;
  const auto& tokens = text.tokens();
  const Sentence first = text.sentences()[0];
  for (const NameSpan& span : spans) {
    if (span.first >= first.last) break;
    if (span.kind == SpanKind::kPhrase) continue;
    if (span.first <= first.first + 1 && span.last - span.first >= 2 && span.kind == SpanKind::kName) {
      uint32_t shared = 0;
      for (const Token& word : title.tokens()) {
        for (uint32_t i = span.first; i < span.last && word.IsWord() && !word.Is(kFunction | kConnector); ++i) {
          shared += title.Lower(word) == text.Lower(tokens[i]) ? 1 : 0;
        }
      }
      const uint32_t entity = EntityOf(KeyOf(text, span));
      if (shared >= 2 && (entity == kNone || entity != title_entity)) {
        if (entity != kNone) by_key[out.entities[entity].key] = title_entity;
        AddAlias(title_entity, SpanText(text, span), true);
      }
      continue;
    }
    if (span.first < 2) continue;
    const std::string_view before = text.Lower(tokens[span.first - 1]);
    const std::string_view ahead = text.Lower(tokens[span.first - 2]);
    const bool known =
        before == "as" && (ahead == "known" || ahead == "published" || ahead == "credited" || ahead == "called");
    const bool named =
        before == "née" || before == "aka" || before == "nicknamed" || (before == "called" && ahead == "also") ||
        (before == "born" && (text.Mark(tokens[span.first - 2]) == '(' || text.Mark(tokens[span.first - 2]) == ',') &&
         span.last - span.first >= 2);
    if (!known && !named) continue;
    const std::string key = KeyOf(text, span);
    const uint32_t entity = EntityOf(key);
    if (entity != kNone && entity != title_entity) by_key[key] = title_entity;
    AddAlias(title_entity, SpanText(text, span), true);
  }
}

void Extractor::Work::CountPhrases(const Tokenizer& from, const std::vector<NameSpan>& given) {
  for (const NameSpan& span : given) {
    if (span.kind == SpanKind::kPhrase) ++phrase_counts[PhraseName(from, span)];
  }
}

// Keeps the most frequent, then the longest, then the first in the alphabet.
void Extractor::Work::LimitPhrases(size_t limit) {
  if (phrase_counts.size() <= limit) return;
  struct Ranked {
    uint32_t count;
    std::string_view phrase;
  };
  std::vector<Ranked> ranked;
  for (const auto& [phrase, count] : phrase_counts) ranked.push_back({count, phrase});
  std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) {
    if (a.count != b.count) return a.count > b.count;
    if (a.phrase.size() != b.phrase.size()) return a.phrase.size() > b.phrase.size();
    return a.phrase < b.phrase;
  });
  for (size_t i = limit; i < ranked.size(); ++i) phrase_counts.find(ranked[i].phrase)->second = 0;
}

// Every span becomes an occurrence of its entity.
void Extractor::Work::Resolve(const Tokenizer& from, const std::vector<NameSpan>& given, bool in_title) {
  for (const NameSpan& span : given) {
    uint32_t entity = kNone;
    if (span.kind == SpanKind::kPhrase) {
      std::string key = PhraseName(from, span);
      const auto counted = phrase_counts.find(key);
      entity = EntityOf(key);
      if (entity == kNone && (counted == phrase_counts.end() || counted->second == 0)) continue;
      if (entity == kNone) entity = AddEntity(key, key, true);
    } else {
      entity = NameEntity(from, span);
      if (entity == kNone) continue;
      if (!voted[entity]) VoteByName(from, span, out.entities[entity].key, votes[entity]);
      voted[entity] = true;
      VoteByContext(from, span, votes[entity]);
    }
    Found occurrence;
    occurrence.first = span.first;
    occurrence.last = span.last;
    occurrence.entity = entity;
    occurrence.title = in_title;
    found.push_back(occurrence);
  }
}

void Extractor::Work::TakeMoments() {
  for (const TimeSpan& time : out.times) {
    if (time.use != TimeUse::kAt || !time.from_ms || !time.until_ms) continue;
    std::string name = MomentName({*time.from_ms, *time.until_ms, time.precision});
    uint32_t entity = EntityOf(name);
    if (entity == kNone) entity = AddEntity(name, name, false);
    votes[entity].Add(EntityType::kDate, 100);
    Found occurrence;
    occurrence.first = time.first;
    occurrence.last = time.last;
    occurrence.entity = entity;
    found.push_back(occurrence);
  }
}

void Extractor::Work::TakeNumbers() {
  const auto& tokens = text.tokens();
  std::vector<bool> named(tokens.size(), false);
  for (const Found& at : found) std::fill(named.begin() + at.first, named.begin() + at.last, true);
  size_t time = 0;
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    if (named[i]) continue;
    while (time < out.times.size() && out.times[time].last <= i) ++time;
    if (time < out.times.size() && out.times[time].first <= i) continue;
    if (tokens[i].kind != TokenKind::kNumber || tokens[i].end - tokens[i].begin < 2) continue;
    const bool percent = i + 1 < tokens.size() && text.Mark(tokens[i + 1]) == '%';
    const uint32_t last = i + (percent ? 2 : 1);
    const NameSpan span{i, last, SpanKind::kNumber, false};
    const uint32_t entity = NameEntity(text, span);
    if (entity == kNone) continue;
    votes[entity].Add(EntityType::kNumber, 50);
    Found occurrence;
    occurrence.first = i;
    occurrence.last = last;
    occurrence.entity = entity;
    found.push_back(occurrence);
  }
}

void Extractor::Work::SetTypes() {
  if (title_entity != kNone && !text.sentences().empty()) {
    // A text that begins "X is a village" says what its title is, however it writes X.
    const Sentence first = text.sentences()[0];
    for (uint32_t i = first.first; i + 2 < first.last && i < first.first + kDefinitionTokensMax; ++i) {
      const std::string_view word = text.Lower(text.tokens()[i + 1]);
      if (word != "is" && word != "was" && word != "are" && word != "were") continue;
      VoteByContext(text, {i, i + 1, SpanKind::kName, false}, votes[title_entity]);
      break;
    }
  }
  for (size_t i = 0; i < out.entities.size(); ++i) {
    if (!out.entities[i].is_phrase) out.entities[i].type = votes[i].Best();
  }
}

// Drops entities that nothing in the document turned out to mention, but for its title.
void Extractor::Work::DropUnmentioned() {
  std::vector<uint32_t> renamed(out.entities.size(), kNone);
  if (title_entity != kNone) renamed[title_entity] = 0;
  for (const Found& at : found) renamed[at.entity] = 0;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < renamed.size(); ++i) {
    if (renamed[i] == kNone) continue;
    renamed[i] = kept;
    if (kept != i) out.entities[kept] = std::move(out.entities[i]);
    ++kept;
  }
  out.entities.resize(kept);
  for (Found& at : found) at.entity = renamed[at.entity];
  if (title_entity != kNone) title_entity = renamed[title_entity];
}

void Extractor::Work::TakeMentions(std::span<const ChunkRange> chunks) {
  const auto add = [&](const Found& at, uint32_t chunk, std::unordered_map<uint32_t, size_t>& seen) {
    const Tokenizer& from = at.title ? title : text;
    const auto [slot, fresh] = seen.emplace(at.entity, out.mentions.size());
    if (fresh) {
      out.mentions.push_back({at.entity, chunk, 0, from.tokens()[at.first].begin, from.tokens()[at.last - 1].end});
    }
    ++out.mentions[slot->second].count;
  };
  std::unordered_map<uint32_t, size_t> seen;
  size_t from = 0;
  for (uint32_t chunk = 0; chunk < chunks.size(); ++chunk) {
    seen.clear();
    const auto begin_of = [&](const Found& at) { return text.tokens()[at.first].begin; };
    while (from < found.size() && !found[from].title && begin_of(found[from]) < chunks[chunk].begin) ++from;
    for (size_t i = from; i < found.size() && !found[i].title && begin_of(found[i]) < chunks[chunk].end; ++i) {
      if (text.tokens()[found[i].last - 1].end <= chunks[chunk].end) add(found[i], chunk, seen);
    }
  }
  seen.clear();
  // The title names its entity, whatever else is in it.
  if (title_entity != kNone) {
    seen.emplace(title_entity, out.mentions.size());
    out.mentions.push_back({title_entity, kTitleChunk, 1, title.tokens().front().begin, title.tokens().back().end});
  }
  for (const Found& at : found) {
    if (at.title && at.entity != title_entity) add(at, kTitleChunk, seen);
  }
}

void Extractor::Work::TakeRelations(std::span<const ChunkRange> chunks) {
  std::vector<Occurrence> here;
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> seen;
  size_t at = 0;
  uint32_t chunk = 0;
  for (const Sentence& sentence : text.sentences()) {
    here.clear();
    for (; at < found.size() && !found[at].title && found[at].first < sentence.last; ++at) {
      const EntityType type = out.entities[found[at].entity].type;
      if (type != EntityType::kNumber && type != EntityType::kDate) here.push_back(found[at]);
    }
    const uint32_t begin = text.tokens()[sentence.first].begin;
    while (chunk + 1 < chunks.size() && chunks[chunk].end <= begin) {
      ++chunk;
      seen.clear();
    }
    const size_t before = out.relations.size();
    const RelationScope scope{here, out.times, out.entities,
                              title_entity == kNone ? -1 : static_cast<int64_t>(title_entity)};
    FindRelations(text, sentence, scope, out.relations);
    size_t kept = before;
    for (size_t i = before; i < out.relations.size(); ++i) {
      Relation relation = out.relations[i];
      relation.chunk = chunk;
      relation.begin = begin;
      relation.end = text.tokens()[sentence.last - 1].end;
      const std::string key =
          std::to_string(relation.source) + " " + std::to_string(relation.target) + " " + std::string(relation.type);
      const auto [slot, fresh] = seen.emplace(key, kept);
      if (fresh) {
        out.relations[kept++] = relation;
      } else if (slot->second < kept && out.relations[slot->second].confidence < relation.confidence) {
        Relation& had = out.relations[slot->second];
        had.confidence = relation.confidence;
        if (!had.valid_from_ms && !had.valid_until_ms) {
          had.valid_from_ms = relation.valid_from_ms;
          had.valid_until_ms = relation.valid_until_ms;
        }
      }
    }
    out.relations.resize(kept);
  }
}

void Extractor::Work::TakePairs() {
  std::unordered_map<uint64_t, uint32_t> counts;
  std::vector<uint32_t> here;
  size_t at = 0;
  for (const Sentence& sentence : text.sentences()) {
    here.clear();
    for (; at < found.size() && !found[at].title && found[at].first < sentence.last; ++at) {
      const Entity& entity = out.entities[found[at].entity];
      if (entity.type == EntityType::kNumber || entity.type == EntityType::kDate || here.size() >= kPairEntitiesMax)
        continue;
      if (std::ranges::find(here, found[at].entity) == here.end()) here.push_back(found[at].entity);
    }
    std::ranges::sort(here);
    for (size_t i = 0; i < here.size(); ++i) {
      for (size_t j = i + 1; j < here.size(); ++j) ++counts[uint64_t{here[i]} << 32 | here[j]];
    }
  }
  out.pairs.reserve(counts.size());
  for (const auto& [pair, sentences] : counts) {
    out.pairs.push_back({static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair), sentences});
  }
  std::ranges::sort(out.pairs, [](const Pair& x, const Pair& y) { return x.a != y.a ? x.a < y.a : x.b < y.b; });
}

Extractor::Extractor(const ExtractOptions& options) : work_(std::make_unique<Work>(options)) {}
Extractor::~Extractor() = default;

Extraction Extractor::Extract(std::string_view title, std::string_view text, std::span<const ChunkRange> chunks) {
  Work& work = *work_;
  title = CutAt(title, kTitleBytesMax);
  text = CutAt(text, kTextBytesMax);
  const ChunkRange whole{0, static_cast<uint32_t>(text.size())};
  if (chunks.empty()) chunks = {&whole, 1};
  work.Begin(title, text);
  work.TakeTitle(title);
  work.TakeOtherNames();
  work.TakeNames(work.text, work.spans);
  work.TakeNames(work.title, work.title_spans);
  work.TakeAcronyms();
  work.TakeShortForms();
  work.CountPhrases(work.text, work.spans);
  work.CountPhrases(work.title, work.title_spans);
  work.LimitPhrases(size_t{work.options.phrases_per_chunk_max} * chunks.size());
  work.Resolve(work.text, work.spans, false);
  work.TakeMoments();
  if (work.options.numbers) work.TakeNumbers();
  std::ranges::stable_sort(work.found, [](const auto& a, const auto& b) { return a.first < b.first; });
  work.Resolve(work.title, work.title_spans, true);
  work.SetTypes();
  work.DropUnmentioned();
  work.TakeMentions(chunks);
  work.TakeRelations(chunks);
  work.TakePairs();
  return std::move(work.out);
}

std::vector<Entity> Extractor::ExtractQuery(std::string_view query) {
  Work& work = *work_;
  work.Begin({}, CutAt(query, kTextBytesMax));
  work.TakeNames(work.text, work.spans);
  work.TakeAcronyms();
  work.CountPhrases(work.text, work.spans);
  work.Resolve(work.text, work.spans, false);
  work.TakeMoments();
  work.SetTypes();
  return std::move(work.out.entities);
}

}  // namespace rhizome::extract
