#include "extract/extract.h"

#include "base/utf8.h"

namespace rhizome::extract {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> Typed(const Extraction& extraction) {
  std::vector<std::string> names;
  for (const Entity& entity : extraction.entities)
    names.push_back(entity.name + ":" + std::string(EntityTypeName(entity.type)));
  return names;
}

std::vector<std::string> Facts(const Extraction& extraction) {
  std::vector<std::string> facts;
  for (const Relation& relation : extraction.relations) {
    facts.push_back(extraction.entities[relation.source].key + " " + std::string(relation.type) + " " +
                    extraction.entities[relation.target].key);
  }
  return facts;
}

const Entity* Find(const Extraction& extraction, std::string_view name) {
  for (const Entity& entity : extraction.entities) {
    if (entity.name == name) return &entity;
  }
  return nullptr;
}

struct EntityCase {
  std::string_view text;
  std::vector<std::string> present;
  std::vector<std::string> absent;
};

class Entities : public testing::TestWithParam<EntityCase> {};
TEST_P(Entities, AreFound) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("", GetParam().text);
  for (const std::string& name : GetParam().present) EXPECT_THAT(Typed(extraction), Contains(name)) << GetParam().text;
  for (const std::string& name : GetParam().absent) EXPECT_EQ(Find(extraction, name), nullptr) << name;
}

const EntityCase kEntities[] = {
    {"Yesterday John Smith met Mary Jones.", {"John Smith:person", "Mary Jones:person"}, {"Yesterday"}},
    {"However, the council agreed.", {}, {"However"}},
    {"She studied at the University of Oxford.", {"University of Oxford:organisation"}, {"University", "Oxford"}},
    {"It flows through the Mekong River in Laos.", {"Mekong River:place", "Laos:place"}, {}},
    {"They fought in the Battle of Hastings.", {"Battle of Hastings:event"}, {"Hastings"}},
    {"Ludwig van Beethoven lived here.", {"Ludwig van Beethoven:person"}, {"Beethoven"}},
    {"We saw Dr. Alice Carter there.", {"Alice Carter:person"}, {"Dr. Alice Carter"}},
    {"President Obama spoke.", {"Obama:person"}, {}},
    {"He wrote \"The Waste Land\" there.", {"The Waste Land:work"}, {}},
    {"He said \"go away now\" there.", {}, {"go away now"}},
    {"Johnson & Johnson makes it.", {"Johnson & Johnson:other"}, {"Johnson"}},
    {"The Department of Health and Human Services said so.",
     {"Department of Health and Human Services:organisation"},
     {"Human Services"}},
    {"Oslo and Bergen are towns.", {"Oslo:place", "Bergen:other"}, {"Oslo and Bergen"}},
    {"It was shot in Leland, North Carolina.", {"Leland, North Carolina:place", "North Carolina:place"}, {"Leland"}},
    {"He lived in Germany, France and Spain.", {"Germany:place", "France:place", "Spain:place"}, {"Germany, France"}},
    {"Apollo 11 landed.", {"Apollo 11:other"}, {}},
    {"The 2008 Summer Olympics began.", {"2008 Summer Olympics:event"}, {}},
    {"Obama's speech moved Congress.", {"Obama:other"}, {"Obama's"}},
    {"They saw Schindler's List.", {"Schindler's List:other", "Schindler:other"}, {}},
    {"J. K. Rowling wrote.", {"J. K. Rowling:person"}, {"Rowling"}},
    {"An American film in Monday traffic.", {}, {"American", "Monday"}},
    {"THE COMPANY AGREES TO PAY THE SUM", {}, {"THE COMPANY AGREES TO PAY THE SUM", "COMPANY"}},
    {"levels of serum homocysteine in preterm infants",
     {"serum homocysteine:other", "preterm infant:other"},
     {"level", "levels"}},
    {"expression of mRNA by IL-6 and p53", {"mRNA:other", "IL-6:other"}, {}},
    {"Es war in Москва bei Анна Ахматова.", {"Москва:other", "Анна Ахматова:other"}, {}},
    {"東京は日本の首都です。", {"東京:other", "日本:other", "首都:other"}, {"は"}},
    {"Damals blieb Köln leer.", {"Köln:other"}, {}},
    {"It cost 3,500 crowns and grew 12 %.", {"3,500:number", "12 %:number"}, {}},
    {"It was on March 4, 1987.", {"1987-03-04:date"}, {"March", "1987"}},
};
INSTANTIATE_TEST_SUITE_P(Extractor, Entities, testing::ValuesIn(kEntities));

struct RelationCase {
  std::string_view title, text;
  std::vector<std::string> facts;
};

class Relations : public testing::TestWithParam<RelationCase> {};
TEST_P(Relations, AreFound) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract(GetParam().title, GetParam().text);
  for (const std::string& fact : GetParam().facts) EXPECT_THAT(Facts(extraction), Contains(fact)) << GetParam().text;
}

const RelationCase kRelations[] = {
    {"", "Marie Curie was born in Warsaw.", {"marie curie born_in warsaw"}},
    {"Marie Curie",
     "She was born in Warsaw and died in Passy.",
     {"marie curie born_in warsaw", "marie curie died_in passy"}},
    {"", "Acme Corporation acquired Beta Systems in 1999.", {"acme corporation acquired beta systems"}},
    {"", "Beta Systems was acquired by Acme Corporation.", {"acme corporation acquired beta systems"}},
    {"", "Jaws is a film directed by Steven Spielberg.", {"steven spielberg directed jaws"}},
    {"", "Steven Spielberg directed Jaws.", {"steven spielberg directed jaws"}},
    {"Jaws (film)", "It was written by Peter Benchley.", {"peter benchley wrote jaws (film"}},
    {"", "Paris is the capital of France.", {"paris capital_of france"}},
    {"", "Ada Lovelace married William King.", {"ada lovelace married_to william king"}},
    {"", "Acme Corporation is headquartered in Berlin.", {"acme corporation based_in berlin"}},
    {"", "Paul Allen was a member of the Royal Society.", {"paul allen member_of royal society"}},
    {"",
     "Microsoft was founded by Bill Gates and Paul Allen.",
     {"bill gates founded microsoft", "paul allen founded microsoft"}},
    {"Heat (film)",
     "It is a crime film starring Al Pacino, Robert Brown and Val Kilmer.",
     {"al pacino starred_in heat (film", "robert brown starred_in heat (film", "val kilmer starred_in heat (film"}},
    {"", "Alice Carter works for Acme Corporation.", {"alice carter works_for acme corporation"}},
    {"", "Homocysteine inhibits endothelial growth.", {"homocysteine inhibits endothelial growth"}},
    {"", "Endothelial growth is inhibited by homocysteine.", {"homocysteine inhibits endothelial growth"}},
    {"", "Malaria is associated with anemia.", {"malaria associated_with anemia"}},
    {"", "Johann Bach was the father of Carl Bach.", {"johann bach parent_of carl bach"}},
    {"", "Thomas Edison graduated from Harvard University.", {"thomas edison educated_at harvard university"}},
};
INSTANTIATE_TEST_SUITE_P(Extractor, Relations, testing::ValuesIn(kRelations));

TEST(Extractor, AStateHoldsFromAndUntilWhatTheTextSays) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("", "Alice Carter worked for Acme Corporation from 1990 to 1995.");
  ASSERT_EQ(extraction.relations.size(), 1u);
  EXPECT_EQ(extraction.relations[0].valid_from_ms, 631152000000);
  EXPECT_EQ(extraction.relations[0].valid_until_ms, 820454400000);
}

TEST(Extractor, WhatHappenedInAYearHoldsFromThenOn) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("", "Acme Corporation acquired Beta Systems in 1990.");
  ASSERT_EQ(extraction.relations.size(), 1u);
  EXPECT_EQ(extraction.relations[0].valid_from_ms, 631152000000);
  EXPECT_EQ(extraction.relations[0].valid_until_ms, std::nullopt);
}

TEST(Extractor, AnEntityRelatesToOthersOnly) {
  Extractor extractor;
  for (const Relation& relation : extractor.Extract("", "Acme Corporation acquired Acme.").relations) {
    EXPECT_NE(relation.source, relation.target);
  }
}

TEST(Extractor, AcronymsAreAliasesOfWhatTheyStandFor) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract(
      "", "The World Health Organization (WHO) met. The WHO agreed. Magnetic resonance imaging (MRI) is used.");
  const Entity* who = Find(extraction, "World Health Organization");
  ASSERT_NE(who, nullptr);
  EXPECT_THAT(who->aliases, Contains("WHO"));
  EXPECT_EQ(Find(extraction, "WHO"), nullptr);
  const Entity* mri = Find(extraction, "magnetic resonance imaging");
  ASSERT_NE(mri, nullptr);
  EXPECT_THAT(mri->aliases, Contains("MRI"));
}

TEST(Extractor, ShortFormsAreTheOneTheyCanMean) {
  Extractor extractor;
  const Extraction one = extractor.Extract("", "John Harker met Acme Corporation. Harker left. Acme agreed.");
  EXPECT_EQ(Find(one, "Harker"), nullptr);
  EXPECT_EQ(Find(one, "Acme"), nullptr);
  const Extraction two = extractor.Extract("", "John Harker met Mina Harker. The man Harker left.");
  EXPECT_NE(Find(two, "Harker"), nullptr);
}

TEST(Extractor, ShortFormsOfSeveralAreTheTitles) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("John Harker", "John Harker met Mina Harker. Then Harker left.");
  EXPECT_EQ(Find(extraction, "Harker"), nullptr);
}

TEST(Extractor, TheTitleIsAnEntityWithAliases) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("Mercury (planet)", "Mercury is a planet. Its orbit is small.");
  ASSERT_FALSE(extraction.entities.empty());
  EXPECT_TRUE(extraction.entities[0].is_title);
  EXPECT_EQ(extraction.entities[0].name, "Mercury (planet)");
  EXPECT_THAT(extraction.entities[0].aliases, Contains("Mercury"));
  EXPECT_EQ(Find(extraction, "Mercury"), nullptr);
}

TEST(Extractor, NamesThatTheTextGivesAreAliasesOfTheTitle) {
  Extractor extractor;
  const Extraction other =
      extractor.Extract("Bob Dylan", "Bob Dylan (born Robert Zimmerman, May 24, 1941) is a singer.");
  EXPECT_THAT(other.entities[0].aliases, Contains("Robert Zimmerman"));
  const Extraction full = extractor.Extract("William Shatner", "William Alan Shatner is a Canadian actor.");
  EXPECT_THAT(full.entities[0].aliases, Contains("William Alan Shatner"));
  EXPECT_EQ(full.entities[0].type, EntityType::kPerson);
}

TEST(Extractor, ALongTitleIsNoEntity) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract(
      "Induction of a rare disorder by cells that nobody had ever described before in any detail", "It is.");
  for (const Entity& entity : extraction.entities) EXPECT_FALSE(entity.is_title);
  EXPECT_NE(Find(extraction, "rare disorder"), nullptr);
}

TEST(Extractor, MentionsAreCountedPerChunkWithTheirPlace) {
  Extractor extractor;
  const std::string text = "Ada Lovelace wrote. Then Ada Lovelace slept. In Paris, Ada Lovelace woke.";
  const auto third = static_cast<uint32_t>(text.find("In Paris"));
  const ChunkRange chunks[] = {{0, third}, {third, static_cast<uint32_t>(text.size())}};
  const Extraction extraction = extractor.Extract("Note", text, chunks);
  const Entity* ada = Find(extraction, "Ada Lovelace");
  ASSERT_NE(ada, nullptr);
  std::vector<std::pair<uint32_t, uint32_t>> counts;
  for (const Mention& mention : extraction.mentions) {
    if (&extraction.entities[mention.entity] != ada) continue;
    counts.emplace_back(mention.chunk, mention.count);
    EXPECT_EQ(text.substr(mention.begin, mention.end - mention.begin), "Ada Lovelace");
  }
  EXPECT_EQ(counts, (std::vector<std::pair<uint32_t, uint32_t>>{{0, 2}, {1, 1}}));
}

TEST(Extractor, WhatLiesInTwoChunksIsMentionedInBoth) {
  Extractor extractor;
  const std::string text = "First. Ada Lovelace. Last.";
  const ChunkRange chunks[] = {{0, 20}, {7, static_cast<uint32_t>(text.size())}};
  const Extraction extraction = extractor.Extract("", text, chunks);
  size_t mentions = 0;
  for (const Mention& mention : extraction.mentions)
    mentions += extraction.entities[mention.entity].name == "Ada Lovelace" ? 1 : 0;
  EXPECT_EQ(mentions, 2u);
}

TEST(Extractor, PairsCountSharedSentences) {
  Extractor extractor;
  const Extraction extraction =
      extractor.Extract("", "Ada Lovelace met Charles Babbage. Ada Lovelace liked Charles Babbage.");
  const Entity* ada = Find(extraction, "Ada Lovelace");
  const Entity* charles = Find(extraction, "Charles Babbage");
  ASSERT_TRUE(ada != nullptr && charles != nullptr);
  const auto first = static_cast<uint32_t>(ada - extraction.entities.data());
  const auto second = static_cast<uint32_t>(charles - extraction.entities.data());
  bool found = false;
  for (const Pair& pair : extraction.pairs) {
    EXPECT_LT(pair.a, pair.b);
    if (pair.a == std::min(first, second) && pair.b == std::max(first, second)) {
      EXPECT_EQ(pair.sentences, 2u);
      found = true;
    }
  }
  EXPECT_TRUE(found);
}

TEST(Extractor, PhrasesAreBoundedPerChunk) {
  ExtractOptions options;
  options.phrases_per_chunk_max = 5;
  Extractor extractor(options);
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += "the strange gadget" + std::string(1, static_cast<char>('a' + i % 26)) +
            std::string(1, static_cast<char>('a' + i / 26)) + " of it. ";
  size_t phrases = 0;
  for (const Entity& entity : extractor.Extract("", text).entities) phrases += entity.is_phrase ? 1 : 0;
  EXPECT_EQ(phrases, 5u);
}

TEST(Extractor, NothingOfAnEmptyDocument) {
  Extractor extractor;
  for (const std::string_view text : {"", " \n\t ", "...", "()"}) {
    const Extraction extraction = extractor.Extract("", text);
    EXPECT_TRUE(extraction.entities.empty());
    EXPECT_TRUE(extraction.mentions.empty());
    EXPECT_TRUE(extraction.relations.empty());
  }
}

TEST(Extractor, BadBytesHarmNobody) {
  Extractor extractor;
  const Extraction extraction = extractor.Extract("Ada \xFF Lovelace", "Ada \xC3\x28 met Charles Babbage \xFF\xFE.");
  EXPECT_NE(Find(extraction, "Charles Babbage"), nullptr);
}

TEST(Extractor, EqualDocumentsGiveEqualExtractions) {
  Extractor one, two;
  const std::string text = "Ada Lovelace met Charles Babbage in London. The Analytical Engine was designed by Babbage.";
  (void)one.Extract("Something else", "Entirely. Other Names here.");
  const Extraction first = one.Extract("Ada Lovelace", text);
  const Extraction second = two.Extract("Ada Lovelace", text);
  EXPECT_EQ(Typed(first), Typed(second));
  EXPECT_EQ(Facts(first), Facts(second));
  EXPECT_EQ(first.mentions.size(), second.mentions.size());
}

TEST(Extractor, EveryMentionPointsIntoItsText) {
  Extractor extractor;
  const std::string text = "Über Zürich und 東京 schrieb Anna Müller 1987. Москва (MSK) — ok.";
  const Extraction extraction = extractor.Extract("Reise", text);
  for (const Mention& mention : extraction.mentions) {
    ASSERT_LT(mention.entity, extraction.entities.size());
    if (mention.chunk == kTitleChunk) continue;
    ASSERT_LE(mention.end, text.size());
    EXPECT_TRUE(IsUtf8(text.substr(mention.begin, mention.end - mention.begin)));
  }
}

TEST(Extractor, AQueryNamesEntities) {
  Extractor extractor;
  std::vector<std::string> names;
  for (const Entity& entity :
       extractor.ExtractQuery("Who directed the film shot around Leland, North Carolina in 1986?")) {
    names.push_back(entity.name);
  }
  EXPECT_THAT(names, Contains("Leland, North Carolina"));
  EXPECT_THAT(names, Contains("1986"));
  EXPECT_THAT(names, Not(Contains("Who")));
}

}  // namespace
}  // namespace rhizome::extract
