#include "extract/spans.h"

#include <algorithm>

#include "base/utf8.h"
#include "format/entity_name.h"

namespace rhizome::extract {
namespace {

constexpr uint32_t kNameTokensMax = 12;
constexpr uint32_t kPhraseTokensMax = 4;
constexpr uint32_t kQuotedTokensMax = 12;
constexpr uint32_t kNounFlags = kPersonNoun | kOrgNoun | kPlaceNoun | kWorkNoun | kEventNoun;

bool IsAsciiLower(char c) { return c >= 'a' && c <= 'z'; }

class SentenceSpans {
 public:
  SentenceSpans(const Tokenizer& text, const WordUses& uses, const std::vector<bool>& taken, std::vector<NameSpan>& out)
      : text_(text), tokens_(text.tokens()), uses_(uses), taken_(taken), out_(out) {}

  void Run(const Sentence& sentence) {
    first_ = sentence.first;
    last_ = sentence.last;
    const size_t before = out_.size();
    quoted_ = before;
    if (!IsShouted()) {
      FindQuoted();
      FindNames();
      JoinPlaces(before);
      JoinPossessives(before);
    }
    FindPhrases();
    std::stable_sort(out_.begin() + static_cast<std::ptrdiff_t>(before), out_.end(),
                     [](const NameSpan& a, const NameSpan& b) { return a.first < b.first; });
  }

 private:
  // A sentence all in capitals says nothing by them.
  bool IsShouted() const {
    uint32_t words = 0, capitals = 0;
    for (uint32_t i = first_; i < last_; ++i) {
      if (!tokens_[i].IsWord() || tokens_[i].end - tokens_[i].begin < 2) continue;
      ++words;
      capitals += tokens_[i].Has(kAllCaps) ? 1 : 0;
    }
    return words >= 5 && capitals * 10 > words * 7;
  }

  uint32_t Length(uint32_t i) const { return tokens_[i].end - tokens_[i].begin; }

  bool IsName(uint32_t i) const {
    const Token& token = tokens_[i];
    if (!token.IsWord() || taken_[i] || !token.Has(kCapital | kInnerCap)) return false;
    if (token.Has(kCapital)) return true;
    // "mRNA" and "iPhone", but not "co-2" or "b12-like" numbers alone
    return std::ranges::any_of(text_.Surface(token), [](char c) { return c >= 'A' && c <= 'Z'; });
  }

  // Whether the capital of a sentence's first word is more than its place.
  bool StandsWithoutPlace(uint32_t i) const {
    const Token& token = tokens_[i];
    if (token.Has(kInnerCap)) return true;
    const WordUse use = uses_.Of(text_.Lower(token));
    if (token.Is(kFunction | kPronoun)) return false;
    if (use.capital > use.lower) return true;
    if (use.lower > 0) return false;
    return !IsCommon(i);
  }

  // By the lexicon or by its ending a word that sentences begin with.
  bool IsCommon(uint32_t i) const {
    const Token& token = tokens_[i];
    if (token.Is(kFunction | kVerb | kGeneric | kModifier | kNounFlags | kAuxiliary)) return true;
    const std::string_view word = text_.Lower(token);
    if (token.Is(kGivenName) || IsPlaceName(word)) return false;
    for (const std::string_view ending : {"ly", "ing", "tion", "tions", "ment", "ness", "ity", "ism", "ous", "ive",
                                          "al", "ic", "ary", "able", "ed", "ogy", "sis"}) {
      if (word.size() > ending.size() + 2 && word.ends_with(ending)) return true;
    }
    // A plural in lower case beginnings ("Scientists found"): common unless a name follows
    return word.size() > 4 && word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us") &&
           !word.ends_with("is") && uses_.Of(Singular(word)).lower > 0;
  }

  // The token after what joins i to a further name word; 0 when nothing does. `span_first` is where the name began.
  uint32_t Joined(uint32_t span_first, uint32_t i) const {
    uint32_t next = i + 1;
    if (next >= last_) return 0;
    const Token& here = tokens_[i];
    const char mark = text_.Mark(tokens_[next]);
    if (mark == '.' && !tokens_[next].Has(kSpaceBefore) && here.IsWord() &&
        (Length(i) == 1 || here.Is(kAbbreviation))) {
      return next + 1 < last_ && IsName(next + 1) ? next + 1 : 0;
    }
    if (mark == '&') return next + 1 < last_ && IsName(next + 1) ? next + 1 : 0;
    if (mark == ',' && next + 1 < last_ &&
        (text_.Lower(tokens_[next + 1]) == "jr" || text_.Lower(tokens_[next + 1]) == "inc")) {
      return next + 1;
    }
    if (IsName(next)) return next;
    // "Apollo 11"
    if (tokens_[next].kind == TokenKind::kNumber && Length(next) <= 3 && !taken_[next] &&
        tokens_[next].Has(kSpaceBefore)) {
      const bool counts = next + 1 < last_ && tokens_[next + 1].IsWord() && !IsName(next + 1) &&
                          !tokens_[next + 1].Is(kFunction | kVerb) && !text_.Lower(tokens_[next + 1]).ends_with("ed");
      return counts || here.Is(kFunction) ? 0 : next;
    }
    return JoinedByWord(span_first, i);
  }

  uint32_t JoinedByWord(uint32_t span_first, uint32_t i) const {
    uint32_t next = i + 1;
    if (!tokens_[next].IsWord()) return 0;
    const std::string_view word = text_.Lower(tokens_[next]);
    bool org = false;
    for (uint32_t j = span_first; j <= i; ++j) org = org || tokens_[j].Is(kOrgCue);
    const bool title = i == span_first && tokens_[i].Is(kPersonNoun | kHonorific);
    const bool joins =
        tokens_[next].Is(kConnector) ? !(word == "of" && title) : (word == "for" || word == "and") && org;
    if (!joins) return 0;
    ++next;
    while (next < last_ && tokens_[next].IsWord() && !tokens_[next].Has(kCapital) &&
           (text_.Lower(tokens_[next]) == "the" || tokens_[next].Is(kConnector)) && next < i + 4) {
      ++next;
    }
    // "and" joins the parts of one institution, not two of them.
    if (next >= last_ || !IsName(next) || tokens_[next].Is(kFunction)) return 0;
    return word == "and" && tokens_[next].Is(kOrgCue) ? 0 : next;
  }

  void FindNames() {
    for (uint32_t i = first_; i < last_;) {
      if (tokens_[i].IsWord() && tokens_[i].Has(kUncased)) {
        i = TakeUncased(i);
        continue;
      }
      if (!IsName(i) || IsQuoted(i)) {
        ++i;
        continue;
      }
      uint32_t end = i + 1;
      while (end - i < kNameTokensMax && !(tokens_[end - 1].kind == TokenKind::kPossessive)) {
        const uint32_t next = Joined(i, end - 1);
        if (next == 0) break;
        end = next + 1;
      }
      Add(i, end);
      i = end;
    }
  }

  // Words of scripts without case: by ICU's dictionary where there are no spaces, else only what comes back.
  uint32_t TakeUncased(uint32_t i) {
    const std::string_view word = text_.Surface(tokens_[i]);
    size_t characters = 0;
    for (size_t at = 0; at < word.size(); ++characters) NextCodePoint(word, at);
    const bool spaced = tokens_[i].Has(kSpaceBefore) && i + 1 < last_ && tokens_[i + 1].Has(kSpaceBefore);
    const WordUse use = uses_.Of(text_.Lower(tokens_[i]));
    if (spaced ? characters >= 4 && use.lower >= 2 : characters >= 2)
      out_.push_back({i, i + 1, SpanKind::kName, false});
    return i + 1;
  }

  std::string Key(const NameSpan& span) const {
    const uint32_t begin = tokens_[span.first].begin;
    return format::EntityName(text_.text().substr(begin, tokens_[span.last - 1].end - begin));
  }

  // "Leland, North Carolina" is one name, and North Carolina still another.
  void JoinPlaces(size_t from) {
    for (size_t i = from; i + 1 < out_.size(); ++i) {
      NameSpan& place = out_[i];
      const NameSpan& region = out_[i + 1];
      if (place.kind != SpanKind::kName || region.kind != SpanKind::kName || place.last + 1 != region.first) continue;
      if (text_.Mark(tokens_[place.last]) != ',' || place.last - place.first > 3) continue;
      if (IsRegionName(Key(region)) && !IsRegionName(Key(place))) place.last = region.last;
    }
  }

  // "Schindler's List" may be one name: it is a further one.
  void JoinPossessives(size_t from) {
    const size_t end = out_.size();
    for (size_t i = from; i + 1 < end; ++i) {
      const NameSpan owner = out_[i];
      const NameSpan owned = out_[i + 1];
      if (owner.kind != SpanKind::kName || owned.kind != SpanKind::kName || owner.last + 1 != owned.first) continue;
      if (tokens_[owner.last].kind != TokenKind::kPossessive || owned.last - owner.first > 6) continue;
      out_.push_back({owner.first, owned.last, SpanKind::kName, false});
      // "List" alone is nothing.
      if (owned.last - owned.first == 1 && tokens_[owned.first].Is(kGeneric | kModifier)) out_[i + 1] = out_.back();
    }
  }

  bool IsQuoted(uint32_t i) const {
    return std::any_of(out_.begin() + static_cast<std::ptrdiff_t>(quoted_), out_.end(), [i](const NameSpan& span) {
      return span.kind == SpanKind::kQuoted && span.first <= i && i < span.last;
    });
  }

  bool BeginsSentence(uint32_t i) const {
    for (uint32_t j = first_; j < i; ++j) {
      if (tokens_[j].kind != TokenKind::kPunctuation) return false;
    }
    return true;
  }

  void Add(uint32_t first, uint32_t last) {
    const bool begins = BeginsSentence(first) || (first > first_ && text_.Mark(tokens_[first - 1]) == ':');
    while (first < last && begins && !tokens_[first].Has(kInnerCap) &&
           (tokens_[first].Is(kFunction) ||
            (last - first > 1 && IsCommon(first) && uses_.Of(text_.Lower(tokens_[first])).capital == 0 &&
             !tokens_[first].Is(kOrgCue | kPlaceCue | kEventCue | kGivenName | kHonorific | kPersonNoun)))) {
      ++first;
    }
    while (first < last && (text_.Lower(tokens_[first]) == "the" || text_.Lower(tokens_[first]) == "a" ||
                            text_.Lower(tokens_[first]) == "an" || !tokens_[first].Has(kCapital | kInnerCap)))
      ++first;
    bool honorific = false;
    while (last - first > 1 && tokens_[first].Is(kHonorific) && !tokens_[first].Is(kPlaceCue) &&
           text_.Lower(tokens_[first]) != "st") {
      honorific = true;
      ++first;
      if (text_.Mark(tokens_[first]) == '.') ++first;
      if (first >= last) return;
    }
    while (last > first && (tokens_[last - 1].kind == TokenKind::kPunctuation ||
                            (tokens_[last - 1].Is(kFunction | kConnector) && !tokens_[last - 1].Has(kAllCaps) &&
                             !tokens_[last - 1].Has(kCapital)))) {
      --last;
    }
    if (first >= last) return;
    if (last - first == 1 && !honorific && !KeepSingle(first, begins)) return;
    // "2008 Summer Olympics"
    if (first > first_ && tokens_[first - 1].kind == TokenKind::kNumber && Length(first - 1) == 4 &&
        tokens_[last - 1].Is(kEventCue))
      --first;
    out_.push_back({first, last, SpanKind::kName, honorific});
  }

  bool KeepSingle(uint32_t i, bool begins) const {
    const Token& token = tokens_[i];
    if (i > first_ && tokens_[i - 1].kind == TokenKind::kPossessive) return true;
    if (Length(i) < 2 || token.Is(kFunction | kCalendar | kDemonym)) return false;
    if (token.Is(kHonorific | kGeneric | kModifier) && !token.Is(kGivenName)) return false;
    if (token.Has(kAllCaps) && token.Is(kNounFlags | kVerb)) return false;
    if (!begins) return !(token.Is(kNounFlags) && !token.Is(kGivenName) && uses_.Of(text_.Lower(token)).lower > 0);
    return StandsWithoutPlace(i);
  }

  static int QuoteOf(std::string_view surface) {
    if (surface == "\"") return 2;
    if (surface == "“" || surface == "«" || surface == "「" || surface == "『" || surface == "„") return 1;
    return 0;
  }

  void FindQuoted() {
    for (uint32_t i = first_; i + 2 < last_; ++i) {
      if (tokens_[i].kind != TokenKind::kPunctuation || QuoteOf(text_.Surface(tokens_[i])) == 0) continue;
      uint32_t end = i + 1;
      uint32_t words = 0, names = 0;
      while (end < last_ && end - i <= kQuotedTokensMax && !IsClosing(end)) {
        if (tokens_[end].IsWord() && !tokens_[end].Is(kFunction)) {
          ++words;
          names += tokens_[end].Has(kCapital | kUncased) ? 1 : 0;
        }
        ++end;
      }
      if (end >= last_ || !IsClosing(end) || end == i + 1) continue;
      uint32_t inner = end;
      while (inner > i + 1 && tokens_[inner - 1].kind == TokenKind::kPunctuation) --inner;
      const bool starts = tokens_[i + 1].Has(kCapital | kUncased) || tokens_[i + 1].kind == TokenKind::kNumber;
      if (inner > i + 1 && starts && names == words && (words > 0 || inner - i > 2))
        out_.push_back({i + 1, inner, SpanKind::kQuoted, false});
      i = end;
    }
  }

  bool IsClosing(uint32_t i) const {
    if (tokens_[i].kind != TokenKind::kPunctuation) return false;
    const std::string_view surface = text_.Surface(tokens_[i]);
    return surface == "\"" || surface == "”" || surface == "»" || surface == "」" || surface == "』" || surface == "“";
  }

  // Can be part of a phrase in lower case.
  bool IsPhraseWord(uint32_t i) const {
    const Token& token = tokens_[i];
    if (!token.IsWord() || taken_[i] || token.Is(kFunction | kVerb | kConnector | kCalendar | kAuxiliary) ||
        token.Has(kUncased))
      return false;
    if (token.Has(kCapital) && !token.Has(kInnerCap | kAllCaps) && !(BeginsSentence(i) && !StandsWithoutPlace(i)))
      return false;
    const std::string_view word = text_.Lower(token);
    if (word.size() < 2 || word.ends_with("ly")) return false;
    return !(word.ends_with("ed") && word.size() > 4 && word.find('-') == std::string_view::npos && i > first_ &&
             tokens_[i - 1].Is(kAuxiliary));
  }

  static bool LooksLikeAdjective(std::string_view word) {
    if (word.size() < 5) return false;
    for (const std::string_view ending :
         {"al", "ic", "ive", "ous", "able", "ible", "ary", "ful", "less", "ed", "ical", "ish"}) {
      if (word.ends_with(ending)) return true;
    }
    return false;
  }

  bool IsSpecific(uint32_t i) const {
    return !tokens_[i].Is(kGeneric | kModifier | kDemonym | kNounFlags | kOrgCue | kPlaceCue | kEventCue);
  }

  void FindPhrases() {
    for (uint32_t i = first_; i < last_;) {
      if (!IsPhraseWord(i)) {
        ++i;
        continue;
      }
      uint32_t end = i + 1;
      while (end < last_ && IsPhraseWord(end)) ++end;
      AddPhrase(i, end);
      i = end;
    }
  }

  void AddPhrase(uint32_t first, uint32_t last) {
    while (last > first && (tokens_[last - 1].Is(kModifier | kDemonym) ||
                            (LooksLikeAdjective(text_.Lower(tokens_[last - 1])) && last - first > 1)))
      --last;
    const auto gerund = [&](uint32_t i) { return text_.Lower(tokens_[i]).ends_with("ing") && Length(i) > 5; };
    while (first < last && (tokens_[first].Is(kModifier | kDemonym) || gerund(first))) ++first;
    if (first >= last) return;
    if (last - first > kPhraseTokensMax) first = last - kPhraseTokensMax;
    PushPhrase(first, last);
    if (last - first > 2) PushPhrase(last - 2, last);
    for (uint32_t i = first; last - first > 1 && i < last; ++i) {
      if (Length(i) >= 5 && !LooksLikeAdjective(text_.Lower(tokens_[i]))) PushPhrase(i, i + 1);
    }
  }

  void PushPhrase(uint32_t first, uint32_t last) {
    uint32_t specific = 0, lower = 0;
    for (uint32_t i = first; i < last; ++i) {
      specific += IsSpecific(i) ? 1 : 0;
      lower += tokens_[i].Has(kInnerCap | kAllCaps) ? 0 : 1;
    }
    if (specific == 0 || lower == 0) return;  // a word with capitals alone is a name
    if (last - first == 1 && (Length(first) < 4 || LooksLikeAdjective(text_.Lower(tokens_[first])))) return;
    out_.push_back({first, last, SpanKind::kPhrase, false});
  }

  const Tokenizer& text_;
  const std::vector<Token>& tokens_;
  const WordUses& uses_;
  const std::vector<bool>& taken_;
  std::vector<NameSpan>& out_;
  uint32_t first_ = 0;
  uint32_t last_ = 0;
  size_t quoted_ = 0;  // of out_, where this sentence's quoted works begin
};

}  // namespace

void WordUses::Count(const Tokenizer& text) {
  for (const Sentence& sentence : text.sentences()) {
    for (uint32_t i = sentence.first; i < sentence.last; ++i) {
      const Token& token = text.tokens()[i];
      if (!token.IsWord()) continue;
      WordUse& use = uses_[text.Lower(token)];
      if (!token.Has(kCapital)) {
        ++use.lower;
      } else if (i > sentence.first) {
        ++use.capital;
      }
    }
  }
}

WordUse WordUses::Of(std::string_view lower_word) const {
  const auto found = uses_.find(lower_word);
  return found == uses_.end() ? WordUse{} : found->second;
}

std::vector<NameSpan> FindSpans(const Tokenizer& text, const WordUses& uses, const std::vector<TimeSpan>& times) {
  std::vector<bool> taken(text.tokens().size() + 1, false);
  for (const TimeSpan& time : times) {
    for (uint32_t i = time.first; i < time.last; ++i) taken[i] = true;
  }
  std::vector<NameSpan> spans;
  SentenceSpans finder(text, uses, taken, spans);
  for (const Sentence& sentence : text.sentences()) finder.Run(sentence);
  return spans;
}

std::string Singular(std::string_view word) {
  const auto ends = [&](std::string_view ending) { return word.size() > ending.size() + 2 && word.ends_with(ending); };
  std::string stem(word);
  if (word.size() < 4 || !word.ends_with('s') || !IsAsciiLower(word[0]) || ends("ss") || ends("us") || ends("is"))
    return stem;
  if (ends("ies")) return stem.substr(0, stem.size() - 3) + "y";
  for (const std::string_view ending : {"sses", "shes", "ches", "xes"}) {
    if (ends(ending)) return stem.substr(0, stem.size() - 2);
  }
  return stem.substr(0, stem.size() - 1);
}

std::string PhraseName(const Tokenizer& text, const NameSpan& span) {
  std::string name;
  for (uint32_t i = span.first; i < span.last; ++i) {
    const std::string_view word = text.Lower(text.tokens()[i]);
    if (i > span.first) name += ' ';
    if (i + 1 == span.last) {
      name += Singular(word);
    } else {
      name += word;
    }
  }
  return name;
}

uint32_t LongFormOf(const Tokenizer& text, std::string_view acronym, uint32_t bracket) {
  const auto& tokens = text.tokens();
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  const size_t words_max = std::min(acronym.size() + 5, 2 * acronym.size());
  if (bracket == 0 || acronym.size() < 2 || acronym.size() > 10) return bracket;
  const uint32_t sentence = tokens[bracket].sentence;
  uint32_t begin = bracket;
  for (size_t words = 0; begin > 0 && words < words_max; --begin) {
    const Token& token = tokens[begin - 1];
    if (token.sentence != sentence || (token.kind == TokenKind::kPunctuation && text.Mark(token) != '-')) break;
    words += token.IsWord() ? 1 : 0;
  }
  if (begin == bracket) return bracket;
  const uint32_t from = tokens[begin].begin;
  const std::string_view window = text.text().substr(from, tokens[bracket].begin - from);
  size_t at = window.size();
  for (size_t i = acronym.size(); i > 0; --i) {
    const char wanted = lower(acronym[i - 1]);
    if (!(wanted >= 'a' && wanted <= 'z') && !(wanted >= '0' && wanted <= '9')) continue;
    const auto begins_word = [&](size_t p) {
      return p == 0 || window[p - 1] == ' ' || window[p - 1] == '-' || window[p - 1] == '/';
    };
    do {
      if (at == 0) return bracket;
      --at;
    } while (lower(window[at]) != wanted || (i == 1 && !begins_word(at)));
  }
  for (uint32_t i = begin; i < bracket; ++i) {
    if (tokens[i].begin <= from + at && from + at < tokens[i].end) {
      const uint32_t length = tokens[bracket].begin - tokens[i].begin;
      const bool longer = length > acronym.size() + 2 && tokens[i].IsWord() && !tokens[i].Is(kFunction);
      return longer ? i : bracket;
    }
  }
  return bracket;
}

}  // namespace rhizome::extract
