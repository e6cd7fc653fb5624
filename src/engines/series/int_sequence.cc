#include "engines/series/int_sequence.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "engines/series/int_block.h"
#include "engines/series/int_kernels.h"

namespace rhizome::series {
namespace {

enum Predictor : unsigned { kFirst = 0, kPrevious = 1, kSlope = 2, kLine = 3 };
constexpr size_t kProbe = 8;  // integers looked at together when predictors are compared
// One probe in so many integers.
size_t StrideOf(size_t count) { return count <= 256 ? 32 : 64; }

// What `predictor` misses of d[i], i >= 1; d[0] is 0.
inline uint64_t Missed(Predictor predictor, std::span<const uint64_t> d, size_t i, uint64_t step) {
  switch (predictor) {
    case kFirst: return d[i];
    case kPrevious: return d[i] - d[i - 1];
    case kSlope: return d[i] - 2 * d[i - 1] + (i > 1 ? d[i - 2] : 0);
    case kLine: return d[i] - i * step;
  }
  return 0;
}

// The median step of a few spread over the sequence.
uint64_t TypicalStep(std::span<const uint64_t> d) {
  std::array<int64_t, 15> steps{};
  const size_t wanted = std::min(steps.size(), d.size() - 1);
  for (size_t k = 0; k < wanted; ++k) {
    const size_t i = 1 + (d.size() - 1) * k / wanted;
    steps[k] = static_cast<int64_t>(d[i] - d[i - 1]);
  }
  std::nth_element(steps.begin(), steps.begin() + wanted / 2, steps.begin() + wanted);
  return static_cast<uint64_t>(steps[wanted / 2]);
}

// Bits that the spread of what the predictor misses would take, within probes and from one to the next.
template <Predictor predictor>
uint64_t ProbeBits(std::span<const uint64_t> d, uint64_t step) {
  uint64_t bits = 0;
  uint64_t before = Missed(predictor, d, 1, step);
  const size_t stride = StrideOf(d.size());
  for (size_t start = 1; start < d.size(); start += stride) {
    const size_t end = std::min(d.size(), start + kProbe);
    auto low = static_cast<int64_t>(Missed(predictor, d, start, step));
    int64_t high = low;
    for (size_t i = start + 1; i < end; ++i) {
      const auto missed = static_cast<int64_t>(Missed(predictor, d, i, step));
      low = std::min(low, missed);
      high = std::max(high, missed);
    }
    bits += std::bit_width(static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
    bits += std::bit_width(ZigZag(Missed(predictor, d, start, step) - before));
    before = Missed(predictor, d, start, step);
  }
  return bits;
}

Predictor Choose(std::span<const uint64_t> d, uint64_t step) {
  // In order of preference: a tie goes to the cheaper one to read.
  const std::array<uint64_t, 4> bits = {ProbeBits<kFirst>(d, step), ProbeBits<kPrevious>(d, step),
                                        ProbeBits<kSlope>(d, step), ProbeBits<kLine>(d, step)};
  return static_cast<Predictor>(std::min_element(bits.begin(), bits.end()) - bits.begin());
}

// What `predictor` misses of d[start…], start >= 1, for as many as `missed` holds.
void MissedBlock(Predictor predictor, std::span<const uint64_t> d, size_t start, uint64_t step,
                 std::span<uint64_t> missed) {
  const uint64_t* const in = d.data() + start;
  switch (predictor) {
    case kFirst: std::copy_n(in, missed.size(), missed.begin()); return;
    case kPrevious: return Differences(in, missed.size(), missed.data());
    case kSlope:
      if (start > 1) return SecondDifferences(in, missed.size(), missed.data());
      missed[0] = d[1];
      return SecondDifferences(in + 1, missed.size() - 1, missed.data() + 1);
    case kLine: return LineDifferences(in, missed.size(), start, step, missed.data());
  }
}

}  // namespace

void PutSequence(std::span<uint64_t> integers, std::string& out) {
  if (integers.size() <= 1) return;
  const uint64_t any = SubtractFirst(integers.data(), integers.size(), integers[0]);
  const unsigned shift = any == 0 ? 0 : static_cast<unsigned>(std::countr_zero(any));
  if (shift > 0) {
    for (uint64_t& integer : integers) integer = static_cast<uint64_t>(static_cast<int64_t>(integer) >> shift);
  }
  const uint64_t step = TypicalStep(integers);
  const Predictor predictor = Choose(integers, step);
  format::PutU8(out, static_cast<uint8_t>(predictor | shift << 2));
  if (predictor == kLine) format::PutVarint(out, ZigZag(step));
  for (size_t start = 1; start < integers.size(); start += kBlockIntegers) {
    std::array<uint64_t, kBlockIntegers> buffer;
    const std::span<uint64_t> missed(buffer.data(), std::min(kBlockIntegers, integers.size() - start));
    MissedBlock(predictor, integers, start, step, missed);
    PutBlock(missed, out);
  }
}

bool SequenceReader::Start(format::Decoder& in, uint64_t first, size_t count) {
  *this = {};
  first_ = first;
  remaining_ = count;
  if (count <= 1) return true;
  uint8_t head = 0;
  if (!in.U8(head)) return false;
  predictor_ = head & 3;
  shift_ = head >> 2;
  uint64_t step = 0;
  if (predictor_ == kLine && !in.Varint(step)) return false;
  step_ = UnZigZag(step);
  return true;
}

bool SequenceReader::Next(format::Decoder& in, std::span<const uint64_t>& integers) {
  uint64_t* to = block_.data();
  if (index_ == 0 && remaining_ > 0) {
    *to++ = first_;
    ++index_;
    --remaining_;
  }
  const size_t count = std::min(kBlockIntegers, remaining_);
  if (count > 0) {
    if (!GetBlock(in, {to, count})) return false;
    Integrate(to, count);
    index_ += count;
    remaining_ -= count;
  }
  integers = {block_.data(), static_cast<size_t>(to - block_.data()) + count};
  return true;
}

void SequenceReader::Integrate(uint64_t* block, size_t count) {
  switch (predictor_) {
    case kFirst: break;
    case kPrevious:
      for (size_t i = 0; i < count; ++i) block[i] = last_ += block[i];
      break;
    case kSlope:
      for (size_t i = 0; i < count; ++i) {
        slope_ += block[i];
        block[i] = last_ += slope_;
      }
      break;
    case kLine:
      for (size_t i = 0; i < count; ++i) block[i] += (index_ + i) * step_;
      break;
  }
  ShiftAndAdd(block, count, shift_, first_);
}

}  // namespace rhizome::series
