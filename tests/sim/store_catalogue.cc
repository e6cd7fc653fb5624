#include "store_catalogue.h"

#include <cstring>

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::sim {

std::string StoreCatalogue::Encode() const {
  std::string out;
  format::PutBytes(out, identity);
  format::PutU32(out, log_generation);
  format::PutU32(out, next_stream);
  format::PutVarint(out, replicas.size());
  for (const auto& [shard, replica] : replicas) {
    format::PutU32(out, shard);
    out.append(reinterpret_cast<const char*>(replica.collection.bytes.data()), replica.collection.bytes.size());
    format::PutU64(out, replica.since);
    format::PutU32(out, replica.stream);
    format::PutU8(out, static_cast<uint8_t>((replica.complete ? 1 : 0) | (replica.series ? 2 : 0)));
    format::PutBytes(out, replica.damage);
  }
  format::PutU64(out, Checksum(out));
  return out;
}

Result<StoreCatalogue> StoreCatalogue::Decode(std::string_view bytes) {
  const Status bad = Status::Corruption("the store's catalogue cannot be read");
  if (bytes.size() < sizeof(uint64_t)) return bad;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (Checksum(body) != format::LoadFixed<uint64_t>(bytes.data() + body.size())) return bad;
  StoreCatalogue catalogue;
  format::Decoder from(body);
  std::string_view text;
  uint64_t count = 0;
  if (!from.Bytes(text)) return bad;
  catalogue.identity = text;
  if (!from.U32(catalogue.log_generation) || !from.U32(catalogue.next_stream) || !from.Varint(count)) return bad;
  for (uint64_t i = 0; i < count; ++i) {
    Replica replica;
    std::string_view uuid;
    uint8_t complete = 0;
    if (!from.U32(replica.shard) || !from.Raw(uuid, 16) || !from.U64(replica.since) || !from.U32(replica.stream) ||
        !from.U8(complete) || !from.Bytes(text)) {
      return bad;
    }
    std::memcpy(replica.collection.bytes.data(), uuid.data(), uuid.size());
    replica.complete = (complete & 1) != 0;
    replica.series = (complete & 2) != 0;
    replica.damage = text;
    catalogue.replicas[replica.shard] = replica;
  }
  return catalogue;
}

}  // namespace rhizome::sim
