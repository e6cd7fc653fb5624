#include "ingest/relabel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/ingest_testing.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Pairs = std::vector<format::LabelPair>;

format::Labels Of(const Pairs& pairs) { return format::Labels::FromPairs(pairs).value(); }

// What rules make of a="foo", b="bar", c="baz", __name__="up"; "dropped" if they drop it.
std::string After(const std::string& rules) {
  const auto parsed = RelabelRules::Parse(rules);
  if (!parsed.ok()) return parsed.status().ToString();
  std::string out;
  if (!parsed->Apply(Of({{"__name__", "up"}, {"a", "foo"}, {"b", "bar"}, {"c", "baz"}}), out)) return "dropped";
  const auto labels = format::LabelsView::Check(out);
  return labels.ok() ? labels->ToString() : labels.status().ToString();
}

std::string RefusalOf(const std::string& rules) {
  const auto parsed = RelabelRules::Parse(rules);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument);
  return std::string(parsed.status().field()) + ": " + std::string(parsed.status().message());
}

const char kUntouched[] = "up{a=\"foo\", b=\"bar\", c=\"baz\"}";

TEST(RelabelRules, NothingChangesNothing) {
  EXPECT_EQ(After(""), kUntouched);
  EXPECT_EQ(After("[]"), kUntouched);
}

TEST(RelabelRules, ReplaceWritesWhatTheExpressionFound) {
  EXPECT_EQ(After("- source_labels: [a]\n  regex: f(.*)\n  target_label: d\n  replacement: ch${1}-ch${1}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"choo-choo\"}");
  EXPECT_EQ(After("- {source_labels: [a, b], regex: '(f).*;(.*)r', target_label: a, replacement: 'b$2${1}m'}"),
            "up{a=\"bbafm\", b=\"bar\", c=\"baz\"}");
  EXPECT_EQ(After("- {source_labels: [a], target_label: d}"), "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"foo\"}");
  EXPECT_EQ(After("- {target_label: d, replacement: fixed}"), "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"fixed\"}");
  EXPECT_EQ(After("- {source_labels: [a, absent, b], separator: '-', target_label: a}"),
            "up{a=\"foo--bar\", b=\"bar\", c=\"baz\"}");
}

TEST(RelabelRules, ReplaceMatchesTheWholeOrNothing) {
  EXPECT_EQ(After("- {source_labels: [a], regex: o, target_label: d}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [a], regex: 'f|fo', target_label: d}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [a], regex: 'f|foo', target_label: d, replacement: x}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"x\"}");
}

TEST(RelabelRules, AnEmptyReplacementDeletesTheLabel) {
  EXPECT_EQ(After("- {source_labels: [a], target_label: b, regex: f.*, replacement: ''}"), "up{a=\"foo\", c=\"baz\"}");
  EXPECT_EQ(After("- {source_labels: [absent], target_label: b}"), "up{a=\"foo\", c=\"baz\"}");
}

TEST(RelabelRules, ReferencesMayHaveNamesAndDollarsStandForThemselves) {
  EXPECT_EQ(
      After("- {source_labels: [a], regex: '(?P<first>f)(.*)', target_label: a, replacement: '${first}$2$$1$-$3$01'}"),
      "up{a=\"foo$1$-\", b=\"bar\", c=\"baz\"}");
  EXPECT_EQ(After("- {source_labels: [a], regex: '(f)(.*)', target_label: a, replacement: '$1x${1}x'}"),
            "up{a=\"fx\", b=\"bar\", c=\"baz\"}");
}

TEST(RelabelRules, TheTargetMayBeATemplate) {
  EXPECT_EQ(After("- {source_labels: [a], regex: '(f)(oo)', target_label: '${1}_x', replacement: $2}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", f_x=\"oo\"}");
  EXPECT_EQ(After("- {source_labels: [a], regex: '(f)(oo)()', target_label: '$3', replacement: $2}"), kUntouched);
}

TEST(RelabelRules, KeepAndDropDecide) {
  EXPECT_EQ(After("- {source_labels: [a], regex: foo, action: keep}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [a], regex: no, action: keep}"), "dropped");
  EXPECT_EQ(After("- {source_labels: [a], regex: '.*o.*', action: drop}"), "dropped");
  EXPECT_EQ(After("- {source_labels: [a], regex: f, action: drop}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [a], target_label: b}\n- {source_labels: [b], regex: foo, action: DROP}"),
            "dropped");
}

TEST(RelabelRules, KeepEqualAndDropEqualCompare) {
  EXPECT_EQ(After("- {source_labels: [a], target_label: a, action: keepequal}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [a], target_label: b, action: keepequal}"), "dropped");
  EXPECT_EQ(After("- {source_labels: [a], target_label: a, action: dropequal}"), "dropped");
  EXPECT_EQ(After("- {source_labels: [a], target_label: b, action: dropequal}"), kUntouched);
  EXPECT_EQ(After("- {source_labels: [absent], target_label: also_absent, action: dropequal}"), "dropped");
}

TEST(RelabelRules, HashModIsThatOfPrometheus) {
  EXPECT_EQ(After("- {target_label: d, source_labels: [c], modulus: 1000, action: hashmod}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"976\"}");
  EXPECT_EQ(After("- {target_label: d, source_labels: [a, b], modulus: 18446744073709551615, action: hashmod}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", d=\"15973639978189266750\"}");
}

TEST(RelabelRules, LabelMapDropAndKeepGoByNames) {
  EXPECT_EQ(After("- {regex: '([ab])', replacement: 'new_$1', action: labelmap}"),
            "up{a=\"foo\", b=\"bar\", c=\"baz\", new_a=\"foo\", new_b=\"bar\"}");
  EXPECT_EQ(After("- {regex: '(a|b)', action: labeldrop}"), "up{c=\"baz\"}");
  EXPECT_EQ(After("- {regex: '__name__|a', action: labelkeep}"), "up{a=\"foo\"}");
  EXPECT_EQ(After("- {regex: '.*', action: labeldrop}"), "{}");
}

TEST(RelabelRules, CaseChangesByLetter) {
  EXPECT_EQ(After("- {source_labels: [a, b], separator: 'Äß', target_label: a, action: uppercase}"),
            "up{a=\"FOOÄßBAR\", b=\"bar\", c=\"baz\"}");
  EXPECT_EQ(After("- {target_label: a, replacement: ÀB}\n- {source_labels: [a], target_label: a, action: lowercase}"),
            "up{a=\"àb\", b=\"bar\", c=\"baz\"}");
}

TEST(RelabelRules, MistakesAreNamedByFieldAndLine) {
  EXPECT_THAT(RefusalOf("a: b"), HasSubstr("relabel_configs (line 1): a list"));
  EXPECT_THAT(RefusalOf("- x"), HasSubstr("relabel_configs[0] (line 1): a rule is a mapping"));
  EXPECT_THAT(RefusalOf("- {target_label: a}\n- {target: a}"),
              HasSubstr("relabel_configs[1].target (line 2): there is no such field"));
  EXPECT_THAT(RefusalOf("- {action: sink}"), HasSubstr("\"sink\" is none of replace, keep"));
  EXPECT_THAT(RefusalOf("- {source_labels: a}"), HasSubstr("target_label (line 1): action replace needs it"));
  EXPECT_THAT(RefusalOf("- {source_labels: a, target_label: b}"), HasSubstr("a list of label names"));
  EXPECT_THAT(RefusalOf("- {source_labels: [a-b], target_label: b}"), HasSubstr("\"a-b\" is no label name"));
  EXPECT_THAT(RefusalOf("- {target_label: [a]}"), HasSubstr("a text is expected"));
  EXPECT_THAT(RefusalOf("- {target_label: 'a b'}"), HasSubstr("\"a b\" cannot become a label name"));
  EXPECT_THAT(RefusalOf("- {target_label: '$1', action: lowercase}"), HasSubstr("\"$1\" is no label name"));
  EXPECT_THAT(RefusalOf("- {target_label: a, regex: '('}"), HasSubstr("regex (line 1): missing )"));
  EXPECT_THAT(RefusalOf("- {target_label: a, action: hashmod}"), HasSubstr("action hashmod needs it"));
  EXPECT_THAT(RefusalOf("- {target_label: a, action: hashmod, modulus: 0}"), HasSubstr("no whole number above 0"));
  EXPECT_THAT(RefusalOf("- {target_label: a, action: hashmod, modulus: x}"), HasSubstr("no whole number above 0"));
  EXPECT_THAT(RefusalOf("- {action: labeldrop, regex: a, source_labels: [a]}"), HasSubstr("has no use for it"));
  EXPECT_THAT(RefusalOf("- {action: keepequal, target_label: a, regex: a}"), HasSubstr("has no use for it"));
  EXPECT_THAT(RefusalOf("- {action: uppercase, target_label: a, replacement: a}"), HasSubstr("has no use for it"));
  EXPECT_THAT(RefusalOf("- {action: labelmap, regex: a, replacement: 'a b'}"), HasSubstr("cannot become a label name"));
  EXPECT_THAT(RefusalOf("- {a: 1"), HasSubstr("line "));
}

std::string BatchOf(const std::vector<format::Labels>& sets) {
  format::SeriesBatchBuilder builder;
  for (size_t i = 0; i < sets.size(); ++i) {
    builder.Add(builder.SeriesOf(sets[i]), 100 + static_cast<int64_t>(i), static_cast<double>(i));
  }
  return builder.Encode({5, 1});
}

std::vector<Row> RowsIn(const std::string& bytes) {
  const auto batch = format::SeriesBatch::Decode(bytes);
  if (!batch.ok()) return {Row(batch.status().ToString(), 0, 0)};
  EXPECT_EQ(batch->version(), (Version{5, 1}));
  std::vector<Row> rows;
  batch->ForEachRow([&](uint32_t series, int64_t time, double value) {
    rows.emplace_back(batch->LabelsOf(series).ToString(), time, value);
  });
  return rows;
}

TEST(Relabeller, ABatchThatDoesNotChangeIsLeftAlone) {
  Relabeller relabeller(RelabelRules::Parse("- {source_labels: [job], regex: x, action: drop}").value());
  const std::string bytes = BatchOf({Of({{"__name__", "up"}, {"job", "a"}}), Of({{"__name__", "up"}, {"job", "b"}})});
  const Relabelled done = relabeller.Apply(format::SeriesBatch::Trusted(bytes), {});
  EXPECT_FALSE(done.batch.has_value());
  EXPECT_EQ(done.dropped, 0u);
}

TEST(Relabeller, SeriesAreDroppedChangedAndMergedTogetherWithTheirSamples) {
  Relabeller relabeller(
      RelabelRules::Parse("- {source_labels: [job], regex: x, action: drop}\n"
                          "- {regex: pod, action: labeldrop}\n"
                          "- {source_labels: [job], regex: bad, target_label: __name__, replacement: 'a b'}")
          .value());
  const std::string bytes =
      BatchOf({Of({{"__name__", "up"}, {"job", "a"}, {"pod", "1"}}), Of({{"__name__", "up"}, {"job", "x"}}),
               Of({{"__name__", "up"}, {"job", "a"}, {"pod", "2"}}), Of({{"__name__", "up"}, {"job", "bad"}}),
               Of({{"__name__", "up"}})});
  const Relabelled done = relabeller.Apply(format::SeriesBatch::Trusted(bytes), {});
  ASSERT_TRUE(done.batch.has_value());
  EXPECT_THAT(RowsIn(*done.batch),
              ElementsAre(Row("up{job=\"a\"}", 100, 0), Row("up{job=\"a\"}", 102, 2), Row("up", 104, 4)));
  EXPECT_EQ(done.dropped, 1u);
  EXPECT_EQ(done.refused, 1u);
  ASSERT_EQ(done.reasons.size(), 1u);
  EXPECT_EQ(done.reasons[0].field(), "relabel_configs");
  EXPECT_THAT(std::string(done.reasons[0].message()),
              HasSubstr("up{job=\"bad\"} once relabelled: \"a b\" is no metric name"));
}

TEST(Relabeller, ASeriesThatLosesAllItsLabelsIsDropped) {
  Relabeller relabeller(RelabelRules::Parse("- {regex: '.*', action: labeldrop}").value());
  const std::string bytes = BatchOf({Of({{"__name__", "up"}})});
  const Relabelled done = relabeller.Apply(format::SeriesBatch::Trusted(bytes), {});
  EXPECT_EQ(done.dropped, 1u);
  EXPECT_THAT(RowsIn(*done.batch), ::testing::IsEmpty());
}

TEST(Relabeller, AKnownSeriesIsNotEvaluatedAgain) {
  Relabeller relabeller(RelabelRules::Parse("- {regex: pod, action: labeldrop}").value());
  const std::string bytes = BatchOf({Of({{"__name__", "up"}, {"pod", "1"}}), Of({{"__name__", "up"}})});
  for (int i = 0; i < 10; ++i) {
    const Relabelled done = relabeller.Apply(format::SeriesBatch::Trusted(bytes), {});
    EXPECT_THAT(RowsIn(*done.batch), ElementsAre(Row("up", 100, 0), Row("up", 101, 1)));
  }
  EXPECT_EQ(relabeller.lookups(), 20u);
  EXPECT_EQ(relabeller.evaluations(), 2u);
}

TEST(Relabeller, WhatIsUsedIsRememberedWhenMemoryIsShort) {
  Relabeller relabeller(RelabelRules::Parse("- {regex: pod, action: labeldrop}").value(), 4'000);
  const std::string often = BatchOf({Of({{"__name__", "often"}, {"pod", "1"}})});
  relabeller.Apply(format::SeriesBatch::Trusted(often), {});
  for (int i = 0; i < 200; ++i) {
    const std::string name = "m" + std::to_string(i);
    relabeller.Apply(format::SeriesBatch::Trusted(BatchOf({Of({{"__name__", name}})})), {});
    const Relabelled done = relabeller.Apply(format::SeriesBatch::Trusted(often), {});
    EXPECT_THAT(RowsIn(*done.batch), ElementsAre(Row("often", 100, 0)));
  }
  EXPECT_EQ(relabeller.evaluations(), 201u);
}

TEST(Relabeller, WithoutRulesNothingIsLookedAt) {
  Relabeller relabeller{RelabelRules()};
  const std::string bytes = BatchOf({Of({{"__name__", "up"}})});
  EXPECT_FALSE(relabeller.Apply(format::SeriesBatch::Trusted(bytes), {}).batch.has_value());
  EXPECT_EQ(relabeller.lookups(), 0u);
}

}  // namespace
}  // namespace rhizome::ingest
