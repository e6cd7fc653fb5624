// Manifest: what the state of a series engine on disk consists of (docs/formats/series_manifest.md). It is replaced as
// a whole and names every block, so a checkpoint or a compaction either has happened or has not; what it does not name
// is garbage of an interrupted one.
//
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "engines/series/deletion.h"

namespace rhizome::series {

// Nothing with a stamp up to `stamp` can come any more that had not come by `lsn`.
struct Settled {
  uint64_t stamp = 0;
  uint64_t lsn = 0;
  friend bool operator==(const Settled&, const Settled&) = default;
};

struct Manifest {
  uint64_t sequence = 0;           // files made from here on have numbers above it
  uint64_t lsn = 0;                // the log is contained up to and with it
  Version max_version;             // of what was applied
  int64_t horizon_ms = INT64_MIN;  // samples from before are gone
  Settled settled;
  DeletionSet deletions;
  std::vector<std::string> blocks;  // file names: [A-Za-z0-9._-], not beginning with a dot
};

inline constexpr std::string_view kManifestName = "MANIFEST";

std::string EncodeManifest(const Manifest& manifest);
// Corruption for anything EncodeManifest did not write, names that would leave the directory included.
Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace rhizome::series
