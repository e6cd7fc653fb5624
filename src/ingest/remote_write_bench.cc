// Reading remote write 1.0 into a batch, and decoding the native batch of the same samples, in samples per CPU second.
// Beside them, in the same run, snappy and the generated protobuf parser, which only parse and build no batch.
//   remote_write_bench [--json] [--series N] [--seconds S]
#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "base/check.h"
#include "base/cpu_time.h"
#include "ingest/remote_write.h"
#include "remote_write.pb.h"

namespace rhizome::ingest {
namespace {

struct Options {
  bool json = false;
  size_t series = 1'000;  // of a request
  double seconds = 0.5;   // per figure
};

// M samples per CPU second.
double Rate(const Options& options, size_t samples, const std::function<void()>& once) {
  return MillionsPerCpuSecond(options.seconds, samples, once);
}

proto::WriteRequest RequestOf(size_t series, size_t k) {
  proto::WriteRequest request;
  for (size_t i = 0; i < series; ++i) {
    proto::TimeSeries& one = *request.add_timeseries();
    const auto add = [&](const char* name, const std::string& value) {
      proto::Label& label = *one.add_labels();
      label.set_name(name);
      label.set_value(value);
    };
    add("__name__", fmt::format("http_requests_{}_total", i % 20));
    add("cluster", "production-eu-west-1");
    add("code", i % 5 == 0 ? "500" : "200");
    add("instance", fmt::format("10.0.{}.{}:9100", i / 250 % 250, i % 250));
    add("job", "kubernetes-pods");
    add("method", "GET");
    add("namespace", "checkout");
    add("pod", fmt::format("pod-{}", i));
    for (size_t j = 0; j < k; ++j) {
      proto::Sample& sample = *one.add_samples();
      sample.set_timestamp(1'700'000'000'000 + static_cast<int64_t>(j * 15'000 + i % 700));
      sample.set_value(static_cast<double>(i * 1000 + j * (i % 97)));
    }
  }
  return request;
}

volatile size_t sink = 0;

struct Figures {
  double ours = 0, ours_encoded = 0, native = 0, snappy = 0, peer = 0, peer_arena = 0;
};

Figures Measure(const Options& options, size_t k) {
  Figures f;
  std::string body;
  const std::string message = RequestOf(options.series, k).SerializeAsString();
  snappy::Compress(message.data(), message.size(), &body);
  const size_t samples = options.series * k;
  const Limits limits;
  RemoteWriteDecoder decoder;
  format::SeriesBatchBuilder builder;
  std::string batch;
  f.ours = Rate(options, samples, [&] {
    builder.Clear();
    CHECK(decoder.Decode(body, limits, builder)->samples == samples);
  });
  f.ours_encoded = Rate(options, samples, [&] {
    builder.Clear();
    batch.clear();
    CHECK(decoder.Decode(body, limits, builder)->samples == samples);
    builder.Encode(batch);
  });
  f.native = Rate(options, samples, [&] {
    const auto decoded = format::SeriesBatch::Decode(batch);
    uint64_t sum = 0;
    decoded->ForEachRow([&](uint32_t series, int64_t time, double value) {
      sum += series + static_cast<uint64_t>(time) + static_cast<uint64_t>(value);
    });
    sink = sum;
  });
  SnappyBlock block;
  f.snappy = Rate(options, samples, [&] { sink = block.Undo(body, limits)->size(); });
  std::string plain;
  proto::WriteRequest reused;
  f.peer = Rate(options, samples, [&] {
    CHECK(snappy::Uncompress(body.data(), body.size(), &plain) && reused.ParseFromString(plain));
    sink = static_cast<size_t>(reused.timeseries_size());
  });
  f.peer_arena = Rate(options, samples, [&] {
    google::protobuf::Arena arena;
    auto* request = google::protobuf::Arena::CreateMessage<proto::WriteRequest>(&arena);
    CHECK(snappy::Uncompress(body.data(), body.size(), &plain) && request->ParseFromString(plain));
    sink = static_cast<size_t>(request->timeseries_size());
  });
  f.peer = std::max(f.peer, f.peer_arena);
  return f;
}

void Run(const Options& options) {
  std::string text = fmt::format("{{\"series\": {}", options.series);
  if (!options.json) {
    std::printf("%zu series of 8 labels; M samples per CPU second\n", options.series);
    std::printf("%6s %12s %14s %14s %14s %16s %8s %8s\n", "k", "into batch", "and encoded", "snappy alone",
                "native decode", "generated parser", "ratio", "native");
  }
  for (const size_t k : {1, 10, 100}) {
    const Figures f = Measure(options, k);
    if (options.json) {
      text += fmt::format(
          ", \"k{}\": {{\"remote_write_ratio\": {:.2f}, \"native_ratio\": {:.2f}, \"remote_write_m_per_cpu_s\": "
          "{:.2f}, "
          "\"native_m_per_cpu_s\": {:.2f}}}",
          k, f.ours / f.peer, f.native / f.peer, f.ours, f.native);
    } else {
      std::printf("%6zu %12.2f %14.2f %14.2f %14.2f %16.2f %8.2f %8.2f\n", k, f.ours, f.ours_encoded, f.snappy,
                  f.native, f.peer, f.ours / f.peer, f.native / f.peer);
    }
  }
  if (options.json) std::printf("%s}\n", text.c_str());
}

}  // namespace
}  // namespace rhizome::ingest

int main(int argc, char** argv) {
  rhizome::ingest::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) options.json = true;
    if (std::strcmp(argv[i], "--series") == 0 && i + 1 < argc) options.series = std::strtoull(argv[++i], nullptr, 10);
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) options.seconds = std::strtod(argv[++i], nullptr);
  }
  options.series = std::max<size_t>(1, options.series);
  rhizome::ingest::Run(options);
  return 0;
}
