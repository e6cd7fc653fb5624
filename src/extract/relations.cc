#include "extract/relations.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/hash.h"

namespace rhizome::extract {
namespace {

constexpr uint32_t kSubjectGapMax = 10;  // tokens between a subject and what is said of it
constexpr uint32_t kObjectGapMax = 5;
constexpr uint32_t kTimeGapMax = 8;
constexpr size_t kObjectsMax = 6;  // "starring A, B and C"

constexpr uint8_t Bit(EntityType type) { return static_cast<uint8_t>(1u << static_cast<uint8_t>(type)); }
constexpr uint8_t kAny = 0xFF & ~(Bit(EntityType::kDate) | Bit(EntityType::kNumber));
constexpr uint8_t kPersons = Bit(EntityType::kPerson) | Bit(EntityType::kOther);
constexpr uint8_t kPlaces = Bit(EntityType::kPlace) | Bit(EntityType::kOther);
constexpr uint8_t kOrgs = Bit(EntityType::kOrganisation) | Bit(EntityType::kOther);
constexpr uint8_t kActors = kPersons | kOrgs | kPlaces;
constexpr uint8_t kWorks = Bit(EntityType::kWork) | Bit(EntityType::kOther);

struct Rule {
  std::string_view type;
  std::string_view phrases;  // separated by |; a leading < has the source on the right
  uint8_t left, right;       // types that may stand there, of the words as they are written
  bool state;                // holds over a time, rather than happening at one
};

// Phrases are what stands between; left and right are by place in the sentence.
constexpr Rule kRules[] = {
    {"born_in", "born in|born at|native of|was born near", kPersons, kPlaces, false},
    {"died_in", "died in|died at|buried in|killed in", kPersons, kPlaces, false},
    {"founded", "founded|co-founded|cofounded|founder of|co-founder of|established|founding member of", kActors, kAny,
     false},
    {"founded", "<founded by|<co-founded by|<established by|<started by|<formed by", kAny, kActors, false},
    {"directed", "directed|director of", kPersons, kWorks, false},
    {"directed", "<directed by|<film by|<directed and written by|<written and directed by|<directed and produced by",
     kWorks, kPersons, false},
    {"wrote", "wrote|author of|authored|co-wrote|writer of", kPersons, kWorks, false},
    {"wrote", "<written by|<authored by|<co-written by|<written and directed by|<novel by|<book by|<play by|<poem by",
     kWorks, kPersons, false},
    {"produced", "produced|producer of", kActors, kWorks, false},
    {"produced", "<produced by|<directed and produced by|<co-produced by", kWorks, kActors, false},
    {"composed", "composed|composer of", kPersons, kWorks, false},
    {"composed", "<composed by|<music by|<song by|<performed by|<recorded by|<sung by|<album by", kWorks, kActors,
     false},
    {"designed", "designed|architect of|designer of", kActors, kAny, false},
    {"designed", "<designed by|<built by", kAny, kActors, false},
    {"developed", "developed|developer of", kActors, kAny, false},
    {"developed", "<developed by", kAny, kActors, false},
    {"created", "created|creator of|invented|inventor of", kActors, kAny, false},
    {"created", "<created by|<invented by", kAny, kActors, false},
    {"discovered", "discovered|discoverer of", kActors, kAny, false},
    {"discovered", "<discovered by", kAny, kActors, false},
    {"painted", "painted", kPersons, kWorks, false},
    {"painted", "<painted by|<painting by", kWorks, kPersons, false},
    {"published", "published", kActors, kWorks, false},
    {"published", "<published by|<released by|<distributed by", kWorks, kActors, false},
    {"starred_in",
     "starred in|stars in|appeared in|starring role in|best known for|known for his role in|known for her role in",
     kPersons, kWorks, false},
    {"starred_in", "<starring|<stars|<starred|<features|<featuring", kWorks, kPersons, false},
    {"portrayed", "portrayed|portrays|plays the role of", kPersons, kAny, false},
    {"portrayed", "<portrayed by|<played by|<voiced by", kAny, kPersons, false},
    {"member_of", "member of|members of|lead singer of|frontman of|guitarist of|drummer of|singer of|represented",
     kActors, kAny, true},
    {"joined", "joined|signed with|signed to|signed for", kActors, kAny, false},
    {"located_in",
     "located in|situated in|lies in|city in|town in|village in|county in|district in|municipality in|commune "
     "in|suburb of|neighborhood in|neighborhood of|airport in|located near|stands in|province of|state of",
     kActors, kPlaces, true},
    {"based_in", "based in|headquartered in|headquarters in", kActors, kPlaces, true},
    {"capital_of", "capital of|capital city of|county seat of|seat of", kPlaces, kPlaces, true},
    {"capital_of", "<capital is|<capital city is", kPlaces, kPlaces, true},
    {"married_to", "married|married to|wife of|husband of|spouse of|widow of", kPersons, kPersons, true},
    {"part_of",
     "part of|belongs to|belonging to|division of|branch of|component of|subset of|tributary of|episode of|track "
     "from|single from|song from",
     kAny, kAny, true},
    {"subsidiary_of", "subsidiary of|owned subsidiary of", kOrgs, kActors, true},
    {"works_for",
     "works for|worked for|works at|worked at|employed by|employee of|professor at|professor of|teaches at|taught at",
     kPersons, kActors, true},
    {"leads",
     "ceo of|president of|chairman of|head of|leader of|head coach of|coach of|manager of|mayor of|governor of|king "
     "of|queen of|minister of|chief executive of|chief executive officer of|leads|led|director general of|captain "
     "of|emperor of|ruler of",
     kActors, kAny, true},
    {"leads", "<led by|<headed by|<ruled by|<coached by|<managed by", kAny, kActors, true},
    {"acquired", "acquired|bought|purchased|acquires|buys|took over", kActors, kAny, false},
    {"acquired", "<acquired by|<bought by|<purchased by|<sold to|<taken over by", kAny, kActors, false},
    {"owns", "owns|owned|owner of", kActors, kAny, true},
    {"owns", "<owned by|<operated by|<property of", kAny, kActors, true},
    {"child_of", "son of|daughter of|child of", kPersons, kPersons, false},
    {"parent_of", "father of|mother of|parent of", kPersons, kPersons, false},
    {"sibling_of", "brother of|sister of|sibling of", kPersons, kPersons, false},
    {"educated_at", "educated at|studied at|graduated from|attended|graduate of|alumnus of|degree from", kPersons,
     kOrgs, true},
    {"played_for",
     "played for|plays for|played professionally for|plays as a midfielder for|plays as a forward for|plays as a "
     "defender for|plays as a goalkeeper for",
     kPersons, kActors, true},
    {"named_after", "named after|named for|named in honor of|named in honour of", kAny, kAny, false},
    {"succeeded", "succeeded|replaced", kActors, kActors, false},
    {"succeeded", "<succeeded by|<replaced by", kActors, kActors, false},
    {"won", "won|winner of|awarded|recipient of|received", kActors, kAny, false},
    {"won", "<won by|<awarded to", kAny, kActors, false},
    {"based_on", "based on|adapted from|adaptation of|remake of|sequel to|inspired by", kAny, kAny, false},
    {"lives_in", "lives in|lived in|resides in|moved to|emigrated to", kPersons, kPlaces, true},
};

// Verbs of things that act on things: their forms, active and passive, are made from the stem.
struct Action {
  std::string_view type, stem, third, past;
};
constexpr Action kActions[] = {
    {"inhibits", "inhibit", "inhibits", "inhibited"},
    {"activates", "activate", "activates", "activated"},
    {"induces", "induce", "induces", "induced"},
    {"causes", "cause", "causes", "caused"},
    {"reduces", "reduce", "reduces", "reduced"},
    {"reduces", "decrease", "decreases", "decreased"},
    {"increases", "increase", "increases", "increased"},
    {"regulates", "regulate", "regulates", "regulated"},
    {"promotes", "promote", "promotes", "promoted"},
    {"prevents", "prevent", "prevents", "prevented"},
    {"suppresses", "suppress", "suppresses", "suppressed"},
    {"enhances", "enhance", "enhances", "enhanced"},
    {"mediates", "mediate", "mediates", "mediated"},
    {"encodes", "encode", "encodes", "encoded"},
    {"predicts", "predict", "predicts", "predicted"},
    {"affects", "affect", "affects", "affected"},
    {"affects", "influence", "influences", "influenced"},
    {"treats", "treat", "treats", "treated"},
};
constexpr Rule kThings[] = {
    {"binds", "binds to|bind to|binds|bound to|interacts with|interact with", kAny, kAny, true},
    {"associated_with", "associated with|correlated with|linked to|related to|correlates with", kAny, kAny, true},
    {"required_for", "required for|essential for|necessary for|critical for", kAny, kAny, true},
    {"causes", "leads to|lead to|led to|results in|resulted in", kAny, kAny, false},
    {"treats", "<treated with", kAny, kAny, false},
};

struct Pattern {
  std::vector<std::string> words;
  const Rule* rule = nullptr;
  bool reversed = false;
};

class Patterns {
 public:
  Patterns() {
    for (const Rule& rule : kRules) AddAll(rule);
    for (const Rule& rule : kThings) AddAll(rule);
    made_.reserve(2 * std::size(kActions));  // patterns point into it
    for (const Action& action : kActions) {
      made_.push_back({action.type, "", kAny, kAny, false});
      for (const std::string_view form : {action.stem, action.third, action.past})
        Add(std::string(form), made_.back(), false);
      Add(std::string(action.past) + " by", made_.back(), true);
    }
    for (auto& [word, patterns] : by_first_) {
      std::ranges::stable_sort(patterns,
                               [](const Pattern& a, const Pattern& b) { return a.words.size() > b.words.size(); });
    }
  }
  // The longest first.
  const std::vector<Pattern>* StartingWith(std::string_view word) const {
    const auto found = by_first_.find(word);
    return found == by_first_.end() ? nullptr : &found->second;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return Checksum(word); }
  };

  void AddAll(const Rule& rule) {
    std::string_view phrases = rule.phrases;
    while (!phrases.empty()) {
      const size_t end = std::min(phrases.find('|'), phrases.size());
      std::string_view phrase = phrases.substr(0, end);
      const bool reversed = phrase.starts_with('<');
      if (reversed) phrase.remove_prefix(1);
      Add(std::string(phrase), rule, reversed);
      phrases.remove_prefix(std::min(end + 1, phrases.size()));
    }
  }
  void Add(std::string phrase, const Rule& rule, bool reversed) {
    Pattern pattern;
    pattern.rule = &rule;
    pattern.reversed = reversed;
    for (size_t at = 0; at <= phrase.size();) {
      const size_t end = std::min(phrase.find(' ', at), phrase.size());
      pattern.words.push_back(phrase.substr(at, end - at));
      at = end + 1;
    }
    by_first_[pattern.words[0]].push_back(std::move(pattern));
  }

  std::vector<Rule> made_;
  std::unordered_map<std::string, std::vector<Pattern>, Hash, std::equal_to<>> by_first_;
};

const Patterns& ThePatterns() {
  static const Patterns patterns;
  return patterns;
}

struct Argument {
  uint32_t entity = 0;
  float confidence = 0;
};

class SentenceRelations {
 public:
  SentenceRelations(const Tokenizer& text, const Sentence& sentence, const RelationScope& scope,
                    std::vector<Relation>& out)
      : text_(text), tokens_(text.tokens()), sentence_(sentence), scope_(scope), out_(out) {}

  void Run() {
    for (uint32_t i = sentence_.first; i < sentence_.last;) {
      const Token& token = tokens_[i];
      const auto* patterns = token.IsWord() ? ThePatterns().StartingWith(text_.Lower(token)) : nullptr;
      uint32_t length = 0;
      if (patterns != nullptr) {
        for (const Pattern& pattern : *patterns) {
          if (!Matches(pattern, i)) continue;
          // Two rules may share their words and differ in direction or types: the first that finds both sides counts.
          const auto words = static_cast<uint32_t>(pattern.words.size());
          length = std::max(length, words);
          if (Apply(pattern, i, i + words)) {
            length = words;
            break;
          }
        }
      }
      i += std::max<uint32_t>(length, 1);
    }
  }

 private:
  bool Matches(const Pattern& pattern, uint32_t at) const {
    if (at + pattern.words.size() > sentence_.last) return false;
    for (size_t i = 0; i < pattern.words.size(); ++i) {
      const Token& token = tokens_[at + i];
      if (!token.IsWord() || text_.Lower(token) != pattern.words[i]) return false;
    }
    return true;
  }

  bool Fits(uint32_t entity, uint8_t types) const { return (Bit(scope_.entities[entity].type) & types) != 0; }
  bool FitsExactly(uint32_t entity, uint8_t types) const {
    return Fits(entity, types) && scope_.entities[entity].type != EntityType::kOther;
  }

  // What the sentence says it of: a pronoun, or the nearest fitting entity before; a name before a phrase.
  bool Subject(uint32_t at, uint8_t types, Argument& subject) const {
    uint32_t gap = 0;
    for (uint32_t i = at; i > sentence_.first && gap < 3; --i, ++gap) {
      const Token& token = tokens_[i - 1];
      if (!token.Is(kPronoun)) {
        if (token.Is(kAuxiliary | kModifier) || text_.Lower(token) == "also") continue;
        break;
      }
      if (scope_.title < 0 || !Fits(static_cast<uint32_t>(scope_.title), types)) return false;
      subject = {static_cast<uint32_t>(scope_.title), .7F};
      return true;
    }
    // "was born in A and died in B": still of the one the sentence began with.
    const bool goes_on = at > sentence_.first && text_.Lower(tokens_[at - 1]) == "and";
    if (goes_on && last_subject_.confidence > 0 && Fits(last_subject_.entity, types)) {
      subject = {last_subject_.entity, last_subject_.confidence * .9F};
      return true;
    }
    const Occurrence* best = nullptr;
    float best_confidence = 0;
    for (const Occurrence& candidate : scope_.occurrences) {
      if (candidate.last > at) break;
      if (at - candidate.last > kSubjectGapMax || !Fits(candidate.entity, types)) continue;
      if (IsCut(candidate.last, at)) continue;
      if (best != nullptr && candidate.last <= best->last) continue;  // a part of it
      const bool name = !scope_.entities[candidate.entity].is_phrase;
      const bool exact = FitsExactly(candidate.entity, types) || types == kAny;
      const uint32_t distance = at - candidate.last;
      const float confidence = (exact ? .9F : .7F) * (name || types == kAny ? 1.F : .6F) * (distance <= 2 ? 1.F : .8F);
      if (best == nullptr || confidence >= best_confidence * .95F) {
        best = &candidate;
        best_confidence = confidence;
      }
    }
    if (best == nullptr) return false;
    // "It is a crime film starring": the film is what the document is about.
    const bool begins = tokens_[sentence_.first].Is(kPronoun) && sentence_.first + 1 < at &&
                        tokens_[sentence_.first + 1].Is(kAuxiliary);
    if (begins && types != kAny && scope_.entities[best->entity].is_phrase && scope_.title >= 0 &&
        Fits(static_cast<uint32_t>(scope_.title), types)) {
      subject = {static_cast<uint32_t>(scope_.title), .7F};
      return true;
    }
    subject = {best->entity, best_confidence};
    return true;
  }

  // Between [from, to) the sentence begins anew.
  bool IsCut(uint32_t from, uint32_t to) const {
    for (uint32_t i = from; i < to; ++i) {
      const char mark = text_.Mark(tokens_[i]);
      if (mark == ';' || mark == ':') return true;
    }
    return false;
  }

  // The first fitting entity after, and those that a list adds to it. A title is named before it ends: the occurrence
  // that begins first counts, the longer of two that begin together.
  void Objects(uint32_t at, uint8_t types, std::vector<Argument>& objects, uint32_t& end) const {
    end = at;
    for (const Occurrence& candidate : scope_.occurrences) {
      if (candidate.first < end || candidate.first < at) continue;
      if (objects.empty()) {
        if (candidate.first - at > kObjectGapMax || IsBroken(at, candidate.first)) return;
        if (!Fits(candidate.entity, types)) continue;
      } else if (objects.size() >= kObjectsMax || !IsListJoint(end, candidate.first) ||
                 !Fits(candidate.entity, types)) {
        return;
      }
      const bool name = !scope_.entities[candidate.entity].is_phrase;
      objects.push_back({candidate.entity,
                         (FitsExactly(candidate.entity, types) || types == kAny ? 1.F : .85F) * (name ? 1.F : .85F)});
      end = candidate.last;
    }
  }

  bool IsBroken(uint32_t from, uint32_t to) const {
    for (uint32_t i = from; i < to; ++i) {
      const char mark = text_.Mark(tokens_[i]);
      if (mark == ',' || mark == ';' || mark == ':' || mark == '(' || mark == ')') return true;
      if (tokens_[i].Is(kVerb | kAuxiliary | kPronoun) && !tokens_[i].Is(kNounFlagsOfObjects)) return true;
      if (tokens_[i].Is(kPreposition) && text_.Lower(tokens_[i]) != "of") return true;
    }
    return false;
  }

  bool IsListJoint(uint32_t from, uint32_t to) const {
    if (to == from || to - from > 3) return false;
    bool joint = false;
    for (uint32_t i = from; i < to; ++i) {
      const bool comma = text_.Mark(tokens_[i]) == ',';
      const std::string_view word = text_.Lower(tokens_[i]);
      if (!comma && word != "and" && word != "&" && word != "the" && word != "or") return false;
      joint = joint || comma || word != "the";
    }
    return joint;
  }

  // The first time said after the words and before the next relation would begin, or right before them.
  const TimeSpan* TimeAfter(uint32_t words_end, uint32_t objects_end) const {
    const uint32_t from = std::max(words_end, objects_end);
    auto first = std::ranges::lower_bound(scope_.times, words_end, {}, &TimeSpan::first);
    for (; first != scope_.times.end(); ++first) {
      const TimeSpan& time = *first;
      if (time.first >= sentence_.last || time.first > from + kTimeGapMax) return nullptr;
      for (uint32_t i = from; i < time.first; ++i) {
        if (text_.Mark(tokens_[i]) == ';' || tokens_[i].Is(kAuxiliary)) return nullptr;
      }
      return &time;
    }
    return nullptr;
  }

  static constexpr uint32_t kNounFlagsOfObjects =
      kPersonNoun | kOrgNoun | kPlaceNoun | kWorkNoun | kEventNoun | kOrgCue;

  bool Apply(const Pattern& pattern, uint32_t at, uint32_t end) {
    const Rule& rule = *pattern.rule;
    std::vector<Argument> objects;
    uint32_t objects_end = end;
    Objects(end, rule.right, objects, objects_end);
    if (objects.empty()) return false;
    Argument subject;
    if (!Subject(at, rule.left, subject)) return false;
    last_subject_ = subject;
    const TimeSpan* time = TimeAfter(end, objects_end);
    bool found = false;
    for (const Argument& object : objects) {
      if (object.entity == subject.entity) continue;
      Relation relation;
      relation.source = pattern.reversed ? object.entity : subject.entity;
      relation.target = pattern.reversed ? subject.entity : object.entity;
      relation.type = rule.type;
      relation.confidence = subject.confidence * object.confidence;
      if (time != nullptr) {
        relation.valid_from_ms = time->from_ms;
        // What happened in a year is true from then on; only a state that is said to end does.
        if (time->use == TimeUse::kBetween || time->use == TimeUse::kUntil) relation.valid_until_ms = time->until_ms;
        if (!rule.state) relation.valid_until_ms.reset();
      }
      out_.push_back(relation);
      found = true;
    }
    return found;
  }

  const Tokenizer& text_;
  const std::vector<Token>& tokens_;
  const Sentence& sentence_;
  const RelationScope& scope_;
  std::vector<Relation>& out_;
  Argument last_subject_;
};

}  // namespace

void FindRelations(const Tokenizer& text, const Sentence& sentence, const RelationScope& scope,
                   std::vector<Relation>& out) {
  if (scope.occurrences.empty()) return;
  SentenceRelations(text, sentence, scope, out).Run();
}

}  // namespace rhizome::extract
