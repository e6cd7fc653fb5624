// What `pipeline_bench` measures, phase by phase, each on a real server of its own. Figures of time by the clock are of
// this machine as busy as it is; those in processor time are the server's alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rhizome::bench {

struct PipelineOptions {
  std::string server;
  std::string static_model;
  std::string route = "/search";  // of the queries: /search or /query
  size_t documents = 60'000;
  size_t minilm_documents = 4'000;
  size_t extraction_documents = 20'000;
  size_t entities = 200'000;  // the graph grows to
  size_t batch = 500;
  size_t connections = 4;
  double query_seconds = 15;
  double rate = 50;
  bool json = false;
};

// Accepted, embedded, durable and searchable: until the last acknowledgement, and until the index has linked all.
struct IngestFigures {
  size_t documents = 0;
  double bytes_each = 0;
  double per_s = 0, cpu_us_each = 0;
  double complete_per_s = 0, complete_cpu_us_each = 0;
};
// Queries with their embedding from 200 connections in an open loop.
struct QueryFigures {
  double rate = 0, p50_ms = 0, p99_ms = 0;
  size_t errors = 0;
  double rate_max = 0;  // the highest rate tried with p50 < 100 ms and p99 < 500 ms
  double cpu_ms_each = 0;
};
struct StaticFigures {
  IngestFigures ingest;
  QueryFigures query;
};
StaticFigures MeasureStatic(const PipelineOptions& options, bool with_queries);

// A server with MiniLM beside the same embedder alone, in turns; medians over the rounds.
struct MiniLmFigures {
  size_t documents = 0;
  double per_s = 0, alone_per_s = 0;
  double ratio = 0;      // by the clock
  double cpu_ratio = 0;  // processor time alone over the server's
};
MiniLmFigures MeasureMiniLm(const PipelineOptions& options);

// Of one core.
struct ExtractionFigures {
  double per_s = 0;           // extraction
  double resolved_per_s = 0;  // and resolution
  double entities_each = 0, relations_each = 0;
};
ExtractionFigures MeasureExtraction(const PipelineOptions& options);

// A collection with a graph, documents until so many entities are there; the server's processor time per document.
struct GraphStep {
  size_t entities = 0;  // when the step ended
  size_t documents = 0;
  double cpu_us_each = 0, per_s = 0;
};
struct GraphFigures {
  std::vector<GraphStep> steps;
  double growth = 0;  // cost of a document in the last step over that in the first
};
GraphFigures MeasureGraph(const PipelineOptions& options);

}  // namespace rhizome::bench
