#include "memory/derive.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/graph/validation.h"
#include "format/entity_name.h"

namespace rhizome::memory {
namespace {

const format::DerivedEntity* Find(const format::Derivation& derivation, const std::string& name) {
  const auto found = std::find_if(derivation.entities.begin(), derivation.entities.end(),
                                  [&](const auto& entity) { return entity.name == name; });
  return found == derivation.entities.end() ? nullptr : &*found;
}

Status Validate(format::Derivation derivation) {
  const format::GraphOrigin origin{format::GraphOrigin::Kind::kDocument, format::PointId(7)};
  return graph::ValidateGraphOperations(
      std::vector<format::GraphOperation>{{{}, format::PutDerivation{origin, std::move(derivation)}}});
}

TEST(Derive, WhatATextSaysBecomesEntitiesAndFacts) {
  extract::Extractor extractor;
  const auto derivation = DerivationOf(extractor.Extract(
      "Marie Curie", "Marie Curie was born in Warsaw. She founded the Radium Institute in Paris in 1909."));
  ASSERT_TRUE(Validate(derivation).ok()) << Validate(derivation).ToString();
  const auto* const curie = Find(derivation, "marie curie");
  ASSERT_NE(curie, nullptr);
  EXPECT_EQ(curie->surface, "Marie Curie");
  const auto born = std::find_if(derivation.facts.begin(), derivation.facts.end(),
                                 [](const auto& fact) { return fact.type == "born_in"; });
  ASSERT_NE(born, derivation.facts.end());
  EXPECT_EQ(derivation.entities[born->source].name, "marie curie");
  EXPECT_EQ(derivation.entities[born->target].name, "warsaw");
  EXPECT_EQ(born->chunks, std::vector<uint32_t>{0});
}

TEST(Derive, TitleIsMentionedInAChunkOfItsOwn) {
  extract::Extractor extractor;
  const auto derivation = DerivationOf(extractor.Extract("Warsaw", "The Vistula flows through it."));
  const auto* const warsaw = Find(derivation, "warsaw");
  ASSERT_NE(warsaw, nullptr);
  ASSERT_FALSE(warsaw->mentions.empty());
  EXPECT_EQ(warsaw->mentions.back().chunk, extract::kTitleChunk);
}

TEST(Derive, NothingSaidIsAnEmptyDerivation) {
  EXPECT_EQ(DerivationOf({}), format::Derivation());
  EXPECT_TRUE(Validate(DerivationOf({})).ok());
}

TEST(Derive, OfTooManyEntitiesTheMostMentionedStay) {
  extract::Extraction extraction;
  const auto count = static_cast<uint32_t>(graph::kEntitiesMax + 10);
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name = "Name " + std::to_string(i);
    extraction.entities.push_back({name, format::EntityName(name), extract::EntityType::kOther, {}, false, false});
    // The first ten once, in chunks of their own, the others twice.
    extraction.mentions.push_back({i, i / 1'000, i < 10 ? 1U : 2U, 0, 0});
  }
  extraction.relations.push_back({3, 50, "knows", 1, 0, 0, 0, std::nullopt, std::nullopt});
  extraction.relations.push_back({60, 50, "knows", 1, 0, 0, 0, std::nullopt, std::nullopt});
  const auto derivation = DerivationOf(extraction);
  ASSERT_TRUE(Validate(derivation).ok()) << Validate(derivation).ToString();
  EXPECT_EQ(derivation.entities.size(), graph::kEntitiesMax);
  EXPECT_EQ(Find(derivation, "name 3"), nullptr);
  EXPECT_NE(Find(derivation, "name 10"), nullptr);
  EXPECT_EQ(derivation.facts.size(), 1u);
}

TEST(Derive, NamesAndAliasesThatAreTooLongAreLeftOut) {
  extract::Extraction extraction;
  const std::string long_name(graph::kNameBytesMax + 1, 'x');
  extraction.entities.push_back({long_name, long_name, extract::EntityType::kOther, {}, false, false});
  extraction.entities.push_back({"Log", "log", extract::EntityType::kOther, {long_name, "Journal"}, false, false});
  extraction.mentions.push_back({0, 0, 1, 0, 0});
  extraction.mentions.push_back({1, 0, 1, 0, 0});
  const auto derivation = DerivationOf(extraction);
  ASSERT_TRUE(Validate(derivation).ok()) << Validate(derivation).ToString();
  ASSERT_EQ(derivation.entities.size(), 1u);
  EXPECT_EQ(derivation.entities[0].aliases, std::vector<std::string>{"journal"});
}

TEST(Derive, ADocumentIsAboutItsTitlesOtherNamesAndNotAboutTheRestOfItsTitle) {
  extract::Extractor extractor;
  const auto derivation = DerivationOf(extractor.Extract("Mercury (planet)", "It orbits the Sun."));
  const auto* const mercury = Find(derivation, "mercury");
  ASSERT_NE(mercury, nullptr);
  EXPECT_EQ(mercury->mentions.back().chunk, format::kAboutChunk);
  const auto song = DerivationOf(extractor.Extract("Greetings from Asbury Park", "It is an album."));
  for (const format::DerivedEntity& entity : song.entities) {
    const bool about = !entity.mentions.empty() && entity.mentions.back().chunk == format::kAboutChunk;
    EXPECT_EQ(about, entity.name == "greetings from asbury park") << entity.name;
  }
}

TEST(Derive, ANounPhraseIsToldFromAName) {
  extract::Extractor extractor;
  const auto derivation = DerivationOf(extractor.Extract("", "The lobster trade made Maine rich."));
  ASSERT_NE(Find(derivation, "lobster trade"), nullptr);
  EXPECT_EQ(Find(derivation, "lobster trade")->type, kPhraseType);
  EXPECT_NE(Find(derivation, "maine")->type, kPhraseType);
}

}  // namespace
}  // namespace rhizome::memory
