// Codec: a float vector as one signed byte per dimension, with a scale of its own.
//
// x is centred (x − μ), rotated and divided by its largest component: c = round(127 · R(x−μ) / max|R(x−μ)|).
// The scale is the vector's own (locally-adaptive quantisation: Aguerrebere et al., "Similarity search in the blink
// of an eye with compressed indices", VLDB 2023, section 3), so no range is assumed and no later vector can fall
// outside one. The rotation R is a fixed orthonormal mix of sign flips and fast Hadamard transforms on the first and
// the last power-of-two many dimensions (Ailon & Chazelle, "The fast Johnson–Lindenstrauss transform", 2009): it
// spreads a dominant dimension over all bytes, which would otherwise take the resolution from the rest. The centre μ
// is the mean of the first vectors; it is fixed once and saved with the codes, so codes once written stay valid. It
// only sharpens the codes: a stream that drifts away from it loses resolution, not correctness, because every
// distance below is exact in the quantised vectors whatever μ is.
//
// One formula serves the three metrics, smaller is nearer:
//   D(q, x) = bias(x) − weight(q) · scale(x) · ⟨code(q), code(x)⟩
// L2 and cosine (unit vectors): bias = |x'|² of the quantised, centred vector x', so that D + constant(q) = |q'−x'|²
// is a true distance between quantised points, whose error shrinks with the distance, however far both are from the
// centre. Dot: bias = −2⟨x−μ, μ⟩, and D + constant(q) ≈ −2⟨q,x⟩.
//
// Constant after construction; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engines/vector/kernels.h"
#include "engines/vector/slot.h"

namespace rhizome::vector {

// What stands beside a code.
struct CodeFacts {
  float scale = 0;
  float bias = 0;
};

// A vector ready to be compared with many codes. Reusable: Prepare overwrites it.
struct CodedQuery {
  std::vector<int8_t> storage;
  int8_t* codes = nullptr;  // aligned to 64 bytes, zero-padded to the stride
  float weight = 0;
  int32_t offset = 0;  // 128 × sum of codes: what dot_rows adds
  float constant = 0;  // D + constant = squared distance, or −2 × dot product
  float scale = 0;

  void Reserve(size_t stride);
  float Distance(CodeFacts facts, int32_t dot) const {
    return facts.bias - weight * facts.scale * static_cast<float>(dot - offset);
  }
};

class Codec {
 public:
  Codec(Metric metric, std::vector<float> centre);

  size_t dimension() const { return centre_.size(); }
  size_t stride() const { return stride_; }
  const std::vector<float>& centre() const { return centre_; }

  // Writes stride() bytes at `code`; returns what to store beside them.
  CodeFacts Encode(std::span<const float> vector, uint8_t* code) const;
  void PrepareQuery(std::span<const float> vector, CodedQuery& query) const;
  // Standard deviation of the error of D + constant at a value of `distance`, and how much it lies above the exact
  // value on average. Rounding errors are uniform, and a rotated component is about a third of the largest.
  float Deviation(const CodedQuery& query, CodeFacts facts, float distance) const;
  float Surplus(const CodedQuery& query, CodeFacts facts) const;
  // The query form of a stored code: compares stored vectors with each other.
  void PrepareCode(const uint8_t* code, CodeFacts facts, CodedQuery& query) const;

 private:
  // The signed codes of `vector`, stride() of them, zero-padded.
  CodeFacts Quantise(std::span<const float> vector, int8_t* codes) const;
  void Finish(CodedQuery& query, CodeFacts facts) const;

  const Metric metric_;
  const std::vector<float> centre_;
  const size_t stride_;
  const float centre_norm2_;
  std::vector<float> signs_;  // two rounds of ±1
};

}  // namespace rhizome::vector
