#include "evolve/evolver.h"

#include <gmock/gmock.h>

#include "evolve/evolve_testing.h"

namespace rhizome::evolve {
namespace {

using format::EntityState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class EvolverTest : public testing::Test {
 protected:
  void Say(const std::string& document, const std::vector<SaidName>& names) {
    ASSERT_TRUE(memory_->Write({Says(document, names)}).ok());
  }
  // As memory::Learner does.
  void Delete(const std::string& document, const std::vector<std::string>& names) {
    ASSERT_TRUE(memory_->Write({Forgets(document)}).ok());
    std::vector<EntityId> ids;
    for (const std::string& name : names) ids.push_back(IdOf(name));
    ASSERT_TRUE(memory_->graph().ForgetUnnamed(ids).ok());
  }
  void Wait(int64_t days) { clock_.AdvanceMs(days * kDay); }
  Evolver& evolver() { return memory_->evolver(); }
  Applied Pass(const PlanOptions& options = {}) {
    clock_.AdvanceMs(1);
    return evolver().Pass(options).value();
  }
  // "merge a b", "archive a" of all changes.
  std::vector<std::string> Planned(const PlanOptions& options = {}) {
    std::vector<std::string> planned;
    const auto plan = evolver().MakePlan(options);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    for (const Change& change : plan->changes) {
      std::vector<std::string> names = {change.name};
      if (!change.other_name.empty()) names.push_back(change.other_name);
      std::sort(names.begin(), names.end());
      std::string text(ActionName(change.action));
      for (const std::string& name : names) text += " " + name;
      planned.push_back(std::move(text));
    }
    return planned;
  }

  io::SimDisk disk_;
  SimClock clock_;
  std::unique_ptr<TestMemory> memory_ = TestMemory::Open(disk_, clock_).value();
};

TEST_F(EvolverTest, NamesOfOneEntityAreMergedAndSaidSo) {
  Say("a", {{"Marie Sklodowska Curie"}, {"Anna Bergstrom"}});
  Say("b", {{"Marie Sklodovska Curie"}, {"Anna Bergman"}});
  EXPECT_THAT(Planned(), ElementsAre("merge marie sklodovska curie marie sklodowska curie"));
  EXPECT_THAT(memory_->OneWith("marie sklodowska curie"), IsEmpty());  // a dry run
  EXPECT_THAT(memory_->Events(), IsEmpty());
  const Applied applied = Pass();
  EXPECT_EQ(applied.changed, 1u);
  EXPECT_THAT(memory_->OneWith("marie sklodowska curie"), ElementsAre("marie sklodovska curie"));
  ASSERT_EQ(memory_->Events().size(), 1u);
  EXPECT_EQ(memory_->Events()[0].action, Action::kMerge);
  EXPECT_EQ(memory_->Events()[0].cause, format::MergeCause::kNames);
  EXPECT_THAT(Planned(), IsEmpty());
}

TEST_F(EvolverTest, AnAliasMergesAndTheDocumentThatGaveItUndoesThatByGoing) {
  Say("who", {{"World Health Organization", "organisation", {"WHO"}}});
  Say("other", {{"WHO", "organisation"}, {"World Health Organization", "organisation"}});
  Pass();
  EXPECT_THAT(memory_->OneWith("who"), ElementsAre("world health organization"));
  ASSERT_TRUE(memory_->Write({Forgets("who")}).ok());
  EXPECT_THAT(memory_->OneWith("who"), IsEmpty());  // at once, without a pass
  EXPECT_THAT(Planned(), ElementsAre("split who world health organization"));
  Pass();
  EXPECT_THAT(memory_->graph().MergesAt(std::vector{IdOf("who")}).value(), IsEmpty());
  EXPECT_EQ(memory_->Events()[0].action, Action::kSplit);
  Say("who", {{"World Health Organization", "organisation", {"WHO"}}});
  Pass();
  EXPECT_THAT(memory_->OneWith("who"), ElementsAre("world health organization"));
}

TEST_F(EvolverTest, AnAliasThatComesToMeanTwoMergesNeither) {
  Say("planet", {{"Mercury (planet)", "place", {"Mercury"}}});
  Say("song", {{"Mercury", "other"}});
  Pass();
  EXPECT_THAT(memory_->OneWith("mercury"), ElementsAre("mercury (planet"));
  Say("metal", {{"Mercury (element)", "other", {"Mercury"}}});
  EXPECT_THAT(memory_->OneWith("mercury"), IsEmpty());
}

TEST_F(EvolverTest, WhatAHandPartedStaysParted) {
  Say("a", {{"Marie Sklodowska Curie"}});
  Say("b", {{"Marie Sklodovska Curie"}});
  const EventId merged = Pass().events.at(0);
  const Event undone = evolver().Undo(merged).value();
  EXPECT_EQ(undone.action, Action::kSplit);
  EXPECT_EQ(undone.undoes, merged);
  EXPECT_THAT(memory_->OneWith("marie sklodowska curie"), IsEmpty());
  EXPECT_THAT(Planned(), IsEmpty());
  EXPECT_EQ(evolver().Undo(merged).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(evolver().Undo(undone.id).ok());  // a hand's word again
  EXPECT_THAT(memory_->OneWith("marie sklodowska curie"), ElementsAre("marie sklodovska curie"));
}

TEST_F(EvolverTest, PhrasesAreNoNames) {
  Say("a", {{"dendritic cell line", "phrase"}, {"dendritic cell lines", "phrase"}});
  EXPECT_THAT(Planned(), IsEmpty());
}

TEST_F(EvolverTest, WhatNobodyReadsIsArchivedThenDeletedAndComesBack) {
  Say("a", {{"Forgotten Village", "place"}});
  Wait(40);
  EXPECT_THAT(Planned(), ElementsAre("archive forgotten village"));
  Pass();
  EXPECT_EQ(memory_->StateOf("forgotten village"), EntityState::kArchived);
  Wait(3 * 365);
  Pass();
  EXPECT_EQ(memory_->StateOf("forgotten village"), EntityState::kDeleted);
  const auto restored = evolver().Restore(std::vector{IdOf("forgotten village")}, Actor::kQuery).value();
  ASSERT_EQ(restored.size(), 1u);
  EXPECT_EQ(restored[0].before, EntityState::kDeleted);
  EXPECT_EQ(memory_->StateOf("forgotten village"), EntityState::kActive);
  Wait(1);
  EXPECT_THAT(Planned(), IsEmpty());  // it was read a day ago
  std::vector<Action> actions;
  for (const Event& event : memory_->Events()) actions.push_back(event.action);
  EXPECT_THAT(actions, ElementsAre(Action::kRestore, Action::kDelete, Action::kArchive));  // the newest first
}

TEST_F(EvolverTest, AnEventSaysWhy) {
  Say("a", {{"Forgotten Village", "place"}});
  Wait(40);
  const Plan plan = evolver().MakePlan({}).value();
  ASSERT_TRUE(evolver().Apply(plan.id).ok());
  const Event event = memory_->Events().at(0);
  EXPECT_EQ(event.plan, plan.id);
  EXPECT_EQ(event.score, plan.changes.at(0).score);
  EXPECT_NEAR(event.score.age_days, 40, 1e-6);
  EXPECT_LE(event.score.strength, .2);
}

TEST_F(EvolverTest, WhatIsCriticalOrReadStays) {
  Say("a", {{"Critical Village", "place"}, {"Popular Village", "place"}, {"Lonely Village", "place"}});
  ASSERT_TRUE(memory_->Write({{{}, format::PutProperty{IdOf("critical village"), true}}}).ok());
  for (int day = 0; day < 400; day += 10) {
    Wait(10);
    evolver().CountReading(std::vector{IdOf("popular village")});
  }
  PlanOptions ageing;
  ageing.merges = false;
  EXPECT_THAT(Planned(ageing), ElementsAre("delete lonely village"));
}

TEST_F(EvolverTest, WhatIsSaidAnewIsActiveAgain) {
  Say("a", {{"Forgotten Village", "place"}});
  Wait(40);
  Pass();
  Say("b", {{"Forgotten Village", "place"}});
  EXPECT_THAT(Planned(), ElementsAre("restore forgotten village"));
}

TEST_F(EvolverTest, NamesOfOneEntityAgeTogether) {
  Say("a", {{"Marie Sklodowska Curie"}});
  Wait(300);
  Say("b", {{"Marie Sklodovska Curie"}});
  PlanOptions apart;
  apart.merges = false;
  EXPECT_THAT(Planned(apart), ElementsAre("delete marie sklodowska curie"));
  EXPECT_THAT(Planned(), ElementsAre("merge marie sklodovska curie marie sklodowska curie"));
}

TEST_F(EvolverTest, UndoingAnArchiveCountsAsReading) {
  Say("a", {{"Forgotten Village", "place"}});
  Wait(40);
  const EventId archived = Pass().events.at(0);
  ASSERT_TRUE(evolver().Undo(archived).ok());
  EXPECT_EQ(memory_->StateOf("forgotten village"), EntityState::kActive);
  EXPECT_THAT(Planned(), IsEmpty());
}

TEST_F(EvolverTest, WhatChangedSinceThePlanIsLeftAlone) {
  Say("a", {{"Forgotten Village", "place"}, {"Other Hamlet", "place"}, {"Third Town", "place"}});
  Wait(40);
  const Plan plan = evolver().MakePlan({}).value();
  ASSERT_EQ(plan.changes.size(), 3u);
  ASSERT_TRUE(memory_->Write({{{}, format::PutProperty{IdOf("forgotten village"), EntityState::kActive}}}).ok());
  ASSERT_TRUE(memory_->Write({Says("a", {{"Third Town", "place"}})}).ok());  // the hamlet is named no more
  const Applied applied = evolver().Apply(plan.id).value();
  EXPECT_EQ(applied.changed, 1u);
  EXPECT_EQ(applied.skipped, 2u);
  EXPECT_EQ(memory_->StateOf("forgotten village"), EntityState::kActive);
}

TEST_F(EvolverTest, APlanIsCarriedOutOnce) {
  const Plan plan = evolver().MakePlan({}).value();
  EXPECT_TRUE(evolver().Apply(plan.id).ok());
  EXPECT_EQ(evolver().Apply(plan.id).status().code(), Code::kNotFound);
  EXPECT_EQ(evolver().Apply("nothing").status().code(), Code::kNotFound);
}

TEST_F(EvolverTest, OldPlansGiveWayToNewOnes) {
  const std::string first = evolver().MakePlan({})->id;
  for (size_t i = 0; i < Evolver::kPlansKept; ++i) ASSERT_TRUE(evolver().MakePlan({}).ok());
  EXPECT_EQ(evolver().Apply(first).status().code(), Code::kNotFound);
}

TEST_F(EvolverTest, AnEventThatIsNotThereIsNotUndone) {
  EXPECT_EQ(evolver().Undo({IdOf("nobody"), 1, 0}).status().code(), Code::kNotFound);
}

TEST_F(EvolverTest, ReadingsAreDurableOnceFlushed) {
  Say("a", {{"Popular Village", "place"}});
  evolver().CountReading(std::vector{IdOf("popular village"), IdOf("nobody at all")});
  evolver().CountReading(std::vector{IdOf("popular village")});
  ASSERT_TRUE(evolver().Flush().ok());
  memory_.reset();
  disk_.Crash();
  memory_ = TestMemory::Open(disk_, clock_).value();
  const auto entities = memory_->graph().Entities(std::vector{IdOf("popular village"), IdOf("nobody at all")}).value();
  ASSERT_EQ(entities[0]->accesses.size(), 1u);
  EXPECT_EQ(entities[0]->accesses[0].count, 2u);
  EXPECT_FALSE(entities[1].has_value());
}

// Deleting the only document that names something leaves nothing of it in any table of the graph: no name, alias,
// posting, property, merge, score, count or event, and no bytes of the name anywhere.
TEST_F(EvolverTest, ADeletedDocumentLeavesNothing) {
  Say("stays", {{"Lasting Town", "place"}, {"Marie Sklodowska Curie"}});
  const auto before = memory_->Keys();
  Say("goes", {{"Vanishing Hamlet", "place", {"Ghosttown"}}, {"Marie Sklodovska Curie"}, {"Lasting Town", "place"}});
  const EntityId hamlet = IdOf("vanishing hamlet");
  ASSERT_TRUE(memory_
                  ->Write({{{}, format::PutProperty{hamlet, .7F}},
                           {{}, format::PutProperty{hamlet, std::string("of Vanishing Hamlet")}},
                           {{}, format::PutAlias{hamlet, "phantomville"}}})
                  .ok());
  evolver().CountReading(std::vector{hamlet, IdOf("marie sklodovska curie")});
  Pass();
  Wait(300);
  Pass();
  EXPECT_GT(memory_->Events().size(), 2u);
  EXPECT_THAT(memory_->Rows(), HasSubstr("vanishing hamlet"));
  Delete("goes", {"vanishing hamlet", "marie sklodovska curie", "lasting town"});
  const auto of_stays = [&](const std::string& key) {
    const auto parsed = format::ParseGraphKey(key).value();
    return parsed.entity == IdOf("lasting town") || parsed.entity == IdOf("marie sklodowska curie");
  };
  for (const std::string& key : memory_->Keys()) {
    EXPECT_TRUE(before.contains(key) || of_stays(key)) << testing::PrintToString(key);
  }
  for (const char* text : {"vanishing", "Vanishing", "hamlet", "ghosttown", "Ghosttown", "sklodovska"}) {
    EXPECT_THAT(memory_->Rows(), Not(HasSubstr(text)));
  }
  EXPECT_TRUE(memory_->graph().NamesFrom("van", "", 10)->entries.empty());
  EXPECT_TRUE(memory_->graph().FindName("phantomville")->empty());
  EXPECT_THAT(memory_->OneWith("marie sklodowska curie"), IsEmpty());
  for (const Event& event : memory_->Events()) EXPECT_NE(event.id.entity, hamlet);
}

TEST_F(EvolverTest, APassForgetsWhatACrashLeft) {
  Say("goes", {{"Vanishing Hamlet", "place"}});
  Wait(40);
  evolver().CountReading(std::vector{IdOf("vanishing hamlet")});
  ASSERT_TRUE(evolver().Flush().ok());
  Wait(40);
  Pass();
  ASSERT_TRUE(memory_->Write({Forgets("goes")}).ok());  // and the crash comes here
  EXPECT_FALSE(memory_->Keys().empty());
  EXPECT_GT(Pass().forgotten, 0u);
  EXPECT_THAT(memory_->Keys(), IsEmpty());
}

TEST_F(EvolverTest, OneMemorysDeletionTouchesNoOther) {
  io::SimDisk disk;
  const auto other = TestMemory::Open(disk, clock_).value();
  for (TestMemory* memory : {memory_.get(), other.get()}) {
    ASSERT_TRUE(memory->Write({Says("a", {{"Shared Town", "place"}, {"Marie Sklodowska Curie"}})}).ok());
    ASSERT_TRUE(memory->Write({Says("b", {{"Marie Sklodovska Curie"}})}).ok());
  }
  Wait(40);
  ASSERT_TRUE(other->evolver().Pass({}).ok());
  Pass();
  const std::string rows = other->Rows();
  Delete("a", {"shared town", "marie sklodowska curie"});
  Delete("b", {"marie sklodovska curie"});
  EXPECT_THAT(memory_->Keys(), IsEmpty());
  EXPECT_EQ(other->Rows(), rows);
}

TEST_F(EvolverTest, EventsComeInPagesNewestFirst) {
  std::vector<SaidName> names;
  for (int i = 0; i < 10; ++i)
    names.push_back({"Village " + std::string(1, static_cast<char>('A' + i)) + "x", "place"});
  Say("a", names);
  Wait(40);
  PlanOptions ageing;
  ageing.merges = false;
  Pass(ageing);
  Wait(500);
  Pass(ageing);
  const auto all = memory_->graph().Events(std::nullopt, "", 1000).value();
  EXPECT_EQ(all.events.size(), 20u);
  EXPECT_EQ(all.next, "");
  std::vector<format::PutEvent> paged;
  std::string after;
  do {
    const auto page = memory_->graph().Events(std::nullopt, after, 3).value();
    paged.insert(paged.end(), page.events.begin(), page.events.end());
    after = page.next;
    ASSERT_LE(paged.size(), 20u);
  } while (!after.empty());
  EXPECT_EQ(paged, all.events);
  for (size_t i = 1; i < paged.size(); ++i) EXPECT_GE(paged[i - 1].at_ms, paged[i].at_ms);
  const auto of_one = memory_->graph().Events(IdOf("village ax"), "", 10).value();
  EXPECT_EQ(of_one.events.size(), 2u);
  EXPECT_EQ(memory_->graph().Events(std::nullopt, "place", 3).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace rhizome::evolve
