#include "engines/vector/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace rhizome::vector {
namespace {

// A fixed sequence: part of the format, since codes depend on it (splitmix64, Steele et al., OOPSLA 2014).
uint64_t NextRandom(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Below this a vector is the centre itself; its inverse would overflow.
float Inverse(float scale) { return scale > 1e-30f ? 1 / scale : 0; }

constexpr uint64_t kSignSeed = 0x5268697A6F6D6531u;

}  // namespace

void CodedQuery::Reserve(size_t stride) {
  if (storage.size() < stride + kCodeAlign) storage.assign(stride + kCodeAlign, 0);
  const auto address = reinterpret_cast<uintptr_t>(storage.data());
  codes = storage.data() + (kCodeAlign - address % kCodeAlign) % kCodeAlign;
}

Codec::Codec(Metric metric, std::vector<float> centre)
    : metric_(metric),
      centre_(std::move(centre)),
      stride_(CodeStride(centre_.size())),
      centre_norm2_(DotFloat(centre_.data(), centre_.data(), centre_.size())) {
  CHECK(!centre_.empty());
  uint64_t state = kSignSeed;
  signs_.resize(2 * centre_.size());
  for (float& sign : signs_) sign = (NextRandom(state) & 1) != 0 ? 1.0f : -1.0f;
}

CodeFacts Codec::Quantise(std::span<const float> vector, int8_t* codes) const {
  thread_local std::vector<float> rotated;
  const size_t dimension = centre_.size();
  CHECK(vector.size() == dimension);
  rotated.resize(dimension);
  float* out = rotated.data();
  for (size_t i = 0; i < dimension; ++i) out[i] = vector[i] - centre_[i];
  CodeFacts facts;
  if (metric_ == Metric::kDot) facts.bias = -2 * DotFloat(out, centre_.data(), dimension);
  const size_t width = std::bit_floor(dimension);
  for (size_t i = 0; i < dimension; ++i) out[i] *= signs_[i];
  HadamardFloat(out, width);
  if (width != dimension) {
    for (size_t i = 0; i < dimension; ++i) out[i] *= signs_[dimension + i];
    HadamardFloat(out + (dimension - width), width);
  }
  facts.scale = MaxAbsFloat(out, dimension) / 127;
  std::memset(codes + dimension, 0, stride_ - dimension);
  QuantiseFloat(out, dimension, Inverse(facts.scale), codes);
  if (metric_ != Metric::kDot) {
    int32_t norm2 = 0;
    for (size_t i = 0; i < dimension; ++i) norm2 += int32_t{codes[i]} * int32_t{codes[i]};
    facts.bias = facts.scale * facts.scale * static_cast<float>(norm2);
  }
  return facts;
}

CodeFacts Codec::Encode(std::span<const float> vector, uint8_t* code) const {
  const CodeFacts facts = Quantise(vector, reinterpret_cast<int8_t*>(code));
  for (size_t i = 0; i < stride_; ++i) code[i] ^= 0x80;
  return facts;
}

void Codec::Finish(CodedQuery& query, CodeFacts facts) const {
  query.scale = facts.scale;
  query.weight = 2 * facts.scale;
  int32_t sum = 0;
  for (size_t i = 0; i < stride_; ++i) sum += query.codes[i];
  query.offset = 128 * sum;
  query.constant = metric_ == Metric::kDot ? facts.bias - 2 * centre_norm2_ : facts.bias;
}

void Codec::PrepareQuery(std::span<const float> vector, CodedQuery& query) const {
  query.Reserve(stride_);
  Finish(query, Quantise(vector, query.codes));
}

float Codec::Deviation(const CodedQuery& query, CodeFacts facts, float distance) const {
  const float scales2 = query.scale * query.scale + facts.scale * facts.scale;
  if (metric_ != Metric::kDot) return std::sqrt(std::max(distance, 0.0f) * scales2 / 3);
  // |x| ≈ √d · 127/3 · scale, and the same for the query.
  return 31 * std::sqrt(static_cast<float>(dimension())) * query.scale * facts.scale;
}

float Codec::Surplus(const CodedQuery& query, CodeFacts facts) const {
  if (metric_ == Metric::kDot) return 0;
  return static_cast<float>(dimension()) / 12 * (query.scale * query.scale + facts.scale * facts.scale);
}

void Codec::PrepareCode(const uint8_t* code, CodeFacts facts, CodedQuery& query) const {
  query.Reserve(stride_);
  for (size_t i = 0; i < stride_; ++i) query.codes[i] = static_cast<int8_t>(code[i] ^ 0x80);
  Finish(query, facts);
}

}  // namespace rhizome::vector
