// Communities and drawings of memories over HTTP, from documents through the queue to what is shown; and documents that
// are hard on all of it.
#include "api_fixture.h"
#include "base/await_testing.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class CommunitiesApi : public ApiFixture {
 protected:
  void Open() {
    OpenNode();
    Do("POST", "/collections", R"({"name":"lives","dimension":0,"graph":true})");
  }
  // Returns once the document's task is done.
  void Learn(const std::string& id, const std::string& title, const std::string& text) {
    const json::value body = {{"collection", "lives"}, {"documents", {{{"id", id}, {"title", title}, {"text", text}}}}};
    const auto answer = Do("POST", "/documents", json::serialize(body));
    const std::string task(answer.at("results").at(0).at("task").as_string());
    ASSERT_TRUE(Await([&] { return Do("GET", "/tasks/" + task).at("state") == "done"; })) << task;
  }
  json::value State() { return Do("GET", "/communities/rebuild?collection=lives"); }
  void Rebuild() {
    const auto before = Do("POST", "/communities/rebuild", R"({"collection":"lives"})").at("builds");
    ASSERT_TRUE(Await([&] { return State().at("builds") != before; })) << json::serialize(State());
    EXPECT_EQ(State().at("error"), "");
  }
  json::array List(const std::string& query = "") {
    return Do("GET", "/communities?collection=lives" + query).at("communities").as_array();
  }
  json::value Graph(const std::string& query = "") { return Do("GET", "/graph?collection=lives" + query); }
  static std::set<std::string> NamesIn(const json::array& nodes) {
    std::set<std::string> names;
    for (const auto& node : nodes) names.emplace(node.at("name").as_string());
    return names;
  }
  // All entities of all communities of level 0.
  std::set<std::string> NamesInAll() {
    std::set<std::string> names;
    std::string after;
    do {
      const auto page = Do("GET", "/communities?collection=lives&members=1000&limit=10&after=" + after);
      for (const auto& community : page.at("communities").as_array()) {
        names.merge(NamesIn(community.at("members").as_array()));
      }
      after = page.at("next").as_string();
    } while (!after.empty());
    return names;
  }
  std::set<std::string> Entities() {
    std::set<std::string> names;
    std::string after;
    do {
      const auto page = Do("GET", "/entities?collection=lives&limit=1000&after=" + after);
      for (const auto& entity : page.at("entities").as_array()) {
        if (!entity.as_object().contains("alias_of")) names.emplace(entity.at("name").as_string());
      }
      after = page.at("next").as_string();
    } while (!after.empty());
    return names;
  }
  void LearnTwoLives() {
    Learn("curie", "Marie Curie", "Marie Curie was born in Warsaw. Marie Curie founded the Radium Institute in Paris.");
    Learn("radium", "Radium Institute", "The Radium Institute in Paris was led by Marie Curie until 1934.");
    Learn("cook", "James Cook", "James Cook was born in Marton. James Cook sailed the Endeavour to Tahiti.");
    Learn("ship", "Endeavour", "The Endeavour left Plymouth for Tahiti under James Cook.");
  }
};

TEST_F(CommunitiesApi, WhatBelongsTogetherIsListedWithItsSummary) {
  Open();
  LearnTwoLives();
  Rebuild();
  std::string texts;
  for (const auto& community : List("&members=100")) {
    const auto names = NamesIn(community.at("members").as_array());
    EXPECT_FALSE(names.contains("marie curie") && names.contains("james cook"));
    if (!names.contains("marie curie")) continue;
    EXPECT_TRUE(names.contains("radium institute"));
    EXPECT_THAT(std::string(community.at("title").as_string()), HasSubstr("Marie Curie"));
    EXPECT_THAT(std::string(community.at("summary").as_string()), HasSubstr("Radium Institute"));
    EXPECT_FALSE(community.at("citations").as_array().empty());
    texts += community.at("summary").as_string();
  }
  EXPECT_NE(texts, "");
  EXPECT_EQ(NamesInAll(), Entities());
}

TEST_F(CommunitiesApi, AQuestionAnEntityAndAParentChoose) {
  Open();
  LearnTwoLives();
  Rebuild();
  const auto about = List("&about=Who%20sailed%20to%20Tahiti%3F");
  ASSERT_FALSE(about.empty());
  EXPECT_THAT(std::string(about[0].at("title").as_string()), HasSubstr("Cook"));
  EXPECT_GT(about[0].at("score").to_number<double>(), 0);
  const auto of = List("&entity=MARIE%20Curie");
  ASSERT_FALSE(of.empty());
  EXPECT_TRUE(List("&parent=" + std::string(of.back().at("id").as_string())).empty());
}

TEST_F(CommunitiesApi, ADeletedDocumentIsInNothingThatIsShown) {
  Open();
  LearnTwoLives();
  Learn("secret", "Zorgo", "Zorgo hid radium for Marie Curie in Warsaw.");
  Rebuild();
  const auto all = [this] {
    return Call("GET", "/communities?collection=lives&members=100&limit=100").body +
           Call("GET", "/communities?collection=lives&about=Zorgo%20radium").body +
           Call("GET", "/graph?collection=lives&limit=300").body;
  };
  ASSERT_THAT(all(), HasSubstr("Zorgo"));
  Do("DELETE", "/documents/secret?collection=lives");
  EXPECT_THAT(all(), Not(HasSubstr("orgo")));
  EXPECT_THAT(all(), Not(HasSubstr("secret")));
  Rebuild();
  EXPECT_THAT(all(), Not(HasSubstr("orgo")));
  EXPECT_EQ(Call("GET", "/graph?collection=lives&entity=zorgo").status, 404);
  EXPECT_EQ(Call("GET", "/communities?collection=lives&entity=zorgo").status, 404);
}

TEST_F(CommunitiesApi, ThePartAroundAnEntityIsDrawn) {
  Open();
  LearnTwoLives();
  Rebuild();
  const auto around = Graph("&entity=Warsaw");
  EXPECT_EQ(around.at("nodes").at(0).at("name"), "warsaw");
  const auto names = NamesIn(around.at("nodes").as_array());
  EXPECT_TRUE(names.contains("marie curie"));
  EXPECT_FALSE(names.contains("james cook"));
  bool born = false;
  for (const auto& edge : around.at("edges").as_array()) {
    if (edge.at("type") != "born_in") continue;
    born = true;
    EXPECT_EQ(around.at("nodes").at(edge.at("source").to_number<size_t>()).at("name"), "marie curie");
    EXPECT_EQ(around.at("nodes").at(edge.at("target").to_number<size_t>()).at("name"), "warsaw");
  }
  EXPECT_TRUE(born);
  EXPECT_GE(Graph("&entity=Warsaw&depth=2").at("nodes").as_array().size(), names.size());
  EXPECT_EQ(Graph("&entity=Marie%20Curie&limit=2").at("nodes").as_array().size(), 2U);
  EXPECT_EQ(Graph("&entity=Marie%20Curie&limit=2").at("more"), true);
}

TEST_F(CommunitiesApi, ADrawingIsOfATime) {
  Open();
  Learn("d", "Alice Brown", "Alice Brown worked for Acme Corporation from 1990 to 1995.");
  const auto at = [this](const std::string& ms) {
    return NamesIn(Graph("&entity=Alice%20Brown&as_of_ms=" + ms).at("nodes").as_array());
  };
  EXPECT_TRUE(at("725846400000").contains("acme corporation"));    // 1993
  EXPECT_FALSE(at("1104537600000").contains("acme corporation"));  // 2005
  EXPECT_TRUE(Graph("&known_at_ms=1000").at("nodes").as_array().empty());
}

TEST_F(CommunitiesApi, TheTopIsDrawnBeforeAndAfterCommunitiesAreFound) {
  Open();
  EXPECT_TRUE(Graph().at("nodes").as_array().empty());
  LearnTwoLives();
  EXPECT_TRUE(NamesIn(Graph().at("nodes").as_array()).contains("marie curie"));
  EXPECT_EQ(Graph().at("levels"), 0);
  Rebuild();
  const auto top = Graph();
  EXPECT_EQ(top.at("levels"), 1);
  EXPECT_TRUE(NamesIn(top.at("nodes").as_array()).contains("james cook"));
  for (const auto& node : top.at("nodes").as_array()) EXPECT_FALSE(node.at("community").is_null());
  EXPECT_EQ(Graph("&limit=3").at("nodes").as_array().size(), 3U);
}

TEST_F(CommunitiesApi, ThePageRunsNothingThatIsNotItsOwn) {
  for (const char* path : {"/graph/view", "/graph/view.css", "/graph/view.js"}) {
    const Reply reply = Call("GET", path);
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(std::string(reply.Header("Content-Security-Policy")), HasSubstr("default-src 'none'"));
    EXPECT_THAT(std::string(reply.Header("Content-Security-Policy")), Not(HasSubstr("unsafe")));
    EXPECT_THAT(reply.body, Not(HasSubstr("https://")));
    EXPECT_THAT(reply.body, Not(HasSubstr("style=\"")));
    EXPECT_THAT(reply.body, Not(HasSubstr("innerHTML")));
  }
}

TEST_F(CommunitiesApi, WhatIsAskedWronglyIsNamed) {
  Open();
  EXPECT_EQ(Call("GET", "/communities?collection=lives").status, 503);
  Rebuild();
  EXPECT_EQ(Refusal("GET", "/communities?collection=nobody"), "404");
  EXPECT_EQ(Refusal("GET", "/communities?collection=a%20b"), "400 query.collection");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&level=7"), "400 query.level");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&limit=0"), "400 query.limit");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&limit=100&members=1000"), "400 query.members");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&after=eA"), "400 query.after");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&entity=a&about=b"), "400 query.about");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&entity=%20"), "400 query.entity");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&colour=red"), "400 query.colour");
  EXPECT_EQ(Refusal("GET", "/communities?collection=lives&parent=0-1"), "404");
  EXPECT_EQ(Refusal("POST", "/communities/rebuild", R"({"collection":"lives","soon":true})"), "400 soon");
  EXPECT_EQ(Refusal("POST", "/communities/rebuild", R"({"collection":"nobody"})"), "404");
  EXPECT_EQ(Refusal("GET", "/communities/rebuild?colour=red"), "400 query.colour");
  EXPECT_EQ(Refusal("GET", "/graph?collection=nobody"), "404");
  EXPECT_EQ(Refusal("GET", "/graph?collection=lives&entity=nobody"), "404");
  EXPECT_EQ(Refusal("GET", "/graph?collection=lives&entity="), "400 query.entity");
  EXPECT_EQ(Refusal("GET", "/graph?collection=lives&depth=4"), "400 query.depth");
  EXPECT_EQ(Refusal("GET", "/graph?collection=lives&limit=301"), "400 query.limit");
  EXPECT_EQ(Refusal("GET", "/graph?collection=lives&as_of_ms=soon"), "400 query.as_of_ms");
  Do("POST", "/collections", R"({"name":"plain","dimension":0})");
  EXPECT_EQ(Call("GET", "/communities?collection=plain").status, 409);
  EXPECT_EQ(Call("GET", "/graph?collection=plain").status, 409);
}

// ---- documents that are hard on all of it ----

TEST_F(CommunitiesApi, EmptyDocumentsAreRefusedByNameAndOthersBesideThemAreNot) {
  Open();
  EXPECT_EQ(Refusal("POST", "/documents", R"({"collection":"lives","documents":[{"id":"a","text":""}]})"),
            "400 documents[0].text");
  const auto answer = Do("POST", "/documents",
                         R"({"collection":"lives","documents":[{"id":"b","text":"Warsaw."},{"id":"c","text":" \n"}]})");
  EXPECT_EQ(answer.at("results").at(1).at("error").at("field"), "documents[1].text");
  EXPECT_FALSE(answer.at("results").at(1).as_object().contains("task"));
  ASSERT_TRUE(Await([&] { return Entities().size() == 1; }));
  EXPECT_EQ(Call("GET", "/documents/c?collection=lives").status, 404);
  Rebuild();
  EXPECT_EQ(NamesInAll(), Entities());
}

TEST_F(CommunitiesApi, DocumentsThatSpeakOfNothingAreKeptAndLeaveNothing) {
  Open();
  Learn("dots", "", "... !!! ???");
  Learn("words", "", "it was there and then it was not");
  Rebuild();
  EXPECT_EQ(NamesInAll(), Entities());
  EXPECT_EQ(Call("GET", "/documents/dots?collection=lives").status, 200);
}

TEST_F(CommunitiesApi, AMemoryOfOneEntityIsOneCommunity) {
  Open();
  Learn("d", "", "Warsaw.");
  Rebuild();
  ASSERT_EQ(List().size(), 1U);
  EXPECT_EQ(List()[0].at("title"), "Warsaw");
  EXPECT_EQ(List()[0].at("size"), 1);
  EXPECT_EQ(Graph().at("nodes").as_array().size(), 1U);
  EXPECT_TRUE(Graph().at("edges").as_array().empty());
  EXPECT_TRUE(Do("GET", "/relations?collection=lives&entity=Warsaw").at("relations").as_array().empty());
}

TEST_F(CommunitiesApi, AMemoryWithoutRelationsLosesNobody) {
  Open();
  for (const char* name : {"Warsaw", "Paris", "Plymouth", "Tahiti", "Marton"}) Learn(name, "", std::string(name) + ".");
  Rebuild();
  EXPECT_EQ(List().size(), 5U);
  EXPECT_EQ(NamesInAll(), Entities());
  EXPECT_EQ(Graph().at("nodes").as_array().size(), 5U);
  EXPECT_TRUE(Graph().at("edges").as_array().empty());
}

TEST_F(CommunitiesApi, LanguagesAndScriptsMix) {
  Open();
  Learn("mixed", "Marie Curie",
        "Marie Curie wurde in Warschau geboren. Мария Кюри родилась в Варшаве и жила в Париже. "
        "玛丽·居里出生于华沙,是一位物理学家。 マリ・キュリーはワルシャワで生まれた。 ولدت ماري كوري في وارسو. "
        "Marie Curie est née à Varsovie. Η Μαρία Κιουρί γεννήθηκε στη Βαρσοβία. \xF0\x9F\x98\x80 e\xCC\x81t\xCC\xB2");
  Rebuild();
  const auto entities = Entities();
  EXPECT_TRUE(entities.contains("marie curie"));
  EXPECT_TRUE(entities.contains("warschau"));
  EXPECT_TRUE(entities.contains("варшаве") || entities.contains("мария кюри"));
  EXPECT_EQ(NamesInAll(), entities);
  const auto around = Graph("&entity=Marie%20Curie");
  EXPECT_GT(around.at("nodes").as_array().size(), 1U);
  for (const auto& community : List()) EXPECT_TRUE(community.at("summary").is_string());
}

TEST_F(CommunitiesApi, ADocumentOfTenMegabytesIsLearnedWhole) {
  Open();
  std::string text;
  for (int i = 0; text.size() < (10U << 20) - 400; ++i) {
    const std::string person = "Person" + std::string(1, static_cast<char>('A' + i % 26)) + "son Number" +
                               std::string(1, static_cast<char>('A' + i / 26 % 26)) + "ton";
    text += person +
            " met Marie Curie in Warsaw, and for a long while nothing else happened that anybody there could "
            "remember later on, although it was written down many times over in the same few words.\n\n";
  }
  text += "At the very end James Cook was born in Marton.";
  Learn("long", "", text);
  EXPECT_EQ(Do("GET", "/relations?collection=lives&entity=Marton&type=born_in").at("relations").as_array().size(), 1U);
  Rebuild();
  EXPECT_EQ(NamesInAll(), Entities());
  EXPECT_GT(Entities().size(), 600U);
  EXPECT_THAT(Call("GET", "/communities?collection=lives&entity=warsaw").body, HasSubstr("Marie Curie"));
}

}  // namespace
}  // namespace rhizome::gateway
