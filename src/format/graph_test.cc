#include "format/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "format/derivation_builder.h"
#include "format/graph_key.h"

namespace rhizome::format {
namespace {

PointId Named(std::string_view text) { return PointId::FromString(text).value(); }

Derivation Example() {
  DerivationBuilder builder;
  const auto ada = builder.Mention("Ada Lovelace", "person", 0, 2).value();
  const auto engine = builder.Mention("Analytical Engine", "machine", 3).value();
  builder.Alias(ada, "Countess of Lovelace");
  builder.AddFact({ada, "wrote about", engine, 0.5F, 0.25F, -100, 200, 3});
  builder.AddFact({engine, "described by", ada, 1, 1, kAlways, kForever, 3});
  return builder.Build();
}

std::vector<GraphOperation> EveryKind() {
  const GraphOrigin document{GraphOrigin::Kind::kDocument, Named("doc")};
  const GraphOrigin fact{GraphOrigin::Kind::kFact, PointId(uint64_t{7})};
  const EntityId ada = EntityIdOf("ada lovelace"), engine = EntityIdOf("analytical engine");
  return {{{1 << 16, 1}, PutDerivation{document, Example()}},
          {{2 << 16, 1}, PutFactOf(fact.id, {"Ada", "knows", "Charles"})},
          {{3 << 16, 2}, PutClosure{document, 17, true, 99, FactId{1, 2}}},
          {{4 << 16, 2}, PutClosure{fact, 0, false}},
          {{5 << 16, 2}, PutProperty{ada, std::string("a mathematician")}},
          {{6 << 16, 2}, PutProperty{ada, 0.5F}},
          {{7 << 16, 2}, PutProperty{ada, true}},
          {{8 << 16, 2}, PutProperty{ada, EntityState::kArchived}},
          {{9 << 16, 2}, PutAlias{ada, "the countess", true}},
          {{10 << 16, 2}, PutMerge{std::min(ada, engine), std::max(ada, engine), true}},
          {{}, CountAccess{ada, 3, 12, 1'700'000'000'000}},
          {{11 << 16, 2}, DeleteRegister{GraphKeyOf(document)}}};
}

TEST(GraphBatch, EveryKindRoundTrips) {
  EXPECT_THAT(DecodeGraphBatch(EncodeGraphBatch(EveryKind())).value(), testing::ContainerEq(EveryKind()));
}

TEST(GraphBatch, EventsAndCausesOfMergesRoundTrip) {
  const EntityId a{1, 2}, b{3, 4};
  const std::vector<GraphOperation> operations = {{{1 << 16, 2}, PutEvent{a, 1'700'000'000'000, 7, "what was done"}},
                                                  {{2 << 16, 2}, PutEvent{b, 0, UINT64_MAX, ""}},
                                                  {{3 << 16, 2}, PutMerge{a, b, true, MergeCause::kNames}},
                                                  {{4 << 16, 2}, PutMerge{a, b, false, MergeCause::kAlias}}};
  const std::string bytes = EncodeGraphBatch(operations);
  EXPECT_THAT(DecodeGraphBatch(bytes).value(), testing::ContainerEq(operations));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(DecodeGraphBatch(std::string_view(bytes).substr(0, n)).ok()) << n;
  const GraphKey key = ParseGraphKey(operations[0].Key()).value();
  EXPECT_EQ(key.kind, GraphKind::kEvent);
  EXPECT_EQ(key.entity, a);
  EXPECT_EQ(key.at_ms, 1'700'000'000'000);
  EXPECT_EQ(key.number, 7u);
  EXPECT_EQ(GraphPartitionOf(key, 7), GraphPartitionOf(ParseGraphKey(operations[2].Key()).value(), 7));
  EXPECT_FALSE(ParseGraphKey(EventKeyOf(a, -1, 0)).ok());
}

// The bytes in the golden file are what logs written by this version hold; they may never change meaning.
TEST(GraphBatch, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/graph_batch_v1.bin", std::ios::binary);
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), EncodeGraphBatch(EveryKind()));
  EXPECT_THAT(DecodeGraphBatch(golden.str()).value(), testing::ContainerEq(EveryKind()));
}

TEST(GraphBatch, EveryTruncationIsCorruption) {
  const std::string bytes = EncodeGraphBatch(EveryKind());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeGraphBatch(std::string_view(bytes).substr(0, n)).status().code(), Code::kCorruption) << n;
  }
  EXPECT_EQ(DecodeGraphBatch(bytes + "x").status().code(), Code::kCorruption);
}

TEST(GraphBatch, AFlippedByteNeverCrashesNorReadsBackOtherwise) {
  const std::string bytes = EncodeGraphBatch(EveryKind());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
      const auto read = DecodeGraphBatch(flipped);
      if (read.ok()) EXPECT_EQ(EncodeGraphBatch(*read), flipped) << i;
    }
  }
}

TEST(GraphBatch, WhatAFieldsAbsenceSaysMayNotBeWrittenOut) {
  Derivation derivation = Example();
  std::string bytes = EncodeDerivation(derivation);
  EXPECT_TRUE(DecodeDerivation(bytes).ok());
  derivation.facts.resize(1);
  derivation.facts[0] = {0, 1, "t", 2, 1, kAlways, kForever, {}};
  bytes = EncodeDerivation(derivation);
  const float one = 1;
  bytes.replace(bytes.size() - 5, 4, std::string(reinterpret_cast<const char*>(&one), 4));
  EXPECT_EQ(DecodeDerivation(bytes).status().code(), Code::kCorruption);
}

TEST(GraphBatch, TheDatabasesValueIsTheOperationsBody) {
  for (const GraphOperation& operation : EveryKind()) {
    if (std::holds_alternative<DeleteRegister>(operation.body)) continue;
    const auto body = DecodeGraphValue(operation.Key(), EncodeGraphValue(operation.body));
    ASSERT_TRUE(body.ok()) << body.status().ToString();
    EXPECT_EQ(*body, operation.body);
  }
  EXPECT_EQ(DecodeGraphValue("nothing", "").status().field(), "key");
}

TEST(GraphKey, EveryKeyIsReadBackAndItsHistorysToo) {
  for (const GraphOperation& operation : EveryKind()) {
    const std::string key = operation.Key();
    const auto parsed = ParseGraphKey(key);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(parsed->replaced, Version{});
    if (parsed->kind == GraphKind::kAccess) {
      EXPECT_EQ(ParseGraphKey(HistoryKeyOf(key, {5, 6})).status().field(), "key");
      continue;
    }
    auto replaced = ParseGraphKey(HistoryKeyOf(key, {5, 6}));
    ASSERT_TRUE(replaced.ok()) << replaced.status().ToString();
    EXPECT_EQ(replaced->replaced, (Version{5, 6}));
    replaced->replaced = {};
    EXPECT_EQ(*replaced, *parsed);
  }
}

TEST(GraphKey, WhatNoOperationWritesIsRefused) {
  const std::string document = GraphKeyOf({GraphOrigin::Kind::kDocument, Named("doc")});
  const EntityId low{1, 1}, high{2, 2};
  const std::string of_chunk =
      "d" + GraphOrigin{GraphOrigin::Kind::kDocument, PointId::OfChunk(Named("doc"), 0)}.id.Encode();
  std::string other_hash = document;
  other_hash[1] = static_cast<char>(other_hash[1] ^ 1);
  for (const std::string& key : {std::string(), std::string("x"), document.substr(0, 9), other_hash, of_chunk,
                                 "p" + low.Encode(), "p" + low.Encode() + "\x05", "m" + high.Encode() + low.Encode(),
                                 "m" + low.Encode() + low.Encode(), "n" + low.Encode() + "abc", "z" + document,
                                 "z" + document + std::string(12, '\0'), "a" + low.Encode() + std::string(600, 'x'),
                                 ClosureKeyOf({GraphOrigin::Kind::kDocument, Named("doc")}, 1).substr(0, 17)}) {
    EXPECT_EQ(ParseGraphKey(key).status().field(), "key") << testing::PrintToString(key);
  }
}

TEST(GraphKey, AnOriginsRegistersShareItsPartitionAndAnEntitysTheirs) {
  const GraphOrigin origin{GraphOrigin::Kind::kDocument, Named("doc")};
  const EntityId entity = EntityIdOf("ada");
  const auto partition = [](const std::string& key) { return GraphPartitionOf(ParseGraphKey(key).value(), 64); };
  EXPECT_EQ(partition(GraphKeyOf(origin)), GraphPartitionOf(origin.id, 64));
  EXPECT_EQ(partition(ClosureKeyOf(origin, 5)), GraphPartitionOf(origin.id, 64));
  EXPECT_EQ(partition(PropertyKeyOf(entity, PropertyField::kState)), partition(AliasKeyOf(entity, "x")));
  EXPECT_EQ(partition(AccessKeyOf(entity, 9)), partition(AliasKeyOf(entity, "x")));
}

TEST(FactIdentity, AFactKeepsItsIdWhenOnlyItsWeightEndAndChunksChange) {
  const GraphOrigin origin{GraphOrigin::Kind::kDocument, Named("doc")};
  Derivation derivation = Example();
  const FactId id = derivation.IdOf(origin, 0);
  DerivedFact& fact = derivation.facts[0];
  fact.weight = 3;
  fact.confidence = 1;
  fact.valid_until = 5;
  fact.chunks = {9};
  EXPECT_EQ(derivation.IdOf(origin, 0), id);
  fact.valid_from = 3;
  EXPECT_NE(derivation.IdOf(origin, 0), id);
  EXPECT_NE(Example().IdOf({GraphOrigin::Kind::kDocument, Named("other")}, 0), id);
  EXPECT_EQ(FactId::Parse(id.ToString()), id);
  EXPECT_EQ(FactId::Parse("no id"), std::nullopt);
}

TEST(DerivationBuilder, RepetitionsAndSpellingsBecomeOneEntity) {
  DerivationBuilder builder;
  EXPECT_EQ(builder.Mention("IBM", "company", 1), builder.Mention("ibm.", "", 0, 3));
  (void)builder.Mention("Ibm", "brand", 1, 1);
  EXPECT_EQ(builder.Entity(" \t"), std::nullopt);
  const Derivation built = builder.Build();
  ASSERT_EQ(built.entities.size(), 1u);
  EXPECT_EQ(built.entities[0].name, "ibm");
  EXPECT_EQ(built.entities[0].surface, "ibm.");
  EXPECT_EQ(built.entities[0].type, "brand");  // as often as "company", and smaller
  EXPECT_THAT(built.entities[0].mentions, testing::ElementsAre(ChunkCount{0, 3}, ChunkCount{1, 2}));
}

TEST(DerivationBuilder, ANameInItsNormalFormIsTakenAsItIs) {
  DerivationBuilder by_name, by_spelling;
  const auto ada = by_name.Known("ada lovelace", "Ada Lovelace", "person");
  by_name.Count(ada, 2);
  by_name.Count(ada, 2, 2);
  by_name.Count(ada, 5, 0);
  (void)by_spelling.Mention("Ada Lovelace", "person", 2, 3);
  EXPECT_EQ(by_name.Build(), by_spelling.Build());
}

TEST(DerivationBuilder, AFactSaidTwiceIsOneOfBothChunks) {
  DerivationBuilder builder;
  const auto a = builder.Entity("a").value(), b = builder.Entity("b").value();
  builder.AddFact({a, "knows", b, 1, 0.5F, 0, 10, 4});
  builder.AddFact({a, "knows", b, 2, 0.25F, 0, 20, 1});
  builder.AddFact({a, "knows", b, 1, 1, 5, 20, 1});
  const Derivation built = builder.Build();
  ASSERT_EQ(built.facts.size(), 2u);
  EXPECT_EQ(built.facts[0], (DerivedFact{0, 1, "knows", 2, 0.5F, 0, 20, {1, 4}}));
}

TEST(DerivationBuilder, TheSameClientsFactHasTheSameId) {
  EXPECT_EQ(DerivedFactId({"Ada", "knows", "Bob"}), DerivedFactId({"ADA", "knows", "bob."}));
  EXPECT_NE(DerivedFactId({"Ada", "knows", "Bob"}), DerivedFactId({"Bob", "knows", "Ada"}));
}

}  // namespace
}  // namespace rhizome::format
