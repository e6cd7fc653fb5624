// Keys and small values of the vector engine in the database (docs/formats/database.md). Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/version.h"
#include "format/point.h"

namespace rhizome::vector {

// Every key of a shard starts with its number, big-endian, so that a shard is one range.
std::string ShardPrefix(uint32_t shard);
std::string AppliedKey(uint32_t shard);
std::string ContentKey(uint32_t shard, std::pair<uint64_t, uint64_t> hash, const format::PointId& document);
// ContentKey without the document: the range of all documents with that content.
std::string ContentPrefix(uint32_t shard, std::pair<uint64_t, uint64_t> hash);

// How far the database is: written in the same batch as the effects.
struct Applied {
  uint64_t lsn = 0;
  Version max_version;
  uint64_t documents = 0;
};
std::string EncodeApplied(const Applied& applied);
Result<Applied> DecodeApplied(std::string_view bytes);

}  // namespace rhizome::vector
