#include "engines/graph/validation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engines/graph/engine_testing.h"

namespace rhizome::graph {
namespace {

using format::Derivation;
using format::GraphOperation;

Derivation Good() {
  Derivation derivation = Said({{"Ada", "person", 0}, {"Bob", "person", 1}}, {{"Ada", "knows", "Bob", 1, 0, 10}});
  derivation.entities[0].aliases = {"countess", "lovelace"};
  return derivation;
}

Status Checked(const std::function<void(Derivation&)>& spoil) {
  Derivation derivation = Good();
  spoil(derivation);
  return ValidateGraphOperations(std::vector{Put({}, "fine", Good()), Put({}, "doc", derivation)});
}

TEST(GraphValidation, WhatABuilderMakesIsTaken) {
  EXPECT_TRUE(Checked([](Derivation&) {}).ok());
  EXPECT_TRUE(ValidateGraphOperations(std::vector{Put({}, "empty", {})}).ok());
}

struct Spoilt {
  const char* field;
  std::function<void(Derivation&)> spoil;
};

TEST(GraphValidation, WhatIsWrongWithADerivationIsNamed) {
  const std::vector<Spoilt> all = {
      {"entities[0].name", [](Derivation& d) { d.entities[0].name = "Ada"; }},
      {"entities[0].name", [](Derivation& d) { d.entities[0].name = ""; }},
      {"entities[0].name", [](Derivation& d) { d.entities[0].name = "a  b"; }},
      {"entities[0].name", [](Derivation& d) { d.entities[0].name = "\xFF"; }},
      {"entities[0].name", [](Derivation& d) { d.entities[0].name = std::string(kNameBytesMax + 1, 'a'); }},
      {"entities[1].name", [](Derivation& d) { d.entities[1].name = "ada"; }},
      {"entities[1].surface", [](Derivation& d) { d.entities[1].surface = std::string(kNameBytesMax + 1, 'a'); }},
      {"entities[1].type", [](Derivation& d) { d.entities[1].type = std::string(kTypeBytesMax + 1, 'a'); }},
      {"entities[1].type", [](Derivation& d) { d.entities[1].type = "\x80"; }},
      {"entities[0].aliases[1]", [](Derivation& d) { d.entities[0].aliases[1] = "countess"; }},
      {"entities[0].aliases[0]", [](Derivation& d) { d.entities[0].aliases[0] = "ada"; }},
      {"entities[0].aliases[0]", [](Derivation& d) { d.entities[0].aliases[0] = "ADA"; }},
      {"entities[0].aliases", [](Derivation& d) { d.entities[0].aliases.resize(kAliasesMax + 1); }},
      {"entities[0].mentions[0].count", [](Derivation& d) { d.entities[0].mentions[0].count = 0; }},
      {"entities[0].mentions[1].chunk",
       [](Derivation& d) {
         d.entities[0].mentions.push_back({0, 1});
       }},
      {"facts[0].source", [](Derivation& d) { d.facts[0].source = 2; }},
      {"facts[0].target", [](Derivation& d) { d.facts[0].target = 2; }},
      {"facts[0].type", [](Derivation& d) { d.facts[0].type = ""; }},
      {"facts[0].weight", [](Derivation& d) { d.facts[0].weight = NAN; }},
      {"facts[0].weight", [](Derivation& d) { d.facts[0].weight = -1; }},
      {"facts[0].weight", [](Derivation& d) { d.facts[0].weight = INFINITY; }},
      {"facts[0].confidence", [](Derivation& d) { d.facts[0].confidence = 1.5F; }},
      {"facts[0].confidence", [](Derivation& d) { d.facts[0].confidence = NAN; }},
      {"facts[0].valid_until", [](Derivation& d) { d.facts[0].valid_until = 0; }},
      {"facts[0].valid_until", [](Derivation& d) { d.facts[0].valid_until = -5; }},
      {"facts[0].chunks[1]",
       [](Derivation& d) {
         d.facts[0].chunks = {3, 3};
       }},
      {"facts[0].chunks", [](Derivation& d) { d.facts[0].chunks.resize(kFactChunksMax + 1); }},
      {"facts[1]", [](Derivation& d) { d.facts.push_back(d.facts[0]); }},
      {"facts", [](Derivation& d) { d.facts.resize(kFactsMax + 1); }},
      {"entities", [](Derivation& d) { d.entities.resize(kEntitiesMax + 1); }}};
  for (const Spoilt& spoilt : all) {
    const Status status = Checked(spoilt.spoil);
    EXPECT_EQ(status.field(), "operations[1].derivation." + std::string(spoilt.field)) << status.ToString();
    EXPECT_TRUE(status.code() == Code::kInvalidArgument || status.code() == Code::kTooLarge);
  }
}

TEST(GraphValidation, TooManyEntitiesOfOneChunkAreRefused) {
  const auto with = [](size_t entities) {
    Derivation derivation;
    for (size_t i = 0; i < entities; ++i) {
      derivation.entities.push_back({"n" + std::to_string(10'000 + i), "", "", {}, {{5, 1}}});
    }
    return ValidateGraphOperations(std::vector{Put({}, "doc", derivation)});
  };
  EXPECT_TRUE(with(kChunkMentionsMax).ok());
  EXPECT_EQ(with(kChunkMentionsMax + 1).field(), "operations[0].derivation.chunks[5]");
}

TEST(GraphValidation, AClientsFactSaysOneThing) {
  const auto field = [](const std::function<void(Derivation&)>& spoil) {
    GraphOperation operation = PutFact({}, "f", {"Ada", "knows", "Bob"});
    spoil(std::get<format::PutDerivation>(operation.body).derivation);
    return std::string(ValidateGraphOperations(std::vector{operation}).field());
  };
  const std::string base = "operations[0].derivation.";
  EXPECT_EQ(field([](Derivation&) {}), "");
  EXPECT_EQ(field([](Derivation& d) { d.facts.clear(); }), base + "facts");
  EXPECT_EQ(field([](Derivation& d) { d.entities.push_back({"zoe", "", ""}); }), base + "entities");
  EXPECT_EQ(field([](Derivation& d) { d.entities[1].mentions = {{0, 1}}; }), base + "entities[1].mentions");
  EXPECT_EQ(field([](Derivation& d) { d.facts[0].chunks = {0}; }), base + "facts[0].chunks");
}

TEST(GraphValidation, OtherOperationsAreHeldToo) {
  const EntityId ada = IdOf("ada");
  const auto field = [](GraphOperation operation) {
    return std::string(ValidateGraphOperations(std::vector{std::move(operation)}).field());
  };
  EXPECT_EQ(field({{}, format::PutClosure{DocumentOf("d"), 1, false, 5}}), "operations[0].closed");
  EXPECT_EQ(field({{}, format::PutProperty{ada, std::string(kDescriptionBytesMax + 1, 'x')}}), "operations[0].value");
  EXPECT_EQ(field({{}, format::PutProperty{ada, std::string("\xC0")}}), "operations[0].value");
  EXPECT_EQ(field({{}, format::PutProperty{ada, 1.5F}}), "operations[0].value");
  EXPECT_EQ(field({{}, format::PutAlias{ada, "Not Normal"}}), "operations[0].alias");
  EXPECT_EQ(field({{}, format::PutMerge{ada, ada}}), "operations[0].b");
  EXPECT_EQ(field({{}, format::PutEvent{ada, -1, 0, {}}}), "operations[0].at_ms");
  EXPECT_EQ(field({{}, format::PutEvent{ada, 1, 0, std::string(kEventBytesMax + 1, 'x')}}), "operations[0].body");
  EXPECT_EQ(field({{}, format::CountAccess{ada, 1, 0, 0}}), "operations[0].count");
  EXPECT_EQ(field({{}, format::DeleteRegister{"nothing"}}), "operations[0].key");
  EXPECT_EQ(field({{}, format::DeleteRegister{format::AccessKeyOf(ada, 1)}}), "operations[0].key");
  EXPECT_EQ(field({{}, format::DeleteRegister{format::HistoryKeyOf(format::GraphKeyOf(DocumentOf("d")), At(1))}}),
            "operations[0].key");
  const GraphOrigin chunk{GraphOrigin::Kind::kDocument, format::PointId::OfChunk(Named("d"), 0)};
  EXPECT_EQ(field({{}, format::PutDerivation{chunk, {}}}), "operations[0].origin");
}

}  // namespace
}  // namespace rhizome::graph
