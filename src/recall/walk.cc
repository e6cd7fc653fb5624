#include "recall/walk.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace rhizome::recall {

Walk::Walk(const WalkOptions& options, uint64_t passages, std::span<const Weighted> start_passages,
           std::span<const Weighted> start_entities)
    : options_(options), corpus_(static_cast<double>(passages)) {
  double sum = 0;
  for (const Weighted& start : start_passages) sum += start.weight;
  for (const Weighted& start : start_entities) sum += start.weight;
  const auto put = [sum](Nodes& nodes, std::span<const Weighted> starts) {
    for (const Weighted& start : starts) {
      if (start.weight <= 0) continue;
      Node& node = nodes[start.id];
      node.start += start.weight / sum;
      node.residual = node.visits = node.start;
    }
  };
  put(passages_, start_passages);
  put(entities_, start_entities);
  Advance();
}

// Asks for what the next push needs, or pushes and goes on.
void Walk::Advance() {
  while (!done_) {
    Nodes& from = on_passages_ ? passages_ : entities_;
    if (Ask(from, on_passages_ ? wanted_passages_ : wanted_entities_)) return;
    Push(from, on_passages_ ? entities_ : passages_);
    on_passages_ = !on_passages_;
    const auto left = [this](const Nodes& nodes) {
      return std::ranges::any_of(nodes, [this](const auto& node) { return IsWorthIt(node.second); });
    };
    // A walk from entities alone has nothing on passages at first.
    done_ = ++round_ >= options_.rounds_max || (!left(passages_) && !left(entities_));
  }
}

bool Walk::IsWorthIt(const Node& node) const {
  if (node.residual < options_.residual_min) return false;
  return node.passages == 0 || node.is_title ||
         node.residual * (1 - options_.restart) >= options_.arrival_min * node.passages;
}

// The nodes with most mass whose links are not known. False when there is none.
bool Walk::Ask(Nodes& nodes, std::vector<uint64_t>& wanted) {
  std::vector<Weighted> open;
  for (const auto& [id, node] : nodes) {
    if (!node.expanded && IsWorthIt(node)) open.push_back({id, node.residual});
  }
  const auto more = [](const Weighted& a, const Weighted& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
  const size_t count = std::min<size_t>(options_.batch_max, open.size());
  std::partial_sort(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(count), open.end(), more);
  wanted.clear();
  for (size_t i = 0; i < count; ++i) wanted.push_back(open[i].id);
  // What did not fit is not walked through in this round: its mass stays where it is.
  for (size_t i = count; i < open.size(); ++i) nodes.find(open[i].id)->second.residual = 0;
  return !wanted.empty();
}

void Walk::Push(Nodes& from, Nodes& to) {
  std::vector<uint64_t> ids;
  for (const auto& [id, node] : from) {
    if (node.expanded && IsWorthIt(node)) ids.push_back(id);
  }
  std::ranges::sort(ids);  // sums in one order give one answer
  for (const uint64_t id : ids) {
    Node& node = from.find(id)->second;
    const double mass = node.residual * (1 - options_.restart);
    node.residual = 0;
    for (const Edge& edge : node.edges) {
      Node& target = to[edge.to];
      target.visits += mass * edge.share;
      target.residual += mass * edge.share;
    }
  }
}

void Walk::SupplyPassages(std::span<const std::vector<EntityLink>> links) {
  CHECK(links.size() == wanted_passages_.size());
  const double common = std::max<double>(options_.common_passages_min, options_.common_share_max * corpus_);
  for (size_t i = 0; i < links.size(); ++i) {
    Node& node = passages_.find(wanted_passages_[i])->second;
    node.expanded = true;
    double sum = 0;
    for (const EntityLink& link : links[i]) {
      if (link.passages < 2 || link.passages > common || link.mentions == 0) continue;
      if (link.passages > options_.hub_passages_max && !link.is_title) continue;
      const double kind = link.is_title ? options_.title_weight : link.is_phrase ? options_.phrase_weight : .5;
      const double rarity = std::log(1 + corpus_ / link.passages);
      const double weight = kind * rarity * (1 + std::log(link.mentions));
      node.edges.push_back({link.entity, weight});
      sum += weight;
      Node& entity = entities_[link.entity];
      entity.passages = link.passages;
      entity.is_title = link.is_title;
    }
    for (Edge& edge : node.edges) edge.share /= sum;
  }
  wanted_passages_.clear();
  Advance();
}

void Walk::SupplyEntities(std::span<const std::vector<PassageLink>> links) {
  CHECK(links.size() == wanted_entities_.size());
  for (size_t i = 0; i < links.size(); ++i) {
    Node& node = entities_.find(wanted_entities_[i])->second;
    node.expanded = true;
    const bool hub = links[i].size() > options_.hub_passages_max || node.passages > options_.hub_passages_max;
    const auto titles = static_cast<double>(std::ranges::count_if(links[i], &PassageLink::is_title));
    const double others = hub ? 0 : static_cast<double>(links[i].size()) - titles;
    // What a hub would bring to passages that only mention it is lost.
    const double of_titles = titles == 0 ? 0 : others == 0 && !hub ? 1 : options_.title_share;
    for (const PassageLink& link : links[i]) {
      if (hub && !link.is_title) continue;
      node.edges.push_back({link.passage, link.is_title ? of_titles / titles : (1 - of_titles) / others});
    }
  }
  wanted_entities_.clear();
  Advance();
}

double Walk::ReturnedStraight(uint64_t passage, const Node& node) const {
  double returned = 0;
  for (const Edge& edge : node.edges) {
    const auto entity = entities_.find(edge.to);
    if (entity == entities_.end()) continue;
    for (const Edge& back : entity->second.edges) {
      if (back.to == passage) returned += edge.share * back.share;
    }
  }
  const double on = 1 - options_.restart;
  return returned * node.start * on * on;
}

std::vector<Arrival> Walk::Arrivals() const {
  CHECK(done_);
  std::vector<Arrival> arrivals;
  for (const auto& [id, node] : passages_) {
    double arrived = node.visits - node.start;
    if (node.start > 0) arrived -= ReturnedStraight(id, node);
    arrivals.push_back({id, node.visits, std::max(arrived, 0.0)});
  }
  std::ranges::sort(arrivals, [](const Arrival& a, const Arrival& b) {
    return a.arrived != b.arrived ? a.arrived > b.arrived : a.passage < b.passage;
  });
  return arrivals;
}

}  // namespace rhizome::recall
