// Writing and merging of text segments.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engines/vector/text_index_memory.h"
#include "engines/vector/text_index_segment.h"

namespace rhizome::vector {

// Where a text segment goes and which analyzer made its terms.
struct TextSegmentPlace {
  io::Disk& disk;
  const std::string& directory;
  const std::string& name;
  const AnalyzerOptions& analyzer;
};

// Writes the parts, ascending in slots, as one segment; durable when it returns. ResourceExhausted when all terms
// together have 4 GiB or more.
Status WriteTextSegment(const TextSegmentPlace& place, std::span<const std::shared_ptr<const MemoryTextPart>> parts);

// The same from segments, leaving out slots below live.size() that are not in it.
Status MergeTextSegments(const TextSegmentPlace& place, std::span<const std::shared_ptr<const TextSegment>> parts,
                         const SlotSet& live);

}  // namespace rhizome::vector
