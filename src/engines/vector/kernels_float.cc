// Float kernels, compiled once per Highway target and dispatched at run time.
#include <bit>
#include <cmath>

#include "engines/vector/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engines/vector/kernels_float.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rhizome::vector::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;

float Dot(const float* a, const float* b, size_t length) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * lanes <= length; i += 4 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), sum1);
    sum2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), sum2);
    sum3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), sum3);
  }
  for (; i + lanes <= length; i += lanes) sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < length; ++i) total += a[i] * b[i];
  return total;
}

float SquaredDistance(const float* a, const float* b, size_t length) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= length; i += 2 * lanes) {
    const auto d0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const auto d1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    sum0 = hn::MulAdd(d0, d0, sum0);
    sum1 = hn::MulAdd(d1, d1, sum1);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  for (; i < length; ++i) total += (a[i] - b[i]) * (a[i] - b[i]);
  return total;
}

float MaxAbs(const float* a, size_t length) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  auto best = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= length; i += lanes) best = hn::Max(best, hn::Abs(hn::LoadU(d, a + i)));
  float result = hn::GetLane(hn::MaxOfLanes(d, best));
  for (; i < length; ++i) result = result < std::fabs(a[i]) ? std::fabs(a[i]) : result;
  return result;
}

void Quantise(const float* a, size_t length, float inverse_scale, int8_t* codes) {
  const FloatTag d;
  const hn::Rebind<int32_t, FloatTag> d32;
  const hn::Rebind<int8_t, FloatTag> d8;
  const size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, inverse_scale);
  const auto low = hn::Set(d32, -127);
  size_t i = 0;
  for (; i + lanes <= length; i += lanes) {
    // DemoteTo saturates at the upper end; the lower end must not become -128.
    const auto rounded = hn::Max(hn::NearestInt(hn::Mul(hn::LoadU(d, a + i), scale)), low);
    hn::StoreU(hn::DemoteTo(d8, rounded), d8, codes + i);
  }
  for (; i < length; ++i) {
    const float rounded = std::nearbyintf(a[i] * inverse_scale);
    codes[i] = static_cast<int8_t>(rounded > 127 ? 127 : rounded < -127 ? -127 : rounded);
  }
}

// Butterflies at least one vector wide; the narrow ones are plain loops the compiler vectorises by itself.
void Hadamard(float* a, size_t length) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  for (size_t half = 1; half < length; half *= 2) {
    for (size_t block = 0; block < length; block += 2 * half) {
      float* low = a + block;
      float* high = low + half;
      if (half >= lanes) {
        for (size_t i = 0; i < half; i += lanes) {
          const auto x = hn::LoadU(d, low + i);
          const auto y = hn::LoadU(d, high + i);
          hn::StoreU(hn::Add(x, y), d, low + i);
          hn::StoreU(hn::Sub(x, y), d, high + i);
        }
      } else {
        for (size_t i = 0; i < half; ++i) {
          const float x = low[i], y = high[i];
          low[i] = x + y;
          high[i] = x - y;
        }
      }
    }
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(length));
  for (size_t i = 0; i < length; ++i) a[i] *= scale;
}

}  // namespace rhizome::vector::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "base/check.h"

namespace rhizome::vector {
namespace {
HWY_EXPORT(Dot);
HWY_EXPORT(SquaredDistance);
HWY_EXPORT(MaxAbs);
HWY_EXPORT(Quantise);
HWY_EXPORT(Hadamard);
}  // namespace

float DotFloat(const float* a, const float* b, size_t length) { return HWY_DYNAMIC_DISPATCH(Dot)(a, b, length); }

float SquaredDistanceFloat(const float* a, const float* b, size_t length) {
  return HWY_DYNAMIC_DISPATCH(SquaredDistance)(a, b, length);
}

float MaxAbsFloat(const float* a, size_t length) { return HWY_DYNAMIC_DISPATCH(MaxAbs)(a, length); }

void QuantiseFloat(const float* a, size_t length, float inverse_scale, int8_t* codes) {
  HWY_DYNAMIC_DISPATCH(Quantise)(a, length, inverse_scale, codes);
}

void HadamardFloat(float* a, size_t length) {
  CHECK(std::has_single_bit(length));
  HWY_DYNAMIC_DISPATCH(Hadamard)(a, length);
}

void ForEachFloatTarget(void (*body)(const char* target_name, void* context), void* context) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    body(hwy::TargetName(target), context);
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace rhizome::vector
#endif  // HWY_ONCE
