// Book: the communities of one memory as they were found: which entities, on which level, in which order, and where
// their summaries stand in the documents. What is written down durably (docs/formats/communities.md).
//
// It holds ids and places, no names and no text: whoever shows a community reads what it names as it is then, so what
// a deleted document said cannot be shown from here. Constant once made, so thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "format/entity_id.h"
#include "format/point.h"

namespace rhizome::communities {

inline constexpr size_t kCitationsMax = 8;  // of a community
inline constexpr size_t kLevelsMax = 8;

// A sentence of a chunk; not there any more when the bytes have another checksum.
struct Citation {
  format::PointId document;
  uint32_t chunk = 0;
  uint32_t begin = 0;
  uint32_t length = 0;
  uint64_t checksum = 0;
  bool operator==(const Citation&) const = default;
};

// Communities of a level are numbered by size, largest first.
struct Level {
  std::vector<uint32_t> begins;                  // in `ranked`; one more than communities
  std::vector<uint32_t> ranked;                  // nodes by community, the most central first
  std::vector<uint64_t> marks;                   // of communities: other members or sources, another mark
  std::vector<std::vector<Citation>> citations;  // of communities; empty where the level above has the same one
  std::vector<uint32_t> community_of;            // of nodes; follows from the above

  uint32_t count() const { return static_cast<uint32_t>(marks.size()); }
  std::span<const uint32_t> MembersOf(uint32_t community) const {
    return std::span(ranked).subspan(begins[community], begins[community + 1] - begins[community]);
  }
  bool operator==(const Level&) const = default;
};

struct Book {
  Uuid collection;
  int64_t built_ms = 0;
  uint64_t graph_mark = 0;  // of the graph it was made of
  std::vector<format::EntityId> ids;
  std::vector<std::pair<format::EntityId, uint32_t>> merged;
  std::vector<uint64_t> edge_marks;
  std::vector<uint64_t> source_marks;
  std::vector<Level> levels;  // coarsest first, at least one

  std::optional<uint32_t> NodeOf(const format::EntityId& id) const;
  // What a community is known by: its level and its most central entity, "0-<32 hexadecimal digits>".
  std::string IdOf(uint32_t level, uint32_t community) const;
  struct Place {
    uint32_t level = 0;
    uint32_t community = 0;
    bool operator==(const Place&) const = default;
  };
  std::optional<Place> Find(std::string_view id) const;
  // The same community on the coarsest level that has it: where its citations are.
  Place HomeOf(Place place) const;
  std::optional<Place> ParentOf(Place place) const;
  bool operator==(const Book&) const = default;
};

std::string EncodeBook(const Book& book);
// Corruption when the bytes are not what EncodeBook made, whatever they are.
Result<Book> DecodeBook(std::string_view bytes);

}  // namespace rhizome::communities
