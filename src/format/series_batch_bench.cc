// Encoding, decoding, walking and splitting batches of samples, in samples per CPU second, beside the same rows in the
// varint encoding of our other formats, in the same run; and what zstd around a batch would take off and cost.
//   series_batch_bench [--json] [--series N] [--seconds S]
#include <fmt/format.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "format/coding.h"
#include "format/series_batch.h"

namespace rhizome::format {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

struct Options {
  bool json = false;
  size_t series = 1'000;
  double seconds = 0.5;  // per figure
};

// M samples per CPU second.
double Rate(const Options& options, size_t samples, const std::function<void()>& once) {
  return MillionsPerCpuSecond(options.seconds, samples, once);
}

std::vector<Labels> SetsOf(size_t series) {
  std::vector<Labels> sets;
  for (size_t i = 0; i < series; ++i) {
    const std::string instance = fmt::format("10.0.{}.{}:9100", i / 250 % 250, i % 250), pod = fmt::format("pod-{}", i);
    sets.push_back(Labels::FromPairs(std::vector<LabelPair>{{"__name__", "http_requests_total"},
                                                            {"cluster", "production-eu-west-1"},
                                                            {"code", "200"},
                                                            {"instance", instance},
                                                            {"job", "kubernetes-pods"},
                                                            {"method", "GET"},
                                                            {"namespace", "checkout"},
                                                            {"pod", pod}})
                       .value());
  }
  return sets;
}

double ValueOf(size_t series, size_t round) { return static_cast<double>(series * 1000 + round * (series % 97)); }

// `runs`: samples of one series stand together; else one of each series after the other, at a shared time.
void Fill(SeriesBatchBuilder& builder, const std::vector<Labels>& sets, size_t k, bool runs) {
  builder.Clear();
  for (const Labels& labels : sets) builder.AppendSeries(labels);
  for (size_t i = 0; i < sets.size() * k; ++i) {
    const size_t series = runs ? i / k : i % sets.size(), round = runs ? i % k : i / sets.size();
    builder.Add(static_cast<uint32_t>(series), kStart + static_cast<int64_t>(round * 15'000 + (runs ? i % 700 : 0)),
                ValueOf(series, round));
  }
}

// What a batch would be in varints, as operation batches are, and how it is read: checked, with a copy per row.
std::string PlainEncode(const SeriesBatch& batch) {
  std::string out;
  PutVarint(out, batch.series_count());
  for (uint32_t i = 0; i < batch.series_count(); ++i) PutBytes(out, batch.LabelsOf(i).bytes());
  PutVarint(out, batch.sample_count());
  batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
    PutVarint(out, series);
    PutVarint(out, static_cast<uint64_t>(time));
    PutDouble(out, value);
  });
  return out;
}

double PlainDecode(std::string_view bytes) {
  Decoder in(bytes);
  uint64_t series = 0, samples = 0;
  bool good = in.Count(series, 1);
  for (uint64_t i = 0; i < series && good; ++i) {
    std::string_view labels;
    good = in.Bytes(labels) && LabelsView::Check(labels).ok();
  }
  good = good && in.Count(samples, 10);
  double sum = 0;
  for (uint64_t i = 0; i < samples && good; ++i) {
    uint64_t number = 0, time = 0;
    double value = 0;
    good = in.Varint(number) && in.Varint(time) && in.Double(value);
    sum += value + static_cast<double>(number + time);
  }
  CHECK(good);
  return sum;
}

double Walk(const SeriesBatch& batch) {
  double sum = 0;
  batch.ForEachRow([&](uint32_t series, int64_t time, double value) {
    sum += value + static_cast<double>(series + static_cast<uint64_t>(time));
  });
  return sum;
}

volatile double sink = 0;

struct Figures {
  double encode = 0, decode = 0, decode_known = 0, split = 0, plain = 0, zstd = 0;
  double bytes = 0, zstd_bytes = 0;  // per sample
};

Figures Measure(const Options& options, size_t k, bool runs) {
  Figures f;
  const std::vector<Labels> sets = SetsOf(options.series);
  SeriesBatchBuilder builder;
  std::string bytes;
  Fill(builder, sets, k, runs);
  const size_t samples = builder.sample_count();
  f.encode = Rate(options, samples, [&] {
    Fill(builder, sets, k, runs);
    bytes.clear();
    builder.Encode(bytes);
  });
  const SeriesBatch known = SeriesBatch::Decode(bytes).value();
  f.decode = Rate(options, samples, [&] { sink = Walk(SeriesBatch::Decode(bytes).value()); });
  const std::string again = bytes;
  f.decode_known = Rate(options, samples, [&] { sink = Walk(SeriesBatch::Decode(again, &known).value()); });
  std::vector<uint32_t> parts(sets.size());
  for (uint32_t i = 0; i < parts.size(); ++i) parts[i] = known.LabelsOf(i).Hash() % 8;
  f.split = Rate(options, samples, [&] { sink = static_cast<double>(SplitSeriesBatch(known, parts, 8)[0].size()); });
  const std::string plain = PlainEncode(known);
  f.plain = Rate(options, samples, [&] { sink = PlainDecode(plain); });
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  size_t packed_bytes = 0;
  f.zstd = Rate(options, samples,
                [&] { packed_bytes = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1); });
  f.bytes = static_cast<double>(bytes.size()) / static_cast<double>(samples);
  f.zstd_bytes = static_cast<double>(packed_bytes) / static_cast<double>(samples);
  return f;
}

void Run(const Options& options) {
  struct Case {
    const char* name;
    size_t k;
    bool runs;
  };
  std::string text = fmt::format("{{\"series\": {}", options.series);
  if (!options.json) {
    std::printf("%zu series of 8 labels; M samples per CPU second; decoding verifies and walks every row\n",
                options.series);
    std::printf("%-14s %8s %8s %8s %8s %10s %8s %8s %8s %8s\n", "", "encode", "decode", "known", "split 8",
                "varint dec.", "ratio", "zstd -1", "B/sample", "zstd B/s");
  }
  for (const Case& c : {Case{"rounds_k1", 1, false}, Case{"rounds_k10", 10, false}, Case{"runs_k10", 10, true},
                        Case{"runs_k100", 100, true}}) {
    const Figures f = Measure(options, c.k, c.runs);
    if (options.json) {
      text += fmt::format(
          ", \"{}\": {{\"decode_ratio\": {:.2f}, \"decode_known_ratio\": {:.2f}, \"encode_m_per_cpu_s\": {:.1f}, "
          "\"decode_m_per_cpu_s\": {:.1f}, \"decode_known_m_per_cpu_s\": {:.1f}, \"zstd_m_per_cpu_s\": {:.2f}, "
          "\"bytes_per_sample\": {:.2f}, \"zstd_bytes_per_sample\": {:.2f}}}",
          c.name, f.decode / f.plain, f.decode_known / f.plain, f.encode, f.decode, f.decode_known, f.zstd, f.bytes,
          f.zstd_bytes);
    } else {
      std::printf("%-14s %8.1f %8.1f %8.1f %8.1f %10.1f %8.2f %8.2f %8.2f %8.2f\n", c.name, f.encode, f.decode,
                  f.decode_known, f.split, f.plain, f.decode_known / f.plain, f.zstd, f.bytes, f.zstd_bytes);
    }
  }
  if (options.json) std::printf("%s}\n", text.c_str());
}

}  // namespace
}  // namespace rhizome::format

int main(int argc, char** argv) {
  rhizome::format::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) options.json = true;
    if (std::strcmp(argv[i], "--series") == 0 && i + 1 < argc) options.series = std::strtoull(argv[++i], nullptr, 10);
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) options.seconds = std::strtod(argv[++i], nullptr);
  }
  options.series = std::max<size_t>(1, options.series);
  rhizome::format::Run(options);
  return 0;
}
