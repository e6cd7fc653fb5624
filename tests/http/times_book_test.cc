// The book of two times, over HTTP and the real graph of a node: facts that change, contradict each other, return and
// are deleted; what holds at a time, as known at a time. Each answer that the book states is exact, and an oracle that
// follows the words of the rules, fact by fact, is asked about every other moment.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "api_fixture.h"
#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "shard/graph_view.h"

namespace rhizome::gateway {
namespace {

using format::GraphOperation;
using format::GraphOrigin;
using format::kAlways;
using format::kForever;

struct BookFact {
  int64_t known = 0;
  GraphOrigin origin;
  std::string label, source, relation, target;
  int64_t from = kAlways, until = kForever;
  float confidence = 1;
  format::FactId id = {};
};
struct HandMark {  // on a fact, by hand
  int64_t known = 0;
  std::string label;
  std::optional<int64_t> closed_until = std::nullopt;  // none: opened
};
struct Joined {  // two names
  int64_t known = 0;
  std::string a, b;
  bool active = true;
};
struct Question {
  std::string entity, relation;
  std::optional<int64_t> as_of;
  int64_t known = 0;
  std::set<std::string> labels;
  std::string line;
};

struct Book {
  std::vector<BookFact> facts;
  std::vector<std::pair<int64_t, GraphOrigin>> deletions;
  std::vector<HandMark> marks;
  std::vector<Joined> joined;
  std::vector<Question> questions;
  const BookFact& Find(const std::string& label) const {
    for (const BookFact& fact : facts) {
      if (fact.label == label) return fact;
    }
    throw std::runtime_error("the book has no fact " + label);
  }
};

std::string NameOf(std::string word) {
  std::replace(word.begin(), word.end(), '_', ' ');
  return word;
}
int64_t TimeOf(const std::string& word, int64_t none) { return word == "-" ? none : std::stoll(word); }
GraphOrigin OriginOf(const std::string& kind, const std::string& id) {
  return {kind == "doc" ? GraphOrigin::Kind::kDocument : GraphOrigin::Kind::kFact,
          format::PointId::FromString(id).value()};
}

void ReadQuestion(std::istringstream& words, const std::string& line, Book& book) {
  Question question;
  std::string as_of, equals, label;
  words >> question.entity >> question.relation >> as_of >> question.known >> equals;
  question.entity = NameOf(question.entity);
  if (as_of != "-") question.as_of = std::stoll(as_of);
  while (words >> label) question.labels.insert(label);
  question.line = line;
  book.questions.push_back(std::move(question));
}

void ReadStep(int64_t known, const std::string& what, std::istringstream& words, Book& book) {
  std::string first, second;
  words >> first;
  if (what == "open") {
    book.marks.push_back({known, first});
    return;
  }
  words >> second;
  if (what == "delete") {
    book.deletions.emplace_back(known, OriginOf(first, second));
  } else if (what == "close") {
    book.marks.push_back({known, first, std::stoll(second)});
  } else if (what == "merge" || what == "split") {
    book.joined.push_back({known, NameOf(first), NameOf(second), what == "merge"});
  } else {
    BookFact fact{known, OriginOf(what, first), second};
    std::string from, until;
    words >> fact.source >> fact.relation >> fact.target >> from >> until >> fact.confidence;
    fact.source = NameOf(fact.source);
    fact.target = NameOf(fact.target);
    fact.from = TimeOf(from, kAlways);
    fact.until = TimeOf(until, kForever);
    book.facts.push_back(std::move(fact));
  }
}

Book ReadBook() {
  Book book;
  std::ifstream file(std::string(RHIZOME_SOURCE_DIR) + "/tests/http/testdata/times_book.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, what;
    if (!(words >> first) || first.starts_with('#')) continue;
    if (first == "?") {
      ReadQuestion(words, line, book);
    } else {
      words >> what;
      ReadStep(std::stoll(first), what, words, book);
    }
  }
  return book;
}

Version At(int64_t ms) { return {static_cast<uint64_t>(ms) << 16, 1}; }

// What the book says, as operations in the order of their times; gives the facts their ids.
std::vector<GraphOperation> OperationsOf(Book& book) {
  std::map<std::pair<int64_t, GraphOrigin>, std::vector<BookFact*>> derivations;
  for (BookFact& fact : book.facts) derivations[{fact.known, fact.origin}].push_back(&fact);
  std::vector<GraphOperation> operations;
  for (const auto& [at, facts] : derivations) {
    format::DerivationBuilder builder;
    for (const BookFact* fact : facts) {
      format::DerivationBuilder::Fact said{builder.Entity(fact->source).value(), fact->relation,
                                           builder.Entity(fact->target).value()};
      said.confidence = fact->confidence;
      said.valid_from = fact->from;
      said.valid_until = fact->until;
      builder.AddFact(said);
    }
    const format::Derivation derivation = builder.Build();
    for (BookFact* fact : facts) {
      for (size_t i = 0; i < derivation.facts.size(); ++i) {
        if (derivation.entities[derivation.facts[i].target].name == fact->target) {
          fact->id = derivation.IdOf(fact->origin, i);
        }
      }
    }
    operations.push_back({At(at.first), format::PutDerivation{at.second, derivation}});
  }
  for (const auto& [known, origin] : book.deletions) {
    operations.push_back({At(known), format::DeleteRegister{format::GraphKeyOf(origin)}});
  }
  for (const HandMark& mark : book.marks) {
    const BookFact& fact = book.Find(mark.label);
    operations.push_back({At(mark.known), format::PutClosure{fact.origin, fact.id.fact, mark.closed_until.has_value(),
                                                             mark.closed_until.value_or(kForever)}});
  }
  for (const Joined& joined : book.joined) {
    operations.push_back({At(joined.known),
                          format::PutMerge{format::EntityIdOf(joined.a), format::EntityIdOf(joined.b), joined.active}});
  }
  std::stable_sort(operations.begin(), operations.end(),
                   [](const GraphOperation& a, const GraphOperation& b) { return a.version < b.version; });
  return operations;
}

// What a fact is worth at one time of knowledge, by the words of engines/graph/conflicts.h.
struct Worth {
  const BookFact* fact = nullptr;
  int64_t begin = 0;  // for comparison
  int64_t from = 0, until = 0;
  bool opened = false;
};

class Oracle {
 public:
  Oracle(const Book& book, int64_t known) : book_(book), known_(known) {
    for (const BookFact& fact : book.facts) {
      if (IsThere(fact)) worths_.push_back(Asserted(fact));
    }
    const std::vector<Worth> asserted = worths_;
    for (Worth& worth : worths_) Judge(asserted, worth);
  }
  std::set<std::string> Ask(const std::string& entity, const std::string& relation,
                            std::optional<int64_t> as_of) const {
    std::set<std::string> labels;
    for (const Worth& worth : worths_) {
      const BookFact& fact = *worth.fact;
      if (fact.relation != relation) continue;
      if (Root(fact.source) != Root(entity) && Root(fact.target) != Root(entity)) continue;
      if (!as_of || (*as_of >= worth.from && *as_of < worth.until)) labels.insert(fact.label);
    }
    return labels;
  }
  const std::vector<Worth>& worths() const { return worths_; }

 private:
  bool IsThere(const BookFact& fact) const {
    if (fact.known > known_) return false;
    for (const auto& [at, origin] : book_.deletions) {
      if (origin == fact.origin && fact.known < at) return false;  // forgotten at all times
    }
    // A newer record of the origin has taken its place.
    for (const BookFact& other : book_.facts) {
      if (other.origin == fact.origin && other.known > fact.known && other.known <= known_) return false;
    }
    return true;
  }
  Worth Asserted(const BookFact& fact) const {
    Worth worth{&fact, 0, fact.from, fact.until};
    for (const HandMark& mark : book_.marks) {
      if (mark.label != fact.label || mark.known > known_) continue;
      worth.opened = !mark.closed_until;
      worth.until = std::min(fact.until, mark.closed_until.value_or(kForever));
    }
    worth.begin = fact.from != kAlways ? fact.from : worth.until <= fact.known ? kAlways : fact.known;
    return worth;
  }
  void Judge(const std::vector<Worth>& all, Worth& worth) const {
    if (worth.until <= worth.begin || worth.opened) return;
    int64_t until = worth.until;
    for (const Worth& other : all) {
      if (other.until <= other.begin || !Contradict(worth, other)) continue;
      const auto rank = [](const Worth& one) {
        return std::tuple(one.begin, one.fact->origin.kind == GraphOrigin::Kind::kFact, one.fact->confidence,
                          one.fact->known);
      };
      if (rank(other) > rank(worth)) until = std::min(until, other.begin);
      if (rank(other) < rank(worth)) worth.from = std::max(worth.from, worth.begin);
    }
    worth.until = until;
  }
  bool Contradict(const Worth& a, const Worth& b) const {
    const BookFact &one = *a.fact, &other = *b.fact;
    if (one.relation != other.relation || (one.origin == other.origin && a.begin == b.begin)) return false;
    const bool same_source = Root(one.source) == Root(other.source),
               same_target = Root(one.target) == Root(other.target);
    const std::string& type = one.relation;
    const bool by_source = type == "lives_in" || type == "works_for" || type == "capital_of";
    const bool by_target = type == "leads" || type == "capital_of";
    return (by_source && same_source && !same_target) || (by_target && same_target && !same_source);
  }
  std::string Root(const std::string& name) const {
    std::string root = name;
    for (const Joined& joined : book_.joined) {
      if (joined.known > known_ || (joined.a != name && joined.b != name)) continue;
      root = joined.active ? std::min(joined.a, joined.b) : name;
    }
    return root;
  }

  const Book& book_;
  const int64_t known_;
  std::vector<Worth> worths_;
};

class TimesBook : public ApiFixture {
 protected:
  void Open(bool backwards = false) {
    OpenNode();
    Do("POST", "/collections", R"({"name":"book","dimension":0,"graph":true,"shards":3})");
    graph_ = memories_->Graph("book").value();
    std::vector<GraphOperation> operations = OperationsOf(book_);
    if (backwards) std::reverse(operations.begin(), operations.end());
    for (const GraphOperation& operation : operations) ASSERT_TRUE(graph_->Merge({operation}).ok());
    for (const BookFact& fact : book_.facts) labels_[fact.id.ToString()] = fact.label;
  }
  // Over HTTP, in pages of two.
  std::set<std::string> Asked(const Question& question) {
    std::string target = "/relations?collection=book&limit=2&entity=" + question.entity + "&type=" + question.relation +
                         "&known_at_ms=" + std::to_string(question.known);
    if (question.as_of) target += "&as_of_ms=" + std::to_string(*question.as_of);
    std::replace(target.begin(), target.end(), ' ', '+');
    std::set<std::string> labels;
    std::string after;
    do {
      const auto page = Do("GET", target + (after.empty() ? "" : "&after=" + after));
      for (const auto& fact : page.at("relations").as_array()) {
        EXPECT_TRUE(labels.insert(labels_.at(std::string(fact.at("id").as_string()))).second) << question.line;
      }
      after = std::string(page.at("next").as_string());
    } while (!after.empty());
    return labels;
  }
  std::set<std::string> Read(const std::string& entity, const std::string& relation, const graph::Times& times) {
    graph::FactQuery query{format::EntityIdOf(entity), graph::Direction::kBoth, {relation}, times};
    query.limit = 1000;
    std::set<std::string> labels;
    const auto page = shard::GraphView(*graph_).Facts(query);
    EXPECT_TRUE(page.ok() && page->next.empty());
    for (const graph::FoundFact& fact : page->facts) labels.insert(labels_.at(fact.id.ToString()));
    return labels;
  }

  Book book_ = ReadBook();
  std::shared_ptr<shard::GraphShards> graph_;
  std::map<std::string, std::string> labels_;
};

TEST_F(TimesBook, HasSixtyFactsAndAsksAboutEachThatStays) {
  EXPECT_GE(book_.facts.size(), 60U);
  std::set<std::string> asked, deleted;
  for (const Question& question : book_.questions) asked.insert(question.labels.begin(), question.labels.end());
  for (const BookFact& fact : book_.facts) {
    for (const auto& [at, origin] : book_.deletions) {
      if (origin == fact.origin && fact.known < at) deleted.insert(fact.label);
    }
    EXPECT_TRUE(asked.contains(fact.label) != deleted.contains(fact.label) || fact.label == "h1") << fact.label;
  }
  EXPECT_GE(deleted.size(), 5U);
}

TEST_F(TimesBook, EveryAnswerIsExactOverHttp) {
  Open();
  for (const Question& question : book_.questions) EXPECT_EQ(Asked(question), question.labels) << question.line;
}

TEST_F(TimesBook, EveryMomentIsAsTheRulesSay) {
  Open();
  std::set<std::pair<std::string, std::string>> subjects;
  for (const BookFact& fact : book_.facts) {
    if (!fact.source.starts_with("person"))
      subjects.insert({{fact.source, fact.relation}, {fact.target, fact.relation}});
  }
  uint64_t asked = 0;
  for (int64_t known = 1999; known < 2100; known += 3) {
    const Oracle oracle(book_, known);
    for (const auto& [entity, relation] : subjects) {
      for (const int64_t as_of : {1800, 1950, 1958, 1966, 1984, 2051, 2061}) {
        ASSERT_EQ(Read(entity, relation, {as_of, known}), oracle.Ask(entity, relation, as_of))
            << entity << " " << relation << " as of " << as_of << ", known at " << known;
        ++asked;
      }
      ASSERT_EQ(Read(entity, relation, {{}, known}), oracle.Ask(entity, relation, {})) << entity << known;
    }
  }
  EXPECT_GT(asked, 10'000U);
}

// Each fact of the book by name: its interval is what the rules give it, and what nobody contradicts is whole.
TEST_F(TimesBook, NoUnrelatedFactIsTouched) {
  Open();
  const Oracle oracle(book_, 2300);
  uint64_t whole = 0, ended = 0;
  for (const Worth& worth : oracle.worths()) {
    const BookFact& fact = *worth.fact;
    const auto found = shard::GraphView(*graph_).FindFact(fact.id, {});
    ASSERT_TRUE(found.ok() && found->has_value()) << fact.label;
    EXPECT_EQ((*found)->valid_from, worth.from) << fact.label;
    EXPECT_EQ((*found)->valid_until, worth.until) << fact.label;
    EXPECT_EQ((*found)->asserted_until, fact.until) << fact.label;
    (*found)->by_conflict ? ++ended : ++whole;
    EXPECT_EQ((*found)->by_conflict, worth.until < fact.until && fact.label[0] != 'm') << fact.label;
    if ((*found)->by_conflict) {
      ASSERT_TRUE((*found)->superseded_by.has_value());
      EXPECT_EQ(book_.Find(labels_.at((*found)->superseded_by->ToString())).relation, fact.relation) << fact.label;
    }
  }
  EXPECT_GT(whole, 40U);
  EXPECT_GT(ended, 15U);
}

TEST_F(TimesBook, TheOrderInWhichItIsToldDoesNotMatter) {
  Open(true);
  for (const Question& question : book_.questions) EXPECT_EQ(Asked(question), question.labels) << question.line;
}

TEST_F(TimesBook, AnAnswerSaysWhatEndedAFactAndWhen) {
  Open();
  const auto page = Do("GET", "/relations?collection=book&entity=bonn");
  const auto& fact = page.at("relations").at(0);
  EXPECT_EQ(fact.at("valid_until_ms").to_number<int64_t>(), 1990);
  EXPECT_EQ(fact.at("superseded_by"), json::value(book_.Find("c2").id.ToString()));
  EXPECT_EQ(fact.at("closed_ms").to_number<int64_t>(), 2021);
  EXPECT_EQ(fact.at("conflict"), true);
}

}  // namespace
}  // namespace rhizome::gateway
