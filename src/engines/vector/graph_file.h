// The bytes of a saved graph index (docs/formats/vector_index.md): data first, so that it can be mapped page-aligned,
// then a 64-byte footer that says what it is. Encoding and decoding only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engines/vector/graph_index.h"

namespace rhizome::vector {

enum class GraphFileKind : uint8_t { kCentre = 1, kVectors = 2, kCodes = 3, kRows = 4 };

struct GraphFooter {
  static constexpr size_t kSize = 64;

  GraphFileKind kind = GraphFileKind::kCentre;
  uint8_t level = 0;  // of rows
  Metric metric = Metric::kCosine;
  uint32_t dimension = 0;
  uint32_t degree = 0;
  uint32_t chunk = 0;  // the file holds items [chunk × kChunkSlots, … + count)
  uint32_t count = 0;
  uint64_t payload_checksum = 0;
};

// `checksum` receives the checksum of the footer, which covers the payload's: it stands for the whole file.
std::string EncodeGraphFooter(const GraphFooter& footer, uint64_t& checksum);
// Corruption unless `bytes` is a footer this version writes and its checksum holds.
Result<GraphFooter> DecodeGraphFooter(std::string_view bytes, uint64_t& checksum);
// Bytes before the footer.
uint64_t GraphPayloadSize(const GraphFooter& footer);

// "rows1-0000002a." and the sequence: names of one kind, level and chunk share the part up to the dot.
std::string GraphFilePrefix(GraphFileKind kind, unsigned level, Slot chunk);
std::string GraphFileName(GraphFileKind kind, unsigned level, Slot chunk, uint64_t sequence);

// What an owner's manifest can carry as it is. Decoding refuses names with anything but [a-z0-9.-].
std::string EncodeSavedGraph(const SavedGraph& saved);
Result<SavedGraph> DecodeSavedGraph(std::string_view bytes);

// Drops ids at or above `bound` from a row, closing the gaps.
void CleanRow(std::span<uint32_t> row, Slot bound);

}  // namespace rhizome::vector
