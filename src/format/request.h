// Requests: which request of a client a register was written by, and what is known of requests
// (docs/formats/operation_batch.md, docs/formats/register.md).
//
// A client repeats a request whose outcome it does not know under the same idempotency key. So that the repetition can
// be told from a new request, a register carries the stamp of the request that wrote it wherever it goes, and whoever
// takes such a register remembers the request: its version and a hash of what was asked. One version has one content,
// and the stamp is part of it.
//
// Encoding and decoding only: no I/O, no locks. Decoders take untrusted bytes and answer Corruption, never crash.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"

namespace rhizome::format {

using IdempotencyKey = std::array<uint8_t, 16>;  // hash of what the client sent as such

struct RequestStamp {
  IdempotencyKey key{};
  uint64_t content_hash = 0;  // of what was asked: the same key must not come with something else
  bool operator==(const RequestStamp&) const = default;
};

// What is known of a request whose effect is here: a register too, so the higher record counts.
struct RequestRecord {
  Version version;  // the highest of its operations; its wall time is the request's
  uint64_t content_hash = 0;
  auto operator<=>(const RequestRecord&) const = default;
};

// Of one request; the registers it wrote may have been overwritten since.
struct RequestFate {
  IdempotencyKey key{};
  RequestRecord record;
  bool operator==(const RequestFate&) const = default;
};

// Some requests in key order.
struct RequestPage {
  std::vector<RequestFate> fates;
  std::string next;  // pass as `after`; "": the end, else 16 bytes
  bool operator==(const RequestPage&) const = default;
};

std::string EncodeRequestRecord(const RequestRecord& record);
Result<RequestRecord> DecodeRequestRecord(std::string_view bytes);
std::string EncodeRequestPage(const RequestPage& page);
Result<RequestPage> DecodeRequestPage(std::string_view bytes);

// InvalidArgument (field "request") unless `bytes` is as long as a key.
Result<IdempotencyKey> ParseIdempotencyKey(std::string_view bytes);
inline std::string ToBytes(const IdempotencyKey& key) { return {key.begin(), key.end()}; }

// Parts of larger encodings.
class Decoder;
void PutStamp(std::string& out, const RequestStamp& stamp);
[[nodiscard]] bool GetStamp(Decoder& in, RequestStamp& stamp);
void PutFates(std::string& out, const std::vector<RequestFate>& fates);
[[nodiscard]] bool GetFates(Decoder& in, std::vector<RequestFate>& fates);

}  // namespace rhizome::format
