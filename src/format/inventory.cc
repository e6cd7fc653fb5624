#include "format/inventory.h"

#include <string>

namespace rhizome::format {

namespace {

Status CheckBits(uint32_t bits) {
  if (bits <= kDigestBitsMax) return Status::Ok();
  return Status::InvalidArgument("bits", "must be at most " + std::to_string(kDigestBitsMax));
}

}  // namespace

Result<InventoryPage> TakeInventory(const std::vector<uint32_t>& leaves, uint32_t bits, uint32_t limit,
                                    const WalkRegisters& walk) {
  RETURN_IF_ERROR(CheckBits(bits));
  if (limit == 0) return Status::InvalidArgument("limit", "must be at least 1");
  std::vector<bool> wanted(size_t{1} << bits);
  for (const uint32_t leaf : leaves) {
    if (leaf >= wanted.size()) return Status::InvalidArgument("leaves", "names a leaf beyond the last");
    wanted[leaf] = true;
  }
  InventoryPage page;
  RETURN_IF_ERROR(walk([&](const RegisterVersion& entry) {
    if (!wanted[LeafOf(entry.key, bits)]) return true;
    if (page.entries.size() == limit) {
      page.next = page.entries.back().key;
      return false;
    }
    page.entries.push_back(entry);
    return true;
  }));
  return page;
}

Result<RangeDigest> TakeDigest(uint32_t bits, const std::optional<Version>& below, const WalkRegisters& walk) {
  RETURN_IF_ERROR(CheckBits(bits));
  RangeDigest digest(bits);
  RETURN_IF_ERROR(walk([&](const RegisterVersion& entry) {
    if (!below || entry.version < *below) AddToDigest(digest, entry);
    return true;
  }));
  return digest;
}

}  // namespace rhizome::format
