// Walk: personalised PageRank over passages and the entities they mention, from a few of either, by pushing mass
// forward until what is left is too small (Andersen, Chung and Lang, "Local Graph Partitioning using PageRank Vectors",
// FOCS 2006, section 3, without laziness, all large residuals of a round at once).
//
// Of the mass on a passage a share 1 - restart goes on to its entities by weight: rare entities (inverse document
// frequency), mentioned often, and above all those that some passage is about. Of the mass on an entity it goes on to
// the passages that mention it, most of it to those that are about it. An entity that one passage alone mentions
// leads nowhere, one that too many mention leads everywhere: neither is walked through. Of a hub only the passages that
// are about it are needed, so no node has more links than hub_passages_max to bring.
//
// A state machine without I/O: it says which nodes it needs, the caller brings their links, in batches, until done.
// Deterministic; not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace rhizome::recall {

// From a passage to an entity it mentions.
struct EntityLink {
  uint64_t entity = 0;
  uint32_t mentions = 0;  // in this passage, at least 1
  uint32_t passages = 0;  // that mention the entity, in all
  bool is_title = false;  // some passage is about it
  bool is_phrase = false;
};

// From an entity to a passage that mentions it.
struct PassageLink {
  uint64_t passage = 0;
  bool is_title = false;  // the passage is about the entity
};

struct Weighted {
  uint64_t id = 0;
  double weight = 0;
};

struct WalkOptions {
  double restart = 0.3;      // above 0, below 1
  double title_weight = 10;  // of an entity that some passage is about, where any other name's is 1/2
  double phrase_weight = 0.1;
  double title_share = 0.9;           // of an entity's mass that goes to the passages about it
  double common_share_max = 0.1;      // of all passages; an entity in more of them leads nowhere …
  uint32_t common_passages_min = 20;  // … but never one in so few
  uint32_t hub_passages_max = 200;    // an entity in more leads to those passages only that are about it
  double residual_min = 1e-3;         // of the starting mass of 1
  double arrival_min = 1e-3;          // an entity that would bring its passages less each, and is no title, is left out
  uint32_t rounds_max = 4;            // steps from one kind of node to the other
  uint32_t batch_max = 512;           // nodes asked for at once, those with most mass
};

struct Arrival {
  uint64_t passage = 0;
  double visits = 0;   // mass that was ever on it, its start included
  double arrived = 0;  // what came from other nodes: without its start, and what of that came straight back
};

class Walk {
 public:
  // Weights of both starts together are brought to a sum of 1. `passages`: of the whole corpus.
  Walk(const WalkOptions& options, uint64_t passages, std::span<const Weighted> start_passages,
       std::span<const Weighted> start_entities);

  bool done() const { return done_; }
  // Nodes whose links are wanted, each asked for once; one of the two is empty.
  std::span<const uint64_t> wanted_passages() const { return wanted_passages_; }
  std::span<const uint64_t> wanted_entities() const { return wanted_entities_; }
  // Their links, in the order of what was wanted; a node that is gone has none. Of an entity in more than
  // hub_passages_max passages links that are no titles need not be brought, and are not looked at.
  void SupplyPassages(std::span<const std::vector<EntityLink>> links);
  void SupplyEntities(std::span<const std::vector<PassageLink>> links);

  // Every passage reached, by `arrived`, then by id. Call when done.
  std::vector<Arrival> Arrivals() const;

 private:
  struct Edge {
    uint64_t to;
    double share;  // of the mass that goes on
  };
  struct Node {
    double start = 0;
    double visits = 0;
    double residual = 0;
    bool expanded = false;
    bool is_title = false;
    uint32_t passages = 0;  // of an entity; 0: not known
    std::vector<Edge> edges;
  };
  using Nodes = std::unordered_map<uint64_t, Node>;

  void Advance();
  bool Ask(Nodes& nodes, std::vector<uint64_t>& wanted);
  bool IsWorthIt(const Node& node) const;
  void Push(Nodes& from, Nodes& to);
  double ReturnedStraight(uint64_t passage, const Node& node) const;

  const WalkOptions options_;
  const double corpus_;
  Nodes passages_;
  Nodes entities_;
  std::vector<uint64_t> wanted_passages_;
  std::vector<uint64_t> wanted_entities_;
  bool on_passages_ = true;  // whose residuals are pushed next
  uint32_t round_ = 0;
  bool done_ = false;
};

}  // namespace rhizome::recall
