// Bytes and speed of chunks on the mixed data, beside a Gorilla codec (Pelkonen et al., "Gorilla: A Fast, Scalable,
// In-Memory Time Series Database", VLDB 2015, section 4.1) in the same run, and what an entropy stage would add.
//   chunk_bench [--json] [--chunk SAMPLES]
#include <fmt/format.h>
#include <zstd.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "engines/series/chunk.h"
#include "engines/series/mixed_data_testing.h"

namespace rhizome::series {
namespace {

constexpr size_t kSamplesPerSeries = 4'800;
constexpr int kRounds = 7;

double BestOf(int rounds, const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double before = ThreadCpuSeconds();
    work();
    best = std::min(best, ThreadCpuSeconds() - before);
  }
  return best;
}

// --- the peer ---
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void Put(uint64_t bits, unsigned width) {
    while (width > 0) {
      const unsigned now = std::min(width, 64 - filled_);
      const uint64_t part = now == 64 ? bits : (bits >> (width - now)) & ((uint64_t{1} << now) - 1);
      word_ = now == 64 ? part : word_ << now | part;
      filled_ += now;
      width -= now;
      if (filled_ == 64) Flush();
    }
  }
  void Finish() {
    if (filled_ == 0) return;
    const unsigned bytes = (filled_ + 7) / 8;
    word_ <<= 64 - filled_;
    const uint64_t big = __builtin_bswap64(word_);
    out_.append(reinterpret_cast<const char*>(&big), bytes);
  }

 private:
  void Flush() {
    const uint64_t big = __builtin_bswap64(word_);
    out_.append(reinterpret_cast<const char*>(&big), 8);
    word_ = 0;
    filled_ = 0;
  }
  std::string& out_;
  uint64_t word_ = 0;
  unsigned filled_ = 0;
};

class BitReader {
 public:
  explicit BitReader(const std::string& in) : in_(in) {}
  uint64_t Get(unsigned width) {
    if (width > 32) return Get(width - 32) << 32 | Get(32);
    if (width == 0) return 0;
    uint64_t word = 0;
    std::memcpy(&word, in_.data() + (bit_ >> 3), 8);
    word = __builtin_bswap64(word) << (bit_ & 7);
    bit_ += width;
    return word >> (64 - width);
  }

 private:
  const std::string& in_;
  size_t bit_ = 0;
};

// Buckets of the paper's table, scaled to milliseconds as Prometheus does: 14, 17, 20 and 64 bits.
struct Bucket {
  unsigned prefix, prefix_bits, bits;
};
constexpr Bucket kBuckets[] = {{0b10, 2, 14}, {0b110, 3, 17}, {0b1110, 4, 20}, {0b1111, 4, 64}};

void GorillaEncode(std::span<const int64_t> times, std::span<const double> values, std::string& out) {
  BitWriter bits(out);
  bits.Put(static_cast<uint64_t>(times[0]), 64);
  bits.Put(std::bit_cast<uint64_t>(values[0]), 64);
  int64_t delta = 0;
  unsigned leading = 65, trailing = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const int64_t next = times[i] - times[i - 1];
    const int64_t dod = next - delta;
    delta = next;
    if (dod == 0) {
      bits.Put(0, 1);
    } else {
      for (const Bucket& b : kBuckets) {
        if (b.bits < 64 && (dod < -(int64_t{1} << (b.bits - 1)) + 1 || dod > int64_t{1} << (b.bits - 1))) continue;
        bits.Put(b.prefix, b.prefix_bits);
        bits.Put(static_cast<uint64_t>(dod), b.bits);
        break;
      }
    }
    const uint64_t x = std::bit_cast<uint64_t>(values[i]) ^ std::bit_cast<uint64_t>(values[i - 1]);
    if (x == 0) {
      bits.Put(0, 1);
      continue;
    }
    const unsigned lead = std::min(31, std::countl_zero(x)), trail = static_cast<unsigned>(std::countr_zero(x));
    if (leading <= 64 && lead >= leading && trail >= trailing) {
      bits.Put(0b10, 2);
      bits.Put(x >> trailing, 64 - leading - trailing);
      continue;
    }
    leading = lead;
    trailing = trail;
    bits.Put(0b11, 2);
    bits.Put(leading, 5);
    bits.Put((64 - leading - trailing) & 63, 6);
    bits.Put(x >> trailing, 64 - leading - trailing);
  }
  bits.Finish();
}

void GorillaDecode(const std::string& in, size_t count, Samples& to) {
  BitReader bits(in);
  auto time = static_cast<int64_t>(bits.Get(64));
  uint64_t value = bits.Get(64);
  int64_t delta = 0;
  unsigned leading = 0, width = 0;
  to.times.push_back(time);
  to.values.push_back(std::bit_cast<double>(value));
  for (size_t i = 1; i < count; ++i) {
    int bucket = -1;
    while (bucket < 3 && bits.Get(1) == 1) ++bucket;
    if (bucket >= 0) {
      const unsigned size = kBuckets[bucket].bits;
      auto dod = static_cast<int64_t>(bits.Get(size));
      if (size < 64 && dod > int64_t{1} << (size - 1)) dod -= int64_t{1} << size;
      delta += dod;
    }
    time += delta;
    if (bits.Get(1) == 1) {
      if (bits.Get(1) == 1) {
        leading = static_cast<unsigned>(bits.Get(5));
        width = static_cast<unsigned>(bits.Get(6));
        if (width == 0) width = 64;
      }
      value ^= bits.Get(width) << (64 - leading - width);
    }
    to.times.push_back(time);
    to.values.push_back(std::bit_cast<double>(value));
  }
}

// --- measuring ---
struct Piece {
  std::span<const int64_t> times;
  std::span<const double> values;
};

struct Figures {
  double bytes = 0;       // per sample
  double zstd_bytes = 0;  // of each chunk through zstd, when that is shorter
  double gorilla_bytes = 0;
  double encode = 0, decode = 0, gorilla_encode = 0, gorilla_decode = 0;  // M samples per CPU second
};

double SumOf(const Samples& samples) {
  double sums[8] = {};  // an adder each, or its latency is what is measured
  for (size_t i = 0; i < samples.size(); ++i) sums[i & 7] += samples.values[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]) + (sums[4] + sums[5]) + (sums[6] + sums[7]);
}

std::vector<Piece> Cut(const std::vector<Samples>& all, size_t chunk) {
  std::vector<Piece> pieces;
  for (const Samples& samples : all) {
    for (size_t at = 0; at < samples.size(); at += chunk) {
      const size_t count = std::min(chunk, samples.size() - at);
      pieces.push_back({std::span(samples.times).subspan(at, count), std::span(samples.values).subspan(at, count)});
    }
  }
  return pieces;
}

size_t CountOf(const std::vector<Piece>& pieces) {
  size_t count = 0;
  for (const Piece& piece : pieces) count += piece.times.size();
  return count;
}

void MeasureOurs(const std::vector<Piece>& pieces, double samples, double& checksum, Figures& figures) {
  ChunkEncoder encoder;
  std::string all;
  std::vector<std::pair<size_t, size_t>> places;
  const double encode = BestOf(kRounds, [&] {
    all.clear();
    places.clear();
    for (const Piece& piece : pieces) {
      const size_t at = all.size();
      encoder.Encode(piece.times, piece.values, all);
      places.emplace_back(at, all.size() - at);
    }
  });
  Samples decoded;
  const double decode = BestOf(kRounds, [&] {
    for (const auto& [at, size] : places) {
      decoded.clear();
      CHECK(DecodeChunk(std::string_view(all).substr(at, size), decoded).ok());
      checksum += SumOf(decoded);
    }
  });
  size_t squeezed = 0;
  std::string room(ZSTD_compressBound(1 << 20), 0);
  for (const auto& [at, size] : places) {
    squeezed += std::min(size, ZSTD_compress(room.data(), room.size(), all.data() + at, size, 3));
  }
  figures.bytes = static_cast<double>(all.size()) / samples;
  figures.zstd_bytes = static_cast<double>(squeezed) / samples;
  figures.encode = samples / encode / 1e6;
  figures.decode = samples / decode / 1e6;
}

void MeasureGorilla(const std::vector<Piece>& pieces, double samples, double& checksum, Figures& figures) {
  std::vector<std::string> chunks(pieces.size());
  const double encode = BestOf(kRounds, [&] {
    for (size_t i = 0; i < pieces.size(); ++i) {
      chunks[i].clear();
      GorillaEncode(pieces[i].times, pieces[i].values, chunks[i]);
    }
  });
  size_t bytes = 0;
  for (std::string& chunk : chunks) {
    bytes += chunk.size();
    chunk.append(8, 0);  // for the reader's loads
  }
  Samples decoded;
  const double decode = BestOf(kRounds, [&] {
    for (size_t i = 0; i < chunks.size(); ++i) {
      decoded.clear();
      GorillaDecode(chunks[i], pieces[i].times.size(), decoded);
      checksum += SumOf(decoded);
    }
  });
  CHECK(std::equal(decoded.times.begin(), decoded.times.end(), pieces.back().times.begin()));
  CHECK(std::memcmp(decoded.values.data(), pieces.back().values.data(), decoded.size() * 8) == 0);
  figures.gorilla_bytes = static_cast<double>(bytes) / samples;
  figures.gorilla_encode = samples / encode / 1e6;
  figures.gorilla_decode = samples / decode / 1e6;
}

Figures Measure(const std::vector<Samples>& all, size_t chunk) {
  const std::vector<Piece> pieces = Cut(all, chunk);
  const auto samples = static_cast<double>(CountOf(pieces));
  Figures figures;
  double ours = 0;
  double theirs = 0;
  MeasureOurs(pieces, samples, ours, figures);
  MeasureGorilla(pieces, samples, theirs, figures);
  CHECK(ours == theirs);
  return figures;
}

void Print(const char* name, const Figures& f) {
  std::printf("%-16s %7.3f %7.3f %8.3f %8.1f %8.1f %9.1f %9.1f %6.2f %6.2f %6.2f\n", name, f.bytes, f.zstd_bytes,
              f.gorilla_bytes, f.encode, f.decode, f.gorilla_encode, f.gorilla_decode, f.gorilla_bytes / f.bytes,
              f.encode / f.gorilla_encode, f.decode / f.gorilla_decode);
}

std::string Json(const char* name, const Figures& f) {
  return fmt::format(
      "\"{}\": {{\"bytes_per_sample\": {:.4f}, \"with_zstd\": {:.4f}, \"gorilla_bytes_per_sample\": {:.4f}, "
      "\"bytes_ratio\": {:.3f}, \"encode_ratio\": {:.3f}, \"decode_sum_ratio\": {:.3f}, "
      "\"encode_m_samples_per_cpu_s\": {:.1f}, \"decode_sum_m_samples_per_cpu_s\": {:.1f}}}",
      name, f.bytes, f.zstd_bytes, f.gorilla_bytes, f.gorilla_bytes / f.bytes, f.encode / f.gorilla_encode,
      f.decode / f.gorilla_decode, f.encode, f.decode);
}

void Run(bool json, size_t chunk) {
  std::vector<std::vector<Samples>> kinds(kKinds);
  std::vector<Samples> mixed;
  for (uint64_t series = 0; series < 100; ++series) {
    mixed.push_back(MakeSamples(KindOf(series), series, kSamplesPerSeries));
    kinds[static_cast<size_t>(KindOf(series))].push_back(mixed.back());
  }
  std::string text = fmt::format("{{\"chunk_samples\": {}", chunk);
  if (!json) {
    std::printf(
        "chunks of %zu samples; bytes per sample, M samples per CPU second, ratios to Gorilla (higher is better)\n",
        chunk);
    std::printf("%-16s %7s %7s %8s %8s %8s %9s %9s %6s %6s %6s\n", "", "bytes", "+zstd", "gorilla", "encode", "dec+sum",
                "g.encode", "g.dec+sum", "bytes", "encode", "decode");
  }
  for (int kind = 0; kind <= kKinds; ++kind) {
    const bool all = kind == kKinds;
    const char* name = all ? "mixed" : NameOf(static_cast<Kind>(kind));
    const Figures figures = Measure(all ? mixed : kinds[kind], chunk);
    if (json) {
      text += ", " + Json(name, figures);
    } else {
      Print(name, figures);
    }
  }
  if (json) std::printf("%s}\n", text.c_str());
}

}  // namespace
}  // namespace rhizome::series

int main(int argc, char** argv) {
  bool json = false;
  size_t chunk = 480;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--chunk") == 0 && i + 1 < argc) chunk = std::strtoull(argv[++i], nullptr, 10);
  }
  if (chunk == 0 || chunk > rhizome::series::kChunkSamplesMax) {
    std::fprintf(stderr, "chunk_bench: a chunk holds 1 to %zu samples\n", rhizome::series::kChunkSamplesMax);
    return 2;
  }
  rhizome::series::Run(json, chunk);
  return 0;
}
