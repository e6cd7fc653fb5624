#include "engines/vector/codec.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engines/vector/graph/graph_test_data.h"

namespace rhizome::vector {
namespace {

struct Stored {
  std::vector<uint8_t> code;
  CodeFacts facts;
};

Stored Encoded(const Codec& codec, std::span<const float> vector) {
  Stored stored{std::vector<uint8_t>(codec.stride()), {}};
  stored.facts = codec.Encode(vector, stored.code.data());
  return stored;
}

float CodeDistance(const CodedQuery& query, const Stored& stored) {
  const uint32_t row = 0;
  int32_t dot = 0;
  BestCodeKernels().dot_rows(query.codes, stored.code.data(), stored.code.size(), &row, 1, &dot);
  return query.Distance(stored.facts, dot) + query.constant;
}

double Exact(Metric metric, std::span<const float> a, std::span<const float> b) {
  return metric == Metric::kDot ? -2 * DotFloat(a.data(), b.data(), a.size())
                                : SquaredDistanceFloat(a.data(), b.data(), a.size());
}

class EveryDimension : public testing::TestWithParam<Metric> {};
INSTANTIATE_TEST_SUITE_P(Metrics, EveryDimension, testing::Values(Metric::kDot, Metric::kL2));

TEST_P(EveryDimension, CodeDistancesAreNearTheExactOnes) {
  for (const size_t dimension : {1, 2, 3, 5, 8, 17, 63, 64, 65, 100, 127, 384, 385, 1000, 4096}) {
    const Rows rows = Clustered(21, dimension, 1, static_cast<uint32_t>(dimension));
    const Codec codec(GetParam(), {rows[20].begin(), rows[20].end()});
    const Stored stored = Encoded(codec, rows[0]);
    CodedQuery query, from_code;
    codec.PrepareCode(stored.code.data(), stored.facts, from_code);
    for (size_t i = 1; i < 20; ++i) {
      codec.PrepareQuery(rows[i], query);
      const double exact = Exact(GetParam(), rows[0], rows[i]);
      const double size = Exact(Metric::kL2, rows[i], rows[20]) + Exact(Metric::kL2, rows[0], rows[20]) + 1e-3;
      EXPECT_NEAR(CodeDistance(query, stored), exact, 0.03 * size) << dimension;
      EXPECT_NEAR(CodeDistance(from_code, Encoded(codec, rows[i])), exact, 0.03 * size) << dimension;
    }
  }
}

TEST_P(EveryDimension, ErrorsAreAsLargeAsTold) {
  const Rows rows = Clustered(2000, 96, 20, 5);
  const Codec codec(GetParam(), std::vector<float>(96, 0.1f));
  CodedQuery query;
  codec.PrepareQuery(rows[0], query);
  int beyond = 0;
  double mean = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    const Stored stored = Encoded(codec, rows[i]);
    const float distance = CodeDistance(query, stored);
    const double error = distance - codec.Surplus(query, stored.facts) - Exact(GetParam(), rows[0], rows[i]);
    const double deviation = codec.Deviation(query, stored.facts, distance);
    beyond += std::fabs(error) > 2.5 * deviation ? 1 : 0;
    mean += error / deviation / 2000;
  }
  EXPECT_LT(beyond, 100);
  EXPECT_LT(std::fabs(mean), 1.0);
}

TEST(Codec, TheCentreItselfAndTinyVectorsAreCoded) {
  const Codec codec(Metric::kL2, std::vector<float>(7, 2.0f));
  const std::vector<float> centre(7, 2.0f);
  const Stored stored = Encoded(codec, centre);
  EXPECT_EQ(stored.facts.scale, 0.0f);
  EXPECT_EQ(stored.facts.bias, 0.0f);
  const Codec zero(Metric::kL2, std::vector<float>(7, 0.0f));
  const Stored tiny = Encoded(zero, std::vector<float>(7, 1e-38f));
  CodedQuery query;
  zero.PrepareQuery(std::vector<float>(7, 1.0f), query);
  EXPECT_NEAR(CodeDistance(query, tiny), 7.0f, 0.1f);
}

TEST(Codec, AHugeOffsetFromTheCentreKeepsNearAndFarApart) {
  const Codec codec(Metric::kL2, std::vector<float>(64, 0.0f));
  std::vector<float> here(64, 100.0f), near = here, far = here;
  near[3] += 8;
  far[3] += 40;
  CodedQuery query;
  codec.PrepareQuery(here, query);
  EXPECT_LT(CodeDistance(query, Encoded(codec, near)), CodeDistance(query, Encoded(codec, far)));
}

}  // namespace
}  // namespace rhizome::vector
