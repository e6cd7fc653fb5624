#include "communities/view.h"

#include <algorithm>

namespace rhizome::communities {
namespace {

constexpr size_t kTitleNames = 3;

// Members that are there, of each place, from `from` members on; fills up to `members_max`.
Status AddMembers(const Source& source, const Book& book, std::span<const Book::Place> places, uint32_t members_max,
                  std::vector<CommunityView>& views) {
  std::vector<uint32_t> next(places.size(), 0);
  while (true) {
    // One read for what every community still wants.
    std::vector<format::EntityId> ids;
    std::vector<std::pair<size_t, format::EntityId>> wanted;
    for (size_t i = 0; i < places.size(); ++i) {
      const auto members = book.levels[places[i].level].MembersOf(places[i].community);
      const size_t end = std::min<size_t>(members.size(), kMembersLookedAt);
      for (size_t missing = members_max - views[i].members.size(); missing > 0 && next[i] < end; --missing) {
        ids.push_back(book.ids[members[next[i]++]]);
        wanted.emplace_back(i, ids.back());
      }
    }
    if (ids.empty()) return Status::Ok();
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    ASSIGN_OR_RETURN(const auto entities, source.graph->Entities(ids));
    for (const auto& [view, id] : wanted) {
      const auto& entity = entities[static_cast<size_t>(std::lower_bound(ids.begin(), ids.end(), id) - ids.begin())];
      if (!entity || entity->statistics.name.empty()) continue;
      if (entity->state.value == format::EntityState::kDeleted) continue;
      const std::string& name = entity->statistics.name;
      views[view].members.push_back({id, name, entity->surface.empty() ? name : entity->surface,
                                     entity->statistics.Type(), entity->statistics.documents});
    }
  }
}

Status AddCitations(const Source& source, const Book& book, std::span<const Book::Place> places,
                    std::vector<CommunityView>& views) {
  std::vector<Citation> citations;
  std::vector<size_t> owners;
  for (size_t i = 0; i < places.size(); ++i) {
    const Book::Place home = book.HomeOf(places[i]);
    for (const Citation& citation : book.levels[home.level].citations[home.community]) {
      citations.push_back(citation);
      owners.push_back(i);
    }
  }
  ASSIGN_OR_RETURN(auto sentences, ReadSentences(source, citations));
  for (size_t i = 0; i < citations.size(); ++i) {
    if (sentences[i].empty()) continue;
    views[owners[i]].citations.push_back({citations[i].document, citations[i].chunk, std::move(sentences[i])});
  }
  return Status::Ok();
}

// By its members or by all communities of the next level, whichever are fewer.
uint32_t PartsOf(const Book& book, Book::Place place) {
  if (place.level + 1 >= book.levels.size()) return 1;
  const Level& level = book.levels[place.level];
  const Level& next = book.levels[place.level + 1];
  const auto members = level.MembersOf(place.community);
  uint32_t parts = 0;
  if (members.size() < next.count()) {
    std::vector<uint32_t> seen;
    for (const uint32_t node : members) seen.push_back(next.community_of[node]);
    std::sort(seen.begin(), seen.end());
    parts = static_cast<uint32_t>(std::unique(seen.begin(), seen.end()) - seen.begin());
  } else {
    for (uint32_t c = 0; c < next.count(); ++c) {
      parts += level.community_of[next.MembersOf(c).front()] == place.community ? 1 : 0;
    }
  }
  return parts;
}

}  // namespace

std::string CommunityView::Title() const {
  std::string title;
  for (size_t i = 0; i < members.size() && i < kTitleNames; ++i)
    title.append(i > 0 ? ", " : "").append(members[i].surface);
  return title;
}

std::string CommunityView::Summary() const {
  std::string summary;
  for (const CitedSentence& citation : citations) summary.append(summary.empty() ? "" : " ").append(citation.text);
  return summary;
}

Result<std::vector<CommunityView>> ViewCommunities(const Source& source, const Book& book,
                                                   std::span<const Book::Place> places, uint32_t members_max) {
  std::vector<CommunityView> views(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const auto [level, community] = places[i];
    views[i].id = book.IdOf(level, community);
    views[i].level = level;
    views[i].size = book.levels[level].MembersOf(community).size();
    views[i].parts = PartsOf(book, places[i]);
    if (const auto parent = book.ParentOf(places[i])) views[i].parent = book.IdOf(parent->level, parent->community);
  }
  RETURN_IF_ERROR(AddMembers(source, book, places, std::max<uint32_t>(members_max, kTitleNames), views));
  RETURN_IF_ERROR(AddCitations(source, book, places, views));
  std::erase_if(views, [](const CommunityView& view) { return view.members.empty(); });
  return views;
}

}  // namespace rhizome::communities
