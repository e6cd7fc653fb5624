#include "ask/asker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ask/instant.h"
#include "ask/memory_testing.h"
#include "base/clock.h"
#include "format/derivation_builder.h"
#include "io/http_test_server.h"

namespace rhizome::ask {
namespace {

using testing::HasSubstr;

class AskerTest : public testing::Test {
 protected:
  AskerTest() { memory_.Create("m"); }
  Answer Ask(const std::string& text, Question question = {}) {
    question.text = text;
    question.collection = "m";
    const auto answer = memory_.Ask(question);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *answer : Answer();
  }
  Answer AskAsOf(const std::string& text, const std::string& as_of) {
    Question question;
    question.times.as_of_ms = ParseInstantMs(as_of);
    return Ask(text, question);
  }
  void PutFact(const std::string& id, const format::ClientFact& fact) {
    ASSERT_TRUE(
        memory_.Graph("m")->Write({{{}, format::PutFactOf(format::PointId::FromString(id).value(), fact)}}).ok());
  }

  TestMemory memory_;
};

TEST_F(AskerTest, AFactAnswersAsOfATime) {
  memory_.Learn("m", {{"acme", "Acme", "Acme makes anvils. Acme is known for its chief executives."}});
  format::ClientFact carol{"Carol Hill", "leads", "Acme", "person", "organisation"};
  carol.valid_from = *ParseInstantMs("1990");
  carol.valid_until = *ParseInstantMs("2000");
  format::ClientFact dan{"Dan Moss", "leads", "Acme", "person", "organisation"};
  dan.valid_from = *ParseInstantMs("2000");
  PutFact("f1", carol);
  PutFact("f2", dan);
  EXPECT_EQ(AskAsOf("Who leads Acme?", "1995").text, "Carol Hill (1990 to 1999-12-31)");
  EXPECT_EQ(AskAsOf("Who leads Acme?", "2010-05-01").text, "Dan Moss (since 2000)");
  EXPECT_EQ(Ask("Who leads Acme?").text, "Dan Moss (since 2000)");
  EXPECT_TRUE(AskAsOf("Who leads Acme?", "1980").facts.empty());
}

TEST_F(AskerTest, WhatHappenedGoesOnHavingHappened) {
  memory_.Learn("m", {{"curie", "Marie Curie", "Marie Curie was born in Warsaw in 1867."}});
  EXPECT_EQ(AskAsOf("Where was Marie Curie born?", "1920").text, "Warsaw (1867)");
  EXPECT_TRUE(AskAsOf("Where was Marie Curie born?", "1850").facts.empty());
  EXPECT_EQ(Ask("When was Marie Curie born?").text, "1867");
}

TEST_F(AskerTest, WhatWasWrittenLaterIsNotKnownYet) {
  memory_.Learn("m", {{"curie", "Marie Curie", "Marie Curie was born in Paris."}});
  Question then;
  then.times.known_at_ms = SystemClock().WallMs();
  ASSERT_TRUE(Await([&] { return SystemClock().WallMs() > *then.times.known_at_ms; }));
  memory_.Learn("m", {{"curie", "Marie Curie", "Marie Curie was born in Warsaw."}});
  EXPECT_EQ(Ask("Where was Marie Curie born?").text, "Warsaw");
  const Answer before = Ask("Where was Marie Curie born?", then);
  ASSERT_FALSE(before.facts.empty());
  EXPECT_EQ(before.facts[0].fact.target.name, "paris");
  for (const Citation& citation : before.citations) EXPECT_THAT(citation.text, testing::Not(HasSubstr("Warsaw")));
  then.times.known_at_ms = 1000;
  EXPECT_EQ(Ask("Where was Marie Curie born?", then).kind, AnswerKind::kNone);
}

TEST_F(AskerTest, OfADeletedDocumentNothingIsAnswered) {
  memory_.Learn("m", {{"curie", "Marie Curie", "Marie Curie was born in Warsaw."}});
  ASSERT_TRUE(memory_.ingestor().Delete("m", "curie").ok());
  const Answer answer = Ask("Where was Marie Curie born?");
  EXPECT_EQ(answer.kind, AnswerKind::kNone);
  EXPECT_EQ(answer.text, "Not in memory.");
  EXPECT_TRUE(answer.citations.empty());
}

TEST_F(AskerTest, LocallyOnlyWhatIsLinkedToTheNamesIsCited) {
  memory_.Learn("m", {{"curie", "Marie Curie", "Marie Curie was born in Warsaw."},
                      {"city", "Warsaw", "Warsaw lies on the Vistula."},
                      {"other", "", "Where was it? Born again was the band's name."}});
  Question local;
  local.mode = Mode::kLocal;
  for (const Citation& citation : Ask("Where was Marie Curie born?", local).citations) {
    EXPECT_NE(citation.id.document.ToString(), "other");
  }
  EXPECT_TRUE(Ask("Where was Ada Lovelace born?", local).citations.empty());
}

TEST_F(AskerTest, TheSecondOfTwoPassagesIsFoundThroughTheFirst) {
  memory_.Learn("m",
                {{"leland", "Leland, North Carolina", "Leland is a town. The movie Maximum Overdrive was shot there."},
                 {"film", "Maximum Overdrive", "It was made by Stephen King. Its music is loud."},
                 {"x", "Leyland", "Leyland built buses and lorries."}});
  const Answer answer = Ask("Who made the movie that was shot in Leland, North Carolina?");
  ASSERT_GE(answer.citations.size(), 2U);
  std::string all;
  for (size_t i = 0; i < 2; ++i) all += answer.citations[i].text;
  EXPECT_THAT(all, HasSubstr("Stephen King"));
}

TEST_F(AskerTest, AnEmptyMemoryAndAQuestionOfNothingButNoiseAreNotInMemory) {
  EXPECT_EQ(Ask("Who made it?").kind, AnswerKind::kNone);
  memory_.Learn("m", {{"a", "", "Tea is hot."}});
  EXPECT_EQ(Ask("???").kind, AnswerKind::kNone);
  EXPECT_EQ(Ask("the of and").kind, AnswerKind::kNone);
}

TEST_F(AskerTest, APointThatIsNoDocumentsIsCitedWhole) {
  ASSERT_TRUE(
      memory_.node()
          .Write("m",
                 {{{}, format::UpsertPoint{{format::PointId(7), {}, "Oolong", "Oolong tea is half fermented.", ""}}}})
          .ok());
  const Answer answer = Ask("How is oolong tea fermented?");
  ASSERT_FALSE(answer.citations.empty());
  EXPECT_EQ(answer.citations[0].id.chunk, kWholePoint);
  EXPECT_EQ(answer.citations[0].id.document.ToString(), "7");
}

TEST_F(AskerTest, AModeWithoutItsMeansIsRefusedAndACollectionThatIsNotThereToo) {
  Question question;
  question.text = "Who?";
  question.collection = "m";
  question.mode = Mode::kGlobal;
  EXPECT_EQ(memory_.Ask(question).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(memory_.Ask(question).status().field(), "mode");
  question.mode = Mode::kVector;
  EXPECT_EQ(memory_.Ask(question).status().field(), "mode");
  question.mode = Mode::kAuto;
  question.collection = "nobody";
  EXPECT_EQ(memory_.Ask(question).status().code(), Code::kNotFound);
}

TEST_F(AskerTest, ALongDocumentsCitationSaysWhereInIt) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Nothing of note happened there in that year, either. ";
  const size_t at = text.size();
  text += "The oolong harvest of Nantou failed completely.";
  memory_.Learn("m", {{"long", "Annals", text}});
  const Answer answer = Ask("Why did the oolong harvest of Nantou fail?");
  ASSERT_EQ(answer.kind, AnswerKind::kSentences);
  EXPECT_EQ(answer.citations[0].begin, at);
  EXPECT_EQ(answer.citations[0].end, text.size());
  EXPECT_GT(answer.citations[0].id.chunk, 0U);
}

TEST(IntervalText, IsAsPreciseAsItsEnds) {
  const auto text = [](const char* from, const char* until) {
    return IntervalText(from == nullptr ? format::kAlways : *ParseInstantMs(from),
                        until == nullptr ? format::kForever : *ParseInstantMs(until));
  };
  EXPECT_EQ(text(nullptr, nullptr), "");
  EXPECT_EQ(text("1998", nullptr), "since 1998");
  EXPECT_EQ(text(nullptr, "1998-07"), "until 1998-07");
  EXPECT_EQ(text("1998", "1999"), "1998");
  EXPECT_EQ(text("1998-07", "1998-08"), "1998-07");
  EXPECT_EQ(text("1998-07-12", "1998-07-13"), "1998-07-12");
  EXPECT_EQ(text("1998", "2001"), "1998 to 2000-12-31");
}

}  // namespace
}  // namespace rhizome::ask
