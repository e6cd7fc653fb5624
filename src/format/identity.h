// A UUID and a version as every format of ours writes them (docs/formats/coding.md): 16 bytes as they are; the time,
// then the node.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "base/version.h"
#include "format/coding.h"

namespace rhizome::format {

inline void PutUuid(std::string& out, const Uuid& uuid) {
  out.append(reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size());
}
[[nodiscard]] inline bool GetUuid(Decoder& in, Uuid& uuid) {
  std::string_view raw;
  if (!in.Raw(raw, uuid.bytes.size())) return false;
  std::copy(raw.begin(), raw.end(), uuid.bytes.begin());
  return true;
}

inline void PutVersion(std::string& out, Version version) {
  PutU64(out, version.time);
  PutU32(out, version.node);
}
[[nodiscard]] inline bool GetVersion(Decoder& in, Version& version) {
  return in.U64(version.time) && in.U32(version.node);
}

}  // namespace rhizome::format
