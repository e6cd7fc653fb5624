#include "format/request.h"

#include <algorithm>

#include "format/coding.h"
#include "format/identity.h"

namespace rhizome::format {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kFateLength = 36;  // key, version, content hash

void PutKey(std::string& out, const IdempotencyKey& key) {
  out.append(reinterpret_cast<const char*>(key.data()), key.size());
}

bool GetKey(Decoder& in, IdempotencyKey& key) {
  std::string_view raw;
  if (!in.Raw(raw, key.size())) return false;
  std::copy(raw.begin(), raw.end(), key.begin());
  return true;
}

void PutRecord(std::string& out, const RequestRecord& record) {
  PutVersion(out, record.version);
  PutU64(out, record.content_hash);
}

bool GetRecord(Decoder& in, RequestRecord& record) {
  return GetVersion(in, record.version) && in.U64(record.content_hash);
}

bool GetFormat(Decoder& in) {
  uint8_t format = 0;
  return in.U8(format) && format == kFormat;
}

}  // namespace

std::string EncodeRequestRecord(const RequestRecord& record) {
  std::string out;
  PutU8(out, kFormat);
  PutRecord(out, record);
  return out;
}

Result<RequestRecord> DecodeRequestRecord(std::string_view bytes) {
  Decoder in(bytes);
  RequestRecord record;
  if (!GetFormat(in) || !GetRecord(in, record)) return in.Failure("request record");
  RETURN_IF_ERROR(in.Finish("request record"));
  return record;
}

std::string EncodeRequestPage(const RequestPage& page) {
  std::string out;
  PutU8(out, kFormat);
  PutFates(out, page.fates);
  PutBytes(out, page.next);
  return out;
}

Result<RequestPage> DecodeRequestPage(std::string_view bytes) {
  Decoder in(bytes);
  RequestPage page;
  if (!GetFormat(in) || !GetFates(in, page.fates) || !in.Bytes(page.next, sizeof(IdempotencyKey)) ||
      (!page.next.empty() && page.next.size() != sizeof(IdempotencyKey))) {
    return in.Failure("request page");
  }
  RETURN_IF_ERROR(in.Finish("request page"));
  return page;
}

Result<IdempotencyKey> ParseIdempotencyKey(std::string_view bytes) {
  IdempotencyKey key{};
  if (bytes.size() != key.size()) return Status::InvalidArgument("request", "must be 16 bytes");
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

void PutStamp(std::string& out, const RequestStamp& stamp) {
  PutKey(out, stamp.key);
  PutU64(out, stamp.content_hash);
}

bool GetStamp(Decoder& in, RequestStamp& stamp) { return GetKey(in, stamp.key) && in.U64(stamp.content_hash); }

void PutFates(std::string& out, const std::vector<RequestFate>& fates) {
  PutVarint(out, fates.size());
  for (const RequestFate& fate : fates) {
    PutKey(out, fate.key);
    PutRecord(out, fate.record);
  }
}

bool GetFates(Decoder& in, std::vector<RequestFate>& fates) {
  uint64_t count = 0;
  if (!in.Count(count, kFateLength)) return false;
  fates.resize(count);
  for (RequestFate& fate : fates) {
    if (!GetKey(in, fate.key) || !GetRecord(in, fate.record)) return false;
  }
  return true;
}

}  // namespace rhizome::format
