// The pipeline of a real server, durable, over HTTP: how much it takes in, how fast it answers, what a document costs.
//
//   ./dev bench pipeline [--only static,query,minilm,extraction,graph] [--documents N] [--route /search|/query]
//   [--json]
//
// One server process, loopback, two cores for it and for the clients here. Documents are short (short_documents.h).
// Where others share the machine, figures in processor time of the server say what those by the clock cannot.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "pipeline_phases.h"
#include "server_process.h"

namespace {

using namespace rhizome::bench;  // NOLINT: the benchmark's own parts

struct All {
  std::optional<StaticFigures> bulk;
  bool queried = false;
  std::optional<MiniLmFigures> minilm;
  std::optional<ExtractionFigures> extraction;
  std::optional<GraphFigures> graph;
};

void PrintJson(const All& all) {
  std::string out;
  const auto add = [&](const char* name, double value) {
    out += fmt::format("{}\"{}\": {:.4g}", out.empty() ? "" : ", ", name, value);
  };
  if (all.bulk) {
    const IngestFigures& ingest = all.bulk->ingest;
    add("documents", static_cast<double>(ingest.documents));
    add("bytes_per_document", ingest.bytes_each);
    add("documents_per_s_static", ingest.per_s);
    add("static_cpu_us_per_document", ingest.cpu_us_each);
    add("documents_per_s_indexed", ingest.complete_per_s);
    add("indexed_cpu_us_per_document", ingest.complete_cpu_us_each);
  }
  if (all.queried) {
    const QueryFigures& query = all.bulk->query;
    add("query_rate", query.rate);
    add("query_p50_ms", query.p50_ms);
    add("query_p99_ms", query.p99_ms);
    add("query_errors", static_cast<double>(query.errors));
    add("query_rate_max", query.rate_max);
    add("query_cpu_ms", query.cpu_ms_each);
  }
  if (all.minilm) {
    add("minilm_ratio", all.minilm->ratio);
    add("minilm_cpu_ratio", all.minilm->cpu_ratio);
    add("documents_per_s_minilm", all.minilm->per_s);
    add("embeddings_per_s_minilm", all.minilm->alone_per_s);
  }
  if (all.extraction) {
    add("documents_per_s_extraction", all.extraction->resolved_per_s);
    add("documents_per_s_extraction_unresolved", all.extraction->per_s);
    add("entities_per_document", all.extraction->entities_each);
  }
  if (all.graph) {
    add("graph_growth", all.graph->growth);
    add("graph_cpu_us_per_document", all.graph->steps.back().cpu_us_each);
    add("graph_entities", static_cast<double>(all.graph->steps.back().entities));
    add("documents_per_s_graph", all.graph->steps.back().per_s);
  }
  fmt::print("{{{}}}\n", out);
}

void PrintTable(const All& all) {
  if (all.bulk) {
    const IngestFigures& ingest = all.bulk->ingest;
    fmt::print("static model, {} documents of {:.0f} bytes: accepted, embedded, durable, searchable\n",
               ingest.documents, ingest.bytes_each);
    fmt::print("  acknowledged {:.0f} documents/s, {:.0f} us of processor time each\n", ingest.per_s,
               ingest.cpu_us_each);
    fmt::print("  index complete {:.0f} documents/s, {:.0f} us each\n", ingest.complete_per_s,
               ingest.complete_cpu_us_each);
  }
  if (all.queried) {
    const QueryFigures& query = all.bulk->query;
    fmt::print(
        "queries from 200 connections, open loop, {:.0f}/s: p50 {:.1f} ms, p99 {:.1f} ms, {} errors, {:.2f} ms "
        "of processor time each; holds up to {:.0f}/s\n",
        query.rate, query.p50_ms, query.p99_ms, query.errors, query.cpu_ms_each, query.rate_max);
  }
  if (all.minilm) {
    fmt::print("MiniLM: {:.0f} documents/s, alone {:.0f} embeddings/s: ratio {:.3f}, by processor time {:.3f}\n",
               all.minilm->per_s, all.minilm->alone_per_s, all.minilm->ratio, all.minilm->cpu_ratio);
  }
  if (all.extraction) {
    fmt::print(
        "extraction of one core: {:.0f} documents/s, {:.0f} with resolution; {:.1f} entities, {:.1f} relations "
        "each\n",
        all.extraction->per_s, all.extraction->resolved_per_s, all.extraction->entities_each,
        all.extraction->relations_each);
  }
  if (all.graph) {
    for (const GraphStep& step : all.graph->steps) {
      fmt::print("graph of {} entities, {} documents: {:.0f} us of processor time per document, {:.0f} documents/s\n",
                 step.entities, step.documents, step.cpu_us_each, step.per_s);
    }
    fmt::print("  a document costs {:.2f} x what it did at the beginning\n", all.graph->growth);
  }
}

}  // namespace

int main(int argc, char** argv) {
  PipelineOptions options;
  options.server = BuiltServer();
  options.static_model = "build/bench/static.model";
  std::vector<std::string> only = {"static", "query", "minilm", "extraction", "graph"};
  CLI::App app("The pipeline of a real server");
  app.add_option("--server", options.server, "The rhizome program to run");
  app.add_option("--static-model", options.static_model, "Made by rhizome distill");
  app.add_option("--only", only, "Of static, query, minilm, extraction, graph")->delimiter(',');
  app.add_option("--documents", options.documents, "Of static and query")->check(CLI::Range(100, 10'000'000));
  app.add_option("--minilm-documents", options.minilm_documents)->check(CLI::Range(50, 1'000'000));
  app.add_option("--entities", options.entities, "The graph grows to")->check(CLI::Range(1'000, 10'000'000));
  app.add_option("--batch", options.batch, "Documents of a request")->check(CLI::Range(1, 1000));
  app.add_option("--connections", options.connections, "That ingest")->check(CLI::Range(1, 64));
  app.add_option("--rate", options.rate, "Queries per second")->check(CLI::Range(1.0, 100'000.0));
  app.add_option("--seconds", options.query_seconds, "Of queries")->check(CLI::Range(1.0, 3600.0));
  app.add_option("--route", options.route, "/search or /query")->check(CLI::IsMember({"/search", "/query"}));
  app.add_flag("--json", options.json, "One JSON object of figures");
  CLI11_PARSE(app, argc, argv);
  if (options.server.empty()) Fail("no rhizome program in the build: build it, or say --server");
  signal(SIGPIPE, SIG_IGN);
  const auto wanted = [&](const char* phase) { return std::find(only.begin(), only.end(), phase) != only.end(); };
  All all;
  all.queried = wanted("query");
  if (wanted("static") || wanted("query")) all.bulk = MeasureStatic(options, all.queried);
  if (wanted("minilm")) all.minilm = MeasureMiniLm(options);
  if (wanted("extraction")) all.extraction = MeasureExtraction(options);
  if (wanted("graph")) all.graph = MeasureGraph(options);
  options.json ? PrintJson(all) : PrintTable(all);
  return 0;
}
