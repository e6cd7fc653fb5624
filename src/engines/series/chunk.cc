#include "engines/series/chunk.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/hash.h"
#include "engines/series/int_block.h"
#include "engines/series/int_sequence.h"
#include "format/coding.h"

namespace rhizome::series {
namespace {

constexpr uint8_t kVersion = 1;
enum Form : uint8_t { kDecimal = 0, kBits = 1 };
constexpr size_t kChecksumOffset = 2;
constexpr size_t kChecksummedOffset = 6;

// Version and form are covered by being the seed.
uint32_t ChecksumOf(std::string_view chunk) {
  return static_cast<uint32_t>(Checksum(chunk.substr(kChecksummedOffset), format::LoadFixed<uint16_t>(chunk.data())));
}

// A bijection under which the order of doubles is that of signed integers, so that near values have small differences.
uint64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  return bits ^ static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) >> 1;
}
double FromOrderedBits(uint64_t ordered) {
  return std::bit_cast<double>(ordered ^ static_cast<uint64_t>(static_cast<int64_t>(ordered) >> 63) >> 1);
}

struct Head {
  Form form = kDecimal;
  ChunkInfo info;
};

Status ReadHead(format::Decoder& in, Head& head) {
  uint8_t version = 0;
  uint8_t form = 0;
  uint64_t count = 0;
  uint64_t min_time = 0;
  uint64_t span = 0;
  if (!in.U8(version)) return in.Failure("chunk");
  if (version != kVersion) return Status::Corruption("chunk of format " + std::to_string(version));
  if (!in.U8(form) || form > kBits || !in.Skip(kChecksummedOffset - kChecksumOffset) ||
      !in.Varint(count, kChunkSamplesMax) || count == 0 || !in.Varint(min_time) || !in.Varint(span)) {
    return in.Failure("chunk header");
  }
  head.form = static_cast<Form>(form);
  head.info.count = static_cast<uint32_t>(count);
  head.info.min_time = static_cast<int64_t>(UnZigZag(min_time));
  head.info.max_time = static_cast<int64_t>(UnZigZag(min_time) + span);
  if (head.info.max_time < head.info.min_time || span < count - 1 || (count == 1 && span != 0)) {
    return in.Failure("chunk time range");
  }
  return Status::Ok();
}

Status ReadTimes(format::Decoder& in, const ChunkInfo& info, int64_t* to) {
  SequenceReader reader;
  bool good = reader.Start(in, static_cast<uint64_t>(info.min_time), info.count);
  const int64_t* const end = to + info.count;
  int64_t last = info.min_time;
  bool ascends = true;
  while (good && to != end) {
    std::span<const uint64_t> block;
    good = reader.Next(in, block);
    if (!good) break;
    for (size_t i = 0; i < block.size(); ++i) to[i] = static_cast<int64_t>(block[i]);
    ascends &= to + info.count == end || to[0] > last;
    for (size_t i = 1; i < block.size(); ++i) ascends &= to[i] > to[i - 1];
    to += block.size();
    last = to[-1];
  }
  return good && ascends && last == info.max_time ? Status::Ok() : in.Failure("chunk times");
}

struct Exceptions {
  std::vector<uint32_t> indices;
  std::vector<double> values;
};

bool ReadExceptions(format::Decoder& in, uint32_t samples, Exceptions& exceptions) {
  uint64_t count = 0;
  if (!in.Count(count, 1 + sizeof(uint64_t)) || count > samples) return false;
  uint64_t index = 0;
  for (uint64_t k = 0; k < count; ++k) {
    uint64_t gap = 0;
    double value = 0;
    if (!in.Varint(gap, samples) || !in.Double(value)) return false;
    index += gap + (k > 0 ? 1 : 0);
    if (index >= samples) return false;
    exceptions.indices.push_back(static_cast<uint32_t>(index));
    exceptions.values.push_back(value);
  }
  return true;
}

Status ReadValues(format::Decoder& in, const Head& head, double* to) {
  uint8_t exponent = 0;
  uint64_t first = 0;
  Exceptions exceptions;
  if (head.form == kDecimal &&
      (!in.U8(exponent) || exponent > kDecimalExponentMax || !ReadExceptions(in, head.info.count, exceptions))) {
    return in.Failure("chunk decimals");
  }
  SequenceReader reader;
  bool good = in.Varint(first) && reader.Start(in, UnZigZag(first), head.info.count);
  double* const begin = to;
  for (const double* const end = to + head.info.count; good && to != end;) {
    std::span<const uint64_t> block;
    good = reader.Next(in, block);
    if (!good) break;
    if (head.form == kDecimal) {
      DecimalsToDoubles(block, exponent, to);
    } else {
      for (size_t i = 0; i < block.size(); ++i) to[i] = FromOrderedBits(block[i]);
    }
    to += block.size();
  }
  if (!good) return in.Failure("chunk values");
  for (size_t k = 0; k < exceptions.indices.size(); ++k) begin[exceptions.indices[k]] = exceptions.values[k];
  return Status::Ok();
}

}  // namespace

void ChunkEncoder::Encode(std::span<const int64_t> times, std::span<const double> values, std::string& out) {
  CHECK(times.size() == values.size() && !times.empty() && times.size() <= kChunkSamplesMax);
  const size_t start = out.size();
  format::PutU8(out, kVersion);
  format::PutU8(out, kDecimal);
  format::PutU32(out, 0);
  format::PutVarint(out, times.size());
  format::PutVarint(out, ZigZag(static_cast<uint64_t>(times.front())));
  format::PutVarint(out, static_cast<uint64_t>(times.back()) - static_cast<uint64_t>(times.front()));
  integers_.resize(times.size());
  bool ascends = true;
  integers_[0] = static_cast<uint64_t>(times[0]);
  for (size_t i = 1; i < times.size(); ++i) {
    ascends &= times[i] > times[i - 1];
    integers_[i] = static_cast<uint64_t>(times[i]);
  }
  CHECK(ascends);
  PutSequence(integers_, out);
  if (FindDecimalForm(values, integers_, decimal_)) {
    format::PutU8(out, static_cast<uint8_t>(decimal_.exponent));
    format::PutVarint(out, decimal_.exceptions.size());
    for (size_t k = 0; k < decimal_.exceptions.size(); ++k) {
      const uint32_t index = decimal_.exceptions[k];
      format::PutVarint(out, k == 0 ? index : index - decimal_.exceptions[k - 1] - 1);
      format::PutDouble(out, values[index]);
    }
  } else {
    out[start + 1] = kBits;
    for (size_t i = 0; i < values.size(); ++i) integers_[i] = OrderedBits(values[i]);
  }
  format::PutVarint(out, ZigZag(integers_[0]));
  PutSequence(integers_, out);
  format::StoreFixed(out.data() + start + kChecksumOffset, ChecksumOf(std::string_view(out).substr(start)));
}

Result<ChunkInfo> ReadChunkInfo(std::string_view chunk) {
  format::Decoder in(chunk);
  Head head;
  RETURN_IF_ERROR(ReadHead(in, head));
  return head.info;
}

Status DecodeChunk(std::string_view chunk, Samples& to) {
  format::Decoder in(chunk);
  Head head;
  RETURN_IF_ERROR(ReadHead(in, head));
  if (format::LoadFixed<uint32_t>(chunk.data() + kChecksumOffset) != ChecksumOf(chunk)) {
    return Status::Corruption("chunk checksum");
  }
  const size_t before = to.size();
  to.times.resize(before + head.info.count);
  to.values.resize(before + head.info.count);
  Status status = ReadTimes(in, head.info, to.times.data() + before);
  if (status.ok()) status = ReadValues(in, head, to.values.data() + before);
  if (status.ok()) status = in.Finish("chunk");
  if (!status.ok()) {
    to.times.resize(before);
    to.values.resize(before);
  }
  return status;
}

}  // namespace rhizome::series
