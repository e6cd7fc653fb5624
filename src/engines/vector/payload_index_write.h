// Writing and merging of payload segments.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engines/vector/payload_index_segment.h"

namespace rhizome::vector {

// Where a segment goes.
struct SegmentPlace {
  io::Disk& disk;
  const std::string& directory;
  const std::string& name;
};

// Writes the parts, ascending in slots, as one segment; durable when it returns.
Status WritePayloadSegment(const SegmentPlace& place, std::span<const std::shared_ptr<const MemoryPayloadPart>> parts);

// The same from segments, leaving out slots below live.size() that are not in it. ResourceExhausted when the result
// would have more elements than 32 bits count.
Status MergePayloadSegments(const SegmentPlace& place, std::span<const std::shared_ptr<const PayloadSegment>> parts,
                            const SlotSet& live);

}  // namespace rhizome::vector
