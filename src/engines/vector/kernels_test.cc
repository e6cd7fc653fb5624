#include "engines/vector/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace rhizome::vector {
namespace {

std::vector<size_t> Lengths() {
  std::vector<size_t> lengths;
  for (size_t i = 1; i <= 260; ++i) lengths.push_back(i);
  for (const size_t i : {383, 384, 385, 511, 768, 1000, 1023, 1536, 2047, 4095, 4096}) lengths.push_back(i);
  return lengths;
}

std::vector<float> Random(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(length);
  for (float& x : values) x = normal(random);
  return values;
}

TEST(CodeKernels, EveryTargetAgreesWithScalarExactly) {
  const auto kernels = SupportedCodeKernels();
  std::mt19937 random(1);
  for (const size_t length : Lengths()) {
    const size_t stride = CodeStride(length);
    std::vector<int8_t> query(stride, 0);
    for (size_t i = 0; i < length; ++i) query[i] = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    std::vector<uint8_t> rows(stride * 23);
    for (uint8_t& x : rows) x = static_cast<uint8_t>(random());
    std::vector<uint32_t> ids;
    for (uint32_t i = 0; i < 23; ++i) ids.push_back((i * 7) % 23);
    for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{4}, size_t{23}}) {
      std::vector<int32_t> want(23, 5), got(23, 5);
      kernels[0]->dot_rows(query.data(), rows.data(), stride, ids.data(), count, want.data());
      for (const CodeKernels* kernel : kernels) {
        got.assign(23, 5);
        kernel->dot_rows(query.data(), rows.data(), stride, ids.data(), count, got.data());
        ASSERT_EQ(got, want) << kernel->name << " length " << length << " count " << count;
      }
    }
  }
}

TEST(CodeKernels, ExtremeBytesDoNotSaturate) {
  const size_t stride = 4096;
  const std::vector<uint32_t> ids{0};
  for (const int8_t q : {int8_t{-127}, int8_t{127}}) {
    for (const uint8_t c : {uint8_t{0}, uint8_t{1}, uint8_t{255}}) {
      const std::vector<int8_t> query(stride, q);
      const std::vector<uint8_t> row(stride, c);
      for (const CodeKernels* kernel : SupportedCodeKernels()) {
        int32_t out = 0;
        kernel->dot_rows(query.data(), row.data(), stride, ids.data(), 1, &out);
        EXPECT_EQ(out, 4096 * int{q} * int{c}) << kernel->name;
      }
    }
  }
}

// The body runs once per Highway target.
void CheckFloats(const char* target, void*) {
  for (const size_t length : Lengths()) {
    const auto a = Random(length, 2), b = Random(length, 3);
    double dot = 0, squared = 0, largest = 0;
    for (size_t i = 0; i < length; ++i) {
      dot += double{a[i]} * b[i];
      squared += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
      largest = std::max(largest, std::fabs(double{a[i]}));
    }
    const double slack = 1e-5 * static_cast<double>(length + 10);
    ASSERT_NEAR(DotFloat(a.data(), b.data(), length), dot, slack) << target << length;
    ASSERT_NEAR(SquaredDistanceFloat(a.data(), b.data(), length), squared, slack) << target << length;
    ASSERT_EQ(MaxAbsFloat(a.data(), length), static_cast<float>(largest)) << target << length;
    std::vector<int8_t> codes(length);
    QuantiseFloat(a.data(), length, 100, codes.data());
    for (size_t i = 0; i < length; ++i) {
      const float wanted = std::fmin(127.0f, std::fmax(-127.0f, std::nearbyintf(a[i] * 100)));
      ASSERT_EQ(codes[i], static_cast<int>(wanted)) << target << length;
    }
  }
}

TEST(FloatKernels, EveryTargetAgreesWithPlainLoops) { ForEachFloatTarget(CheckFloats, nullptr); }

void CheckHadamard(const char* target, void*) {
  for (size_t length = 1; length <= 4096; length *= 2) {
    const auto a = Random(length, 4);
    auto twice = a;
    HadamardFloat(twice.data(), length);
    ASSERT_NEAR(DotFloat(twice.data(), twice.data(), length), DotFloat(a.data(), a.data(), length),
                1e-4 * static_cast<double>(length))
        << target;
    HadamardFloat(twice.data(), length);
    for (size_t i = 0; i < length; ++i) ASSERT_NEAR(twice[i], a[i], 1e-4) << target << length;
  }
}

TEST(FloatKernels, HadamardIsItsOwnInverseAndKeepsLengths) { ForEachFloatTarget(CheckHadamard, nullptr); }

}  // namespace
}  // namespace rhizome::vector
