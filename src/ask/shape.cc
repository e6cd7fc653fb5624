#include "ask/shape.h"

#include <algorithm>
#include <array>
#include <string>

namespace rhizome::ask {
namespace {

using graph::Direction;

enum class Grammar : uint8_t {
  kNoun,  // "the capital of France": the direction is the entry's
  kVerb,  // "who founded it", "what did she found", "it was founded by": the direction follows from the word order
};

struct Entry {
  std::string_view words;  // as a question says it, alternatives apart by |
  std::string_view type;
  Direction direction = Direction::kOut;
  Grammar grammar = Grammar::kNoun;
  Wanted wanted = Wanted::kAnything;  // only of questions that want this; kAnything: of all
};

constexpr Entry kEntries[] = {
    {"born|birthplace|native", "born_in", Direction::kOut},
    {"die|died|buried|killed", "died_in", Direction::kOut},
    {"found|founded|founder|founders|co-founded|established|started", "founded", Direction::kIn, Grammar::kVerb},
    {"direct|directed|director", "directed", Direction::kIn, Grammar::kVerb},
    {"write|wrote|written|author|authored|writer", "wrote", Direction::kIn, Grammar::kVerb},
    {"produce|produced|producer", "produced", Direction::kIn, Grammar::kVerb},
    {"compose|composed|composer", "composed", Direction::kIn, Grammar::kVerb},
    {"design|designed|designer|architect", "designed", Direction::kIn, Grammar::kVerb},
    {"develop|developed|developer", "developed", Direction::kIn, Grammar::kVerb},
    {"create|created|creator|invent|invented|inventor", "created", Direction::kIn, Grammar::kVerb},
    {"discover|discovered|discoverer", "discovered", Direction::kIn, Grammar::kVerb},
    {"paint|painted|painter", "painted", Direction::kIn, Grammar::kVerb},
    {"publish|published|publisher", "published", Direction::kIn, Grammar::kVerb},
    {"star|starred|stars", "starred_in", Direction::kIn, Grammar::kVerb},
    {"acquire|acquired|buy|bought|purchased", "acquired", Direction::kIn, Grammar::kVerb},
    {"own|owns|owned|owner", "owns", Direction::kIn, Grammar::kVerb},
    {"lead|leads|led|heads|headed|ceo|president|chairman|chairwoman|leader|manager|boss|coach|runs", "leads",
     Direction::kIn, Grammar::kVerb},
    {"capital", "capital_of", Direction::kIn},
    {"married|wife|husband|spouse|marry", "married_to", Direction::kBoth},
    {"located|location", "located_in", Direction::kOut},
    {"based|headquarters|headquartered", "based_in", Direction::kOut},
    {"live|lives|lived|reside|resides", "lives_in", Direction::kOut, Grammar::kNoun, Wanted::kPlace},
    {"work|works|worked|employer|employed", "works_for", Direction::kOut},
    {"studied|study|educated|graduated|attended|university", "educated_at", Direction::kOut},
    {"played|plays|play", "played_for", Direction::kOut},
    {"member", "member_of", Direction::kBoth},
    {"joined|join", "joined", Direction::kOut},
    {"father|mother|parent|parents", "parent_of", Direction::kIn},
    {"father|mother|parent|parents", "child_of", Direction::kOut},
    {"son|daughter|child|children", "child_of", Direction::kIn},
    {"son|daughter|child|children", "parent_of", Direction::kOut},
    {"brother|sister|sibling|siblings", "sibling_of", Direction::kBoth},
    {"named", "named_after", Direction::kOut},
    {"succeeded|replaced|successor", "succeeded", Direction::kIn, Grammar::kVerb},
    {"won|win|awarded|received|receive", "won", Direction::kIn, Grammar::kVerb},
    {"subsidiary", "subsidiary_of", Direction::kBoth},
};

bool IsOneOf(std::string_view word, std::string_view alternatives) {
  while (!alternatives.empty()) {
    const size_t bar = alternatives.find('|');
    if (alternatives.substr(0, bar) == word) return true;
    if (bar == std::string_view::npos) return false;
    alternatives.remove_prefix(bar + 1);
  }
  return false;
}

std::vector<std::string> WordsOf(const extract::Tokenizer& question) {
  std::vector<std::string> words;
  for (const extract::Token& token : question.tokens()) {
    words.emplace_back(token.kind == extract::TokenKind::kPunctuation ? std::string_view() : question.Lower(token));
  }
  return words;
}

Wanted WantedBy(const std::vector<std::string>& words) {
  constexpr size_t kLook = 4;  // a question word stands early, or at the end of "… is based where?"
  const auto says = [&](std::string_view alternatives) {
    return std::ranges::any_of(words, [&](const std::string& word) { return IsOneOf(word, alternatives); });
  };
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view next = i + 1 < words.size() ? std::string_view(words[i + 1]) : "";
    if (IsOneOf(words[i], "who|whom|whose")) return Wanted::kPerson;
    if (words[i] == "where") return Wanted::kPlace;
    if (words[i] == "when") return Wanted::kTime;
    if (words[i] == "how" && IsOneOf(next, "many|much|old|long|large|big|tall|far|often")) return Wanted::kNumber;
    if (!IsOneOf(words[i], "what|which") || next.empty()) continue;
    if (IsOneOf(next, "year|date|day|month|time|century|decade")) return Wanted::kTime;
    if (IsOneOf(next, "city|country|state|town|place|county|village|continent|region")) return Wanted::kPlace;
    if (IsOneOf(next, "person|actor|actress|singer|director|author|writer|artist|player")) return Wanted::kPerson;
    if (IsOneOf(next, "number|population|percentage")) return Wanted::kNumber;
  }
  for (size_t i = 0; i < words.size() && i < kLook; ++i) {
    if (words[i].empty()) continue;
    return IsOneOf(words[i], "is|are|was|were|do|does|did|can|could|has|have|had|will|would|should") && !says("or")
               ? Wanted::kYesOrNo
               : Wanted::kAnything;
  }
  return Wanted::kAnything;
}

// Which end of the relation the name in the question is, for a verb at `at`.
Direction DirectionAt(const std::vector<std::string>& words, size_t at, const extract::Tokenizer& question) {
  const auto named = [&](size_t from, size_t to) {
    for (size_t i = std::max<size_t>(from, 1); i < to; ++i) {  // the first word is written large anyway
      const extract::Token& token = question.tokens()[i];
      if (token.IsWord() && token.Has(extract::kCapital | extract::kUncased)) return true;
    }
    return false;
  };
  for (size_t i = 0; i < at; ++i) {
    if (IsOneOf(words[i], "did|do|does|has|have|had") && named(i + 1, at)) return Direction::kOut;  // did she found
  }
  if (at + 1 < words.size() && words[at + 1] == "by") return Direction::kIn;  // was it founded by
  if (named(at + 1, words.size())) return Direction::kIn;                     // who founded it
  for (size_t i = 0; i < at; ++i) {
    if (IsOneOf(words[i], "was|were|is|are|been")) return Direction::kIn;  // when was it founded
  }
  return Direction::kBoth;
}

}  // namespace

Shape ShapeOf(const extract::Tokenizer& question) {
  const std::vector<std::string> words = WordsOf(question);
  Shape shape;
  shape.wanted = WantedBy(words);
  size_t asking = 0;
  for (size_t at = 0; at < words.size(); ++at) {
    const size_t before = shape.relations.size();
    for (const Entry& entry : kEntries) {
      if (words[at].empty() || !IsOneOf(words[at], entry.words)) continue;
      if (entry.wanted != Wanted::kAnything && entry.wanted != shape.wanted) continue;
      RelationHint hint{entry.type, entry.direction};
      if (entry.grammar == Grammar::kVerb) hint.direction = DirectionAt(words, at, question);
      if (std::ranges::find(shape.relations, hint) == shape.relations.end()) shape.relations.push_back(hint);
    }
    asking += shape.relations.size() > before ? 1 : 0;
  }
  shape.compound = asking > 1;
  return shape;
}

}  // namespace rhizome::ask
