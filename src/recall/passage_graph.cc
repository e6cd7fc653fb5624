#include "recall/passage_graph.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "format/entity_name.h"

namespace rhizome::recall {

double QueryWeight(uint64_t corpus, uint64_t passages, bool is_phrase) {
  const double rarity =
      std::log(1 + static_cast<double>(corpus) / static_cast<double>(std::max<uint64_t>(passages, 1)));
  return rarity * (is_phrase ? .3 : 1);
}

void PassageGraph::Add(const extract::Extraction& extraction) {
  std::vector<Named> named;
  for (const extract::Entity& entity : extraction.entities) {
    named.push_back({entity.key, 0, entity.is_title, entity.is_phrase, entity.type == extract::EntityType::kNumber});
  }
  for (const extract::Mention& mention : extraction.mentions) named[mention.entity].mentions += mention.count;
  for (const extract::Entity& entity : extraction.entities) {
    if (!entity.is_title) continue;
    for (const std::string& alias : entity.aliases) {
      const std::string key = format::EntityName(alias);
      if (key == entity.key) continue;
      const auto known = std::ranges::find(named, key, &Named::key);
      Named& other = known != named.end() ? *known : named.emplace_back(Named{key});
      other.is_title = true;
      ++other.mentions;
    }
  }
  std::erase_if(named, [](const Named& one) { return one.mentions == 0; });
  added_.push_back(std::move(named));
}

void PassageGraph::Seal() {
  CHECK(links_of_.empty());
  std::vector<bool> is_title, is_phrase;  // by entity
  for (const auto& passage : added_) {
    for (const Named& named : passage) {
      const uint64_t id = ids_.emplace(named.key, ids_.size()).first->second;
      if (id == is_title.size()) {
        is_title.push_back(false);
        is_phrase.push_back(true);
      }
      is_title[id] = is_title[id] || named.is_title;
      is_phrase[id] = is_phrase[id] && named.is_phrase;
    }
  }
  links_of_.resize(ids_.size());
  links_from_.resize(added_.size());
  for (uint64_t passage = 0; passage < added_.size(); ++passage) {
    for (const Named& named : added_[passage]) {
      const uint64_t id = ids_.find(named.key)->second;
      links_of_[id].push_back({passage, named.is_title});
      if (!named.is_number) links_from_[passage].push_back({id, named.mentions, 0, is_title[id], is_phrase[id]});
    }
  }
  for (auto& links : links_of_) std::ranges::stable_sort(links, std::greater<>(), &PassageLink::is_title);
  for (auto& links : links_from_) {
    for (EntityLink& link : links) link.passages = static_cast<uint32_t>(links_of_[link.entity].size());
  }
}

std::vector<Weighted> PassageGraph::QueryEntities(std::span<const extract::Entity> entities) const {
  std::unordered_map<uint64_t, double> weights;
  const auto add = [&](std::string_view key, bool is_phrase) {
    const auto known = ids_.find(key);
    if (known == ids_.end()) return;
    double& weight = weights[known->second];
    weight = std::max(weight, QueryWeight(passages(), links_of_[known->second].size(), is_phrase));
  };
  for (const extract::Entity& entity : entities) {
    add(entity.key, entity.is_phrase);
    for (const std::string& alias : entity.aliases) add(format::EntityName(alias), entity.is_phrase);
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
