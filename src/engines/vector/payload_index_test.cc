#include "engines/vector/payload_index.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <random>

#include "base/scratch_testing.h"

namespace rhizome::vector {
namespace {

namespace json = boost::json;

Filter Parse(std::string_view text) {
  auto filter = ParseFilter(json::parse(text));
  EXPECT_TRUE(filter.ok()) << filter.status().ToString() << " in " << text;
  return filter.ok() ? *filter : Filter{};
}

// Payloads and filters over a small vocabulary, so that conditions often hold.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  json::value Payload() { return Object(3); }

  json::value FilterJson(int depth) {
    const int kind = Below(depth > 0 ? 8 : 4);
    if (kind < 4) return Leaf(kind);
    if (kind == 4) return {{"not", FilterJson(depth - 1)}};
    if (kind == 5) return {{"field", Field()}, {"nested", FilterJson(depth - 1)}};
    json::array children;
    for (int i = Below(4); i > 0; --i) children.push_back(FilterJson(depth - 1));
    return {{kind == 6 ? "and" : "or", children}};
  }

  int Below(int end) { return static_cast<int>(random_() % static_cast<uint32_t>(end)); }

 private:
  std::string Key() {
    static constexpr const char* kKeys[] = {"a", "b", "c", "a.b", ""};
    return kKeys[Below(Below(6) == 0 ? 5 : 3)];
  }
  std::string Field() {
    std::string field(1, static_cast<char>('a' + Below(3)));
    for (int i = Below(3); i > 0; --i) field += "." + Key();
    return field;
  }
  json::value Scalar() {
    switch (Below(7)) {
      case 0: return nullptr;
      case 1: return Below(2) == 0;
      case 2: return Below(4) - 1;
      case 3: return (Below(8) - 2) / 2.0;
      case 4: return json::string("2024-05-0" + std::to_string(1 + Below(4)) + "T12:00:00Z");
      case 5: return uint64_t{1} << 63 | static_cast<uint64_t>(Below(2));
      default: return json::string(1, static_cast<char>('x' + Below(3)));
    }
  }
  json::value Object(int depth) {
    json::object object;
    for (int i = Below(4); i > 0; --i) object[Key()] = Value(depth);
    return object;
  }
  json::value Value(int depth) {
    const int kind = depth > 0 ? Below(6) : 0;
    if (kind < 3) return Scalar();
    if (kind == 3) return Object(depth - 1);
    json::array array;
    for (int i = Below(4); i > 0; --i) array.push_back(Value(depth - 1));
    return array;
  }
  json::value Bounds() {
    json::object bounds;
    const bool dates = Below(3) == 0;
    const auto bound = [&]() -> json::value {
      if (dates) return json::string("2024-05-0" + std::to_string(1 + Below(4)) + "T14:00:00+02:00");
      return Below(5) - 1;
    };
    const int which = Below(3);
    if (which != 0) bounds[Below(2) == 0 ? "gt" : "gte"] = bound();
    if (which != 1) bounds[Below(2) == 0 ? "lt" : "lte"] = bound();
    return bounds;
  }
  json::value Leaf(int kind) {
    json::object leaf{{"field", Field()}};
    if (kind == 0) leaf["match"] = Scalar();
    if (kind == 1) leaf["range"] = Bounds();
    if (kind == 2) leaf["exists"] = Below(2) == 0;
    if (kind == 3) {
      json::array values;
      for (int i = Below(4); i > 0; --i) values.push_back(Scalar());
      leaf["in"] = values;
    }
    return leaf;
  }

  std::mt19937 random_;
};

// Payloads by slot; slots that were skipped are empty.
struct Corpus {
  std::vector<json::value> payloads;

  // Every filter gives exactly the slots whose payload it matches, within the estimated bounds.
  void ExpectAgrees(const PayloadIndex& index, Generator& generator, int filters) const {
    const auto count = static_cast<Slot>(payloads.size());
    for (int i = 0; i < filters; ++i) {
      const json::value written = generator.FilterJson(3);
      const Filter filter = Parse(json::serialize(written));
      SlotSet expected(count);
      for (Slot slot = 0; slot < count; ++slot) {
        if (Matches(filter, payloads[slot])) expected.Add(slot);
      }
      const SlotSet found = index.Evaluate(filter, count);
      ASSERT_EQ(found.words(), expected.words()) << json::serialize(written);
      const Cardinality bounds = index.EstimateCardinality(filter, count);
      ASSERT_LE(bounds.low, expected.Count()) << json::serialize(written);
      ASSERT_GE(bounds.high, expected.Count()) << json::serialize(written);
      ASSERT_GE(bounds.expected, bounds.low - 1e-6) << json::serialize(written);
      ASSERT_LE(bounds.expected, bounds.high + 1e-6) << json::serialize(written);
    }
  }

  void AddTo(PayloadIndex& index, Generator& generator, int count) {
    for (int i = 0; i < count; ++i) {
      for (int skipped = generator.Below(3); skipped > 1; --skipped) payloads.push_back(json::object());
      payloads.push_back(generator.Payload());
      ASSERT_TRUE(index.Add(static_cast<Slot>(payloads.size() - 1), payloads.back()).ok());
    }
  }
};

TEST(PayloadIndex, AgreesWithMatchesInMemory) {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    Generator generator(seed);
    Corpus corpus;
    PayloadIndex index;
    corpus.AddTo(index, generator, 150);
    corpus.ExpectAgrees(index, generator, 100);
  }
}

TEST(PayloadIndex, AgreesWithMatchesAcrossGrowingFrozenSealedAndMergedParts) {
  const ScratchFolder folder;
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    Generator generator(100 + seed);
    Corpus corpus;
    PayloadIndex index;
    for (int segment = 0; segment < 4; ++segment) {
      corpus.AddTo(index, generator, 90);
      index.Freeze();
      if (segment == 2) continue;  // two frozen parts make one segment
      ASSERT_TRUE(index.WriteSegment(io::RealDisk(), folder.path(), "s" + std::to_string(segment)).ok());
    }
    corpus.AddTo(index, generator, 40);
    index.Freeze();
    corpus.AddTo(index, generator, 40);
    corpus.ExpectAgrees(index, generator, 60);
    const SlotSet everything(static_cast<Slot>(corpus.payloads.size()), true);
    ASSERT_TRUE(index.Merge(io::RealDisk(), folder.path(), {"s0", "s1"}, "m", everything).ok());
    corpus.ExpectAgrees(index, generator, 60);
    auto reopened = PayloadIndex::Open(io::RealDisk(), folder.path(), {"s3", "m"});
    ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
    corpus.payloads.resize((*reopened)->end_slot());
    corpus.ExpectAgrees(**reopened, generator, 60);
  }
}

TEST(PayloadIndex, MergeDropsDeadSlotsAndKeepsTheOthers) {
  const ScratchFolder folder;
  Generator generator(7);
  Corpus corpus;
  PayloadIndex index;
  for (const char* name : {"s0", "s1"}) {
    corpus.AddTo(index, generator, 200);
    index.Freeze();
    ASSERT_TRUE(index.WriteSegment(io::RealDisk(), folder.path(), name).ok());
  }
  SlotSet live(static_cast<Slot>(corpus.payloads.size()));
  for (Slot slot = 0; slot < live.size(); ++slot) {
    if (generator.Below(2) == 0) {
      live.Add(slot);
    } else {
      corpus.payloads[slot] = json::object();
    }
  }
  const uint64_t before = index.Segments()[0].bytes + index.Segments()[1].bytes;
  const auto merged = index.Merge(io::RealDisk(), folder.path(), {"s0", "s1"}, "m", live);
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  EXPECT_LT(merged->bytes, before);
  corpus.ExpectAgrees(index, generator, 200);
}

TEST(PayloadIndex, EstimateOfOneValueIsExact) {
  PayloadIndex index;
  for (Slot slot = 0; slot < 100; ++slot) ASSERT_TRUE(index.Add(slot, {{"year", slot % 4}}).ok());
  const Cardinality of = index.EstimateCardinality(Parse(R"({"field": "year", "match": 2})"), 100);
  EXPECT_TRUE(of.exact());
  EXPECT_EQ(of.low, 25);
}

TEST(PayloadIndex, EstimateAssumesConditionsAreIndependent) {
  PayloadIndex index;
  for (Slot slot = 0; slot < 1000; ++slot) ASSERT_TRUE(index.Add(slot, {{"a", slot % 10}, {"b", slot / 10 % 10}}).ok());
  const Filter both = Parse(R"({"and": [{"field": "a", "match": 1}, {"field": "b", "match": 1}]})");
  EXPECT_NEAR(index.EstimateCardinality(both, 1000).expected, 10, 1e-6);
}

TEST(PayloadIndex, SlotsMustAscend) {
  PayloadIndex index;
  ASSERT_TRUE(index.Add(5, json::object()).ok());
  EXPECT_EQ(index.Add(5, json::object()).code(), Code::kFailedPrecondition);
  EXPECT_EQ(index.Add(4, json::object()).code(), Code::kFailedPrecondition);
  EXPECT_EQ(index.Add(kNoSlot, json::object()).code(), Code::kFailedPrecondition);
  EXPECT_EQ(index.end_slot(), 6u);
}

TEST(PayloadIndex, WritingNothingIsNotFound) {
  const ScratchFolder folder;
  PayloadIndex index;
  index.Freeze();
  EXPECT_EQ(index.WriteSegment(io::RealDisk(), folder.path(), "s").status().code(), Code::kNotFound);
}

TEST(PayloadIndex, MergeRefusesSegmentsThatAreNoNeighbours) {
  const ScratchFolder folder;
  PayloadIndex index;
  for (Slot slot = 0; slot < 3; ++slot) {
    ASSERT_TRUE(index.Add(slot, {{"a", slot}}).ok());
    index.Freeze();
    ASSERT_TRUE(index.WriteSegment(io::RealDisk(), folder.path(), "s" + std::to_string(slot)).ok());
  }
  const SlotSet live(3, true);
  for (const std::vector<std::string>& inputs : {std::vector<std::string>{"s0", "s2"}, {"s1", "s0"}, {"other"}, {}}) {
    EXPECT_EQ(index.Merge(io::RealDisk(), folder.path(), inputs, "m", live).status().code(), Code::kInvalidArgument);
  }
}

TEST(PayloadIndex, OpenRefusesMissingAndOverlappingSegments) {
  const ScratchFolder folder;
  PayloadIndex index;
  ASSERT_TRUE(index.Add(0, {{"a", 1}}).ok());
  index.Freeze();
  ASSERT_TRUE(index.WriteSegment(io::RealDisk(), folder.path(), "s").ok());
  EXPECT_EQ(PayloadIndex::Open(io::RealDisk(), folder.path(), {"absent"}).status().code(), Code::kNotFound);
  EXPECT_EQ(PayloadIndex::Open(io::RealDisk(), folder.path(), {"s", "s"}).status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace rhizome::vector
