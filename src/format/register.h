// Registers: what replicas of a shard tell each other about what they hold (docs/formats/register.md).
//
// A register is a point, or a document with all of its chunks; its key is Operation::Key(). Per register the highest
// version wins and a delete is a version too, so two replicas agree exactly when they hold the same (key, version,
// tombstone) triples. A digest says so in little: registers are spread over leaves by a hash of the key, and a leaf
// sums a hash of each of its triples, so it does not matter in what order they are added.
//
// Pure functions, no I/O, no locks; shared by the engine and by the simulator's store. Decoders take untrusted bytes
// and answer Corruption, never crash.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "format/point.h"

namespace rhizome::format {

struct RegisterVersion {
  std::string key;
  Version version;  // Version{}: the register was never written
  bool tombstone = false;
  bool operator==(const RegisterVersion&) const = default;
};

// Some registers in key order.
struct InventoryPage {
  std::vector<RegisterVersion> entries;
  std::string next;  // pass as `after`; "": the end
  bool operator==(const InventoryPage&) const = default;
};

// A key taken apart. A chunk is no register: ParseRegisterKey refuses its id.
struct RegisterKey {
  bool document = false;
  PointId id;
  bool operator==(const RegisterKey&) const = default;
};
// InvalidArgument (field "key") for what no operation writes.
Result<RegisterKey> ParseRegisterKey(std::string_view key);
// The register that decides whether the point `id` is there: the point's own, for a chunk its document's.
std::string RegisterOf(const PointId& id);

inline constexpr uint32_t kDigestBitsMax = 12;

// Which of 2^bits leaves a register belongs to; `bits` is at most kDigestBitsMax.
uint32_t LeafOf(std::string_view key, uint32_t bits);

struct Leaf {
  uint64_t hash = 0;
  uint64_t count = 0;
  bool operator==(const Leaf&) const = default;
};

struct RangeDigest {
  RangeDigest() : RangeDigest(0) {}
  // Of no registers; `bits` is at most kDigestBitsMax.
  explicit RangeDigest(uint32_t bits);
  uint32_t bits = 0;
  std::vector<Leaf> leaves;  // 2^bits
  bool operator==(const RangeDigest&) const = default;
};

// Each register must be added once.
void AddToDigest(RangeDigest& digest, const RegisterVersion& entry);
// Leaves whose registers differ, ascending. Both digests must have the same bits.
std::vector<uint32_t> DifferentLeaves(const RangeDigest& a, const RangeDigest& b);

std::string EncodeRegisterVersions(const std::vector<RegisterVersion>& entries);
Result<std::vector<RegisterVersion>> DecodeRegisterVersions(std::string_view bytes);
std::string EncodeInventoryPage(const InventoryPage& page);
Result<InventoryPage> DecodeInventoryPage(std::string_view bytes);
std::string EncodeRangeDigest(const RangeDigest& digest);
Result<RangeDigest> DecodeRangeDigest(std::string_view bytes);

}  // namespace rhizome::format
