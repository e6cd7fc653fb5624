// The book of two times: a small world whose facts change, conflict, return and are deleted, and what must be answered
// about each moment, both as it was and as it was known. Expected answers are written out; an oracle that knows nothing
// of the engine's rows checks every other moment too.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using format::GraphOperation;
using format::kAlways;
using format::kForever;

// A step of the story, at transaction time `ms`: a put when `fact` is said, else a deletion, a closure or its opposite.
struct Step {
  enum Kind { kPut, kDelete, kClose, kOpen } kind;
  int64_t ms;
  std::string id;  // "d/…" a document with one fact, else a client's
  SaidFact fact = {};
  int64_t closed_until = kForever;
};

// Years stand for valid time, small numbers for transaction time.
std::vector<Step> Book() {
  std::vector<Step> book;
  int64_t now = 0;
  const auto put = [&](const std::string& id, const std::string& source, const std::string& type,
                       const std::string& target, int64_t from = kAlways, int64_t until = kForever) {
    book.push_back({Step::kPut, ++now, id, {source, type, target, 1, from, until}});
  };
  const auto close = [&](const std::string& id, int64_t until) {
    book.push_back({Step::kClose, ++now, id, {}, until});
  };
  const auto open = [&](const std::string& id) { book.push_back({Step::kOpen, ++now, id}); };
  const auto remove = [&](const std::string& id) { book.push_back({Step::kDelete, ++now, id}); };

  // 1-4: who leads acme: ann from 1990, then bob from 2000, so ann's time ends.
  put("ann leads", "acme", "led by", "ann", 1990);
  put("bob leads", "acme", "led by", "bob", 2000);
  close("ann leads", 2000);
  put("cleo advises", "acme", "advised by", "cleo", 1995);  // unrelated: stays
  // 5-7: ann comes back in 2010.
  put("ann again", "acme", "led by", "ann", 2010);
  close("bob leads", 2010);
  put("acme seat", "acme", "seated in", "paris", 1990);
  // 8-11: the closing of bob was a mistake, is taken back and done again, later.
  open("bob leads");
  close("bob leads", 2011);
  put("ann again", "acme", "led by", "ann", 2011);
  put("acme founded", "acme", "founded by", "dora", 1985, 1986);
  // 12-16: a document that changes what it says twice, and is deleted.
  put("d/news", "globex", "owned by", "acme", 2001);
  put("d/news", "globex", "owned by", "initech", 2001);
  close("acme seat", 2005);
  put("acme seat 2", "acme", "seated in", "rome", 2005);
  remove("d/news");
  // 17-20: the document returns, and says something else.
  put("d/news", "globex", "owned by", "umbrella", 2002);
  put("d/other", "globex", "owned by", "acme", 2001);
  close("d/other", 2003);
  put("d/other", "globex", "owned by", "acme", 2001, 2004);  // derived anew: the closure still holds
  // 21-24: a fact that is put, replaced, deleted and put again.
  put("flip", "x", "is", "one");
  put("flip", "x", "is", "two");
  remove("flip");
  put("flip", "x", "is", "three");
  // 25-: many that only stand beside, every third closed, every fifth deleted, every seventh put again with another
  // end.
  for (int i = 0; i < 52; ++i) {
    const std::string n = std::to_string(i), id = (i % 2 ? "d/b" : "b") + n;
    put(id, "crowd", "knows", "member " + n, 1900 + i, i % 4 == 0 ? 2000 + i : kForever);
    if (i % 3 == 0) close(id, 1950 + i);
    if (i % 5 == 0) remove(id);
    if (i % 7 == 0) put(id, "crowd", "knows", "member " + n, 1900 + i, 1990);
  }
  return book;
}

GraphOrigin OriginOf(const std::string& id) { return id.starts_with("d/") ? DocumentOf(id.substr(2)) : FactOf(id); }

format::Derivation DerivationOf(const Step& step) { return Said({}, {step.fact}); }

uint64_t FactHashOf(const std::string& id, const std::vector<Step>& book) {
  for (const Step& step : book) {
    if (step.id == id && step.kind == Step::kPut) return DerivationOf(step).IdOf(OriginOf(id), 0).fact;
  }
  return 0;
}

std::vector<GraphOperation> Operations(const std::vector<Step>& book) {
  std::vector<GraphOperation> operations;
  for (const Step& step : book) {
    const GraphOrigin origin = OriginOf(step.id);
    const Version version = At(step.ms);
    switch (step.kind) {
      case Step::kPut:
        operations.push_back(origin.kind == GraphOrigin::Kind::kDocument
                                 ? Put(version, step.id.substr(2), DerivationOf(step))
                                 : PutFact(version, step.id, step.fact));
        break;
      case Step::kDelete: operations.push_back({version, format::DeleteRegister{format::GraphKeyOf(origin)}}); break;
      case Step::kClose:
        operations.push_back({version, format::PutClosure{origin, FactHashOf(step.id, book), true, step.closed_until}});
        break;
      case Step::kOpen:
        operations.push_back({version, format::PutClosure{origin, FactHashOf(step.id, book), false}});
        break;
    }
  }
  return operations;
}

std::string Sentence(const SaidFact& fact) { return fact.source + " " + fact.type + " " + fact.target; }

// What must be answered, from the story alone: what came up to `known_at`, nothing of an origin from before its last
// deletion ever, and each closure only on the fact it was made for.
std::multiset<std::string> Oracle(const std::vector<Step>& book, const std::string& entity,
                                  std::optional<int64_t> as_of, std::optional<int64_t> known_at) {
  std::set<std::string> ids;
  for (const Step& step : book) ids.insert(step.id);
  std::multiset<std::string> said;
  for (const std::string& id : ids) {
    int64_t erased = 0;
    for (const Step& step : book) {
      if (step.id == id && step.kind == Step::kDelete) erased = step.ms;
    }
    const Step* fact = nullptr;
    const Step* closure = nullptr;
    for (const Step& step : book) {
      if (step.id != id || step.ms <= erased || (known_at && step.ms > *known_at)) continue;
      (step.kind == Step::kPut ? fact : closure) = &step;
    }
    if (fact == nullptr || (fact->fact.source != entity && fact->fact.target != entity)) continue;
    int64_t until = fact->fact.until;
    if (closure != nullptr && closure->kind == Step::kClose &&
        (OriginOf(id).kind == GraphOrigin::Kind::kFact ||
         DerivationOf(*fact).IdOf(OriginOf(id), 0).fact == FactHashOf(id, book))) {
      until = std::min(until, closure->closed_until);
    }
    if (as_of && (*as_of < fact->fact.from || *as_of >= until)) continue;
    said.insert(Sentence(fact->fact));
  }
  return said;
}

class TimesBook : public testing::Test {
 protected:
  TimesBook() {
    for (const GraphOperation& operation : Operations(book_)) graph_.Apply({operation});
  }
  std::multiset<std::string> Found(const std::string& entity, std::optional<int64_t> as_of,
                                   std::optional<int64_t> known_at) {
    const auto said = graph_.SaidAt(entity, {as_of, known_at});
    return {said.begin(), said.end()};
  }

  const std::vector<Step> book_ = Book();
  TestGraph graph_;
};

TEST_F(TimesBook, HasAtLeastSixtyFacts) {
  std::set<std::string> facts;
  for (const Step& step : book_) {
    if (step.kind == Step::kPut) facts.insert(step.id + Sentence(step.fact));
  }
  EXPECT_GE(facts.size(), 60u);
}

TEST_F(TimesBook, WhoLedWhen) {
  using S = std::multiset<std::string>;
  struct Row {
    int64_t as_of, known_at;
    S leads;
  };
  const std::string ann = "acme led by ann", bob = "acme led by bob";
  for (const Row& row :
       std::vector<Row>{{1989, 100, {}},       {1990, 100, {ann}},    {1999, 100, {ann}}, {2000, 100, {bob}},
                        {2010, 100, {bob}},    {2011, 100, {ann}},    {1995, 0, {}},      {1995, 1, {ann}},
                        {2005, 1, {ann}},      {2005, 2, {ann, bob}}, {2005, 3, {bob}},   {2010, 4, {bob}},
                        {2010, 5, {bob, ann}}, {2010, 6, {ann}},      {2009, 6, {bob}},   {2010, 8, {bob, ann}},
                        {2010, 9, {bob, ann}}, {2011, 9, {ann}},      {2010, 10, {bob}},  {2011, 10, {ann}}}) {
    S leads;
    for (const std::string& said : Found("acme", row.as_of, row.known_at)) {
      if (said.find("led by") != std::string::npos) leads.insert(said);
    }
    EXPECT_EQ(leads, row.leads) << "as of " << row.as_of << ", known at " << row.known_at;
  }
}

TEST_F(TimesBook, WhoOwnedWhatADeletedDocumentSaidOfIsForgottenAtAllTimes) {
  using S = std::multiset<std::string>;
  struct Row {
    int64_t as_of, known_at;
    S owned;
  };
  const std::string by_acme = "globex owned by acme", by_umbrella = "globex owned by umbrella";
  for (const Row& row : std::vector<Row>{{2001, 12, {}},
                                         {2001, 13, {}},
                                         {2001, 16, {}},
                                         {2002, 17, {by_umbrella}},
                                         {2001, 17, {}},
                                         {2002, 18, {by_umbrella, by_acme}},
                                         {2003, 18, {by_umbrella, by_acme}},
                                         {2003, 19, {by_umbrella}},
                                         {2002, 20, {by_umbrella, by_acme}},
                                         {2003, 20, {by_umbrella}},
                                         {2004, 100, {by_umbrella}}}) {
    EXPECT_EQ(Found("globex", row.as_of, row.known_at), row.owned)
        << "as of " << row.as_of << ", known at " << row.known_at;
  }
}

TEST_F(TimesBook, WhatReturnsAfterADeletionHasNoPast) {
  using S = std::multiset<std::string>;
  for (const int64_t known_at : {21, 22, 23}) EXPECT_EQ(Found("x", {}, known_at), S{}) << known_at;
  EXPECT_EQ(Found("x", {}, 24), S{"x is three"});
}

TEST_F(TimesBook, EveryPairOfTimesIsAsTheStoryTellsIt) {
  const int64_t last = book_.back().ms;
  uint64_t asked = 0;
  for (const std::string entity : {"acme", "ann", "bob", "globex", "initech", "umbrella", "x", "crowd", "member 21"}) {
    for (int64_t known_at = 0; known_at <= last + 1; known_at += entity == "crowd" ? 3 : 1) {
      for (const int64_t as_of : {0, 1899, 1945, 1950, 1986, 1990, 1999, 2000, 2002, 2005, 2011, 3000}) {
        ASSERT_EQ(Found(entity, as_of, known_at), Oracle(book_, entity, as_of, known_at))
            << entity << " as of " << as_of << ", known at " << known_at;
        ++asked;
      }
      ASSERT_EQ(Found(entity, {}, known_at), Oracle(book_, entity, {}, known_at)) << entity << " known at " << known_at;
    }
    EXPECT_EQ(Found(entity, {}, {}), Oracle(book_, entity, {}, {})) << entity;
  }
  EXPECT_GT(asked, 5000u);
}

TEST_F(TimesBook, TheOrderInWhichItWasToldDoesNotMatter) {
  TestGraph backwards;
  std::vector<GraphOperation> operations = Operations(book_);
  std::reverse(operations.begin(), operations.end());
  backwards.Apply(operations);
  EXPECT_EQ(backwards.Rows(), graph_.Rows());
}

TEST_F(TimesBook, AFactSaysWhenItWasRecordedAndReplaced) {
  const auto then = graph_.FactsAt("x", {{}, 24});
  ASSERT_EQ(then.size(), 1u);
  EXPECT_EQ(then[0].recorded_at, At(24));
  const FactId seat{FactOf("ann again").Hash(), 0};
  const auto before = graph_->FindFact(seat, {{}, 9}).value();
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before->recorded_at, At(5));
  EXPECT_EQ(before->superseded_at, At(10));
  EXPECT_EQ(graph_->FindFact(seat, {{}, 4}).value(), std::nullopt);
  EXPECT_EQ(graph_->FindFact(seat, {2010, {}}).value(), std::nullopt);
}

TEST(Times, OfSeveralReplacedRecordsEachEndsWhereTheNextBegins) {
  TestGraph graph;
  for (const int64_t ms : {10, 30, 20, 40}) {
    graph.Apply({PutFact(At(ms), "f", {"a", "is", "b", static_cast<float>(ms)})});
  }
  struct Row {
    int64_t known_at, recorded;
    std::optional<int64_t> replaced;
  };
  for (const Row& row : std::vector<Row>{{10, 10, 20}, {19, 10, 20}, {20, 20, 30}, {39, 30, 40}, {40, 40, {}}}) {
    const auto facts = graph.FactsAt("a", {{}, row.known_at});
    ASSERT_EQ(facts.size(), 1u);
    EXPECT_EQ(facts[0].weight, static_cast<float>(row.recorded));
    EXPECT_EQ(facts[0].recorded_at, At(row.recorded));
    EXPECT_EQ(facts[0].superseded_at, row.replaced ? std::optional<Version>(At(*row.replaced)) : std::nullopt);
  }
}

TEST_F(TimesBook, AForgottenPastIsNotSeenAndThePresentIs) {
  const auto before = Found("acme", {}, {});
  ASSERT_TRUE(graph_->CollectHistory(At(10)).ok());
  const FactId again{FactOf("ann again").Hash(), 0};
  EXPECT_EQ(graph_->FindFact(again, {{}, 9}).value(), std::nullopt);
  EXPECT_TRUE(graph_->FindFact(again, {{}, 10}).value().has_value());
  EXPECT_EQ(Found("acme", {}, {}), before);
  EXPECT_EQ(Found("x", {}, 24).size(), 1u);
  // What comes late and was replaced before the horizon is not kept either.
  graph_.Apply({PutFact(At(7), "ann again", {"acme", "led by", "ann", 1, 2012})});
  EXPECT_EQ(graph_->FindFact(again, {{}, 9}).value(), std::nullopt);
  graph_.Reopen();
  EXPECT_EQ(graph_->FindFact(again, {{}, 9}).value(), std::nullopt);
  EXPECT_EQ(Found("acme", {}, {}), before);
}

}  // namespace
}  // namespace rhizome::graph
