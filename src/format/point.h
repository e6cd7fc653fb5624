// Points, documents and the operations that change them: what the gateway encodes once and the wire, the log and
// replay all carry unchanged (docs/formats/operation_batch.md).
//
// Encoding and decoding only: no I/O, no locks. Decoders accept any bytes and answer Corruption, never crash.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "base/version.h"
#include "format/request.h"

namespace rhizome::format {

// The name of a point: a number, a UUID or a string of 1 to 512 bytes of UTF-8. The three kinds never collide.
class PointId {
 public:
  static constexpr size_t kStringLenMax = 512;

  PointId() = default;
  explicit PointId(uint64_t number) : value_(number) {}
  explicit PointId(Uuid uuid) : value_(uuid) {}
  // Text in UUID form becomes a UUID, so that "6BA7…" and "6ba7…" are one point. InvalidArgument (field "id") for
  // an empty, too long or not UTF-8 string, and for one with '#', which is kept for the chunks of documents.
  static Result<PointId> FromString(std::string_view text);
  // As FromString, but the id of a chunk is welcome too: for looking things up.
  static Result<PointId> Reference(std::string_view text);
  // The id of a document's n-th chunk: "<document>#<n>". Chunks live in their document's partition.
  static PointId OfChunk(const PointId& document, uint32_t n);

  bool is_number() const { return std::holds_alternative<uint64_t>(value_); }
  uint64_t number() const { return std::get<uint64_t>(value_); }
  // As clients read it: decimal, UUID text or the string itself.
  std::string ToString() const;
  // Order-preserving bytes, self-delimiting by kind: the database key. Inverse: Decode.
  std::string Encode() const;
  static Result<PointId> Decode(std::string_view bytes);
  // Whether `encoded` (as Encode makes it) names a chunk.
  static bool IsChunk(std::string_view encoded);
  // What decides the partition: the id as text, for a chunk that of its document.
  std::string RoutingKey() const;

  auto operator<=>(const PointId&) const = default;

 private:
  explicit PointId(std::string text) : value_(std::move(text)) {}
  std::variant<uint64_t, Uuid, std::string> value_ = uint64_t{0};
};

// One searchable item. `payload` is a JSON object as text ("" means {}); `vector` may be empty (text only).
struct Point {
  PointId id;
  std::vector<float> vector;
  std::string title;
  std::string text;
  std::string payload;
  bool operator==(const Point&) const = default;
};

// What is known of a document beside its chunks.
struct DocumentRecord {
  PointId id;
  std::pair<uint64_t, uint64_t> content_hash;
  std::string title;
  std::string source;    // file, URL or "" when it came as text
  std::string metadata;  // JSON object as text
  uint32_t chunk_count = 0;
  bool operator==(const DocumentRecord&) const = default;
};

struct UpsertPoint {
  Point point;
  bool operator==(const UpsertPoint&) const = default;
};
struct DeletePoint {
  PointId id;
  bool operator==(const DeletePoint&) const = default;
};
// A document is one register: its chunks appear, change and go together. chunks[i].id is OfChunk(record.id, i),
// chunks[i].title the record's, and record.chunk_count their number: all three are derived, not encoded.
struct PutDocument {
  DocumentRecord record;
  std::vector<Point> chunks;
  bool operator==(const PutDocument&) const = default;
};
struct DeleteDocument {
  PointId id;
  bool operator==(const DeleteDocument&) const = default;
};

// A mutation and its version; per key the highest version wins.
struct Operation {
  Version version;
  std::variant<UpsertPoint, DeletePoint, PutDocument, DeleteDocument> body;
  std::optional<RequestStamp> request = std::nullopt;  // that wrote it, when it had an idempotency key
  // The register this operation writes, as the encoded id behind 'p' (point) or 'd' (document).
  std::string Key() const;
  const PointId& id() const;
  bool operator==(const Operation&) const = default;
};

// The unit of log, replication and acknowledgement.
struct OperationBatch {
  std::vector<Operation> operations;
  // Requests to be remembered beside those of the operations: what one replica copies of another's memory.
  std::vector<RequestFate> fates = {};
  bool operator==(const OperationBatch&) const = default;
};
std::string EncodeBatch(std::span<const Operation> operations, const std::vector<RequestFate>& fates = {});
Result<OperationBatch> DecodeOperationBatch(std::string_view bytes);
// Operations where nothing else may be: Corruption for a batch with fates of requests, too.
Result<std::vector<Operation>> DecodeBatch(std::string_view bytes);

// The database values of a point (without its vector, which the index keeps) and of a document. A tombstone has
// only a version and, as a live one has, the stamp of the request that wrote it.
struct StoredPoint {
  Version version;
  bool tombstone = false;
  std::string title;
  std::string text;
  std::string payload;
  std::optional<RequestStamp> request = std::nullopt;  // of a chunk: its document's record has it
};
std::string EncodeStoredPoint(const StoredPoint& point);
Result<StoredPoint> DecodeStoredPoint(std::string_view bytes);

struct StoredDocument {
  Version version;
  bool tombstone = false;
  DocumentRecord record;
  std::optional<RequestStamp> request = std::nullopt;
};
std::string EncodeStoredDocument(const StoredDocument& document);
Result<StoredDocument> DecodeStoredDocument(std::string_view bytes);

// What both values begin with, read without the rest.
struct StoredVersion {
  Version version;
  bool tombstone = false;
  std::optional<RequestStamp> request = std::nullopt;
};
Result<StoredVersion> DecodeStoredVersion(std::string_view bytes);

}  // namespace rhizome::format
