#include "metrics_api/remote_read.h"

#include <snappy.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/utf8.h"
#include "ingest/snappy_block.h"
#include "ingest/wire_reader.h"
#include "metrics_api/parameters.h"
#include "metrics_api/xor_chunk.h"

namespace rhizome::metrics_api {
namespace {

using ingest::WireReader;
using ingest::WireType;

constexpr uint64_t kXorEncoding = 1;
constexpr size_t kFrameBytes = 1 << 20;

constexpr uint32_t Varint(uint32_t field) { return WireReader::Tag(field, WireType::kVarint); }
constexpr uint32_t Fixed64(uint32_t field) { return WireReader::Tag(field, WireType::kFixed64); }
constexpr uint32_t Bytes(uint32_t field) { return WireReader::Tag(field, WireType::kBytes); }

Status Broken(std::string_view what) {
  return Status::InvalidArgument("body", "is no read request: " + std::string(what));
}

Result<format::Matcher> DecodeMatcher(std::string_view message) {
  uint64_t kind = 0;
  std::string_view name, value;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Varint(1): static_cast<void>(reader.Varint(kind)); break;
      case Bytes(2): static_cast<void>(reader.Bytes(name)); break;
      case Bytes(3): static_cast<void>(reader.Bytes(value)); break;
      default: static_cast<void>(reader.Skip());
    }
  }
  if (reader.failed()) return Broken("a matcher is malformed");
  if (kind > 3) return Broken("an unknown type of matcher");
  if (name.empty() || !IsUtf8(name) || !IsUtf8(value)) return Broken("a matcher's name or value");
  auto matcher = format::Matcher::Make(static_cast<format::MatchKind>(kind), std::string(name), std::string(value));
  if (!matcher.ok()) return Status::InvalidArgument("body", std::string(matcher.status().message()));
  return matcher;
}

Result<ReadQuery> DecodeQuery(std::string_view message) {
  ReadQuery query;
  uint64_t min_ms = 0, max_ms = 0;
  WireReader reader(message);
  while (reader.Next()) {
    std::string_view bytes;
    switch (reader.tag()) {
      case Varint(1): static_cast<void>(reader.Varint(min_ms)); break;
      case Varint(2): static_cast<void>(reader.Varint(max_ms)); break;
      case Bytes(3): {
        if (!reader.Bytes(bytes)) break;
        if (query.matchers.size() == kReadMatchersMax) return Status::TooLarge("body", "has too many matchers");
        ASSIGN_OR_RETURN(format::Matcher matcher, DecodeMatcher(bytes));
        query.matchers.push_back(std::move(matcher));
        break;
      }
      default: static_cast<void>(reader.Skip());
    }
  }
  if (reader.failed()) return Broken("a query is malformed");
  // Times beyond ours are "all of it".
  query.min_ms = std::max(static_cast<int64_t>(min_ms), -kTimeMsMax);
  query.max_ms = std::min(static_cast<int64_t>(max_ms), kTimeMsMax);
  if (query.max_ms < query.min_ms) return Broken("a query ends before it begins");
  return query;
}

void PutVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void PutBytes(uint32_t number, std::string_view bytes, std::string& out) {
  PutVarint(Bytes(number), out);
  PutVarint(bytes.size(), out);
  out += bytes;
}

// Nothing for zero, as protobuf does.
void PutNumber(uint32_t number, uint64_t value, std::string& out) {
  if (value == 0) return;
  PutVarint(Varint(number), out);
  PutVarint(value, out);
}

// Castagnoli's polynomial, reflected.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}();

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return ~crc;
}

size_t VarintSize(uint64_t value) { return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7; }

void PutLabel(const format::LabelPair& pair, std::string& out) {
  PutVarint(Bytes(1), out);
  PutVarint(2 + VarintSize(pair.name.size()) + pair.name.size() + VarintSize(pair.value.size()) + pair.value.size(),
            out);
  PutBytes(1, pair.name, out);
  PutBytes(2, pair.value, out);
}

void PutSample(int64_t time_ms, double value, std::string& out) {
  char sample[32];
  char* at = sample + 2;
  // Zeros are left out, as protobuf does; the negative one is kept.
  if (const auto bits = std::bit_cast<uint64_t>(value); bits != 0) {
    *at++ = static_cast<char>(Fixed64(1));
    for (int i = 0; i < 8; ++i) *at++ = static_cast<char>(bits >> (8 * i));
  }
  if (auto time = static_cast<uint64_t>(time_ms); time != 0) {
    *at++ = static_cast<char>(Varint(2));
    for (; time >= 0x80; time >>= 7) *at++ = static_cast<char>(time | 0x80);
    *at++ = static_cast<char>(time);
  }
  sample[0] = static_cast<char>(Bytes(2));
  sample[1] = static_cast<char>(at - sample - 2);
  out.append(sample, at);
}

}  // namespace

Result<ReadRequest> DecodeReadRequest(std::string_view compressed) {
  ingest::SnappyBlock block;
  ingest::Limits limits;
  limits.body_bytes_max = limits.decoded_bytes_max = kReadRequestBytesMax;
  ASSIGN_OR_RETURN(const std::string_view message, block.Undo(compressed, limits));
  ReadRequest request;
  bool wishes = false;
  const auto note = [&](uint64_t type) {
    if (!wishes) request.form = ReadForm::kUnknown;
    wishes = true;
    if (request.form == ReadForm::kUnknown && type < 2) request.form = static_cast<ReadForm>(type);
  };
  WireReader reader(message);
  while (reader.Next()) {
    std::string_view bytes;
    uint64_t type = 0;
    switch (reader.tag()) {
      case Bytes(1): {
        if (!reader.Bytes(bytes)) break;
        if (request.queries.size() == kReadQueriesMax) return Status::TooLarge("body", "has too many queries");
        ASSIGN_OR_RETURN(ReadQuery query, DecodeQuery(bytes));
        request.queries.push_back(std::move(query));
        break;
      }
      // Response types: one number each, or packed; all that there are take one byte.
      case Varint(2):
        if (reader.Varint(type)) note(type);
        break;
      case Bytes(2):
        if (!reader.Bytes(bytes)) break;
        for (const char packed : bytes) note(static_cast<uint8_t>(packed));
        break;
      default: static_cast<void>(reader.Skip());
    }
  }
  if (reader.failed()) return Broken("it is malformed");
  return request;
}

void ReadResponseWriter::AddSeries(format::LabelsView labels, std::span<const int64_t> times_ms,
                                   std::span<const double> values) {
  series_.clear();
  for (const format::LabelPair& pair : labels) PutLabel(pair, series_);
  for (size_t i = 0; i < times_ms.size(); ++i) PutSample(times_ms[i], values[i], series_);
  PutBytes(1, series_, result_);
}

void ChunkStreamWriter::AddSeries(format::LabelsView labels, std::span<const int64_t> times_ms,
                                  std::span<const double> values) {
  labels_.clear();
  for (const format::LabelPair& pair : labels) PutLabel(pair, labels_);
  series_ = labels_;
  for (size_t from = 0; from < times_ms.size(); from += kXorChunkSamples) {
    const size_t count = std::min(kXorChunkSamples, times_ms.size() - from);
    chunk_.clear();
    AppendXorChunk(times_ms.subspan(from, count), values.subspan(from, count), chunk_);
    std::string fields;
    PutNumber(1, static_cast<uint64_t>(times_ms[from]), fields);
    PutNumber(2, static_cast<uint64_t>(times_ms[from + count - 1]), fields);
    PutNumber(3, kXorEncoding, fields);
    PutBytes(4, chunk_, fields);
    PutBytes(2, fields, series_);
    if (series_.size() > kFrameBytes) EndFrame();
  }
  if (series_.size() > labels_.size()) EndFrame();
}

void ChunkStreamWriter::EndFrame() {
  std::string message;
  PutBytes(1, series_, message);
  PutNumber(2, query_, message);
  PutVarint(message.size(), body_);
  const uint32_t checksum = Crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) body_ += static_cast<char>(checksum >> shift);
  body_ += message;
  series_ = labels_;
}

void ReadResponseWriter::EndResult() {
  PutBytes(1, result_, body_);
  result_.clear();
}

std::string ReadResponseWriter::Take() const {
  std::string compressed;
  snappy::Compress(body_.data(), body_.size(), &compressed);
  return compressed;
}

}  // namespace rhizome::metrics_api
