// Views: communities as they are shown, read from the memory at that moment. Names are what documents write now and
// sentences what they say now, so nothing is shown that only a deleted document said, however old the book is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "communities/book.h"
#include "communities/summary.h"

namespace rhizome::communities {

struct MemberView {
  format::EntityId id;
  std::string name;     // normalised
  std::string surface;  // as documents write it
  std::string type;
  uint64_t documents = 0;
};

struct CitedSentence {
  format::PointId document;
  uint32_t chunk = 0;
  std::string text;
};

struct CommunityView {
  std::string id;
  uint32_t level = 0;
  std::optional<std::string> parent;
  uint64_t size = 0;                     // entities, when the book was made
  uint32_t parts = 0;                    // communities of the next level that it is divided into; 1: it is not
  std::vector<MemberView> members;       // the most central first, as many as were asked for
  std::vector<CitedSentence> citations;  // the most telling first

  std::string Title() const;    // its most central entities
  std::string Summary() const;  // its sentences
};

inline constexpr uint32_t kMembersLookedAt = 1024;  // of a community whose first members are gone

// In the order of `places`; communities whose members looked at are all gone are left out. Reads for all together.
Result<std::vector<CommunityView>> ViewCommunities(const Source& source, const Book& book,
                                                   std::span<const Book::Place> places, uint32_t members_max);

}  // namespace rhizome::communities
