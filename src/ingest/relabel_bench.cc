// What relabelling costs per series and batch: one that is known and stays as it is, one that is known and changes,
// and, as the peer in the same run, the rules themselves, which is what every series would cost without a memory.
//   relabel_bench [--json] [--series N] [--seconds S]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "ingest/relabel.h"

namespace rhizome::ingest {
namespace {

// CPU nanoseconds per series.
double Cost(double seconds, size_t series, const std::function<void()>& once) {
  once();
  size_t rounds = 0;
  const double before = ThreadCpuSeconds();
  double spent = 0;
  for (; spent < seconds; spent = ThreadCpuSeconds() - before) {
    once();
    ++rounds;
  }
  return spent * 1e9 / static_cast<double>(rounds * series);
}

// Five rules as people write them; none of them changes a series of SetsOf, unless `drop_pod`.
std::string RulesOf(bool drop_pod) {
  std::string text =
      "- {source_labels: [__name__], regex: 'go_.*|process_.*', action: drop}\n"
      "- {source_labels: [namespace, pod], regex: 'test;.+', action: drop}\n"
      "- {regex: '__meta_(.+)', action: labelmap}\n"
      "- {source_labels: [instance], regex: '([^:]+):9999', target_label: instance}\n";
  return text + (drop_pod ? "- {regex: pod, action: labeldrop}\n" : "- {regex: 'tmp_.*', action: labeldrop}\n");
}

std::string BatchOf(size_t series) {
  format::SeriesBatchBuilder builder;
  for (size_t i = 0; i < series; ++i) {
    const std::string instance = fmt::format("10.0.{}.{}:9100", i / 250 % 250, i % 250), pod = fmt::format("pod-{}", i);
    const std::vector<format::LabelPair> pairs = {{"__name__", "http_requests_total"},
                                                  {"cluster", "production-eu-west-1"},
                                                  {"code", "200"},
                                                  {"instance", instance},
                                                  {"job", "kubernetes-pods"},
                                                  {"method", "GET"},
                                                  {"namespace", "checkout"},
                                                  {"pod", pod}};
    builder.Add(builder.AppendSeries(format::Labels::FromPairs(pairs).value()), 1'700'000'000'000, 1);
  }
  return builder.Encode();
}

void Run(bool json, size_t series, double seconds) {
  const std::string bytes = BatchOf(series);
  const auto batch = format::SeriesBatch::Decode(bytes).value();
  const Limits limits;
  Relabeller same(RelabelRules::Parse(RulesOf(false)).value()), changing(RelabelRules::Parse(RulesOf(true)).value());
  CHECK(!same.Apply(batch, limits).batch.has_value());
  CHECK(changing.Apply(batch, limits).batch.has_value());
  const double known = Cost(seconds, series, [&] { CHECK(!same.Apply(batch, limits).batch.has_value()); });
  const double changed = Cost(seconds, series, [&] { CHECK(changing.Apply(batch, limits).batch.has_value()); });
  const RelabelRules rules = RelabelRules::Parse(RulesOf(false)).value();
  std::string out;
  const double evaluated = Cost(seconds, series, [&] {
    for (uint32_t i = 0; i < batch.series_count(); ++i) CHECK(rules.Apply(batch.LabelsOf(i), out));
  });
  if (json) {
    std::printf("{\"series\": %zu, \"known_ratio\": %.2f, \"changed_ratio\": %.2f}\n", series, evaluated / known,
                evaluated / changed);
  } else {
    std::printf("%zu series of 8 labels, 5 rules; CPU ns per series\n%12s %12s %12s %12s %14s\n", series, "known, same",
                "known, other", "rules alone", "ratio", "ratio of other");
    std::printf("%12.0f %12.0f %12.0f %12.1f %14.1f\n", known, changed, evaluated, evaluated / known,
                evaluated / changed);
  }
}

}  // namespace
}  // namespace rhizome::ingest

int main(int argc, char** argv) {
  bool json = false;
  size_t series = 1'000;
  double seconds = 0.5;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--series") == 0 && i + 1 < argc) series = std::strtoull(argv[++i], nullptr, 10);
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = std::strtod(argv[++i], nullptr);
  }
  rhizome::ingest::Run(json, std::max<size_t>(1, series), seconds);
  return 0;
}
