// Samples appended per CPU second, one sample per series and round in a scattered order, and memory per series.
// Beside it the same rows into a vector of samples per series, without prefetch, in the same run.
//   tail_bench [--json] [--rounds N]
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "engines/series/tail.h"

namespace rhizome::series {
namespace {

constexpr size_t kBatch = 8'192;

// Each series once per round; a multiplier without a common factor scatters them.
class Rows {
 public:
  explicit Rows(uint32_t series) : series_(series) { batch_.resize(kBatch); }

  // The next rows, at most kBatch; none after `rounds` rounds.
  std::span<const TailRow> Next(uint32_t rounds) {
    size_t count = 0;
    for (; count < kBatch && round_ < rounds; ++count) {
      const auto number = static_cast<uint32_t>(index_ * 2'654'435'761u % series_);
      batch_[count] = {number, {1'700'000'000'000 + round_ * 15'000, static_cast<double>(round_ * (number % 97))}};
      if (++index_ == series_) {
        index_ = 0;
        ++round_;
      }
    }
    return std::span(batch_).first(count);
  }

 private:
  const uint64_t series_;
  uint64_t index_ = 0;
  int64_t round_ = 0;
  std::vector<TailRow> batch_;
};

struct Figures {
  double append = 0, peer = 0;  // M samples per CPU second
  double bytes_per_series = 0;
};

Figures Measure(uint32_t series, uint32_t rounds) {
  Figures figures;
  const double samples = static_cast<double>(series) * rounds;
  TailStore store;
  for (uint32_t i = 0; i < series; ++i) store.AddSeries();
  double seconds = 0;
  Rows rows(series);
  for (std::span<const TailRow> batch = rows.Next(rounds); !batch.empty(); batch = rows.Next(rounds)) {
    const double before = ThreadCpuSeconds();
    store.Append(batch);
    seconds += ThreadCpuSeconds() - before;
  }
  Samples last;
  store.Read(series - 1, INT64_MIN, INT64_MAX, last);
  CHECK(last.size() == rounds);
  figures.append = samples / seconds / 1e6;
  figures.bytes_per_series = static_cast<double>(store.memory_bytes()) / series;
  std::vector<std::vector<Sample>> peer(series);
  seconds = 0;
  Rows again(series);
  for (std::span<const TailRow> batch = again.Next(rounds); !batch.empty(); batch = again.Next(rounds)) {
    const double before = ThreadCpuSeconds();
    for (const TailRow& row : batch) peer[row.series].push_back(row.sample);
    seconds += ThreadCpuSeconds() - before;
  }
  figures.peer = samples / seconds / 1e6;
  return figures;
}

void Run(bool json, uint32_t rounds) {
  std::string text = fmt::format("{{\"rounds\": {}", rounds);
  if (!json) {
    std::printf("%u rounds of one sample per series; M samples per CPU second\n", rounds);
    std::printf("%10s %10s %16s %8s %14s\n", "series", "append", "plain vectors", "ratio", "bytes/series");
  }
  for (const uint32_t series : {10'000u, 100'000u, 1'000'000u}) {
    const Figures f = Measure(series, rounds);
    if (json) {
      text += fmt::format(
          ", \"{}\": {{\"append_ratio\": {:.3f}, \"append_m_samples_per_cpu_s\": {:.2f}, "
          "\"bytes_per_series\": {:.0f}}}",
          series, f.append / f.peer, f.append, f.bytes_per_series);
    } else {
      std::printf("%10u %10.1f %16.1f %8.2f %14.0f\n", series, f.append, f.peer, f.append / f.peer, f.bytes_per_series);
    }
  }
  if (json) std::printf("%s}\n", text.c_str());
}

}  // namespace
}  // namespace rhizome::series

int main(int argc, char** argv) {
  bool json = false;
  uint32_t rounds = 20;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) rounds = static_cast<uint32_t>(std::atoi(argv[++i]));
  }
  rhizome::series::Run(json, std::max(1u, rounds));
  return 0;
}
