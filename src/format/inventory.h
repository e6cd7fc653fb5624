// What replicas tell each other of their registers, made from a walk over them: pages of inventories and digests. The
// same for every engine whose state is registers; the walk is the engine's.
//
// Errors are the walk's, and InvalidArgument, naming the field, for what was asked.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "format/register.h"

namespace rhizome::format {

using VisitRegister = std::function<bool(const RegisterVersion&)>;  // false: enough
// Calls its argument with registers in key order, each once.
using WalkRegisters = std::function<Status(const VisitRegister&)>;

// The first `limit` registers of the walk that are in the named leaves of 2^bits.
Result<InventoryPage> TakeInventory(const std::vector<uint32_t>& leaves, uint32_t bits, uint32_t limit,
                                    const WalkRegisters& walk);
// Of all registers of the walk, or of those with a version below `below`.
Result<RangeDigest> TakeDigest(uint32_t bits, const std::optional<Version>& below, const WalkRegisters& walk);

}  // namespace rhizome::format
