// 8-bit dot products, one function per instruction set with target attributes, picked at run time.
#include "engines/vector/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace rhizome::vector {
namespace {

// How many rows ahead of the one in work are asked for: enough to cover memory latency, few enough not to be
// evicted again before they are used.
constexpr size_t kPrefetchRows = 8;

inline void PrefetchRow(const uint8_t* row, size_t stride) {
  for (size_t byte = 0; byte < stride; byte += 64) __builtin_prefetch(row + byte, 0, 3);
}

inline void PrefetchFirst(const uint8_t* base, size_t stride, const uint32_t* rows, size_t count) {
  for (size_t i = 0; i < count && i < kPrefetchRows; ++i) PrefetchRow(base + size_t{rows[i]} * stride, stride);
}

void DotRowsScalar(const int8_t* query, const uint8_t* base, size_t stride, const uint32_t* rows, size_t count,
                   int32_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* row = base + size_t{rows[i]} * stride;
    int32_t sum = 0;
    for (size_t j = 0; j < stride; ++j) sum += int32_t{row[j]} * int32_t{query[j]};
    out[i] = sum;
  }
}

constexpr CodeKernels kScalar{"scalar", DotRowsScalar};

// Sum of the query's bytes times 128, for targets that work on signed rows.
[[maybe_unused]] int32_t QueryOffset(const int8_t* query, size_t stride) {
  int32_t sum = 0;
  for (size_t j = 0; j < stride; ++j) sum += query[j];
  return 128 * sum;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) inline int32_t Sum256(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  return _mm_cvtsi128_si32(s);
}

// |x| ≤ 128 and |y| ≤ 127, so the pair sums of VPMADDUBSW stay below 2^15 and never saturate.
__attribute__((target("avx2"))) void DotRowsAvx2(const int8_t* query, const uint8_t* base, size_t stride,
                                                 const uint32_t* rows, size_t count, int32_t* out) {
  PrefetchFirst(base, stride, rows, count);
  const int32_t offset = QueryOffset(query, stride);
  const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t i = 0; i < count; ++i) {
    if (i + kPrefetchRows < count) PrefetchRow(base + size_t{rows[i + kPrefetchRows]} * stride, stride);
    const uint8_t* row = base + size_t{rows[i]} * stride;
    __m256i sum0 = _mm256_setzero_si256(), sum1 = _mm256_setzero_si256();
    for (size_t j = 0; j < stride; j += 64) {
      const __m256i x0 = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + j)), flip);
      const __m256i x1 = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + j + 32)), flip);
      const __m256i y0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + j));
      const __m256i y1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + j + 32));
      const __m256i p0 = _mm256_maddubs_epi16(_mm256_abs_epi8(x0), _mm256_sign_epi8(y0, x0));
      const __m256i p1 = _mm256_maddubs_epi16(_mm256_abs_epi8(x1), _mm256_sign_epi8(y1, x1));
      sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(p0, ones));
      sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(p1, ones));
    }
    out[i] = Sum256(_mm256_add_epi32(sum0, sum1)) + offset;
  }
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))) void DotRowsAvx512(const int8_t* query,
                                                                                 const uint8_t* base, size_t stride,
                                                                                 const uint32_t* rows, size_t count,
                                                                                 int32_t* out) {
  PrefetchFirst(base, stride, rows, count);
  for (size_t i = 0; i < count; ++i) {
    if (i + kPrefetchRows < count) PrefetchRow(base + size_t{rows[i + kPrefetchRows]} * stride, stride);
    const uint8_t* row = base + size_t{rows[i]} * stride;
    __m512i sum0 = _mm512_setzero_si512(), sum1 = _mm512_setzero_si512();
    for (size_t j = 0; j < stride; j += 64) {
      const __m512i x = _mm512_loadu_si512(row + j);
      const __m512i y = _mm512_loadu_si512(query + j);
      const __m512i x0 = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(x));
      const __m512i x1 = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(x, 1));
      const __m512i y0 = _mm512_cvtepi8_epi16(_mm512_castsi512_si256(y));
      const __m512i y1 = _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(y, 1));
      sum0 = _mm512_add_epi32(sum0, _mm512_madd_epi16(x0, y0));
      sum1 = _mm512_add_epi32(sum1, _mm512_madd_epi16(x1, y1));
    }
    out[i] = _mm512_reduce_add_epi32(_mm512_add_epi32(sum0, sum1));
  }
}

#define RHIZOME_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

// Four accumulators to their four sums: two rounds of interleave-and-add leave one partial sum of each row per
// 128-bit lane, then the lanes are added.
RHIZOME_VNNI inline __m128i Sum4(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

RHIZOME_VNNI inline int32_t DotRowVnni(const int8_t* query, const uint8_t* row, size_t stride) {
  __m512i sum = _mm512_setzero_si512();
  for (size_t j = 0; j < stride; j += 64) {
    sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(row + j), _mm512_loadu_si512(query + j));
  }
  return _mm512_reduce_add_epi32(sum);
}

RHIZOME_VNNI void DotRowsVnni(const int8_t* query, const uint8_t* base, size_t stride, const uint32_t* rows,
                              size_t count, int32_t* out) {
  PrefetchFirst(base, stride, rows, count);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t ahead = i + kPrefetchRows; ahead < i + kPrefetchRows + 4 && ahead < count; ++ahead) {
      PrefetchRow(base + size_t{rows[ahead]} * stride, stride);
    }
    const uint8_t* row0 = base + size_t{rows[i]} * stride;
    const uint8_t* row1 = base + size_t{rows[i + 1]} * stride;
    const uint8_t* row2 = base + size_t{rows[i + 2]} * stride;
    const uint8_t* row3 = base + size_t{rows[i + 3]} * stride;
    __m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (size_t j = 0; j < stride; j += 64) {
      const __m512i y = _mm512_loadu_si512(query + j);
      sum0 = _mm512_dpbusd_epi32(sum0, _mm512_loadu_si512(row0 + j), y);
      sum1 = _mm512_dpbusd_epi32(sum1, _mm512_loadu_si512(row1 + j), y);
      sum2 = _mm512_dpbusd_epi32(sum2, _mm512_loadu_si512(row2 + j), y);
      sum3 = _mm512_dpbusd_epi32(sum3, _mm512_loadu_si512(row3 + j), y);
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), Sum4(sum0, sum1, sum2, sum3));
  }
  for (; i < count; ++i) out[i] = DotRowVnni(query, base + size_t{rows[i]} * stride, stride);
}

constexpr CodeKernels kAvx2{"avx2", DotRowsAvx2};
constexpr CodeKernels kAvx512{"avx512", DotRowsAvx512};
constexpr CodeKernels kVnni{"avx512vnni", DotRowsVnni};

#elif defined(__aarch64__)

void DotRowsNeon(const int8_t* query, const uint8_t* base, size_t stride, const uint32_t* rows, size_t count,
                 int32_t* out) {
  PrefetchFirst(base, stride, rows, count);
  const int32_t offset = QueryOffset(query, stride);
  const uint8x16_t flip = vdupq_n_u8(0x80);
  for (size_t i = 0; i < count; ++i) {
    if (i + kPrefetchRows < count) PrefetchRow(base + size_t{rows[i + kPrefetchRows]} * stride, stride);
    const uint8_t* row = base + size_t{rows[i]} * stride;
    int32x4_t sum0 = vdupq_n_s32(0), sum1 = vdupq_n_s32(0);
    for (size_t j = 0; j < stride; j += 16) {
      const int8x16_t x = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row + j), flip));
      const int8x16_t y = vld1q_s8(query + j);
      sum0 = vpadalq_s16(sum0, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
      sum1 = vpadalq_s16(sum1, vmull_s8(vget_high_s8(x), vget_high_s8(y)));
    }
    out[i] = vaddvq_s32(vaddq_s32(sum0, sum1)) + offset;
  }
}

constexpr CodeKernels kNeon{"neon", DotRowsNeon};

#endif

}  // namespace

std::vector<const CodeKernels*> SupportedCodeKernels() {
  std::vector<const CodeKernels*> kernels{&kScalar};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) kernels.push_back(&kAvx2);
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512) kernels.push_back(&kAvx512);
  if (avx512 && __builtin_cpu_supports("avx512vnni")) kernels.push_back(&kVnni);
#elif defined(__aarch64__)
  kernels.push_back(&kNeon);
#endif
  return kernels;
}

const CodeKernels& BestCodeKernels() {
  static const CodeKernels& best = *SupportedCodeKernels().back();
  return best;
}

}  // namespace rhizome::vector
