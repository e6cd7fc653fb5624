// Answers queries over series from a file, for promql_test.py to compare with Prometheus' answers.
//   promql_answers SERIES QUERIES
// SERIES is as series_file.h says. QUERIES has lines "instant MS HEX", "range MS MS MS HEX" and
// "format HEX", the query in hex. Prints a line of JSON for each query, in the API's form, values as bits in hex.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/clock.h"
#include "compat/series_file.h"
#include "promql/engine.h"
#include "promql/memory_source_testing.h"
#include "promql/printer.h"

namespace rhizome::promql {
namespace {

std::string ToHex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

void Load(const std::string& file, MemorySource& source) {
  compat::ReadSeries(file,
                     [&](const format::Labels& labels, std::vector<int64_t> times_ms, std::vector<double> values) {
                       source[labels] = {std::move(times_ms), std::move(values)};
                     });
}

void Print(const Result<QueryResult>& answer) {
  if (!answer.ok()) {
    std::cout << R"({"error":")" << CodeName(answer.status().code()) << R"(","message":")"
              << ToHex(answer.status().message()) << "\"}\n";
    return;
  }
  static constexpr const char* kNames[] = {"none", "scalar", "string", "vector", "matrix"};
  std::cout << R"({"type":")" << kNames[static_cast<size_t>(answer->type)] << R"(","text":")" << ToHex(answer->text)
            << R"(","series":[)";
  const char* separator = "";
  for (const ResultSeries& series : answer->series) {
    std::cout << separator << "[[";
    separator = "";
    for (const format::LabelPair& pair : series.labels) {
      std::cout << separator << "[\"" << ToHex(pair.name) << "\",\"" << ToHex(pair.value) << "\"]";
      separator = ",";
    }
    std::cout << "],[";
    separator = "";
    for (size_t i = 0; i < series.values.size(); ++i) {
      std::cout << separator << "[" << series.times_ms[i] << ",\"" << std::hex
                << std::bit_cast<uint64_t>(series.values[i]) << std::dec << "\"]";
      separator = ",";
    }
    std::cout << "]]";
    separator = ",";
  }
  std::cout << "]}\n";
}

void PrintFormatted(const std::string& query) {
  const auto tree = Parse(query);
  if (tree.ok()) {
    std::cout << R"({"text":")" << ToHex(Prettify(**tree)) << "\"}\n";
  } else {
    Print(Result<QueryResult>(tree.status()));
  }
}

int Run(const std::string& series_file, const std::string& queries_file) {
  MemorySource source;
  Load(series_file, source);
  const Engine engine({}, SystemClock());
  std::ifstream in(queries_file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind, hex;
    int64_t start = 0, end = 0, step = 0;
    words >> kind;
    if (kind == "instant") {
      words >> start >> hex;
      Print(engine.Instant(compat::FromHex(hex), start, {source}));
    } else if (kind == "range") {
      words >> start >> end >> step >> hex;
      Print(engine.Range(compat::FromHex(hex), start, end, step, {source}));
    } else {
      words >> hex;
      PrintFormatted(compat::FromHex(hex));
    }
  }
  return 0;
}

}  // namespace
}  // namespace rhizome::promql

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: promql_answers SERIES QUERIES\n");
    return 2;
  }
  return rhizome::promql::Run(argv[1], argv[2]);
}
