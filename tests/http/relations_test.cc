// Single relations over HTTP: a client's own, marks by hand, and the list of what contradicts what.
#include "api_fixture.h"
#include "format/derivation_builder.h"

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RelationsApi : public ApiFixture {
 protected:
  void Open() {
    OpenNode();
    for (const char* name : {"lives", "others"}) {
      Do("POST", "/collections", std::string(R"({"name":")") + name + R"(","dimension":0,"graph":true})");
    }
  }
  // Returns its id.
  std::string Say(const std::string& source, const std::string& type, const std::string& target, int64_t from,
                  const std::string& collection = "lives") {
    const json::value body = {
        {"collection", collection}, {"source", source}, {"type", type}, {"target", target}, {"valid_from_ms", from}};
    return std::string(Do("POST", "/relations", json::serialize(body)).at("id").as_string());
  }
  std::vector<std::string> Holds(const std::string& entity, int64_t as_of) {
    std::vector<std::string> targets;
    const auto page = Do("GET", "/relations?collection=lives&entity=" + entity + "&as_of_ms=" + std::to_string(as_of));
    for (const auto& fact : page.at("relations").as_array()) targets.emplace_back(fact.at("target").as_string());
    return targets;
  }
  json::value Mark(const std::string& id, json::object mark) {
    mark["collection"] = "lives";
    return Do("PATCH", "/relations/" + id, json::serialize(mark));
  }
  std::vector<std::string> Conflicts(const std::string& collection = "lives") {
    std::vector<std::string> ended;
    const auto list = Do("GET", "/conflicts?collection=" + collection);
    for (const auto& fact : list.at("relations").as_array()) {
      ended.push_back(std::string(fact.at("source").as_string()) + " " + std::string(fact.at("target").as_string()));
    }
    return ended;
  }
};

TEST_F(RelationsApi, AHandMarksWhatAConflictDoesNotTouch) {
  Open();
  const std::string paris = Say("Ann", "lives_in", "Paris", -1000);
  const std::string rome = Say("Ann", "lives_in", "Rome", 2000);
  EXPECT_THAT(Holds("ann", -5), ElementsAre("paris"));
  EXPECT_THAT(Holds("ann", 3000), ElementsAre("rome"));
  EXPECT_EQ(Do("GET", "/relations/" + paris + "?collection=lives").at("superseded_by"), json::value(rome));
  EXPECT_THAT(Conflicts(), ElementsAre("ann paris"));
  Mark(paris, {{"mark", "open"}});
  EXPECT_EQ(Holds("ann", 3000).size(), 2U);
  EXPECT_THAT(Conflicts(), IsEmpty());
  Mark(paris, {{"mark", "none"}});
  EXPECT_THAT(Holds("ann", 3000), ElementsAre("rome"));
  Mark(rome, {{"mark", "closed"}, {"valid_until_ms", 2000}});  // it never held
  EXPECT_THAT(Holds("ann", 3000), ElementsAre("paris"));
  EXPECT_THAT(Conflicts(), IsEmpty());
}

TEST_F(RelationsApi, WhatAClientTakesBackUndoesWhatItEnded) {
  Open();
  Say("Ann", "lives_in", "Paris", 1000);
  const std::string rome = Say("Ann", "lives_in", "Rome", 2000);
  Say("Ann", "lives_in", "Rome", 2000);  // said twice is said once
  EXPECT_THAT(Holds("ann", 3000), ElementsAre("rome"));
  EXPECT_EQ(Do("DELETE", "/relations/" + rome + "?collection=lives").at("deleted"), true);
  EXPECT_THAT(Holds("ann", 3000), ElementsAre("paris"));
  EXPECT_EQ(Refusal("GET", "/entities/rome?collection=lives"), "404");
  EXPECT_EQ(Refusal("DELETE", "/relations/" + rome + "?collection=lives"), "404");
}

TEST_F(RelationsApi, ConflictsAreThoseOfACollection) {
  Open();
  Say("Ann", "lives_in", "Paris", 1000);
  Say("Ann", "lives_in", "Rome", 2000, "others");
  EXPECT_THAT(Conflicts(), IsEmpty());
  Say("Bonn", "capital_of", "Germany", 1949);
  Say("Berlin", "capital_of", "Germany", 1990);
  Say("Ann", "knows", "Bob", 1);
  Say("Ann", "knows", "Cleo", 2);
  EXPECT_THAT(Conflicts(), ElementsAre("bonn germany"));
  EXPECT_THAT(Conflicts("others"), IsEmpty());
}

TEST_F(RelationsApi, ADocumentsWordIsNotDeletedByItsRelation) {
  Open();
  format::DerivationBuilder builder;
  builder.AddFact({builder.Entity("Ann").value(), "lives_in", builder.Entity("Paris").value()});
  const format::GraphOrigin origin{format::GraphOrigin::Kind::kDocument, format::PointId(7)};
  const format::Derivation said = builder.Build();
  ASSERT_TRUE(memories_->Graph("lives").value()->Write({{{}, format::PutDerivation{origin, said}}}).ok());
  const std::string id = said.IdOf(origin, 0).ToString();
  EXPECT_EQ(Call("DELETE", "/relations/" + id + "?collection=lives").status, 409);
  EXPECT_EQ(Mark(id, {{"mark", "closed"}, {"valid_until_ms", 5}}).at("valid_until_ms"), 5);
}

TEST_F(RelationsApi, WhatIsSaidWronglyIsNamed) {
  Open();
  const auto put = [&](json::object body) {
    body["collection"] = "lives";
    return Refusal("POST", "/relations", json::serialize(body));
  };
  EXPECT_EQ(put({{"type", "knows"}, {"target", "Bob"}}), "400 source");
  EXPECT_EQ(put({{"source", "Ann"}, {"type", ""}, {"target", "Bob"}}), "400 type");
  EXPECT_EQ(put({{"source", "Ann"}, {"type", "knows"}, {"target", "Bob"}, {"confidence", 2}}), "400 confidence");
  EXPECT_EQ(put({{"source", "Ann"}, {"type", "knows"}, {"target", "Bob"}, {"weight", -1}}), "400 weight");
  EXPECT_EQ(put({{"source", "Ann"}, {"type", "knows"}, {"target", "Bob"}, {"valid_from_ms", "soon"}}),
            "400 valid_from_ms");
  EXPECT_EQ(put({{"source", "Ann"}, {"type", "knows"}, {"target", "Bob"}, {"valid_from_ms", 5}, {"valid_until_ms", 5}}),
            "400 valid_until_ms");
  EXPECT_EQ(put({{"source", " "}, {"type", "knows"}, {"target", "Bob"}}), "400 source");
  const std::string id = Say("Ann", "knows", "Bob", 1);
  const auto mark = [&](const std::string& body) { return Refusal("PATCH", "/relations/" + id, body); };
  EXPECT_EQ(mark(R"({"collection":"lives","mark":"shut"})"), "400 mark");
  EXPECT_EQ(mark(R"({"collection":"lives","mark":"closed"})"), "400 valid_until_ms");
  EXPECT_EQ(mark(R"({"collection":"lives","mark":"open","valid_until_ms":5})"), "400 valid_until_ms");
  EXPECT_EQ(Refusal("GET", "/relations/xyz?collection=lives"), "404");
  EXPECT_EQ(Refusal("GET", "/conflicts?collection=nobody"), "404");
}

}  // namespace
}  // namespace rhizome::gateway
