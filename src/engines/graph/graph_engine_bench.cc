// The graph engine under a stream of documents, each of ~10 entities and ~10 facts, over names that repeat as words do.
//   graph_engine_bench [--json] [--documents N] [--batch N]
// Per document: CPU of the applying thread and of the whole process, the database's flushes and compactions included,
// beside a database that is given the same rows without an engine; and, in turn with an engine that has a tenth of the
// documents, whether the cost of one more grows. Then reads: statistics, a frontier, a hub's page.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_time.h"
#include "base/scratch_testing.h"
#include "engines/graph/engine.h"
#include "engines/graph/rows.h"
#include "engines/graph/validation.h"
#include "format/derivation_builder.h"
#include "format/graph_key.h"

namespace rhizome::graph {
namespace {

// Rank r comes about 1/(r+1) as often as rank 0, and new names never end.
std::string NameOf(std::mt19937_64& random, uint64_t names) {
  const double u = std::uniform_real_distribution<double>(0, 1)(random);
  const auto rank = static_cast<uint64_t>(std::pow(static_cast<double>(names), u)) - 1;
  return fmt::format("entity of rank {}", rank);
}

format::GraphOperation DocumentOf(std::mt19937_64& random, uint64_t n) {
  format::DerivationBuilder builder;
  std::vector<format::DerivationBuilder::Handle> handles;
  for (int i = 0; i < 10; ++i) {
    handles.push_back(
        builder.Mention(NameOf(random, 1'000'000), i % 3 ? "person" : "place", static_cast<uint32_t>(random() % 3))
            .value());
  }
  for (int i = 0; i < 10; ++i) {
    builder.AddFact({handles[random() % 10], "related to", handles[random() % 10],
                     static_cast<float>(random() % 1000) / 1000, 0.5F, format::kAlways, format::kForever,
                     static_cast<uint32_t>(random() % 3)});
  }
  const GraphOrigin origin{GraphOrigin::Kind::kDocument, format::PointId(n)};
  return {{(n + 1) << 16, 1}, format::PutDerivation{origin, builder.Build()}};
}

struct Section {
  uint64_t documents = 0, entities = 0;
  double apply_us = 0, process_us = 0, validate_us = 0;
};

struct Figures {
  std::vector<Section> sections;
  double growth = 0;                                         // of a document's cost, from a tenth to all
  double rows_thread_us = 0, rows_process_us = 0, rows = 0;  // per document, of the database alone
  double statistics_us = 0, frontier_us = 0, hub_us = 0;     // per entity, per entity, per page of 100 facts
};

std::unique_ptr<kv::Store> OpenStore(const std::string& path) {
  return kv::Store::Open(path, {.memtable_bytes = 32 << 20}).value();
}

std::vector<format::GraphOperation> MakeBatch(std::mt19937_64& random, uint64_t from, uint64_t to) {
  std::vector<format::GraphOperation> batch;
  for (uint64_t n = from; n < to; ++n) batch.push_back(DocumentOf(random, n));
  return batch;
}

// Applies and returns the CPU seconds of this thread.
double Apply(GraphEngine& engine, uint64_t lsn, const std::vector<format::GraphOperation>& batch) {
  const double before = ThreadCpuSeconds();
  CHECK(engine.Apply(lsn, batch).ok());
  return ThreadCpuSeconds() - before;
}

Section Load(GraphEngine& engine, std::mt19937_64& random, uint64_t from, uint64_t to, uint64_t batch_size) {
  Section section;
  double apply = 0, validate = 0, making = 0;
  const double process_before = ProcessCpuSeconds();
  for (uint64_t n = from; n < to; n += batch_size) {
    const double before = ThreadCpuSeconds();
    const auto batch = MakeBatch(random, n, std::min(n + batch_size, to));
    const double made = ThreadCpuSeconds();
    CHECK(ValidateGraphOperations(batch).ok());
    validate += ThreadCpuSeconds() - made;
    making += made - before;
    apply += Apply(engine, n + 1, batch);
  }
  const double scale = 1e6 / static_cast<double>(to - from);
  section.documents = to;
  section.entities = engine.counts().entities;
  section.apply_us = apply * scale;
  section.validate_us = validate * scale;
  section.process_us = (ProcessCpuSeconds() - process_before - making) * scale;
  return section;
}

// How much dearer a document is for the engine that has all than for one that has a tenth: each batch goes to both in
// turn, so that what else the machine does is the same for both.
double Growth(GraphEngine& all, kv::Store& store, uint64_t documents, uint64_t batch_size) {
  auto tenth = GraphEngine::Open(store, {.shard = 2}).value();
  std::mt19937_64 random(1), more(2);
  (void)Load(*tenth, random, 0, documents / 10, batch_size);
  double of_all = 0, of_tenth = 0;
  for (uint64_t n = documents; n < documents + documents / 10; n += batch_size) {
    const auto batch = MakeBatch(more, n, n + batch_size);
    of_all += Apply(all, n + 1, batch);
    of_tenth += Apply(*tenth, n + 1, batch);
  }
  return of_all / of_tenth;
}

// What the rows cost without an engine: the same keys and values, as they lie in the database, in as large batches.
void LoadRowsAlone(const kv::Store& from, kv::Store& to, uint64_t documents, uint64_t batch_size, Figures& figures) {
  std::vector<std::pair<std::string, std::string>> rows;
  kv::Cursor cursor = from.Scan(kv::Family::kGraph, "");
  for (; cursor.Valid(); cursor.Next()) rows.emplace_back(cursor.key(), cursor.value());
  std::shuffle(rows.begin(), rows.end(), std::mt19937_64(3));
  figures.rows = static_cast<double>(rows.size()) / static_cast<double>(documents);
  const auto step = static_cast<size_t>(figures.rows * static_cast<double>(batch_size));
  const double process = ProcessCpuSeconds(), thread = ThreadCpuSeconds();
  for (size_t i = 0; i < rows.size();) {
    kv::WriteBatch batch;
    for (size_t end = std::min(i + step, rows.size()); i < end; ++i)
      batch.Put(kv::Family::kGraph, rows[i].first, rows[i].second);
    CHECK(to.Write(batch).ok());
  }
  const double scale = 1e6 / static_cast<double>(documents);
  figures.rows_thread_us = (ThreadCpuSeconds() - thread) * scale;
  figures.rows_process_us = (ProcessCpuSeconds() - process) * scale;
}

void Read(const GraphEngine& engine, Figures& figures) {
  std::mt19937_64 random(9);
  std::vector<EntityId> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(format::EntityIdOf(NameOf(random, 1'000'000)));
  double before = ThreadCpuSeconds();
  CHECK(engine.Statistics(ids).ok());
  figures.statistics_us = (ThreadCpuSeconds() - before) * 1e3;
  NeighbourQuery query;
  query.entities = ids;
  query.passages_max = 32;
  query.facts_max = 16;
  before = ThreadCpuSeconds();
  CHECK(engine.FindNeighbours(query).ok());
  figures.frontier_us = (ThreadCpuSeconds() - before) * 1e3;
  FactQuery hub{format::EntityIdOf("entity of rank 0")};
  before = ThreadCpuSeconds();
  for (int i = 0; i < 20; ++i) CHECK(engine.Facts(hub).ok());
  figures.hub_us = (ThreadCpuSeconds() - before) * 1e6 / 20;
}

void Print(const Figures& figures, bool json) {
  const Section& last = figures.sections.back();
  if (json) {
    fmt::print(
        "{{\"documents\": {}, \"entities\": {}, \"apply_us\": {:.1f}, \"process_us\": {:.1f}, \"validate_us\": {:.1f}, "
        "\"growth\": {:.3f}, \"over_rows_alone\": {:.3f}, \"rows_per_document\": {:.1f}, \"statistics_us\": {:.2f}, "
        "\"frontier_us\": {:.1f}, \"hub_page_us\": {:.1f}}}\n",
        last.documents, last.entities, last.apply_us, last.process_us, last.validate_us, figures.growth,
        last.process_us / figures.rows_process_us, figures.rows, figures.statistics_us, figures.frontier_us,
        figures.hub_us);
    return;
  }
  fmt::print("{:>10} {:>10} {:>12} {:>12} {:>12}   µs of CPU per document\n", "documents", "entities", "apply",
             "process", "validate");
  for (const Section& s : figures.sections) {
    fmt::print("{:>10} {:>10} {:>12.1f} {:>12.1f} {:>12.1f}\n", s.documents, s.entities, s.apply_us, s.process_us,
               s.validate_us);
  }
  fmt::print("a document costs {:.2f}× what it does with a tenth of them there\n", figures.growth);
  fmt::print("its {:.1f} rows alone, in the same database: {:.1f} µs, {:.1f} in the process; the engine's {:.2f}×\n",
             figures.rows, figures.rows_thread_us, figures.rows_process_us, last.process_us / figures.rows_process_us);
  fmt::print("reads: numbers {:.2f} µs an entity, frontier {:.1f} µs an entity, a hub's page {:.0f} µs\n",
             figures.statistics_us, figures.frontier_us, figures.hub_us);
}

}  // namespace
}  // namespace rhizome::graph

int main(int argc, char** argv) {
  using namespace rhizome;
  bool json = false;
  uint64_t documents = 100'000, batch = 64;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--documents") == 0 && i + 1 < argc) documents = std::strtoull(argv[++i], nullptr, 10);
    if (std::strcmp(argv[i], "--batch") == 0 && i + 1 < argc)
      batch = std::max(1ull, std::strtoull(argv[++i], nullptr, 10));
  }
  documents = std::max<uint64_t>(documents, 100);
  const ScratchFolder folder;
  graph::Figures figures;
  auto store = graph::OpenStore(folder.path() + "/engine");
  auto engine = graph::GraphEngine::Open(*store, {.shard = 1}).value();
  std::mt19937_64 random(1);
  uint64_t done = 0;
  for (const uint64_t to : {documents / 10, documents / 5, documents / 2, documents * 9 / 10, documents}) {
    figures.sections.push_back(graph::Load(*engine, random, done, to, batch));
    done = to;
  }
  auto tenth = graph::OpenStore(folder.path() + "/tenth");
  figures.growth = graph::Growth(*engine, *tenth, documents, batch);
  tenth.reset();
  auto alone = graph::OpenStore(folder.path() + "/alone");
  graph::LoadRowsAlone(*store, *alone, documents, batch, figures);
  graph::Read(*engine, figures);
  graph::Print(figures, json);
  return 0;
}
