#include "communities/build.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/hash.h"
#include "communities/entity_graph.h"
#include "format/coding.h"

namespace rhizome::communities {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// What a book says of the nodes of a newer graph, and which of them changed.
leiden::HierarchyStart StartOf(const EntityGraph& graph, const Book& before) {
  leiden::HierarchyStart start;
  std::vector<uint32_t> was(graph.ids.size(), kNone);
  for (uint32_t node = 0, old = 0; node < graph.ids.size(); ++node) {
    while (old < before.ids.size() && before.ids[old] < graph.ids[node]) ++old;
    if (old < before.ids.size() && before.ids[old] == graph.ids[node]) was[node] = old;
    if (was[node] == kNone || before.edge_marks[was[node]] != graph.edge_marks[node]) start.changed.push_back(node);
  }
  for (const Level& level : before.levels) {
    std::vector<uint32_t> label(level.count(), kNone);
    std::vector<uint32_t>& labels = start.levels.emplace_back(graph.ids.size());
    uint32_t next = 0;
    for (uint32_t node = 0; node < graph.ids.size(); ++node) {
      if (was[node] == kNone) {
        labels[node] = next++;
        continue;
      }
      uint32_t& known = label[level.community_of[was[node]]];
      if (known == kNone) known = next++;
      labels[node] = known;
    }
  }
  return start;
}

// Nodes of each community by how much they hang on the rest of it; communities by size.
Level RankedLevel(const EntityGraph& graph, const leiden::Partition& partition) {
  const auto nodes = static_cast<uint32_t>(graph.ids.size());
  std::vector<double> within(nodes, 0);
  for (uint32_t node = 0; node < nodes; ++node) {
    for (const auto& arc : graph.graph.ArcsOf(node)) {
      if (partition.community[arc.to] == partition.community[node]) within[node] += arc.weight;
    }
  }
  std::vector<uint32_t> size(partition.count, 0), first(partition.count, kNone), order(nodes);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return within[a] != within[b] ? within[a] > within[b] : a < b; });
  for (const uint32_t node : order) {
    if (size[partition.community[node]]++ == 0) first[partition.community[node]] = node;
  }
  std::vector<uint32_t> by_size(partition.count), number(partition.count);
  std::iota(by_size.begin(), by_size.end(), 0U);
  std::sort(by_size.begin(), by_size.end(), [&](uint32_t a, uint32_t b) {
    if (size[a] != size[b]) return size[a] > size[b];
    return within[first[a]] != within[first[b]] ? within[first[a]] > within[first[b]] : first[a] < first[b];
  });
  Level level;
  level.begins.push_back(0);
  for (uint32_t i = 0; i < partition.count; ++i) {
    number[by_size[i]] = i;
    level.begins.push_back(level.begins.back() + size[by_size[i]]);
  }
  level.ranked.resize(nodes);
  level.community_of.resize(nodes);
  std::vector<uint32_t> next(level.begins.begin(), level.begins.end() - 1);
  for (const uint32_t node : order) {
    level.community_of[node] = number[partition.community[node]];
    level.ranked[next[level.community_of[node]]++] = node;
  }
  level.citations.resize(partition.count);
  return level;
}

void MarkCommunities(const EntityGraph& graph, Level& level) {
  for (size_t c = 0; c + 1 < level.begins.size(); ++c) {
    std::string text;
    for (uint32_t i = level.begins[c]; i < level.begins[c + 1]; ++i) {
      format::PutEntityId(text, graph.ids[level.ranked[i]]);
      format::PutU64(text, graph.source_marks[level.ranked[i]]);
    }
    level.marks.push_back(Checksum(text));
  }
}

// Citations by the mark of their community.
std::map<uint64_t, std::vector<Citation>> CitationsOf(const Book& book) {
  std::map<uint64_t, std::vector<Citation>> citations;
  for (const Level& level : book.levels) {
    for (uint32_t c = 0; c < level.count(); ++c) {
      if (!level.citations[c].empty()) citations.emplace(level.marks[c], level.citations[c]);
    }
  }
  return citations;
}

Status Summarise(const Source& source, const Book* before, const BuildOptions& options, Progress& progress,
                 BuildFigures& figures, Book& book) {
  const auto known = before != nullptr ? CitationsOf(*before) : std::map<uint64_t, std::vector<Citation>>();
  extract::Tokenizer tokenizer;
  progress.done = 0;
  progress.total = 0;
  for (const Level& level : book.levels) progress.total += level.count();
  for (uint32_t l = 0; l < book.levels.size(); ++l) {
    Level& level = book.levels[l];
    for (uint32_t c = 0; c < level.count(); ++c, ++progress.done) {
      const auto members = level.MembersOf(c);
      // One alone is known by its name.
      if (members.size() < 2 || book.HomeOf({l, c}) != Book::Place{l, c}) continue;
      if (options.cancelled && options.cancelled()) return Status::Cancelled("told to end");
      if (const auto found = known.find(level.marks[c]); found != known.end()) {
        level.citations[c] = found->second;
        continue;
      }
      std::vector<format::EntityId> ids;
      for (size_t i = 0; i < members.size() && i < kMembersRead; ++i) ids.push_back(book.ids[members[i]]);
      ASSIGN_OR_RETURN(level.citations[c], ChooseSentences(source, ids, tokenizer));
      ++figures.summarised;
    }
  }
  return Status::Ok();
}

}  // namespace

std::string_view PhaseName(Progress::Phase phase) {
  switch (phase) {
    case Progress::Phase::kReading: return "reading";
    case Progress::Phase::kDividing: return "dividing";
    case Progress::Phase::kSummarising: return "summarising";
    case Progress::Phase::kWriting: return "writing";
    case Progress::Phase::kNone: break;
  }
  return "none";
}

uint64_t MarkOf(const shard::GraphShards& graph) {
  std::string lsns;
  for (uint32_t i = 0; i < graph.size(); ++i) format::PutU64(lsns, graph.at(i).engine().applied_lsn());
  return Checksum(lsns);
}

Result<Book> BuildBook(const Source& source, const Book* before, const BuildOptions& options, Progress& progress,
                       BuildFigures& figures) {
  Book book;
  book.graph_mark = MarkOf(*source.graph);  // before reading: what is written meanwhile is for the next build
  const graph::Counts counts = source.graph->counts();
  progress.total = counts.documents + counts.client_facts;
  progress.done = 0;
  progress.phase = Progress::Phase::kReading;
  ReadOptions reading;
  reading.cancelled = options.cancelled;
  reading.progress = [&progress](uint64_t origins) { progress.done = origins; };
  ASSIGN_OR_RETURN(EntityGraph graph, ReadEntityGraph(*source.graph, reading));

  progress.phase = Progress::Phase::kDividing;
  progress.total = 0;
  leiden::HierarchyOptions hierarchy_options = options.hierarchy;
  hierarchy_options.leiden.cancelled = options.cancelled;
  leiden::HierarchyStart start;
  if (before != nullptr) start = StartOf(graph, *before);
  const auto nodes = static_cast<double>(graph.ids.size());
  const bool afresh = before == nullptr || static_cast<double>(start.changed.size()) > options.afresh_share * nodes;
  figures = {graph.ids.size(), graph.graph.arcs() / 2, afresh ? graph.ids.size() : start.changed.size(), 0};
  const auto hierarchy = leiden::BuildHierarchy(graph.graph, hierarchy_options, afresh ? nullptr : &start);
  if (options.cancelled && options.cancelled()) return Status::Cancelled("told to end");
  for (const leiden::Partition& partition : hierarchy.levels) {
    book.levels.push_back(RankedLevel(graph, partition));
    MarkCommunities(graph, book.levels.back());
  }
  book.ids = std::move(graph.ids);
  book.merged = std::move(graph.merged);
  book.edge_marks = std::move(graph.edge_marks);
  book.source_marks = std::move(graph.source_marks);
  graph.graph = {};

  progress.phase = Progress::Phase::kSummarising;
  RETURN_IF_ERROR(Summarise(source, before, options, progress, figures, book));
  return book;
}

}  // namespace rhizome::communities
