#include "format/point.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::format {
namespace {

constexpr uint8_t kBatchFormat = 1;         // without anything of requests
constexpr uint8_t kOneStampFormat = 2;      // one stamp for all operations: read, no longer written
constexpr uint8_t kStampedBatchFormat = 3;  // stamps of operations, fates of requests
constexpr uint8_t kStamped = 0x80;          // in an operation's kind: a stamp follows its version
constexpr uint8_t kStoredFormat = 1;
constexpr uint8_t kStampedStoredFormat = 2;
constexpr uint8_t kNumber = 1, kUuid = 2, kString = 3;
constexpr uint8_t kUpsertPoint = 1, kDeletePoint = 2, kPutDocument = 3, kDeleteDocument = 4;
constexpr size_t kDimensionMax = 4096;
constexpr size_t kChunkSuffixLenMax = 12;  // "#4294967295" and one to spare

void PutId(std::string& out, const PointId& id) { PutBytes(out, id.Encode()); }

bool GetId(Decoder& in, PointId& id) {
  std::string_view bytes;
  if (!in.Bytes(bytes, PointId::kStringLenMax + kChunkSuffixLenMax + 1)) return false;
  Result<PointId> decoded = PointId::Decode(bytes);
  if (!decoded.ok()) return false;
  id = std::move(decoded).value();
  return true;
}

void PutVector(std::string& out, const std::vector<float>& vector) {
  PutVarint(out, vector.size());
  out.append(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
}

bool GetVector(Decoder& in, std::vector<float>& vector) {
  uint64_t size = 0;
  std::string_view raw;
  if (!in.Varint(size, kDimensionMax) || !in.Raw(raw, size * sizeof(float))) return false;
  vector.resize(size);
  if (size > 0) std::memcpy(vector.data(), raw.data(), raw.size());
  return true;
}

void PutRecord(std::string& out, const DocumentRecord& record) {
  PutId(out, record.id);
  PutU64(out, record.content_hash.first);
  PutU64(out, record.content_hash.second);
  PutBytes(out, record.title);
  PutBytes(out, record.source);
  PutBytes(out, record.metadata);
}

bool GetRecord(Decoder& in, DocumentRecord& record) {
  return GetId(in, record.id) && in.U64(record.content_hash.first) && in.U64(record.content_hash.second) &&
         in.Bytes(record.title) && in.Bytes(record.source) && in.Bytes(record.metadata);
}

void PutBody(std::string& out, const UpsertPoint& body) {
  PutId(out, body.point.id);
  PutVector(out, body.point.vector);
  PutBytes(out, body.point.title);
  PutBytes(out, body.point.text);
  PutBytes(out, body.point.payload);
}

bool GetBody(Decoder& in, UpsertPoint& body) {
  return GetId(in, body.point.id) && GetVector(in, body.point.vector) && in.Bytes(body.point.title) &&
         in.Bytes(body.point.text) && in.Bytes(body.point.payload);
}

void PutBody(std::string& out, const DeletePoint& body) { PutId(out, body.id); }
bool GetBody(Decoder& in, DeletePoint& body) { return GetId(in, body.id); }
void PutBody(std::string& out, const DeleteDocument& body) { PutId(out, body.id); }
bool GetBody(Decoder& in, DeleteDocument& body) { return GetId(in, body.id); }

void PutBody(std::string& out, const PutDocument& body) {
  CHECK(body.record.chunk_count == body.chunks.size());
  PutRecord(out, body.record);
  PutVarint(out, body.chunks.size());
  for (const Point& chunk : body.chunks) {
    PutVector(out, chunk.vector);
    PutBytes(out, chunk.text);
    PutBytes(out, chunk.payload);
  }
}

bool GetBody(Decoder& in, PutDocument& body) {
  uint64_t count = 0;
  if (!GetRecord(in, body.record) || !in.Count(count, 3)) return false;
  body.record.chunk_count = static_cast<uint32_t>(count);
  body.chunks.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    Point& chunk = body.chunks[i];
    if (!GetVector(in, chunk.vector) || !in.Bytes(chunk.text) || !in.Bytes(chunk.payload)) return false;
    chunk.id = PointId::OfChunk(body.record.id, i);
    chunk.title = body.record.title;
  }
  return true;
}

template <typename Body>
bool GetOperationBody(Decoder& in, Operation& operation) {
  return GetBody(in, operation.body.emplace<Body>());
}

bool GetOperation(Decoder& in, uint8_t format, Operation& operation) {
  uint8_t kind = 0;
  if (!in.U8(kind) || !GetVersion(in, operation.version)) return false;
  if (format == kStampedBatchFormat && (kind & kStamped) != 0) {
    kind &= static_cast<uint8_t>(~kStamped);
    if (!GetStamp(in, operation.request.emplace())) return false;
  }
  switch (kind) {
    case kUpsertPoint: return GetOperationBody<UpsertPoint>(in, operation);
    case kDeletePoint: return GetOperationBody<DeletePoint>(in, operation);
    case kPutDocument: return GetOperationBody<PutDocument>(in, operation);
    case kDeleteDocument: return GetOperationBody<DeleteDocument>(in, operation);
    default: return false;
  }
}

void PutOperation(std::string& out, const Operation& operation) {
  const auto kind = static_cast<uint8_t>(operation.body.index() + 1);
  PutU8(out, operation.request ? kind | kStamped : kind);
  PutVersion(out, operation.version);
  if (operation.request) PutStamp(out, *operation.request);
  std::visit([&out](const auto& body) { PutBody(out, body); }, operation.body);
}

bool AnyStamped(std::span<const Operation> operations) {
  return std::any_of(operations.begin(), operations.end(), [](const Operation& op) { return op.request.has_value(); });
}

// What stored points and documents begin with.
template <typename Stored>
std::string StartStored(const Stored& stored) {
  std::string out;
  PutU8(out, stored.request ? kStampedStoredFormat : kStoredFormat);
  PutU8(out, stored.tombstone ? 1 : 0);
  PutVersion(out, stored.version);
  if (stored.request) PutStamp(out, *stored.request);
  return out;
}

template <typename Stored>
bool GetStoredStart(Decoder& in, Stored& stored) {
  uint8_t format = 0, tombstone = 0;
  if (!in.U8(format) || (format != kStoredFormat && format != kStampedStoredFormat) || !in.U8(tombstone) ||
      tombstone > 1 || !GetVersion(in, stored.version)) {
    return false;
  }
  stored.tombstone = tombstone == 1;
  return format == kStoredFormat || GetStamp(in, stored.request.emplace());
}

Result<PointId> CheckedString(std::string_view text) {
  if (text.empty()) return Status::InvalidArgument("id", "must not be empty");
  if (text.size() > PointId::kStringLenMax) {
    return Status::InvalidArgument("id", "must be at most " + std::to_string(PointId::kStringLenMax) + " bytes long");
  }
  if (!IsUtf8(text)) return Status::InvalidArgument("id", "is not valid UTF-8");
  if (const auto uuid = Uuid::Parse(text)) return PointId(*uuid);
  std::string encoded(1, static_cast<char>(kString));
  return PointId::Decode(encoded.append(text));
}

}  // namespace

Result<PointId> PointId::FromString(std::string_view text) {
  if (text.find('#') != std::string_view::npos) {
    return Status::InvalidArgument("id", "must not contain '#', which names the chunks of documents");
  }
  return CheckedString(text);
}

Result<PointId> PointId::Reference(std::string_view text) { return CheckedString(text); }

PointId PointId::OfChunk(const PointId& document, uint32_t n) {
  return PointId(document.ToString() + "#" + std::to_string(n));
}

std::string PointId::ToString() const {
  if (const auto* number = std::get_if<uint64_t>(&value_)) return std::to_string(*number);
  if (const auto* uuid = std::get_if<Uuid>(&value_)) return uuid->ToString();
  return std::get<std::string>(value_);
}

std::string PointId::Encode() const {
  std::string out;
  if (const auto* number = std::get_if<uint64_t>(&value_)) {
    out.push_back(static_cast<char>(kNumber));
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(*number >> shift));
  } else if (const auto* uuid = std::get_if<Uuid>(&value_)) {
    out.push_back(static_cast<char>(kUuid));
    out.append(reinterpret_cast<const char*>(uuid->bytes.data()), uuid->bytes.size());
  } else {
    out.push_back(static_cast<char>(kString));
    out.append(std::get<std::string>(value_));
  }
  return out;
}

Result<PointId> PointId::Decode(std::string_view bytes) {
  const Status bad = Status::Corruption("not the encoding of a point id");
  if (bytes.size() < 2) return bad;
  const std::string_view body = bytes.substr(1);
  switch (bytes[0]) {
    case kNumber: {
      if (body.size() != 8) return bad;
      uint64_t number = 0;
      for (const char byte : body) number = number << 8 | static_cast<uint8_t>(byte);
      return PointId(number);
    }
    case kUuid: {
      Uuid uuid;
      if (body.size() != uuid.bytes.size()) return bad;
      std::memcpy(uuid.bytes.data(), body.data(), body.size());
      return PointId(uuid);
    }
    case kString:
      if (body.size() > kStringLenMax + kChunkSuffixLenMax || !IsUtf8(body)) return bad;
      return PointId(std::string(body));
    default: return bad;
  }
}

bool PointId::IsChunk(std::string_view encoded) {
  return encoded.starts_with(static_cast<char>(kString)) && encoded.find('#') != std::string_view::npos;
}

std::string PointId::RoutingKey() const {
  std::string text = ToString();
  return text.substr(0, text.find('#'));
}

const PointId& Operation::id() const {
  struct Visitor {
    const PointId& operator()(const UpsertPoint& op) const { return op.point.id; }
    const PointId& operator()(const DeletePoint& op) const { return op.id; }
    const PointId& operator()(const PutDocument& op) const { return op.record.id; }
    const PointId& operator()(const DeleteDocument& op) const { return op.id; }
  };
  return std::visit(Visitor{}, body);
}

std::string Operation::Key() const {
  const bool document = std::holds_alternative<PutDocument>(body) || std::holds_alternative<DeleteDocument>(body);
  return (document ? "d" : "p") + id().Encode();
}

std::string EncodeBatch(std::span<const Operation> operations, const std::vector<RequestFate>& fates) {
  const bool stamped = !fates.empty() || AnyStamped(operations);
  std::string out;
  PutU8(out, stamped ? kStampedBatchFormat : kBatchFormat);
  PutVarint(out, operations.size());
  for (const Operation& operation : operations) PutOperation(out, operation);
  if (stamped) PutFates(out, fates);
  return out;
}

Result<OperationBatch> DecodeOperationBatch(std::string_view bytes) {
  Decoder in(bytes);
  OperationBatch batch;
  uint8_t format = 0;
  if (!in.U8(format) || format < kBatchFormat || format > kStampedBatchFormat) return in.Failure("operation batch");
  std::optional<RequestStamp> of_all;
  if (format == kOneStampFormat && !GetStamp(in, of_all.emplace())) return in.Failure("operation batch");
  uint64_t count = 0;
  if (!in.Count(count, 15)) return in.Failure("operation batch");
  batch.operations.resize(count);
  for (Operation& operation : batch.operations) {
    if (!GetOperation(in, format, operation)) return in.Failure("operation batch");
    if (of_all) operation.request = of_all;
  }
  if (format == kStampedBatchFormat) {
    const bool needed = GetFates(in, batch.fates) && (!batch.fates.empty() || AnyStamped(batch.operations));
    if (!needed) return in.Failure("operation batch");
  }
  RETURN_IF_ERROR(in.Finish("operation batch"));
  return batch;
}

Result<std::vector<Operation>> DecodeBatch(std::string_view bytes) {
  ASSIGN_OR_RETURN(OperationBatch batch, DecodeOperationBatch(bytes));
  if (!batch.fates.empty()) return Status::Corruption("operation batch: fates of requests where none may be");
  return std::move(batch.operations);
}

std::string EncodeStoredPoint(const StoredPoint& point) {
  std::string out = StartStored(point);
  if (point.tombstone) return out;
  PutBytes(out, point.title);
  PutBytes(out, point.text);
  PutBytes(out, point.payload);
  return out;
}

Result<StoredPoint> DecodeStoredPoint(std::string_view bytes) {
  Decoder in(bytes);
  StoredPoint point;
  if (!GetStoredStart(in, point)) return in.Failure("stored point");
  if (!point.tombstone && !(in.Bytes(point.title) && in.Bytes(point.text) && in.Bytes(point.payload))) {
    return in.Failure("stored point");
  }
  RETURN_IF_ERROR(in.Finish("stored point"));
  return point;
}

Result<StoredVersion> DecodeStoredVersion(std::string_view bytes) {
  Decoder in(bytes);
  StoredVersion stored;
  if (!GetStoredStart(in, stored)) return in.Failure("stored version");
  return stored;
}

std::string EncodeStoredDocument(const StoredDocument& document) {
  std::string out = StartStored(document);
  if (document.tombstone) return out;
  PutRecord(out, document.record);
  PutVarint(out, document.record.chunk_count);
  return out;
}

Result<StoredDocument> DecodeStoredDocument(std::string_view bytes) {
  Decoder in(bytes);
  StoredDocument document;
  if (!GetStoredStart(in, document)) return in.Failure("stored document");
  if (!document.tombstone) {
    uint64_t chunks = 0;
    if (!GetRecord(in, document.record) || !in.Varint(chunks, UINT32_MAX)) return in.Failure("stored document");
    document.record.chunk_count = static_cast<uint32_t>(chunks);
  }
  RETURN_IF_ERROR(in.Finish("stored document"));
  return document;
}

}  // namespace rhizome::format
