// Archive: the backups of one collection in a blob store, and the rules that keep them whole.
//
//   c_<collection>/snapshots/<id>      manifests
//   c_<collection>/chunks/<xx>/<content>
//   c_<collection>/running/<kind>-<id>   what is under way: see Claim
//
// Every error names the object. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backup/chunk.h"
#include "backup/manifest.h"
#include "base/clock.h"
#include "blob/blob.h"

namespace rhizome::backup {

class Archive {
 public:
  // `store` outlives the archive.
  Archive(blob::BlobStore& store, std::string collection) : store_(store), collection_(std::move(collection)) {}

  blob::BlobStore& store() { return store_; }
  const std::string& collection() const { return collection_; }

  // Names of all backups, oldest first.
  Result<std::vector<std::string>> Ids();
  Result<Summary> ReadSummary(const std::string& id);
  // NotFound; Corruption when it is damaged or not the one of that name.
  Result<Manifest> Load(const std::string& id);
  // From its return on the backup exists. Its chunks must be there.
  Status Save(const Manifest& manifest);
  Status DropManifest(const std::string& id);

  // Bytes of every chunk, by content.
  Result<std::map<std::string, uint64_t>> Chunks();
  Result<std::vector<format::Operation>> ReadChunk(const ChunkRef& ref);
  Status WriteChunk(const EncodedChunk& chunk);
  Status DropChunk(const std::string& content);

 private:
  Result<std::vector<blob::ObjectInfo>> ListAll(const std::string& folder);

  blob::BlobStore& store_;
  const std::string collection_;
};

// Keeps pruning apart from what relies on chunks: each says what it does before it looks for the other, so of two that
// start together at least one sees the other and gives way. Who died is believed to run for kClaimMs; work that takes
// longer must stop before.
class Claim {
 public:
  enum class Kind { kUse, kPrune };
  static constexpr int64_t kClaimMs = 24LL * 3'600 * 1'000;

  // FailedPrecondition names what is in the way: a use stands in a pruning's way, a pruning in everything's.
  static Result<std::unique_ptr<Claim>> Take(Archive& archive, Clock& clock, Kind kind, const std::string& id);
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  // DeadlineExceeded an hour before others stop believing in it.
  Status CheckTime() const;

 private:
  Claim(Archive& archive, Clock& clock, std::string name)
      : archive_(archive), clock_(clock), name_(std::move(name)), start_ns_(clock.MonotonicNs()) {}
  Status CheckOthers(Kind kind) const;

  Archive& archive_;
  Clock& clock_;
  const std::string name_;
  const int64_t start_ns_;
};

}  // namespace rhizome::backup
