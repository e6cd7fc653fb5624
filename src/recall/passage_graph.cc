#include "recall/passage_graph.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "format/entity_name.h"

namespace rhizome::recall {

void PassageGraph::Add(const extract::Extraction& extraction) {
  std::vector<Named> named;
  for (const extract::Entity& entity : extraction.entities) {
    Named one{entity.key, {}, 0, entity.is_title, entity.is_phrase};
    for (const std::string& alias : entity.aliases) one.aliases.push_back(format::EntityName(alias));
    named.push_back(std::move(one));
  }
  for (const extract::Mention& mention : extraction.mentions) named[mention.entity].mentions += mention.count;
  // Numbers are equal for no reason.
  for (size_t i = 0; i < named.size(); ++i) {
    if (extraction.entities[i].type == extract::EntityType::kNumber) named[i].mentions = 0;
  }
  std::erase_if(named, [](const Named& one) { return one.mentions == 0; });
  added_.push_back(std::move(named));
}

std::vector<uint64_t> PassageGraph::Meanings(std::string_view key, std::span<const std::string> aliases) const {
  std::vector<uint64_t> meanings;
  const auto add = [&](uint64_t entity) {
    if (std::ranges::find(meanings, entity) == meanings.end()) meanings.push_back(entity);
  };
  const auto add_name = [&](std::string_view name) {
    if (const auto known = ids_.find(name); known != ids_.end()) add(known->second);
    const auto titles = titles_by_alias_.find(name);
    if (titles == titles_by_alias_.end() || titles->second.size() > kAliasMeansMax) return;
    for (const uint64_t title : titles->second) add(title);
  };
  add_name(key);
  for (const std::string& alias : aliases) add_name(alias);
  return meanings;
}

void PassageGraph::Link(uint64_t passage, const Named& named) {
  for (const uint64_t entity : Meanings(named.key, named.aliases)) {
    const bool own = ids_.find(named.key)->second == entity;
    auto& from = links_from_[passage];
    const auto linked = std::ranges::find(from, entity, &EntityLink::entity);
    if (linked != from.end()) {
      linked->mentions += named.mentions;
      if (named.is_title && own) std::ranges::find(links_of_[entity], passage, &PassageLink::passage)->is_title = true;
      continue;
    }
    from.push_back({entity, named.mentions, 0, false, false});
    links_of_[entity].push_back({passage, named.is_title && own});
  }
}

void PassageGraph::Seal() {
  CHECK(links_of_.empty());
  for (const auto& passage : added_) {
    for (const Named& named : passage) {
      const uint64_t id = ids_.emplace(named.key, ids_.size()).first->second;
      if (id == is_title_.size()) {
        is_title_.push_back(false);
        is_phrase_.push_back(true);
      }
      is_title_[id] = is_title_[id] || named.is_title;
      is_phrase_[id] = is_phrase_[id] && named.is_phrase;
      for (const std::string& alias : named.aliases) {
        auto& titles = titles_by_alias_[alias];
        if (named.is_title && std::ranges::find(titles, id) == titles.end()) titles.push_back(id);
      }
    }
  }
  links_of_.resize(ids_.size());
  links_from_.resize(added_.size());
  for (uint64_t passage = 0; passage < added_.size(); ++passage) {
    for (const Named& named : added_[passage]) Link(passage, named);
  }
  for (auto& links : links_of_) std::ranges::stable_sort(links, std::greater<>(), &PassageLink::is_title);
  for (auto& links : links_from_) {
    for (EntityLink& link : links) {
      link.passages = static_cast<uint32_t>(links_of_[link.entity].size());
      link.is_title = is_title_[link.entity];
      link.is_phrase = is_phrase_[link.entity];
    }
  }
}

std::vector<Weighted> PassageGraph::QueryEntities(std::span<const extract::Entity> entities) const {
  std::unordered_map<uint64_t, double> weights;
  for (const extract::Entity& entity : entities) {
    std::vector<std::string> aliases;
    for (const std::string& alias : entity.aliases) aliases.push_back(format::EntityName(alias));
    for (const uint64_t id : Meanings(entity.key, aliases)) {
      const double rarity = std::log(1 + static_cast<double>(passages()) / static_cast<double>(links_of_[id].size()));
      double& weight = weights[id];
      weight = std::max(weight, rarity * (entity.is_phrase ? .3 : 1));
    }
  }
  std::vector<Weighted> known;
  for (const auto& [id, weight] : weights) known.push_back({id, weight});
  std::ranges::sort(known, {}, &Weighted::id);
  return known;
}

Expander PassageGraph::expander(uint32_t hub_passages_max) const {
  Expander expander;
  expander.passages = [this](std::span<const uint64_t> wanted) -> Result<std::vector<std::vector<EntityLink>>> {
    std::vector<std::vector<EntityLink>> links;
    for (const uint64_t passage : wanted)
      links.push_back(passage < links_from_.size() ? links_from_[passage] : std::vector<EntityLink>());
    return links;
  };
  expander.entities =
      [this, hub_passages_max](std::span<const uint64_t> wanted) -> Result<std::vector<std::vector<PassageLink>>> {
    std::vector<std::vector<PassageLink>> links;
    for (const uint64_t entity : wanted) {
      links.emplace_back();
      if (entity >= links_of_.size()) continue;
      const auto& all = links_of_[entity];
      const auto end =
          all.size() <= hub_passages_max ? all.end() : std::ranges::find(all, false, &PassageLink::is_title);
      links.back().assign(all.begin(), end);
    }
    return links;
  };
  return expander;
}

}  // namespace rhizome::recall
