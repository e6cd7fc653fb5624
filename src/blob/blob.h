// Blob port: whole objects by name, for what must outlive the machine: backups.
//
// Two implementations: a directory (blob/directory.h) and an S3 server (blob/s3.h), the same to one test
// (blob/blob_testing.h). Objects are written whole and replaced whole; who lists or reads sees all of one Put or
// none of it, after a crash too. There is no other order between objects than that of calls that have returned.
//
// Names are segments of A-Z a-z 0-9 . _ - joined by '/'; a segment begins with a letter, a digit or '_', so neither
// ".." nor an absolute path can be said. What lies in the store under other names is not ours and is never touched.
//
// Thread-safe. Every call blocks; every error but NotFound names the object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::blob {

inline constexpr uint64_t kObjectBytesMax = 65ULL << 20;
inline constexpr uint32_t kListLimitMax = 1'000;

// InvalidArgument (field "name"). A prefix may also be empty or end in '/'.
Status CheckName(std::string_view name);
Status CheckPrefix(std::string_view prefix);

struct ObjectInfo {
  std::string name;
  uint64_t bytes = 0;
  bool operator==(const ObjectInfo&) const = default;
};

struct ObjectPage {
  std::vector<ObjectInfo> objects;  // in the order of the names' bytes
  std::string next;                 // pass as `after`; "": the end
};

// SHA-256 in lower-case hexadecimal: the name of an object that is called after what it holds.
std::string ContentName(std::string_view bytes);

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Durable when it returns. TooLarge above kObjectBytesMax; NoSpace; Unavailable and DeadlineExceeded may have
  // written it.
  virtual Status Put(const std::string& name, std::string_view bytes) = 0;
  // The whole object. NotFound; TooLarge (field "object") when it has more than `bytes_max`.
  virtual Result<std::string> Get(const std::string& name, uint64_t bytes_max) = 0;
  // Its bytes from `offset` on, `length` of them or those there are; "" past the end. NotFound.
  virtual Result<std::string> GetRange(const std::string& name, uint64_t offset, uint64_t length) = 0;
  // How large it is; nullopt when there is none.
  virtual Result<std::optional<uint64_t>> SizeOf(const std::string& name) = 0;
  // Up to `limit` (1..kListLimitMax) objects whose names begin with `prefix` and sort behind `after`.
  virtual Result<ObjectPage> List(const std::string& prefix, const std::string& after, uint32_t limit) = 0;
  // OK when there is none.
  virtual Status Delete(const std::string& name) = 0;
  // As the operator wrote it, without credentials: "dir:/backups", "s3://bucket/prefix".
  virtual std::string Describe() const = 0;
};

}  // namespace rhizome::blob
