#include "extract/resolve.h"

#include "extract/similarity.h"
#include "format/entity_name.h"

namespace rhizome::extract {
namespace {

TEST(JaroWinkler, IsAsPublished) {
  EXPECT_NEAR(JaroWinkler("martha", "marhta"), .9611, 1e-4);
  EXPECT_NEAR(JaroWinkler("dwayne", "duane"), .84, 1e-4);
  EXPECT_NEAR(JaroWinkler("dixon", "dicksonx"), .8133, 1e-4);
  EXPECT_EQ(JaroWinkler("same", "same"), 1);
  EXPECT_EQ(JaroWinkler("abc", "xyz"), 0);
  EXPECT_EQ(JaroWinkler("", "a"), 0);
}

TEST(JaroWinkler, IsSymmetric) {
  for (const auto& [a, b] : {std::pair("crate", "trace"), std::pair("müller", "mueller"), std::pair("a", "ab")}) {
    EXPECT_DOUBLE_EQ(JaroWinkler(a, b), JaroWinkler(b, a));
  }
}

TEST(MinHash, AgreesAsOftenAsTrigramsOverlap) {
  const auto agreeing = [](std::string_view a, std::string_view b) {
    const auto x = MinHash(a), y = MinHash(b);
    size_t equal = 0;
    for (size_t i = 0; i < kMinHashes; ++i) equal += x[i] == y[i] ? 1 : 0;
    return equal;
  };
  EXPECT_EQ(agreeing("international business machines", "international business machines"), kMinHashes);
  EXPECT_GE(agreeing("international business machines", "international busines machines"), kMinHashes / 2);
  EXPECT_LE(agreeing("international business machines", "quokka"), 2u);
}

struct Same {
  std::string_view a, b;
  MergeReason reason;
};
class SameNames : public testing::TestWithParam<Same> {};
TEST_P(SameNames, AreTheSame) {
  for (const bool turned : {false, true}) {
    const std::string a = format::EntityName(turned ? GetParam().b : GetParam().a);
    const std::string b = format::EntityName(turned ? GetParam().a : GetParam().b);
    const auto verdict = CompareNames(a, b);
    ASSERT_TRUE(verdict.has_value()) << a << " / " << b;
    EXPECT_EQ(verdict->reason, GetParam().reason) << a;
    EXPECT_GE(verdict->score, ResolveOptions().score_min);
    // And they meet in a block, or nobody would ask.
    if (verdict->reason == MergeReason::kName) continue;
    const auto blocks = BlocksOf(a);
    bool meet = false;
    for (const uint64_t block : BlocksOf(b)) meet = meet || std::ranges::find(blocks, block) != blocks.end();
    EXPECT_TRUE(meet) << a << " / " << b;
  }
}
constexpr Same kSame[] = {
    {"Ada Lovelace", "ada  lovelace", MergeReason::kName},
    {"J. Smith", "John Smith", MergeReason::kInitials},
    {"J. K. Rowling", "J.K. Rowling", MergeReason::kWords},
    {"J. K. Rowling", "Joanne K. Rowling", MergeReason::kInitials},
    {"John A. Smith", "John Smith", MergeReason::kInitials},
    {"Smith, John", "John Smith", MergeReason::kWords},
    {"Acme Widgets Inc.", "Acme Widgets", MergeReason::kWords},
    {"Acme Widgets Corp", "Acme Widgets Corporation", MergeReason::kWords},
    {"The Rolling Stones", "Rolling Stones", MergeReason::kWords},
    {"Tchaikovsky", "Tchaikovski", MergeReason::kSpelling},
    {"Massachusetts Institute of Technology", "Massachusets Institute of Technology", MergeReason::kSpelling},
    {"Mercury (planet)", "The Mercury (planet)", MergeReason::kWords},
};
INSTANTIATE_TEST_SUITE_P(Resolution, SameNames, testing::ValuesIn(kSame));

class OtherNames : public testing::TestWithParam<std::pair<std::string_view, std::string_view>> {};
TEST_P(OtherNames, AreNotTheSame) {
  const std::string a = format::EntityName(GetParam().first), b = format::EntityName(GetParam().second);
  EXPECT_FALSE(CompareNames(a, b).has_value()) << a << " / " << b;
  EXPECT_FALSE(CompareNames(b, a).has_value()) << a << " / " << b;
}
constexpr std::pair<std::string_view, std::string_view> kOther[] = {
    {"Apollo 11", "Apollo 12"},
    {"Henry IV", "Henry V"},
    {"World War I", "World War II"},
    {"Henry", "Henry VIII"},
    {"Iran", "Iraq"},
    {"North Korea", "South Korea"},
    {"John Smith", "Joan Smith"},
    {"J. Smith", "Mary Smith"},
    {"J. Smith", "J. Smyth"},
    {"John Smith", "John"},
    {"J. S.", "John Smith"},
    {"Mercury (planet)", "Mercury (element)"},
    {"Mercury (planet)", "Mercury"},
    {"Austria", "Australia"},
    {"interleukin", "interleukins"},
    {"Bank of America", "Bank of England"},
    {"Johannes Brahms", "Johannes Kepler"},
    {"New York", "New York City"},
    {"", "Ada"},
    {"2001", "2010"},
};
INSTANTIATE_TEST_SUITE_P(Resolution, OtherNames, testing::ValuesIn(kOther));

EntityRecord Entity(uint64_t id, std::string_view name, EntityType type = EntityType::kOther,
                    std::vector<std::string> aliases = {}) {
  return {id, format::EntityName(name), type, std::move(aliases), 0};
}

TEST(Resolver, ProposesEqualNamesAndAliases) {
  Resolver resolver;
  EXPECT_TRUE(resolver.Add(Entity(1, "World Health Organization", EntityType::kOrganisation, {"WHO"})).empty());
  EXPECT_EQ(resolver.Add(Entity(2, "WHO")), (std::vector<MergeProposal>{{1, 2, .95, MergeReason::kAlias}}));
  EXPECT_EQ(resolver.Add(Entity(3, "world health organization")),
            (std::vector<MergeProposal>{{1, 3, 1, MergeReason::kName}}));
  EXPECT_EQ(resolver.Add(Entity(4, "W.H.O. Geneva", EntityType::kOther, {"WHO"})),
            (std::vector<MergeProposal>{{2, 4, .95, MergeReason::kAlias}}));
}

TEST(Resolver, DifferentTypesAreDifferentThings) {
  Resolver resolver;
  (void)resolver.Add(Entity(1, "Paris", EntityType::kPlace));
  EXPECT_TRUE(resolver.Add(Entity(2, "Paris", EntityType::kPerson)).empty());
  EXPECT_EQ(resolver.Add(Entity(3, "Paris")).size(), 2u);
}

TEST(Resolver, AnAliasOfSeveralIsNobodys) {
  Resolver resolver;
  (void)resolver.Add(Entity(1, "Mercury (planet)", EntityType::kOther, {"Mercury"}));
  (void)resolver.Add(Entity(2, "Mercury (element)", EntityType::kOther, {"Mercury"}));
  EXPECT_TRUE(resolver.Add(Entity(3, "Mercury")).empty());
}

TEST(Resolver, AnInitialOfSeveralIsNobodys) {
  Resolver resolver;
  (void)resolver.Add(Entity(1, "John Smith", EntityType::kPerson));
  EXPECT_EQ(resolver.Add(Entity(2, "J. Smith", EntityType::kPerson)).size(), 1u);
  Resolver two;
  (void)two.Add(Entity(1, "John Smith", EntityType::kPerson));
  (void)two.Add(Entity(2, "Jane Smith", EntityType::kPerson));
  EXPECT_TRUE(two.Add(Entity(3, "J. Smith", EntityType::kPerson)).empty());
}

TEST(Resolver, HubsAreMergedByEqualNamesOnly) {
  Resolver resolver;
  EntityRecord hub = Entity(1, "Acme Widgets");
  hub.degree = 100'000;
  (void)resolver.Add(hub);
  EXPECT_TRUE(resolver.Add(Entity(2, "Acme Widgets Inc")).empty());
  EXPECT_EQ(resolver.Add(Entity(3, "Acme Widgets")).front().reason, MergeReason::kName);
}

TEST(Resolver, DatesAndNumbersAreNeverMerged) {
  Resolver resolver;
  (void)resolver.Add(Entity(1, "1987", EntityType::kDate));
  EXPECT_TRUE(resolver.Add(Entity(2, "1987", EntityType::kNumber)).empty());
  EXPECT_TRUE(resolver.Add(Entity(3, "1987")).empty());
}

TEST(Resolver, AKnownEntityOnlyBringsItsNewAliases) {
  Resolver resolver;
  (void)resolver.Add(Entity(1, "Robert Zimmerman"));
  (void)resolver.Add(Entity(2, "Bob Dylan"));
  EXPECT_TRUE(resolver.Add(Entity(2, "Bob Dylan")).empty());
  EXPECT_EQ(resolver.Add(Entity(2, "Bob Dylan", EntityType::kOther, {"Robert Zimmerman"})),
            (std::vector<MergeProposal>{{1, 2, .95, MergeReason::kAlias}}));
  EXPECT_EQ(resolver.size(), 2u);
}

TEST(Resolver, WhatHasNoNameIsNothing) {
  Resolver resolver;
  EXPECT_TRUE(resolver.Add(Entity(1, "")).empty());
  EXPECT_EQ(resolver.size(), 0u);
}

TEST(Resolver, OneOrderGivesOneAnswer) {
  const auto run = [] {
    Resolver resolver;
    std::vector<MergeProposal> all;
    for (uint64_t i = 0; i < 500; ++i) {
      const std::string name = "Person" + std::string(1, static_cast<char>('a' + i % 7)) + " Surname" +
                               std::string(1, static_cast<char>('a' + i % 5));
      for (const MergeProposal& proposal : resolver.Add(Entity(i, name))) all.push_back(proposal);
    }
    return all;
  };
  EXPECT_EQ(run(), run());
}

// Names that all share their blocks: without bounds this would be a hundred million comparisons.
TEST(Resolver, ManyAlikeAreNotComparedWithEachOther) {
  Resolver resolver;
  size_t proposals = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    std::string name = "Common Prefix ";
    for (uint64_t n = i; n > 0; n /= 26) name += static_cast<char>('a' + n % 26);
    proposals += resolver.Add(Entity(i, name + " Smith")).size();
  }
  EXPECT_EQ(resolver.size(), 20'000u);
  EXPECT_LE(proposals, 20'000u * ResolveOptions().candidates_max / 100);
}

}  // namespace
}  // namespace rhizome::extract
