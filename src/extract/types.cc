#include "extract/types.h"

#include <algorithm>

namespace rhizome::extract {
namespace {

constexpr uint32_t kDefinitionTokensMax = 14;

EntityType TypeOfNoun(const Token& token) {
  if (token.Is(kPersonNoun)) return EntityType::kPerson;
  if (token.Is(kWorkNoun)) return EntityType::kWork;
  if (token.Is(kOrgNoun)) return EntityType::kOrganisation;
  if (token.Is(kPlaceNoun)) return EntityType::kPlace;
  if (token.Is(kEventNoun)) return EntityType::kEvent;
  return EntityType::kOther;
}

// Past a bracket that follows a name: "X (born 1900) is".
uint32_t AfterBracket(const Tokenizer& text, uint32_t i, uint32_t last) {
  if (i >= last || text.Mark(text.tokens()[i]) != '(') return i;
  uint32_t depth = 0;
  for (uint32_t j = i; j < last && j < i + 60; ++j) {
    const char mark = text.Mark(text.tokens()[j]);
    depth += mark == '(' ? 1 : 0;
    if (mark == ')' && --depth == 0) return j + 1;
  }
  return i;
}

}  // namespace

EntityType TypeVotes::Best() const {
  size_t best = 0;
  for (size_t i = 1; i < votes_.size(); ++i) {
    if (votes_[i] > votes_[best] && votes_[i] >= 1) best = i;
  }
  return votes_[best] >= 1 ? static_cast<EntityType>(best) : EntityType::kOther;
}

void VoteByNouns(const Tokenizer& text, uint32_t first, uint32_t last, float weight, TypeVotes& votes) {
  EntityType type = EntityType::kOther;
  for (uint32_t i = first; i < last; ++i) {
    const Token& token = text.tokens()[i];
    if (const EntityType noun = TypeOfNoun(token); noun != EntityType::kOther) type = noun;
  }
  if (type != EntityType::kOther) votes.Add(type, weight);
}

void VoteByName(const Tokenizer& text, const NameSpan& span, std::string_view key, TypeVotes& votes) {
  const auto& tokens = text.tokens();
  if (span.kind == SpanKind::kQuoted) votes.Add(EntityType::kWork, 2);
  if (span.honorific) votes.Add(EntityType::kPerson, 3);
  if (IsPlaceName(key)) votes.Add(EntityType::kPlace, 3);
  const size_t comma = key.find(", ");
  if (comma != std::string_view::npos && IsRegionName(key.substr(comma + 2))) votes.Add(EntityType::kPlace, 3);
  uint32_t words = 0, cues = 0, initials = 0;
  bool joined = false;
  for (uint32_t i = span.first; i < span.last; ++i) {
    const Token& token = tokens[i];
    if (token.kind == TokenKind::kNumber) ++cues;
    if (!token.IsWord()) continue;
    ++words;
    joined = joined || text.Lower(token) == "of";
    const bool end = i + 1 == span.last;
    const float weight = end ? 2.F : 1.F;
    if (token.Is(kOrgCue)) votes.Add(EntityType::kOrganisation, weight + (joined ? 0.F : .5F));
    if (token.Is(kPlaceCue)) votes.Add(EntityType::kPlace, i == span.first || end ? 1.5F : .5F);
    if (token.Is(kEventCue)) votes.Add(EntityType::kEvent, i == span.first ? 2.F : weight);
    if (token.Is(kWorkCue)) votes.Add(EntityType::kWork, weight);
    cues += token.Is(kOrgCue | kPlaceCue | kEventCue | kWorkCue | kDemonym) ? 1 : 0;
    initials += token.end - token.begin == 1 && token.Has(kCapital) && i > span.first && !end ? 1 : 0;
  }
  if (cues > 0) return;
  const Token& first = tokens[span.first];
  if (words >= 2 && words <= 4 && first.Is(kGivenName)) votes.Add(EntityType::kPerson, 2);
  if (words >= 3 && initials > 0) votes.Add(EntityType::kPerson, 2);
  if (words >= 2 && words <= 3 && !joined && span.kind == SpanKind::kName) votes.Add(EntityType::kPerson, .6F);
  if (words == 1 && first.Is(kGivenName)) votes.Add(EntityType::kPerson, 1);
}

void VoteByContext(const Tokenizer& text, const NameSpan& span, TypeVotes& votes) {
  const auto& tokens = text.tokens();
  const Sentence& sentence = text.sentences()[tokens[span.first].sentence];
  if (span.first > sentence.first) {
    const Token& before = tokens[span.first - 1];
    const std::string_view word = text.Lower(before);
    if (word == "in" || word == "near" || word == "from" || word == "at")
      votes.Add(EntityType::kPlace, word == "in" ? .7F : .4F);
    if (before.IsWord() && !before.Has(kCapital)) VoteByNouns(text, span.first - 1, span.first, 1.2F, votes);
    if (word == "by") votes.Add(EntityType::kPerson, .3F);
  }
  uint32_t at = AfterBracket(text, span.last, sentence.last);
  if (at >= sentence.last) return;
  const std::string_view word = text.Lower(tokens[at]);
  if (word == "said" || word == "wrote" || word == "told" || word == "born" || word == "married" || word == "argued") {
    votes.Add(EntityType::kPerson, 1.2F);
  }
  const bool is = word == "is" || word == "was" || word == "are" || word == "were";
  const bool apposition = text.Mark(tokens[at]) == ',';
  if ((!is && !apposition) || at + 1 >= sentence.last || !tokens[at + 1].Is(kDeterminer)) return;
  // The nouns of "is an American film director and producer", up to what says more of them.
  uint32_t end = at + 2;
  while (end < sentence.last && end < at + kDefinitionTokensMax) {
    const Token& token = tokens[end];
    if (token.Is(kPreposition | kAuxiliary) || token.kind == TokenKind::kPunctuation) break;
    if (token.Is(kFunction) && text.Lower(token) != "and") break;
    if (text.Lower(token) == "and") break;
    ++end;
  }
  VoteByNouns(text, at + 2, end, is ? 3.F : 2.F, votes);
}

}  // namespace rhizome::extract
