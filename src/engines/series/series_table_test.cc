#include "engines/series/series_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace rhizome::series {
namespace {

using format::LabelPair;
using format::Labels;
using format::Matcher;
using format::MatchKind;
using testing::ElementsAre;
using testing::IsEmpty;

Labels Make(std::initializer_list<LabelPair> pairs) { return Labels::FromPairs(std::vector<LabelPair>(pairs)).value(); }

Matcher Match(std::string name, MatchKind kind, std::string value) {
  return Matcher::Make(kind, std::move(name), std::move(value)).value();
}

std::vector<SeriesNumber> NumbersOf(const SeriesSet& set) {
  std::vector<SeriesNumber> numbers(set.cardinality());
  set.toUint32Array(numbers.data());
  return numbers;
}

Labels Numbered(uint64_t n) {
  const std::string text = std::to_string(n);
  return Make({{"__name__", "m"}, {"n", text}});
}

TEST(SeriesTable, ASetHasOneNumber) {
  SeriesTable table;
  const Labels a = Make({{"__name__", "up"}, {"job", "x"}});
  const Labels b = Make({{"__name__", "up"}, {"job", "y"}});
  EXPECT_EQ(table.Find(a), SeriesTable::kNoSeries);
  EXPECT_EQ(table.FindOrAdd(a), 0u);
  EXPECT_EQ(table.FindOrAdd(b), 1u);
  EXPECT_EQ(table.FindOrAdd(a), 0u);
  EXPECT_EQ(table.FindOrAdd(Labels()), 2u);
  EXPECT_EQ(table.FindOrAdd(Labels()), 2u);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_TRUE(table.LabelsOf(1) == b.view());
}

TEST(SeriesTable, ManySeriesAreFoundOneByOneAndTogether) {
  SeriesTable table;
  std::vector<Labels> sets;
  std::vector<format::LabelsView> views;
  for (uint64_t n = 0; n < 5'000; ++n) sets.push_back(Numbered(n));
  for (uint64_t n = 0; n < 5'000; n += 2) table.FindOrAdd(sets[n]);
  for (const Labels& set : sets) views.push_back(set);
  std::vector<SeriesNumber> numbers(views.size());
  table.FindAll(views, numbers);
  for (uint64_t n = 0; n < 5'000; ++n) {
    EXPECT_EQ(numbers[n], n % 2 ? SeriesTable::kNoSeries : n / 2);
    EXPECT_EQ(table.Find(sets[n]), numbers[n]);
  }
}

TEST(SeriesTable, SetsWithTheSameTagAreTwoSeries) {
  // Among 200,000 sets some pair agrees in 32 bits of its fingerprint, as likely as not several.
  std::unordered_map<uint32_t, uint64_t> seen;
  int pairs = 0;
  for (uint64_t n = 0; n < 200'000; ++n) {
    const auto tag = static_cast<uint32_t>(Numbered(n).view().Fingerprint().second);
    const auto [at, fresh] = seen.try_emplace(tag, n);
    if (fresh) continue;
    ++pairs;
    SeriesTable table;
    EXPECT_EQ(table.FindOrAdd(Numbered(at->second)), 0u);
    EXPECT_EQ(table.Find(Numbered(n)), SeriesTable::kNoSeries);
    EXPECT_EQ(table.FindOrAdd(Numbered(n)), 1u);
    EXPECT_EQ(table.Find(Numbered(at->second)), 0u);
    table.Remove(0);
    EXPECT_EQ(table.Find(Numbered(n)), 1u);
  }
  EXPECT_GT(pairs, 0);
}

TEST(SeriesTable, RemovedSeriesAreGoneAndTheirMemoryWithThem) {
  SeriesTable table;
  for (uint64_t n = 0; n < 3'000; ++n) table.FindOrAdd(Numbered(n));
  const uint64_t full = table.memory_bytes();
  for (SeriesNumber n = 0; n < 3'000; ++n) table.Remove(n);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.index().pairs(), 0u);
  EXPECT_THAT(table.index().Names(), IsEmpty());
  EXPECT_EQ(table.Find(Numbered(5)), SeriesTable::kNoSeries);
  EXPECT_LT(table.memory_bytes(), full / 2);
  EXPECT_LT(table.FindOrAdd(Numbered(5)), 3'000u);  // a number given again
}

class PostingsTest : public testing::Test {
 protected:
  PostingsTest() {
    Add({{"__name__", "up"}, {"job", "web"}, {"zone", "a"}});
    Add({{"__name__", "up"}, {"job", "web"}, {"zone", "b"}});
    Add({{"__name__", "up"}, {"job", "db"}});
    Add({{"__name__", "load"}, {"job", "web-2"}});
  }
  void Add(std::initializer_list<LabelPair> pairs) { table_.FindOrAdd(Make(pairs)); }
  std::vector<SeriesNumber> Select(std::vector<Matcher> matchers) { return NumbersOf(table_.index().Select(matchers)); }
  SeriesTable table_;
};

TEST_F(PostingsTest, EveryComparison) {
  EXPECT_THAT(Select({Match("job", MatchKind::kEqual, "web")}), ElementsAre(0, 1));
  EXPECT_THAT(Select({Match("job", MatchKind::kNotEqual, "web")}), ElementsAre(2, 3));
  EXPECT_THAT(Select({Match("job", MatchKind::kRegex, "web.*")}), ElementsAre(0, 1, 3));
  EXPECT_THAT(Select({Match("job", MatchKind::kRegex, "web|db")}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Select({Match("job", MatchKind::kNotRegex, "web.*")}), ElementsAre(2));
  EXPECT_THAT(Select({Match("__name__", MatchKind::kEqual, "up"), Match("zone", MatchKind::kNotEqual, "a")}),
              ElementsAre(1, 2));
}

TEST_F(PostingsTest, TheEmptyValueIsThatOfALackingLabel) {
  EXPECT_THAT(Select({Match("zone", MatchKind::kEqual, "")}), ElementsAre(2, 3));
  EXPECT_THAT(Select({Match("zone", MatchKind::kNotEqual, "")}), ElementsAre(0, 1));
  EXPECT_THAT(Select({Match("zone", MatchKind::kRegex, "a|")}), ElementsAre(0, 2, 3));
  EXPECT_THAT(Select({Match("zone", MatchKind::kRegex, ".*")}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Select({Match("zone", MatchKind::kRegex, ".+")}), ElementsAre(0, 1));
  EXPECT_THAT(Select({Match("zone", MatchKind::kNotRegex, ".*")}), IsEmpty());
  EXPECT_THAT(Select({Match("none", MatchKind::kEqual, "")}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Select({Match("none", MatchKind::kNotEqual, "")}), IsEmpty());
  EXPECT_THAT(Select({}), ElementsAre(0, 1, 2, 3));
}

TEST(PostingsIndex, CountsSeriesByOneLabelAndThoseWithoutIt) {
  PostingsIndex index;
  const auto add = [&](SeriesNumber series, std::vector<format::LabelPair> pairs) {
    index.Add(series, format::Labels::FromPairs(pairs).value());
  };
  EXPECT_EQ(index.CountWith("t", ""), 0u);
  add(0, {{"a", "1"}});
  add(1, {{"a", "1"}, {"t", "x"}});
  add(2, {{"a", "2"}, {"t", "x"}});
  add(3, {{"t", "y"}});
  EXPECT_EQ(index.CountWith("t", "x"), 2u);
  EXPECT_EQ(index.CountWith("t", "y"), 1u);
  EXPECT_EQ(index.CountWith("t", "z"), 0u);
  EXPECT_EQ(index.CountWith("t", ""), 1u);
  EXPECT_EQ(index.CountWith("none", ""), 4u);
  EXPECT_EQ(index.CountWith("none", "x"), 0u);
}

TEST_F(PostingsTest, NamesAndValuesOfAllAndOfSome) {
  const PostingsIndex& index = table_.index();
  EXPECT_THAT(index.Names(), ElementsAre("__name__", "job", "zone"));
  EXPECT_THAT(index.Values("job"), ElementsAre("db", "web", "web-2"));
  EXPECT_THAT(index.Values("none"), IsEmpty());
  const std::vector<Matcher> db = {Match("job", MatchKind::kEqual, "db")};
  const SeriesSet some = index.Select(db);
  EXPECT_THAT(index.Names(&some), ElementsAre("__name__", "job"));
  EXPECT_THAT(index.Values("__name__", &some), ElementsAre("up"));
  table_.Remove(2);
  EXPECT_THAT(table_.index().Values("job"), ElementsAre("web", "web-2"));
}

// Random series come and go; the index selects what asking every filter about every series selects.
TEST(PostingsProperty, SelectionsAreThoseOfANaiveScan) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    SeriesTable table;
    std::map<std::string, SeriesNumber> model;
    const char* const names[] = {"a", "b", "c"};
    const char* const patterns[] = {"v1.*", "v1|v2", ".*", ".+", "", "v[0-4]5?", "|v7", ".*9", "v1", "nothing"};
    for (int step = 0; step < 800; ++step) {
      std::vector<std::string> values;
      std::vector<LabelPair> pairs;
      for (size_t i = 0; i < 3; ++i) values.push_back("v" + std::to_string(random() % (i == 2 ? 300 : 20)));
      for (size_t i = 0; i < 3; ++i) {
        if (random() % 4 != 0) pairs.push_back({names[i], values[i]});
      }
      const Labels labels = Labels::FromPairs(pairs).value();
      const std::string bytes(labels.bytes());
      if (random() % 3 != 0) {
        const SeriesNumber number = table.FindOrAdd(labels);
        EXPECT_EQ(model.try_emplace(bytes, number).first->second, number);
      } else if (!model.empty()) {
        auto victim = model.lower_bound(bytes);
        if (victim == model.end()) victim = model.begin();
        table.Remove(victim->second);
        model.erase(victim);
      }
      if (step % 10 != 0) continue;
      std::vector<Matcher> matchers;
      for (uint64_t i = random() % 4; i > 0; --i) {
        matchers.push_back(Match(names[random() % 3], static_cast<MatchKind>(random() % 4), patterns[random() % 10]));
      }
      std::set<SeriesNumber> wanted;
      for (const auto& [key, number] : model) {
        const auto view = format::LabelsView::Trusted(key);
        if (std::all_of(matchers.begin(), matchers.end(),
                        [&](const auto& f) { return f.Matches(view.Get(f.name())); })) {
          wanted.insert(number);
        }
      }
      EXPECT_THAT(NumbersOf(table.index().Select(matchers)), testing::ElementsAreArray(wanted));
    }
    EXPECT_EQ(table.size(), model.size());
  }
}

TEST(PostingsIndex, CardinalitiesAreTheLargestFirst) {
  PostingsIndex index;
  const Labels sets[] = {Make({{"__name__", "a"}, {"n", "1"}}), Make({{"__name__", "a"}, {"n", "22"}}),
                         Make({{"__name__", "b"}, {"n", "333"}}), Make({{"__name__", "c"}, {"z", "1"}})};
  for (SeriesNumber i = 0; i < 4; ++i) index.Add(i, sets[i]);
  const Cardinalities two = index.MeasureCardinalities(2);
  EXPECT_THAT(two.series_by_metric, ElementsAre(NamedCount{"a", 2}, NamedCount{"b", 1}));
  EXPECT_THAT(two.values_by_label, ElementsAre(NamedCount{"__name__", 3}, NamedCount{"n", 3}));
  EXPECT_THAT(two.value_bytes_by_label, ElementsAre(NamedCount{"n", 6}, NamedCount{"__name__", 3}));
  EXPECT_THAT(two.series_by_pair, ElementsAre(NamedCount{"__name__=a", 2}, NamedCount{"__name__=b", 1}));
  index.Remove(0, sets[0]);
  index.Remove(1, sets[1]);
  EXPECT_THAT(index.MeasureCardinalities(9).series_by_metric, ElementsAre(NamedCount{"b", 1}, NamedCount{"c", 1}));
  EXPECT_THAT(index.MeasureCardinalities(0).series_by_pair, IsEmpty());
}

}  // namespace
}  // namespace rhizome::series
