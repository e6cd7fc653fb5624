// The engine as a whole on mixed data: a sample of every series every 15 s for two hours, 8 labels each.
//   series_engine_bench [--json] [--series N] [--rounds N]
// Samples applied per CPU second, beside the tails alone and a map of plain vectors in the same run; bytes per sample
// in memory and, after a checkpoint and compaction, on disk, index included; samples read and summed per CPU second
// from memory and from the block, beside decoding the same samples' chunks with nothing around it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/cpu_time.h"
#include "base/scratch_testing.h"
#include "engines/series/engine.h"
#include "engines/series/engine_testing.h"
#include "engines/series/mixed_data_testing.h"

namespace rhizome::series {
namespace {

template <typename Work>
double Time(Work work) {
  const double before = ThreadCpuSeconds();
  work();
  return ThreadCpuSeconds() - before;
}

format::Labels LabelsOfSeries(uint32_t i) {
  const std::string host = fmt::format("host-{:04}.example", i / 20), name = fmt::format("metric_{}_total", i % 20);
  const std::string zone = fmt::format("zone-{}", i / 20 % 3), pod = fmt::format("pod-{:08x}", i / 20 * 2654435761u);
  return LabelsOf({{"__name__", name},
                   {"cluster", "main"},
                   {"environment", "production"},
                   {"instance", host},
                   {"job", "node"},
                   {"namespace", i % 2 ? "web" : "db"},
                   {"pod", pod},
                   {"zone", zone}});
}

struct Figures {
  double apply = 0, apply_new = 0, tails = 0, map = 0;  // M samples (new: series) per CPU second
  double memory_bytes = 0, disk_bytes = 0, chunk_bytes = 0;
  double checkpoint = 0, compact = 0;
  double read_memory = 0, read_block = 0, decode = 0;
  double instant_memory = 0, instant_block = 0, instant_both = 0;  // µs of CPU for each series: its last five minutes
};

// All rows of one round in one batch, as a scraper of all series sends them.
std::vector<std::string> MakeBatches(const std::vector<format::Labels>& labels, uint32_t rounds) {
  std::vector<MixedSeries> sources;
  for (uint32_t i = 0; i < labels.size(); ++i) sources.emplace_back(KindOf(i), i, kEpochMs);
  std::vector<std::string> batches;
  format::SeriesBatchBuilder builder;
  for (uint32_t round = 0; round < rounds; ++round) {
    builder.Clear();
    for (uint32_t i = 0; i < labels.size(); ++i) {
      const Sample sample = sources[i].Next();
      builder.Add(builder.AppendSeries(labels[i]), sample.time_ms, sample.value);
    }
    batches.push_back(builder.Encode(VersionAt(kEpochMs + round * kIntervalMs)));
  }
  return batches;
}

double Sum(const SeriesEngine& engine, uint64_t& samples, int64_t from = INT64_MIN) {
  double sum = 0;
  samples = 0;
  const auto selection = engine.Select({}, from, INT64_MAX);
  while (selection->Next().value()) {
    samples += selection->samples().size();
    for (const double value : selection->samples().values) sum += value;
  }
  return sum;
}

void MeasurePeers(const std::vector<std::string>& batches, uint32_t series, Figures& figures) {
  const double samples = static_cast<double>(batches.size()) * series;
  TailStore tails;
  for (uint32_t i = 0; i < series; ++i) tails.AddSeries();
  std::unordered_map<std::string, std::vector<Sample>> map;
  std::vector<TailRow> rows;
  double tail_seconds = 0, map_seconds = 0;
  for (const std::string& bytes : batches) {
    const auto batch = format::SeriesBatch::Trusted(bytes);
    rows.clear();
    batch.ForEachRow([&](uint32_t i, int64_t time, double value) { rows.push_back({i, {time, value}}); });
    tail_seconds += Time([&] { tails.Append(rows); });
    map_seconds += Time([&] {
      batch.ForEachRow([&](uint32_t i, int64_t time, double value) {
        map[std::string(batch.LabelsOf(i).bytes())].push_back({time, value});
      });
    });
  }
  figures.tails = samples / tail_seconds / 1e6;
  figures.map = samples / map_seconds / 1e6;
  // What the block holds, as chunks alone.
  std::vector<std::string> chunks;
  ChunkEncoder encoder;
  Samples all;
  double sum = 0;
  for (uint32_t i = 0; i < series; ++i) {
    all.clear();
    tails.Read(i, INT64_MIN, INT64_MAX, all);
    encoder.Encode(all.times, all.values, chunks.emplace_back());
    figures.chunk_bytes += static_cast<double>(chunks.back().size()) / samples;
  }
  const double seconds = Time([&] {
    for (const std::string& chunk : chunks) {
      all.clear();
      CHECK(DecodeChunk(chunk, all).ok());
      for (const double value : all.values) sum += value;
    }
  });
  CHECK(sum != 0);
  figures.decode = samples / seconds / 1e6;
}

Figures Measure(uint32_t series, uint32_t rounds) {
  Figures figures;
  std::vector<format::Labels> labels;
  for (uint32_t i = 0; i < series; ++i) labels.push_back(LabelsOfSeries(i));
  const std::vector<std::string> batches = MakeBatches(labels, rounds);
  MeasurePeers(batches, series, figures);
  const ScratchFolder folder;
  const auto engine = SeriesEngine::Open(io::RealDisk(), {folder.path(), {}}).value();
  const double samples = static_cast<double>(series) * rounds;
  const auto apply = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) engine->Apply(i + 1, format::SeriesBatch::Trusted(batches[i]));
  };
  figures.apply_new = series / Time([&] { apply(0, 1); }) / 1e6;
  figures.apply = samples / Time([&] { apply(1, rounds); }) / 1e6;
  figures.memory_bytes = static_cast<double>(engine->MeasureMemory()) / series;
  uint64_t read = 0;
  double first = 0, second = 0;
  figures.read_memory = samples / Time([&] { first = Sum(*engine, read); }) / 1e6;
  CHECK(read == static_cast<uint64_t>(samples));
  const int64_t lately = kEpochMs + (rounds - 20) * kIntervalMs;
  figures.instant_memory = 1e6 * Time([&] { Sum(*engine, read, lately); }) / series;
  figures.checkpoint = samples / Time([&] { CHECK(engine->Checkpoint().ok()); }) / 1e6;
  figures.compact = Time([&] {
    while (engine->Compact().value()) {
    }
  });
  const EngineCounts counts = engine->counts();
  CHECK(counts.block_samples == static_cast<uint64_t>(samples));
  figures.disk_bytes = static_cast<double>(counts.block_bytes) / samples;
  figures.read_block = samples / Time([&] { second = Sum(*engine, read); }) / 1e6;
  CHECK(first == second);
  figures.instant_block = 1e6 * Time([&] { Sum(*engine, read, lately); }) / series;
  // Nothing new, but in memory again, and of series that have been sorted once.
  for (size_t i = rounds - 20; i < rounds; ++i) engine->Apply(i + 1 + rounds, format::SeriesBatch::Trusted(batches[i]));
  figures.instant_both = 1e6 * Time([&] { Sum(*engine, read, lately); }) / series;
  return figures;
}

void Run(bool json, uint32_t series, uint32_t rounds) {
  const Figures f = Measure(series, rounds);
  if (json) {
    std::printf(
        "%s\n",
        fmt::format(
            "{{\"series\": {}, \"rounds\": {}, \"apply_to_map_ratio\": {:.3f}, \"apply_to_tails_ratio\": {:.3f}, "
            "\"bytes_per_sample\": {:.3f}, \"index_bytes_per_sample\": {:.3f}, \"memory_bytes_per_series\": {:.0f}, "
            "\"block_read_to_decode_ratio\": {:.3f}, \"memory_read_to_decode_ratio\": {:.3f}}}",
            series, rounds, f.apply / f.map, f.apply / f.tails, f.disk_bytes, f.disk_bytes - f.chunk_bytes,
            f.memory_bytes, f.read_block / f.decode, f.read_memory / f.decode)
            .c_str());
    return;
  }
  std::printf("%u series, %u rounds of one sample each; M samples per CPU second\n", series, rounds);
  std::printf("apply %.2f; tails alone %.2f (ratio %.2f); map of vectors %.2f (ratio %.2f)\n", f.apply, f.tails,
              f.apply / f.tails, f.map, f.apply / f.map);
  std::printf("new series %.3f M per CPU second\n", f.apply_new);
  std::printf("memory: %.0f bytes per series; disk: %.3f bytes per sample, of which %.3f chunks\n", f.memory_bytes,
              f.disk_bytes, f.chunk_bytes);
  std::printf("the last five minutes: memory %.2f, block %.2f, both %.2f us of CPU for each series\n", f.instant_memory,
              f.instant_block, f.instant_both);
  std::printf("checkpoint %.2f; compaction of it %.2f s\n", f.checkpoint, f.compact);
  std::printf("read and sum: memory %.1f, block %.1f; decode alone %.1f (ratios %.2f, %.2f)\n", f.read_memory,
              f.read_block, f.decode, f.read_memory / f.decode, f.read_block / f.decode);
}

}  // namespace
}  // namespace rhizome::series

int main(int argc, char** argv) {
  bool json = false;
  uint32_t series = 10'000, rounds = 480;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--series") == 0 && i + 1 < argc) series = static_cast<uint32_t>(std::atoi(argv[++i]));
    if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) rounds = static_cast<uint32_t>(std::atoi(argv[++i]));
  }
  rhizome::series::Run(json, std::max(1u, series), std::max(2u, rounds));
  return 0;
}
