#include "engines/graph/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engines/graph/engine_testing.h"
#include "format/coding.h"

namespace rhizome::graph {
namespace {

StateRow ExampleState() { return {17, {5, 1}, {3, 2}, {1, 2, 3, 4, 5}}; }
StoredRegister ExampleValue() { return {{9, 1}, false, {4, 2}, "value"}; }
Posting ExamplePosting() { return {3, {{0, 2}, {7, 1}}, {{1, true, false}, {2, false, true}, {300, true, true}}}; }
StatisticsRow ExampleStatistics() {
  return {{"ada lovelace", 3, 4, 300, 5, {{"machine", 1}, {"person", 299}}}, "", ""};
}
StatisticsRow ExampleOfOneOrigin() { return {{"bob", 1, 1, 2, 0, {}}, "place of bob", "posting"}; }

// One of each, as strings behind each other.
std::string Everything() {
  std::string out;
  std::string posting, rank;
  AppendPosting(posting, ExamplePosting());
  AppendRank(rank, 0.5F, 3);
  for (const std::string& row :
       {EncodeState(ExampleState()), EncodeStored(ExampleValue()), EncodeStored({{8, 1}, true, {8, 1}, {}}),
        EncodeStored({{8, 1}, false, {}, "v"}), posting, rank, EncodeStatistics(ExampleStatistics()),
        EncodeStatistics(ExampleOfOneOrigin()), NameKeyOf("ada", {1, 2}, kNameOwner),
        TablePrefix(ShardPrefix(7), Table::kPostings)}) {
    format::PutBytes(out, row);
  }
  return out;
}

// The bytes in the golden file are what databases written by this version hold; they may never change meaning.
TEST(GraphRows, GoldenFileIsWhatIsWritten) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/graph/testdata/rows_v1.bin", std::ios::binary);
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), Everything());
}

TEST(GraphRows, EveryRowIsReadBack) {
  EXPECT_EQ(DecodeState(EncodeState(ExampleState())).value(), ExampleState());
  EXPECT_EQ(DecodeStored(EncodeStored(ExampleValue())).value(), ExampleValue());
  std::string posting;
  AppendPosting(posting, ExamplePosting());
  EXPECT_EQ(DecodePosting(posting).value(), ExamplePosting());
  EXPECT_EQ(DecodeStatistics(EncodeStatistics(ExampleStatistics())).value(), ExampleStatistics());
  EXPECT_EQ(DecodeStatistics(EncodeStatistics(ExampleOfOneOrigin())).value(), ExampleOfOneOrigin());
  EXPECT_EQ(ParseNameKey(NameKeyOf("ada", {1, 2}, kNameOwner)).value(), (NameEntry{"ada", {1, 2}, false}));
  EXPECT_EQ(ParseNameKey(NameKeyOf("ada", {1, 2}, "d123")).value(), (NameEntry{"ada", {1, 2}, true}));
}

TEST(GraphRows, EveryTruncationIsCorruption) {
  std::string posting;
  AppendPosting(posting, ExamplePosting());
  const std::string state = EncodeState(ExampleState()), statistics = EncodeStatistics(ExampleStatistics());
  for (size_t n = 0; n < state.size(); ++n)
    EXPECT_EQ(DecodeState(state.substr(0, n)).status().code(), Code::kCorruption);
  for (size_t n = 0; n < posting.size(); ++n) {
    EXPECT_EQ(DecodePosting(posting.substr(0, n)).status().code(), Code::kCorruption);
  }
  for (size_t n = 0; n < statistics.size(); ++n) {
    EXPECT_EQ(DecodeStatistics(statistics.substr(0, n)).status().code(), Code::kCorruption);
  }
  for (size_t n = 0; n < 25; ++n) {
    EXPECT_EQ(DecodeStored(EncodeStored(ExampleValue()).substr(0, n)).status().code(), Code::kCorruption) << n;
  }
  for (size_t n = 0; n < 21; ++n) {
    EXPECT_EQ(ParseNameKey(NameKeyOf("ada", {1, 2}, kNameOwner).substr(0, n)).status().code(), Code::kCorruption);
  }
}

TEST(GraphRows, AStateOfAnotherFormatIsCorruption) {
  std::string state = EncodeState(ExampleState());
  state[0] = 2;
  EXPECT_EQ(DecodeState(state).status().code(), Code::kCorruption);
}

TEST(GraphRows, RanksSortTheHeaviestFirstThenWhoMentionsMostAndThoseWithoutFactsLast) {
  const auto rank = [](std::optional<float> weight, uint64_t mentions) {
    std::string out;
    AppendRank(out, weight, mentions);
    return out;
  };
  const std::vector<std::string> ranks = {rank(3e38F, 0),  rank(2, 0), rank(1, 300), rank(1, 254), rank(1, 0),
                                          rank(1e-30F, 9), rank(0, 9), rank({}, 9),  rank({}, 0)};
  for (size_t i = 1; i < ranks.size(); ++i) EXPECT_LT(ranks[i - 1], ranks[i]) << i;
  EXPECT_EQ(rank(0.0F, 1), rank(-0.0F, 1));
  EXPECT_TRUE(ranks[7].starts_with(kNoFacts));
  EXPECT_FALSE(ranks[6].starts_with(kNoFacts));
}

TEST(GraphRows, APlaceAmongFactsIsReadBackAndWhatIsNoneIsRefused) {
  std::string origin;
  AppendRank(origin, 1.0F, 0);
  origin += format::GraphKeyOf(DocumentOf("doc"));
  const FactPlace place{origin, 70'000};
  EXPECT_EQ(FactPlace::Decode(place.Encode()).value(), place);
  EXPECT_EQ(FactPlace::Decode("").status().field(), "after");
  EXPECT_EQ(FactPlace::Decode("0123456789").status().field(), "after");
}

}  // namespace
}  // namespace rhizome::graph
