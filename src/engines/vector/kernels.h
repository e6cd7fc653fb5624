// Distance kernels: the inner loops of the vector index, chosen once at run time for the CPU at hand.
//
// 8-bit codes. A stored code byte is c + 128 for c in [-127, 127]; a query byte is c itself. The kernels return the
// exact integer dot product of the two signed codes plus, on every target alike, 128 × (sum of the query's bytes):
// the offset depends on the query only, so the caller removes it once (x86's VPDPBUSD multiplies unsigned by signed
// bytes, and this is its native form). Rows are padded to a multiple of 64 bytes; query padding is 0, so the
// padding of a stored row may hold anything. No target saturates.
//
// Float kernels take any length and any alignment. They add in a different order on different targets, so their
// last bits differ between machines; nothing persisted depends on them.
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rhizome::vector {

inline constexpr size_t kCodeAlign = 64;
constexpr size_t CodeStride(size_t dimension) { return (dimension + kCodeAlign - 1) / kCodeAlign * kCodeAlign; }

struct CodeKernels {
  std::string_view name;
  // out[i] = offset dot product of `query` with row rows[i] of `base`; `stride` is a multiple of 64. Rows are
  // prefetched ahead of their use.
  void (*dot_rows)(const int8_t* query, const uint8_t* base, size_t stride, const uint32_t* rows, size_t count,
                   int32_t* out);
};

// The best kernels this CPU supports.
const CodeKernels& BestCodeKernels();
// All that this CPU supports, scalar first, best last: tests hold them against each other.
std::vector<const CodeKernels*> SupportedCodeKernels();

// Sum of a[i] × b[i].
float DotFloat(const float* a, const float* b, size_t length);
// Sum of (a[i] − b[i])².
float SquaredDistanceFloat(const float* a, const float* b, size_t length);
// Largest |a[i]|; 0 for an empty array.
float MaxAbsFloat(const float* a, size_t length);
// codes[i] = round(a[i] × inverse_scale) clamped to [-127, 127].
void QuantiseFloat(const float* a, size_t length, float inverse_scale, int8_t* codes);
// In-place fast Walsh–Hadamard transform of a power-of-two length, scaled to be orthonormal.
void HadamardFloat(float* a, size_t length);

// Restricts the float kernels to each target this CPU supports in turn and calls `body(target_name)`; for tests.
// Not thread-safe against concurrent use of the float kernels.
void ForEachFloatTarget(void (*body)(const char* target_name, void* context), void* context);

}  // namespace rhizome::vector
