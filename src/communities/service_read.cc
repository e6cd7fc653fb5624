// What is asked of the communities there are.
#include <algorithm>
#include <charconv>

#include "communities/service.h"
#include "shard/graph_view.h"

namespace rhizome::communities {
namespace {

constexpr int kRoundsMax = 8;  // of looking for communities that are not all gone

Status NotBuilt() {
  return Status::Unavailable("the communities of this memory have not been found yet: POST /communities/rebuild");
}

// "BUILT:NUMBER": the next community of the level, in the book of that moment.
std::string EncodePlace(int64_t built_ms, uint32_t community) {
  return std::to_string(built_ms) + ":" + std::to_string(community);
}

Result<uint32_t> DecodePlace(const std::string& text, const Book& book) {
  const Status wrong =
      Status::InvalidArgument("after", "is not of these communities, which were found anew: begin again");
  const std::string built = std::to_string(book.built_ms) + ":";
  uint32_t community = 0;
  if (!text.starts_with(built)) return wrong;
  const auto [end, error] = std::from_chars(text.data() + built.size(), text.data() + text.size(), community);
  if (error != std::errc() || end != text.data() + text.size()) return wrong;
  return community;
}

// The communities that `query` is about, largest first, without paging.
Result<std::vector<Book::Place>> PlacesOf(const shard::GraphShards& graph, const Book& book, const ListQuery& query) {
  std::vector<Book::Place> places;
  if (query.entity) {
    std::optional<uint32_t> node;
    ASSIGN_OR_RETURN(const auto ids, shard::GraphView(graph).Named(*query.entity));
    for (size_t i = 0; i < ids.size() && !node; ++i) node = book.NodeOf(ids[i]);
    if (!node) return Status::NotFound("no community has " + *query.entity);
    for (uint32_t level = 0; level < book.levels.size(); ++level) {
      if (!query.level || *query.level == level) places.push_back({level, book.levels[level].community_of[*node]});
    }
    return places;
  }
  const auto parent = book.Find(*query.parent);
  if (!parent) return Status::NotFound("there is no community " + *query.parent);
  if (parent->level + 1 >= book.levels.size()) return places;
  const Level& level = book.levels[parent->level + 1];
  for (const uint32_t node : book.levels[parent->level].MembersOf(parent->community)) {
    places.push_back({parent->level + 1, level.community_of[node]});
  }
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.community < b.community; });
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

}  // namespace

Result<ListPage> Service::List(const ListQuery& query) {
  ASSIGN_OR_RETURN(const Found found, FindCollection(query.collection));
  std::shared_ptr<const Book> book;
  {
    MutexLock lock(mutex_);
    book = memories_[found.id].book;
  }
  if (book == nullptr) return NotBuilt();
  const uint32_t shown_level = query.level.value_or(0);
  if (shown_level >= book->levels.size()) {
    return Status::InvalidArgument("level",
                                   "must be below " + std::to_string(book->levels.size()) + ": so many there are");
  }
  ListPage page;
  page.levels = static_cast<uint32_t>(book->levels.size());
  page.entities = book->ids.size();
  page.built_ms = book->built_ms;
  uint32_t next = 0;
  if (!query.after.empty()) {
    ASSIGN_OR_RETURN(next, DecodePlace(query.after, *book));
  }
  std::vector<Book::Place> listed;
  const bool whole_level = !query.entity && !query.parent;
  if (!whole_level) {
    ASSIGN_OR_RETURN(listed, PlacesOf(*found.source.graph, *book, query));
  }
  page.communities_in_all = whole_level ? book->levels[shown_level].count() : listed.size();
  const auto end = static_cast<uint32_t>(page.communities_in_all);
  // Communities that are all gone leave room for the next ones, but not for ever: a page may be short.
  for (int round = 0; round < kRoundsMax && page.communities.size() < query.limit && next < end; ++round) {
    std::vector<Book::Place> places;
    while (places.size() < query.limit - page.communities.size() && next < end) {
      places.push_back(whole_level ? Book::Place{shown_level, next} : listed[next]);
      ++next;
    }
    ASSIGN_OR_RETURN(auto views, ViewCommunities(found.source, *book, places, query.members_max));
    for (CommunityView& view : views) page.communities.push_back(std::move(view));
  }
  if (next < end) page.next = EncodePlace(book->built_ms, next);
  return page;
}

Result<std::shared_ptr<const GlobalIndex>> Service::IndexOf(const Found& found,
                                                            const std::shared_ptr<const Book>& book) {
  const auto known = [&]() -> std::shared_ptr<const GlobalIndex> {
    MutexLock lock(mutex_);
    const Memory& memory = memories_[found.id];
    return memory.book == book ? memory.index : nullptr;
  };
  if (auto index = known()) return index;
  MutexLock making(index_mutex_);
  if (auto index = known()) return index;
  // After a restart. Vectors come with the next build: nobody waits for a model here.
  ASSIGN_OR_RETURN(GlobalIndex made, GlobalIndex::Make(found.source, *book, nullptr, nullptr, nullptr));
  auto index = std::make_shared<const GlobalIndex>(std::move(made));
  MutexLock lock(mutex_);
  Memory& memory = memories_[found.id];
  if (memory.book == book) memory.index = index;
  return std::shared_ptr<const GlobalIndex>(index);
}

Result<std::vector<GlobalHit>> Service::BestFor(const GlobalQuestion& question) {
  ASSIGN_OR_RETURN(const Found found, FindCollection(question.collection));
  std::shared_ptr<const Book> book;
  {
    MutexLock lock(mutex_);
    book = memories_[found.id].book;
  }
  if (book == nullptr) return NotBuilt();
  ASSIGN_OR_RETURN(const auto index, IndexOf(found, book));
  std::vector<float> vector;
  if (options_.embed && index->has_vectors()) {
    ASSIGN_OR_RETURN(auto vectors, options_.embed(question.collection, {question.text}));
    if (!vectors.empty()) vector = std::move(vectors.front());
  }
  std::vector<GlobalHit> hits;
  // Some may be gone meanwhile.
  const auto scored = index->Search(question.text, vector, size_t{question.limit} + 16);
  for (size_t i = 0; i < scored.size() && hits.size() < question.limit; ++i) {
    ASSIGN_OR_RETURN(auto views,
                     ViewCommunities(found.source, *book, std::span(&scored[i].place, 1), question.members_max));
    if (!views.empty()) hits.push_back({std::move(views[0]), scored[i].score, scored[i].words, scored[i].meaning});
  }
  return hits;
}

}  // namespace rhizome::communities
