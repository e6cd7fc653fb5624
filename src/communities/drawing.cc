#include "communities/drawing.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "shard/graph_view.h"

namespace rhizome::communities {
namespace {

using graph::EntityId;

constexpr size_t kStepEntitiesMax = 64;  // that a step goes on from
constexpr size_t kChunkEntitiesMax = 32;
constexpr size_t kTopCommunities = 16;
constexpr uint32_t kNamesLookedAt = 1000;

class Drawer {
 public:
  Drawer(const shard::GraphShards& graph, const Book* book, const DrawQuery& query)
      : graph_(graph), view_(graph), book_(book), query_(query) {}

  Result<Drawing> Run() {
    if (query_.entity) {
      RETURN_IF_ERROR(ChooseAround());
    } else {
      RETURN_IF_ERROR(ChooseTop());
    }
    RETURN_IF_ERROR(AddEdges());
    RETURN_IF_ERROR(Describe());
    return std::move(drawing_);
  }

 private:
  bool with_chunks() const { return !query_.times.as_of_ms; }

  Result<graph::Neighbours> Around(const std::vector<EntityId>& ids) const {
    graph::NeighbourQuery step;
    step.entities = ids;
    step.facts_max = kFactsRead;
    step.passages_max = with_chunks() ? kTogetherRead : 0;
    step.times = query_.times;
    ASSIGN_OR_RETURN(graph::Neighbours around, graph_.FindNeighbours(step));
    for (graph::EntityNeighbours& one : around.entities) RETURN_IF_ERROR(view_.Resolve(one.facts, query_.times));
    return around;
  }

  // Entities of the chunks, those of each together.
  Result<std::vector<std::vector<EntityId>>> EntitiesOf(const graph::Neighbours& around) const {
    std::set<graph::ChunkId> chunks;
    for (const graph::EntityNeighbours& one : around.entities) {
      for (const graph::Passage& passage : one.passages) chunks.insert(passage.chunk);
    }
    graph::NeighbourQuery step;
    step.chunks.assign(chunks.begin(), chunks.end());
    step.times = query_.times;
    std::vector<std::vector<EntityId>> together;
    if (step.chunks.empty()) return together;
    ASSIGN_OR_RETURN(const graph::Neighbours found, graph_.FindNeighbours(step));
    for (const graph::ChunkNeighbours& chunk : found.chunks) {
      std::vector<std::pair<uint32_t, EntityId>> counted;
      for (const graph::MentionedEntity& entity : chunk.entities) counted.emplace_back(entity.count, entity.entity.id);
      std::sort(counted.begin(), counted.end(), std::greater<>());
      std::vector<EntityId>& ids = together.emplace_back();
      for (size_t i = 0; i < counted.size() && i < kChunkEntitiesMax; ++i) ids.push_back(counted[i].second);
    }
    return together;
  }

  // One node for all that are one.
  void Take(const EntityId& id, uint32_t distance, const graph::EntityClasses& classes) {
    if (numbers_.contains(id)) return;
    for (const EntityId& member : classes.MembersOf(id)) {
      numbers_.emplace(member, static_cast<uint32_t>(drawing_.nodes.size()));
    }
    DrawnNode& node = drawing_.nodes.emplace_back();
    node.id = classes.RootOf(id);
    node.distance = distance;
  }

  Result<graph::EntityClasses> ClassesOf(const std::vector<EntityId>& ids) const {
    return view_.Classes(ids, query_.times.known_at_ms);
  }

  // All that are drawn, every one of those that are one.
  std::vector<EntityId> Drawn() const {
    std::vector<EntityId> ids;
    for (const auto& [id, number] : numbers_) ids.push_back(id);
    return ids;
  }

  Status ChooseAround() {
    ASSIGN_OR_RETURN(std::vector<EntityId> frontier, view_.Named(*query_.entity));
    if (frontier.empty()) return Status::NotFound("nothing speaks of " + *query_.entity);
    ASSIGN_OR_RETURN(const auto center, ClassesOf(frontier));
    Take(frontier.front(), 0, center);
    for (uint32_t step = 1; step <= query_.depth && !frontier.empty(); ++step) {
      ASSIGN_OR_RETURN(const auto scores, Scores(frontier));
      std::vector<EntityId> near;
      for (const auto& [id, score] : scores) near.push_back(id);
      ASSIGN_OR_RETURN(const auto classes, ClassesOf(near));
      std::map<EntityId, double> of_classes;
      for (const auto& [id, score] : scores) of_classes[classes.RootOf(id)] += score;
      std::vector<std::pair<double, EntityId>> order;
      for (const auto& [id, score] : of_classes) {
        if (!numbers_.contains(id)) order.emplace_back(-score, id);
      }
      std::sort(order.begin(), order.end());
      frontier.clear();
      for (const auto& [score, id] : order) {
        if (drawing_.nodes.size() >= query_.nodes_max) {
          drawing_.more = true;
          return Status::Ok();
        }
        Take(id, step, classes);
        const auto members = classes.MembersOf(id);
        if (frontier.size() < kStepEntitiesMax) frontier.insert(frontier.end(), members.begin(), members.end());
      }
    }
    return Status::Ok();
  }

  // How near others are to any of `ids`.
  Result<std::map<EntityId, double>> Scores(const std::vector<EntityId>& ids) {
    ASSIGN_OR_RETURN(const graph::Neighbours around, Around(ids));
    std::map<EntityId, double> scores;
    for (const graph::EntityNeighbours& one : around.entities) {
      for (const graph::FoundFact& fact : one.facts) {
        const EntityId& other = fact.source.id == one.entity ? fact.target.id : fact.source.id;
        scores[other] += 1 + static_cast<double>(fact.weight) * fact.confidence;
      }
      drawing_.more = drawing_.more || one.more_facts;
    }
    ASSIGN_OR_RETURN(const auto together, EntitiesOf(around));
    for (const auto& chunk : together) {
      for (const EntityId& id : chunk) scores[id] += 1.0 / static_cast<double>(chunk.size());
    }
    return scores;
  }

  // Of the largest communities the most central ones, each by its share.
  Status ChooseTop() {
    if (book_ == nullptr || query_.level >= book_->levels.size()) return ChooseByDocuments();
    const Level& level = book_->levels[query_.level];
    const auto shown = static_cast<uint32_t>(std::min<size_t>(level.count(), kTopCommunities));
    const double all = shown > 0 ? level.begins[shown] : 1;
    std::vector<EntityId> ids;
    for (uint32_t c = 0; c < shown; ++c) {
      const auto members = level.MembersOf(c);
      const auto share = static_cast<size_t>(static_cast<double>(members.size()) / all * query_.nodes_max);
      for (size_t i = 0; i < members.size() && i < std::max<size_t>(share, 2); ++i)
        ids.push_back(book_->ids[members[i]]);
    }
    RETURN_IF_ERROR(TakeAll(ids));
    drawing_.more = drawing_.nodes.size() < book_->ids.size();
    return Status::Ok();
  }

  // As many as may be drawn.
  Status TakeAll(const std::vector<EntityId>& ids) {
    ASSIGN_OR_RETURN(const auto classes, ClassesOf(ids));
    for (const EntityId& id : ids) {
      if (drawing_.nodes.size() < query_.nodes_max) Take(id, 0, classes);
    }
    return Status::Ok();
  }

  Status ChooseByDocuments() {
    ASSIGN_OR_RETURN(const graph::NamePage page, graph_.NamesFrom("", "", kNamesLookedAt));
    std::vector<EntityId> ids;
    for (const graph::NameEntry& entry : page.entries) {
      if (!entry.alias) ids.push_back(entry.entity);
    }
    ASSIGN_OR_RETURN(const auto statistics, graph_.Statistics(ids));
    std::vector<std::pair<uint64_t, size_t>> order;
    for (size_t i = 0; i < ids.size(); ++i) order.emplace_back(statistics[i].mentions + statistics[i].facts, i);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<EntityId> strongest;
    for (size_t i = 0; i < order.size() && i < query_.nodes_max; ++i) strongest.push_back(ids[order[i].second]);
    RETURN_IF_ERROR(TakeAll(strongest));
    drawing_.more = !page.next.empty() || ids.size() > drawing_.nodes.size();
    return Status::Ok();
  }

  Status AddEdges() {
    const std::vector<EntityId> ids = Drawn();
    if (ids.empty()) return Status::Ok();
    ASSIGN_OR_RETURN(const graph::Neighbours around, Around(ids));
    std::map<std::tuple<uint32_t, uint32_t, std::string, int64_t>, DrawnEdge> facts;
    std::set<graph::FactId> counted;  // each is at both its ends
    for (const graph::EntityNeighbours& one : around.entities) {
      for (const graph::FoundFact& fact : one.facts) {
        const auto source = numbers_.find(fact.source.id), target = numbers_.find(fact.target.id);
        if (source == numbers_.end() || target == numbers_.end() || source->second == target->second) continue;
        if (!counted.insert(fact.id).second) continue;
        DrawnEdge& edge = facts[{source->second, target->second, fact.type, fact.valid_from}];
        edge.source = source->second;
        edge.target = target->second;
        edge.type = fact.type;
        edge.weight += fact.weight;
        edge.confidence = std::max(edge.confidence, fact.confidence);
        edge.valid_from = fact.valid_from;
        edge.valid_until = fact.valid_until;
      }
    }
    for (auto& [key, edge] : facts) drawing_.edges.push_back(std::move(edge));
    return AddTogether(around);
  }

  Status AddTogether(const graph::Neighbours& around) {
    ASSIGN_OR_RETURN(const auto together, EntitiesOf(around));
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> counts;
    for (const auto& chunk : together) {
      std::vector<uint32_t> here;
      for (const EntityId& id : chunk) {
        if (const auto found = numbers_.find(id); found != numbers_.end()) here.push_back(found->second);
      }
      std::sort(here.begin(), here.end());
      here.erase(std::unique(here.begin(), here.end()), here.end());
      for (size_t i = 0; i < here.size(); ++i) {
        for (size_t j = i + 1; j < here.size(); ++j) ++counts[{here[i], here[j]}];
      }
    }
    for (const auto& [pair, count] : counts) {
      DrawnEdge edge;
      edge.source = pair.first;
      edge.target = pair.second;
      edge.weight = count;
      drawing_.edges.push_back(std::move(edge));
    }
    return Status::Ok();
  }

  Status Describe() {
    const std::vector<EntityId> ids = Drawn();
    ASSIGN_OR_RETURN(const auto entities, graph_.Entities(ids, query_.times.known_at_ms));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!entities[i] || entities[i]->statistics.name.empty()) continue;
      if (entities[i]->state.value == format::EntityState::kDeleted) continue;
      DescribeOne(*entities[i], drawing_.nodes[numbers_.at(ids[i])]);
    }
    std::vector<uint32_t> place(drawing_.nodes.size(), UINT32_MAX);  // of those that are there
    std::vector<DrawnNode> there;
    for (size_t i = 0; i < place.size(); ++i) {
      if (drawing_.nodes[i].name.empty()) continue;
      place[i] = static_cast<uint32_t>(there.size());
      there.push_back(std::move(drawing_.nodes[i]));
    }
    drawing_.nodes = std::move(there);
    std::erase_if(drawing_.edges, [&](DrawnEdge& edge) {
      edge.source = place[edge.source];
      edge.target = place[edge.target];
      return edge.source == UINT32_MAX || edge.target == UINT32_MAX;
    });
    return Status::Ok();
  }

  // Of those that are one, the one that most documents name gives the name.
  void DescribeOne(const graph::Entity& entity, DrawnNode& node) const {
    node.relations += entity.statistics.facts;
    const auto number = book_ != nullptr ? book_->NodeOf(entity.id) : std::nullopt;
    if (number && query_.level < book_->levels.size()) {
      node.community = book_->levels[query_.level].community_of[*number];
    }
    if (!node.name.empty() && entity.statistics.documents <= node.documents) return;
    node.name = entity.statistics.name;
    node.surface = entity.surface.empty() ? node.name : entity.surface;
    node.type = entity.statistics.Type();
    node.documents = entity.statistics.documents;
  }

  const shard::GraphShards& graph_;
  const shard::GraphView view_;
  const Book* const book_;
  const DrawQuery& query_;
  Drawing drawing_;
  std::map<EntityId, uint32_t> numbers_;
};

}  // namespace

Result<Drawing> Draw(const shard::GraphShards& graph, const Book* book, const DrawQuery& query) {
  return Drawer(graph, book, query).Run();
}

}  // namespace rhizome::communities
