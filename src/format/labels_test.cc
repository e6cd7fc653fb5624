#include "format/labels.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "format/coding.h"

namespace rhizome::format {
namespace {

using Pairs = std::vector<LabelPair>;

Labels Of(const Pairs& pairs) { return Labels::FromPairs(pairs).value(); }

std::string Bytes(const Pairs& pairs) {
  std::string out;
  for (const LabelPair& pair : pairs) {
    PutBytes(out, pair.name);
    PutBytes(out, pair.value);
  }
  return out;
}

TEST(Labels, AreSortedWhateverTheOrderTheyCameIn) {
  const Labels labels = Of({{"job", "a"}, {"__name__", "up"}, {"instance", "b"}});
  EXPECT_EQ(Pairs(labels.begin(), labels.end()), (Pairs{{"__name__", "up"}, {"instance", "b"}, {"job", "a"}}));
  EXPECT_EQ(labels, Of({{"instance", "b"}, {"job", "a"}, {"__name__", "up"}}));
}

TEST(Labels, AnEmptyValueIsNoLabel) {
  EXPECT_EQ(Of({{"a", "1"}, {"b", ""}}), Of({{"a", "1"}}));
  EXPECT_TRUE(Of({{"b", ""}}).empty());
}

TEST(Labels, RefuseRepeatedAndEmptyNamesAndWhatIsNotUtf8) {
  EXPECT_EQ(Labels::FromPairs(Pairs{{"a", "1"}, {"a", "2"}}).status().message(), "label \"a\" is given twice");
  EXPECT_EQ(Labels::FromPairs(Pairs{{"", "1"}}).status().message(), "a label without a name");
  EXPECT_EQ(Labels::FromPairs(Pairs{{"a", "\xff"}}).status().field(), "labels");
}

TEST(Labels, GetFindsAValueOrNothing) {
  const Labels labels = Of({{"b", "2"}, {"d", std::string(300, 'x')}});
  EXPECT_EQ(labels.Get("b"), "2");
  EXPECT_EQ(labels.Get("d"), std::string(300, 'x'));
  EXPECT_EQ(labels.Get("a"), "");
  EXPECT_EQ(labels.Get("c"), "");
  EXPECT_EQ(labels.Get("e"), "");
}

TEST(Labels, OrderIsByPairsAndAPrefixComesFirst) {
  const std::vector<Labels> ascending = {
      Of({}),           Of({{"a", "1"}}),  Of({{"a", "1"}, {"b", "1"}}),      Of({{"a", "10"}}),
      Of({{"a", "2"}}), Of({{"aa", "0"}}), Of({{"b", std::string(200, 'a')}})};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) EXPECT_EQ(ascending[i] <=> ascending[j], i <=> j) << i << ' ' << j;
  }
}

TEST(Labels, ABuilderSetsReplacesAndDeletes) {
  const Labels base = Of({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_EQ(LabelsBuilder(base).Set("b", "x").Set("aa", "y").Delete("c").Build(),
            Of({{"a", "1"}, {"aa", "y"}, {"b", "x"}}));
  EXPECT_EQ(LabelsBuilder(base).Delete("absent").Build(), base);
}

TEST(Labels, ABuilderKeepsOrDeletesANamedFew) {
  const Labels base = Of({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const std::vector<std::string> names = {"a", "c", "z"};
  EXPECT_EQ(LabelsBuilder(base).Keep(names).Build(), Of({{"a", "1"}, {"c", "3"}}));
  EXPECT_EQ(LabelsBuilder(base).Delete(names).Build(), Of({{"b", "2"}}));
}

TEST(Labels, PrintAsASelectorDoes) {
  EXPECT_EQ(Of({{"__name__", "up"}, {"a", "x\"\\\n\x01"}, {"b", "é"}}).view().ToString(),
            "up{a=\"x\\\"\\\\\\n\\x01\", b=\"é\"}");
  EXPECT_EQ(Of({{"__name__", "up"}}).view().ToString(), "up");
  EXPECT_EQ(Of({}).view().ToString(), "{}");
}

TEST(Labels, CheckTakesWhatABuilderMade) {
  const Labels labels = Of({{"a", "1"}, {"b", std::string(1000, 'v')}});
  EXPECT_EQ(LabelsView::Check(labels.bytes()).value(), labels.view());
  EXPECT_TRUE(LabelsView::Check("").value().empty());
}

TEST(Labels, CheckRefusesWhatIsNotCanonical) {
  for (const Pairs& pairs : {Pairs{{"b", "1"}, {"a", "1"}}, Pairs{{"a", "1"}, {"a", "1"}}, Pairs{{"a", ""}},
                             Pairs{{"", "1"}}, Pairs{{"a", "\xc0\x80"}}}) {
    EXPECT_EQ(LabelsView::Check(Bytes(pairs)).status().code(), Code::kCorruption);
  }
  const std::string whole = Bytes({{"a", "1"}, {"b", "22"}});
  for (size_t length = 1; length < whole.size(); ++length) {
    EXPECT_EQ(LabelsView::Check(whole.substr(0, length)).ok(), length == 4) << length;
  }
  EXPECT_FALSE(LabelsView::Check(std::string("\x81\x00"
                                             "a\x01"
                                             "1",
                                             5))
                   .ok());  // a longer form of the length
}

TEST(Labels, NamesOfMetricsAndLabels) {
  EXPECT_TRUE(IsMetricName("a:b_9"));
  EXPECT_FALSE(IsMetricName("9a"));
  EXPECT_FALSE(IsMetricName(""));
  EXPECT_TRUE(IsLabelName("_a9"));
  EXPECT_FALSE(IsLabelName("a:b"));
  EXPECT_FALSE(IsLabelName("a-b"));
}

TEST(Labels, GoldenBytesAndHashes) {
  std::ifstream file(std::string(RHIZOME_SOURCE_DIR) + "/src/format/testdata/labels_v1.bin", std::ios::binary);
  std::stringstream golden;
  golden << file.rdbuf();
  const Labels labels = Of({{"__name__", "http_requests_total"}, {"code", "200"}, {"zone", "nörd"}});
  EXPECT_EQ(labels.bytes(), golden.str());
  EXPECT_EQ(labels.view().Hash(), 849008167896763002ull);
  EXPECT_EQ(labels.view().Fingerprint(),
            (std::pair<uint64_t, uint64_t>(14779183828924368392ull, 17091459147851381120ull)));
}

}  // namespace
}  // namespace rhizome::format
