#include "communities/service.h"

#include "base/await_testing.h"
#include "communities/communities_testing.h"

namespace rhizome::communities {
namespace {

using testing::HasSubstr;

class ServiceTest : public MemoryFixture {
 protected:
  ServiceTest() {
    options_.scheduled = false;
    options_.tick_ms = 10;
    options_.settle_ms = 0;
  }
  ~ServiceTest() override { service_.reset(); }
  void Open() {
    service_.reset();
    options_.data_dir = data_dir();
    service_ = Service::Open({*node_, io::RealDisk(), SystemClock(), metrics_}, options_).value();
  }
  void Restart() {
    service_.reset();
    OpenNode();
    Open();
  }
  BuildState State() { return service_->State("notes").value(); }
  void Rebuild(bool afresh = false) {
    const uint64_t builds = State().builds;
    ASSERT_TRUE(service_->Request("notes", afresh).ok());
    ASSERT_TRUE(Await([&] { return State().builds > builds && !State().running; })) << State().error;
  }
  ListPage List(ListQuery query = {}) {
    query.collection = "notes";
    auto page = service_->List(query);
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    return page.ok() ? std::move(page).value() : ListPage{};
  }
  Status ListFails(ListQuery query) {
    query.collection = "notes";
    return service_->List(query).status();
  }
  static std::set<std::string> NamesOf(const CommunityView& community) {
    std::set<std::string> names;
    for (const MemberView& member : community.members) names.insert(member.name);
    return names;
  }
  std::string FileBytes() {
    const Uuid id = node_->GetCollection("notes").value().id;
    return io::ReadWholeFile(io::RealDisk(), data_dir() + "/communities/" + id.ToString()).value();
  }

  MetricRegistry metrics_;
  ServiceOptions options_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, CommunitiesAreWhatIsSpokenOfTogether) {
  PutTwoTopics();
  Open();
  Rebuild();
  const ListPage page = List();
  ASSERT_EQ(page.communities.size(), 2u);
  EXPECT_EQ(page.communities_in_all, 2u);
  EXPECT_EQ(page.entities, 8u);
  EXPECT_EQ(page.next, "");
  EXPECT_EQ(NamesOf(page.communities[0]), (std::set<std::string>{"baker", "linz", "rye", "wheat"}));
  EXPECT_EQ(NamesOf(page.communities[1]), (std::set<std::string>{"admiral", "aurora", "borealis", "cadiz"}));
  EXPECT_TRUE(State().current);
}

TEST_F(ServiceTest, ASummaryIsSentencesOfTheDocumentsCited) {
  PutTwoTopics();
  Open();
  Rebuild();
  const ListPage page = List();
  ASSERT_EQ(page.communities.size(), 2u);
  const CommunityView& ships = page.communities[1];
  EXPECT_THAT(ships.Title(), HasSubstr("Aurora"));
  ASSERT_FALSE(ships.citations.empty());
  EXPECT_THAT(ships.Summary(), HasSubstr(ships.citations[0].text));
  for (const CitedSentence& cited : ships.citations) EXPECT_THAT(cited.document.ToString(), HasSubstr("ships"));
}

TEST_F(ServiceTest, BeforeTheFirstBuildNothingIsClaimed) {
  Open();
  EXPECT_EQ(ListFails({}).code(), Code::kUnavailable);
  EXPECT_EQ(service_->BestFor({"notes", "ships"}).status().code(), Code::kUnavailable);
  EXPECT_FALSE(State().built_ms);
  EXPECT_EQ(service_->FindBook("notes").value(), nullptr);
}

TEST_F(ServiceTest, AnEmptyMemoryHasNoCommunities) {
  Open();
  Rebuild();
  EXPECT_TRUE(List().communities.empty());
  EXPECT_EQ(List().levels, 1u);
  EXPECT_TRUE(service_->BestFor({"notes", "ships"}).value().empty());
}

TEST_F(ServiceTest, OneEntityIsACommunityOfItsOwn) {
  Put("d", "Anna was here for a long time.", {"Anna"});
  Open();
  Rebuild();
  const ListPage page = List();
  ASSERT_EQ(page.communities.size(), 1u);
  EXPECT_EQ(page.communities[0].Title(), "Anna");
  EXPECT_EQ(page.communities[0].size, 1u);
  EXPECT_EQ(page.communities[0].Summary(), "");
}

TEST_F(ServiceTest, WithoutRelationsEachEntityIsAloneAndNoneIsLost) {
  for (int i = 0; i < 50; ++i) Put("d" + std::to_string(i), "", {"name " + std::to_string(i)});
  Open();
  Rebuild();
  std::set<std::string> names;
  ListQuery query;
  query.limit = 7;
  do {
    const ListPage page = List(query);
    for (const CommunityView& community : page.communities) names.merge(NamesOf(community));
    query.after = page.next;
  } while (!query.after.empty());
  EXPECT_EQ(names.size(), 50u);
}

TEST_F(ServiceTest, WhatWasFoundIsThereAfterARestart) {
  PutTwoTopics();
  Open();
  Rebuild();
  const auto before = *service_->FindBook("notes").value();
  Restart();
  ASSERT_NE(service_->FindBook("notes").value(), nullptr);
  EXPECT_EQ(*service_->FindBook("notes").value(), before);
  EXPECT_EQ(List().communities.size(), 2u);
  EXPECT_TRUE(State().current);
  EXPECT_EQ(service_->BestFor({"notes", "Who bakes with rye?"}).value().at(0).community.id, List().communities[0].id);
}

TEST_F(ServiceTest, ADamagedFileIsNoBookAndIsMadeAnew) {
  PutTwoTopics();
  Open();
  Rebuild();
  const Uuid id = node_->GetCollection("notes").value().id;
  std::string bytes = FileBytes();
  bytes[bytes.size() / 2] ^= 1;
  service_.reset();
  ASSERT_TRUE(io::WriteFileAtomically(io::RealDisk(), data_dir() + "/communities/" + id.ToString(), bytes).ok());
  Open();
  EXPECT_EQ(service_->FindBook("notes").value(), nullptr);
  Rebuild();
  EXPECT_EQ(List().communities.size(), 2u);
}

TEST_F(ServiceTest, ADeletedDocumentIsShownNoMoreAtOnce) {
  PutTwoTopics();
  Put("secret", "The baker Zorgo hides rye in the cellar of Linz.", {"Zorgo", "baker", "rye", "Linz", "cellar"});
  Open();
  Rebuild();
  ListQuery all;
  all.members_max = 100;
  const auto said = [&](const ListPage& page) {
    std::string text;
    for (const CommunityView& community : page.communities) {
      text += community.Title() + community.Summary();
      for (const MemberView& member : community.members) text += " " + member.name;
      for (const CitedSentence& cited : community.citations) text += " " + cited.document.ToString();
    }
    return text;
  };
  ASSERT_THAT(said(List(all)), HasSubstr("zorgo"));
  ASSERT_THAT(said(List(all)), HasSubstr("secret"));
  Delete("secret");
  // The book is still the old one.
  EXPECT_FALSE(State().current);
  EXPECT_THAT(said(List(all)), testing::Not(HasSubstr("orgo")));
  EXPECT_THAT(said(List(all)), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(said(List(all)), testing::Not(HasSubstr("cellar")));
}

TEST_F(ServiceTest, TheNextBookHasNothingOfADeletedDocument) {
  PutTwoTopics();
  Put("secret", "The baker Zorgo hides rye in the cellar of Linz.", {"Zorgo", "baker", "rye", "Linz", "cellar"});
  Open();
  Rebuild();
  ASSERT_THAT(FileBytes(), HasSubstr("secret"));
  ASSERT_THAT(FileBytes(), HasSubstr(Entity("zorgo").Encode()));
  EXPECT_THAT(FileBytes(), testing::Not(HasSubstr("Zorgo")));  // texts never are in it
  Delete("secret");
  Rebuild();
  EXPECT_THAT(FileBytes(), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(FileBytes(), testing::Not(HasSubstr(Entity("zorgo").Encode())));
  EXPECT_THAT(FileBytes(), HasSubstr(Entity("baker").Encode()));
}

TEST_F(ServiceTest, WhereAllIsGonePagesAreEmptyAndEnd) {
  for (int i = 0; i < 60; ++i) Put("d" + std::to_string(i), "", {"name " + std::to_string(i)});
  Open();
  Rebuild();
  for (int i = 0; i < 60; ++i) Delete("d" + std::to_string(i));
  ListQuery query;
  query.limit = 5;
  size_t pages = 0;
  do {
    const ListPage page = List(query);
    EXPECT_TRUE(page.communities.empty());
    query.after = page.next;
    ++pages;
  } while (!query.after.empty() && pages < 100);
  EXPECT_EQ(pages, 2u);  // of eight times five each
}

TEST_F(ServiceTest, AChangedDocumentIsQuotedNoMoreAndThenAnew) {
  Put("d", "Anna met Boris in Cairo that year.", {"Anna", "Boris", "Cairo"});
  Open();
  Rebuild();
  EXPECT_EQ(List().communities[0].Summary(), "Anna met Boris in Cairo that year.");
  Put("d", "In Cairo it was hot when Anna met Boris.", {"Anna", "Boris", "Cairo"});
  EXPECT_EQ(List().communities[0].Summary(), "");
  Rebuild();
  EXPECT_EQ(List().communities[0].Summary(), "In Cairo it was hot when Anna met Boris.");
}

TEST_F(ServiceTest, OnlyWhatChangedIsSummarisedAnew) {
  PutTwoTopics();
  Open();
  Rebuild();
  EXPECT_EQ(State().last.summarised, 2u);
  Rebuild();
  EXPECT_EQ(State().last.summarised, 0u);
  EXPECT_EQ(State().last.changed, 0u);
  Put("bread4", "Oats and rye are sold by the baker.", {"oats", "rye", "baker"});
  Rebuild();
  EXPECT_EQ(State().last.summarised, 1u);
  Rebuild(true);
  EXPECT_EQ(State().last.summarised, 2u);
  EXPECT_EQ(State().last.changed, State().last.entities);
}

TEST_F(ServiceTest, IsBuiltByItselfOnceSomethingWasWritten) {
  options_.scheduled = true;
  options_.rest_factor = 0;
  Open();
  PutTwoTopics();
  ASSERT_TRUE(Await([&] { return State().builds > 0 && State().current; }));
  EXPECT_EQ(List().entities, 8u);
  Put("more", "", {"Xenia"});
  ASSERT_TRUE(Await([&] { return State().current; }));
  EXPECT_EQ(List().entities, 9u);
}

TEST_F(ServiceTest, ThoseOfACollectionThatIsGoneAreGone) {
  PutTwoTopics();
  Open();
  Rebuild();
  const std::string path = data_dir() + "/communities/" + node_->GetCollection("notes").value().id.ToString();
  ASSERT_TRUE(io::RealDisk().Exists(path).value());
  ASSERT_TRUE(node_->DropCollection("notes").ok());
  EXPECT_TRUE(Await([&] { return !io::RealDisk().Exists(path).value(); }));
  EXPECT_EQ(service_->State("notes").status().code(), Code::kNotFound);
  MakeMemory("notes");
  EXPECT_EQ(service_->FindBook("notes").value(), nullptr);
}

TEST_F(ServiceTest, MemoriesDoNotMix) {
  MakeMemory("other");
  PutTwoTopics();
  Put("x", "Xenia met Yorick in Zagreb once.", {"Xenia", "Yorick", "Zagreb"}, "other");
  Open();
  Rebuild();
  EXPECT_EQ(service_->List({"other"}).status().code(), Code::kUnavailable);
  ASSERT_TRUE(service_->Request("other", false).ok());
  ASSERT_TRUE(Await([&] { return service_->State("other").value().current; }));
  EXPECT_EQ(service_->List({"other"}).value().entities, 3u);
  EXPECT_EQ(List().entities, 8u);
}

TEST_F(ServiceTest, ListsByEntityAndByParent) {
  // 30 pairs in one ring: more than one community holds, so there are two levels at least.
  for (int i = 0; i < 60; ++i) {
    const auto name = [](int n) { return "n" + std::to_string(n % 60); };
    Say(name(i), name(i + 1));
    Say(name(i), name(i + 2));
  }
  options_.hierarchy.leiden.resolution = 0.1;
  options_.hierarchy.divide_above = 5;
  Open();
  Rebuild();
  ASSERT_GE(List().levels, 1u);
  ListQuery of_entity;
  of_entity.entity = "n7";
  const ListPage all_levels = List(of_entity);
  ASSERT_EQ(all_levels.communities.size(), all_levels.levels);
  for (uint32_t level = 0; level < all_levels.levels; ++level) EXPECT_EQ(all_levels.communities[level].level, level);
  ListQuery parts;
  parts.parent = all_levels.communities[0].id;
  const ListPage below = List(parts);
  if (all_levels.levels > 1) EXPECT_EQ(below.communities.size(), all_levels.communities[0].parts);
  for (const CommunityView& part : below.communities) EXPECT_EQ(part.parent, parts.parent);
}

TEST_F(ServiceTest, WhatIsAskedWronglyIsNamed) {
  PutTwoTopics();
  Open();
  Rebuild();
  const auto with = [](auto set) {
    ListQuery query;
    set(query);
    return query;
  };
  EXPECT_EQ(ListFails(with([](ListQuery& q) { q.level = 9; })).field(), "level");
  EXPECT_EQ(ListFails(with([](ListQuery& q) { q.after = "1:2"; })).field(), "after");
  EXPECT_EQ(ListFails(with([](ListQuery& q) { q.after = "soon"; })).field(), "after");
  EXPECT_EQ(ListFails(with([](ListQuery& q) { q.entity = "nobody"; })).code(), Code::kNotFound);
  EXPECT_EQ(ListFails(with([](ListQuery& q) { q.parent = "0-1"; })).code(), Code::kNotFound);
  EXPECT_EQ(service_->Request("nowhere", false).status().code(), Code::kNotFound);
  cluster::CollectionSpec spec;
  spec.name = "plain";
  ASSERT_TRUE(node_->CreateCollection(spec).ok());
  EXPECT_EQ(service_->State("plain").status().code(), Code::kFailedPrecondition);
}

TEST_F(ServiceTest, AQuestionFindsTheCommunityItIsAbout) {
  PutTwoTopics();
  Open();
  Rebuild();
  const auto best = service_->BestFor({"notes", "Which ships left Cadiz?"}).value();
  ASSERT_FALSE(best.empty());
  EXPECT_THAT(best[0].community.Title(), HasSubstr("Aurora"));
  EXPECT_GT(best[0].score, 0);
  EXPECT_LE(best[0].score, 1);
  EXPECT_EQ(best[0].meaning, 0);
  EXPECT_TRUE(service_->BestFor({"notes", "quantum chromodynamics"}).value().empty());
}

TEST_F(ServiceTest, MeaningCountsWhereThereIsAnEmbedder) {
  PutTwoTopics();
  // "vessel" and what sails are one direction, everything else another.
  size_t embedded = 0;
  options_.embed = [&embedded](const std::string&, const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> vectors;
    for (const std::string& text : texts) {
      const bool sails = text.find("vessel") != std::string::npos || text.find("Aurora") != std::string::npos;
      vectors.push_back(sails ? std::vector<float>{1, 0} : std::vector<float>{0, 1});
    }
    embedded += texts.size();
    return Result<std::vector<std::vector<float>>>(std::move(vectors));
  };
  Open();
  Rebuild();
  EXPECT_EQ(embedded, 2u);
  const auto best = service_->BestFor({"notes", "any vessel?"}).value();
  ASSERT_EQ(best.size(), 1u);
  EXPECT_THAT(best[0].community.Title(), HasSubstr("Aurora"));
  EXPECT_NEAR(best[0].meaning, 1, 1e-6);
  EXPECT_EQ(best[0].words, 0);
  embedded = 0;
  Rebuild();  // the same texts have their vectors
  EXPECT_EQ(embedded, 0u);
  Restart();
  ASSERT_TRUE(Await([&] { return !service_->BestFor({"notes", "any vessel?"}).value().empty(); }));
}

TEST_F(ServiceTest, AnEmbedderThatFailsLeavesTheWords) {
  PutTwoTopics();
  options_.embed = [](const std::string&, const std::vector<std::string>&) {
    return Result<std::vector<std::vector<float>>>(Status::Unavailable("down"));
  };
  Open();
  Rebuild();
  EXPECT_FALSE(service_->BestFor({"notes", "Which ships left Cadiz?"}).value().empty());
}

TEST_F(ServiceTest, AFailedBuildIsToldAndTheOldBookStays) {
  PutTwoTopics();
  Open();
  Rebuild();
  service_.reset();
  // A file where the folder was: nothing can be written there.
  const std::string folder = data_dir() + "/communities";
  Open();
  ASSERT_TRUE(io::RemoveTree(io::RealDisk(), folder).ok());
  ASSERT_TRUE(io::WriteFileAtomically(io::RealDisk(), folder, "no folder").ok());
  ASSERT_TRUE(service_->Request("notes", false).ok());
  ASSERT_TRUE(Await([&] { return !State().error.empty(); }));
  EXPECT_EQ(State().builds, 0u);
  EXPECT_EQ(List().communities.size(), 2u);
  EXPECT_THAT(metrics_.Render(), HasSubstr("rhizome_communities_failures_total 1"));
}

}  // namespace
}  // namespace rhizome::communities
