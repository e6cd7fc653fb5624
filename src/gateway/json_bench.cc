// How fast a batch of vectors gets from bytes to floats: one line, thread CPU time.
//   json_bench: 1000 x 384 floats
#include <sys/resource.h>

#include <cstdio>
#include <random>

#include "gateway/json_document.h"
#include "gateway/json_fields.h"

namespace {

double ThreadSeconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::string Batch(size_t points, size_t dimension) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::string text = "{\"vectors\":[";
  char number[32];
  for (size_t i = 0; i < points; ++i) {
    text += i == 0 ? "[" : ",[";
    for (size_t j = 0; j < dimension; ++j) {
      std::snprintf(number, sizeof(number), "%s%.9g", j == 0 ? "" : ",", static_cast<double>(normal(random)));
      text += number;
    }
    text += "]";
  }
  return text + "]}";
}

}  // namespace

int main() {
  using namespace rhizome::gateway;
  const std::string body = Batch(1000, 384);
  double best = 1e9;
  for (int round = 0; round < 10; ++round) {
    const double before = ThreadSeconds();
    const auto document = JsonDocument::Parse(body);
    if (!document.ok()) return 1;
    std::vector<std::vector<float>> vectors;
    const JsonPath path;
    if (!Fields(document->root(), path).Required("vectors", vectors).Finish().ok()) return 1;
    if (vectors.size() != 1000 || vectors[999].size() != 384) return 1;
    best = std::min(best, ThreadSeconds() - before);
  }
  std::printf("1000 x 384 floats in %zu bytes: %.1f ms, %.0f MB/s\n", body.size(), best * 1e3,
              static_cast<double>(body.size()) / 1e6 / best);
  return 0;
}
