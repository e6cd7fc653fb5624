// vector_bench [FILE.fvecs|FILE.npy] [--queries FILE] [--rows N] [--threads N] [--ef-construction N] [--no-peer]
//              [--open DIRECTORY] [--json]
//
// Our graph index against hnswlib (M = 16, ef_construction = 200, built with -O3 -march=native) on identical unit
// vectors, in one process, by CPU time, builds and searches interleaved. Without a file: build/bench/vectors.fvecs if
// it is there (real embeddings, for the figures that count), else clustered synthetic vectors. Without a query file the
// last 1,000 rows are held out as queries. --open saves the index in an empty directory and measures opening it. A
// table, or one JSON object.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/cpu_time.h"
#include "engines/vector/graph_index.h"
#include "engines/vector/peer/hnswlib_peer.h"

namespace rhizome::vector {
namespace {

constexpr size_t kAnswers = 10;
constexpr const char* kDefaultData = "build/bench/vectors.fvecs";

struct Table {
  size_t dimension = 0;
  std::vector<float> values;
  size_t rows() const { return dimension == 0 ? 0 : values.size() / dimension; }
  const float* row(size_t i) const { return &values[i * dimension]; }
  std::span<const float> span(size_t i) const { return {row(i), dimension}; }
};

struct Options {
  std::string data, queries;
  size_t rows = 0;
  int threads = 1;
  Slot ef_construction = GraphOptions{}.ef_construction;
  std::string open;
  bool peer = true;
  bool json = false;
};

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "vector_bench: %s\n", message.c_str());
  std::exit(2);
}

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) Fail(result.status().ToString());
  return std::move(result).value();
}

std::string ReadBytes(const std::string& path) { return Need(io::ReadWholeFile(io::RealDisk(), path)); }

Table ReadFvecs(const std::string& bytes) {
  Table table;
  for (size_t at = 0; at + 4 <= bytes.size();) {
    int32_t dimension = 0;
    std::memcpy(&dimension, &bytes[at], 4);
    if (dimension <= 0 || at + 4 + size_t(dimension) * 4 > bytes.size()) Fail("not an .fvecs file");
    if (table.dimension == 0) table.values.reserve(bytes.size() / 4);
    table.dimension = static_cast<size_t>(dimension);
    const auto* first = reinterpret_cast<const float*>(&bytes[at + 4]);
    table.values.insert(table.values.end(), first, first + dimension);
    at += 4 + static_cast<size_t>(dimension) * 4;
  }
  return table;
}

// Little-endian float32, C order, two dimensions.
Table ReadNpy(const std::string& bytes) {
  if (bytes.size() < 12 || bytes.compare(1, 5, "NUMPY") != 0) Fail("not an .npy file");
  const bool long_header = bytes[6] >= 2;
  uint32_t length = 0;
  std::memcpy(&length, &bytes[8], long_header ? 4 : 2);
  const size_t start = (long_header ? 12 : 10) + length;
  const std::string header = bytes.substr(0, std::min(start, bytes.size()));
  const size_t shape = header.find("'shape': (");
  if (header.find("<f4") == std::string::npos || shape == std::string::npos) Fail("not a float32 .npy file");
  size_t rows = 0, dimension = 0;
  if (std::sscanf(&header[shape], "'shape': (%zu, %zu", &rows, &dimension) != 2) Fail("not a two-dimensional .npy");
  if (bytes.size() - start != rows * dimension * 4) Fail("the .npy file is truncated");
  Table table{dimension, std::vector<float>(rows * dimension)};
  std::memcpy(table.values.data(), &bytes[start], rows * dimension * 4);
  return table;
}

Table ReadTable(const std::string& path) {
  const std::string bytes = ReadBytes(path);
  return path.ends_with(".npy") ? ReadNpy(bytes) : ReadFvecs(bytes);
}

// Clusters of clusters with correlated dimensions: nearer to embeddings than plain noise is.
Table Synthetic(size_t rows, size_t dimension) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const size_t factors = 48, topics = 400;
  std::vector<float> mixing(factors * dimension), topic(topics * factors);
  for (float& x : mixing) x = normal(random);
  for (float& x : topic) x = normal(random);
  Table table{dimension, std::vector<float>(rows * dimension)};
  std::vector<float> latent(factors);
  for (size_t i = 0; i < rows; ++i) {
    const size_t t = random() % topics;
    for (size_t f = 0; f < factors; ++f) latent[f] = topic[t * factors + f] + 0.7f * normal(random);
    float* out = &table.values[i * dimension];
    for (size_t j = 0; j < dimension; ++j) out[j] = 1.5f * normal(random);
    for (size_t f = 0; f < factors; ++f) {
      for (size_t j = 0; j < dimension; ++j) out[j] += latent[f] * mixing[f * dimension + j];
    }
  }
  return table;
}

void Normalise(Table& table) {
  for (size_t i = 0; i < table.rows(); ++i) {
    float* row = &table.values[i * table.dimension];
    const float norm = std::sqrt(DotFloat(row, row, table.dimension));
    for (size_t j = 0; j < table.dimension; ++j) row[j] /= norm;
  }
}

using Truth = std::vector<std::vector<uint32_t>>;

Truth BruteForce(const Table& data, const Table& queries) {
  Truth truth(queries.rows());
  std::vector<std::vector<ScoredSlot>> best(queries.rows());
  for (size_t block = 0; block < data.rows(); block += 256) {
    const size_t end = std::min(block + 256, data.rows());
    for (size_t q = 0; q < queries.rows(); ++q) {
      for (size_t i = block; i < end; ++i) {
        const ScoredSlot hit{static_cast<Slot>(i), DotFloat(queries.row(q), data.row(i), data.dimension)};
        if (best[q].size() == kAnswers && !(hit < best[q].back())) continue;
        best[q].insert(std::upper_bound(best[q].begin(), best[q].end(), hit), hit);
        if (best[q].size() > kAnswers) best[q].pop_back();
      }
    }
  }
  for (size_t q = 0; q < queries.rows(); ++q) {
    for (const ScoredSlot& hit : best[q]) truth[q].push_back(hit.slot);
  }
  return truth;
}

struct Point {
  size_t ef = 0;
  double recall = 0;
  double queries_per_s = 0;
};

double RecallOf(const Truth& truth, const Truth& got) {
  size_t found = 0, wanted = 0;
  for (size_t q = 0; q < truth.size(); ++q) {
    wanted += truth[q].size();
    for (const uint32_t id : got[q]) found += std::count(truth[q].begin(), truth[q].end(), id) > 0 ? 1 : 0;
  }
  return wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
}

// Runs `search(query, ef)` over all queries; keeps the fastest of the rounds.
template <typename Search>
void Measure(Point& point, const Truth& truth, Search&& search) {
  Truth got(truth.size());
  const double start = ThreadCpuSeconds();
  for (size_t q = 0; q < truth.size(); ++q) got[q] = search(q, point.ef);
  const double rate = static_cast<double>(truth.size()) / (ThreadCpuSeconds() - start);
  point.recall = RecallOf(truth, got);
  point.queries_per_s = std::max(point.queries_per_s, rate);
}

// Queries per second at a recall, by linear interpolation of the time per query between the two nearest points.
double RateAt(const std::vector<Point>& points, double recall) {
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].recall < recall) continue;
    if (i == 0) return points[0].queries_per_s;
    const Point &a = points[i - 1], &b = points[i];
    const double t = (recall - a.recall) / std::max(1e-9, b.recall - a.recall);
    return 1 / ((1 - t) / a.queries_per_s + t / b.queries_per_s);
  }
  return 0;
}

struct Built {
  std::unique_ptr<GraphIndex> ours;
  std::unique_ptr<HnswlibPeer> peer;
  double our_seconds = 0, peer_seconds = 0;
};

void AddToPeer(HnswlibPeer& peer, const Table& data, size_t begin, size_t end, int threads) {
  std::atomic<size_t> next{begin};
  const auto work = [&] {
    for (size_t i = next.fetch_add(1); i < end; i = next.fetch_add(1)) peer.Add(data.row(i), i);
  };
  // hnswlib wants its first point alone.
  if (begin == 0) peer.Add(data.row(next.fetch_add(1)), 0);
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

// Both builds advance in turns of a twentieth, so that a change of the machine's pace hits both.
Built Build(const Table& data, const Options& options) {
  Built built;
  built.ours = Need(GraphIndex::Create({.dimension = data.dimension, .ef_construction = options.ef_construction}));
  if (options.peer) built.peer = NewHnswlibPeer(data.dimension, data.rows(), false);
  const size_t step = data.rows() / 20 + 1;
  for (size_t begin = 0; begin < data.rows(); begin += step) {
    const size_t end = std::min(begin + step, data.rows());
    double start = ProcessCpuSeconds();
    for (size_t i = begin; i < end; ++i) Need(built.ours->Append(data.span(i)));
    built.ours->Absorb(static_cast<Slot>(end), options.threads);
    built.our_seconds += ProcessCpuSeconds() - start;
    if (built.peer == nullptr) continue;
    start = ProcessCpuSeconds();
    AddToPeer(*built.peer, data, begin, end, options.threads);
    built.peer_seconds += ProcessCpuSeconds() - start;
    if (!options.json) std::printf("\rbuilt %zu of %zu", end, data.rows()), std::fflush(stdout);
  }
  if (!options.json) std::printf("\r");
  return built;
}

std::vector<uint32_t> Ids(const std::vector<ScoredSlot>& hits) {
  std::vector<uint32_t> ids;
  for (const ScoredSlot& hit : hits) ids.push_back(hit.slot);
  return ids;
}

double WallSeconds() { return 1e-9 * static_cast<double>(SystemClock().MonotonicNs()); }

// Wall seconds to open the saved index and to answer the first query.
double MeasureOpen(GraphIndex& index, const Table& queries, const std::string& directory) {
  const SavedGraph saved = Need(index.Save(io::RealDisk(), directory, {}, index.size()));
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    const double start = WallSeconds();
    const auto opened = Need(GraphIndex::Open(index.options(), io::RealDisk(), directory, saved, {}));
    Need(opened->Search(queries.span(0), {}));
    best = std::min(best, WallSeconds() - start);
  }
  for (const SavedFile& file : saved.files) {
    if (const Status status = io::RealDisk().Remove(directory + "/" + file.name); !status.ok()) Fail(status.ToString());
  }
  return best;
}

struct FilterFigure {
  double selectivity = 0, recall = 0, queries_per_s = 0;
};

FilterFigure MeasureFilter(const GraphIndex& index, const Table& queries, double selectivity) {
  std::mt19937 random(11);
  std::bernoulli_distribution pick(selectivity);
  SlotSet filter(index.size());
  for (Slot slot = 0; slot < index.size(); ++slot) {
    if (pick(random)) filter.Add(slot);
  }
  const size_t count = std::min<size_t>(queries.rows(), 200);
  Truth truth(count), got(count);
  for (size_t q = 0; q < count; ++q) {
    truth[q] = Ids(Need(index.Search(queries.span(q), {.k = kAnswers, .filter = &filter, .exact = true})));
  }
  const double start = ThreadCpuSeconds();
  for (size_t q = 0; q < count; ++q) {
    got[q] = Ids(Need(index.Search(queries.span(q), {.k = kAnswers, .filter = &filter})));
  }
  const double rate = static_cast<double>(count) / (ThreadCpuSeconds() - start);
  return {selectivity, RecallOf(truth, got), rate};
}

// The ef 0 point is the index's own choice.
struct Sweep {
  std::vector<Point> ours, peer;
  Point chosen;
};

Sweep RunSweep(const Built& built, const Table& queries, const Truth& truth) {
  Sweep sweep;
  for (const size_t ef : {10, 12, 16, 20, 26, 34, 44, 58, 76, 100, 130, 170, 220, 300, 400, 600}) {
    sweep.ours.push_back({ef});
    sweep.peer.push_back({ef});
  }
  const auto ours = [&](size_t q, size_t ef) {
    return Ids(Need(built.ours->Search(queries.span(q), {.k = kAnswers, .ef = ef})));
  };
  const auto peer = [&](size_t q, size_t ef) { return built.peer->Search(queries.row(q), kAnswers, ef); };
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < sweep.ours.size(); ++i) {
      Measure(sweep.ours[i], truth, ours);
      if (built.peer != nullptr) Measure(sweep.peer[i], truth, peer);
    }
    Measure(sweep.chosen, truth, ours);
  }
  return sweep;
}

double Ratio(double ours, double theirs) { return theirs > 0 ? ours / theirs : 0; }

void PrintTable(const Built& built, const Sweep& sweep, const std::vector<FilterFigure>& filters) {
  std::printf("build: ours %.1f s, hnswlib %.1f s (CPU), ratio %.2f; %.0f bytes per vector\n", built.our_seconds,
              built.peer_seconds, Ratio(built.our_seconds, built.peer_seconds), built.ours->BytesPerVector());
  std::printf("%6s | %9s %10s | %9s %10s\n", "ef", "recall@10", "queries/s", "hnswlib", "queries/s");
  for (size_t i = 0; i < sweep.ours.size(); ++i) {
    std::printf("%6zu | %9.4f %10.0f | %9.4f %10.0f\n", sweep.ours[i].ef, sweep.ours[i].recall,
                sweep.ours[i].queries_per_s, sweep.peer[i].recall, sweep.peer[i].queries_per_s);
  }
  for (const int at : {95, 99}) {
    std::printf("at recall@10 0.%d: %.2f times the queries/s of hnswlib\n", at,
                Ratio(RateAt(sweep.ours, at / 100.0), RateAt(sweep.peer, at / 100.0)));
  }
  std::printf("default ef: recall@10 %.4f, %.0f queries/s\n", sweep.chosen.recall, sweep.chosen.queries_per_s);
  for (const FilterFigure& f : filters) {
    std::printf("filter %5.1f %%: recall@10 %.4f, %.0f queries/s\n", 100 * f.selectivity, f.recall, f.queries_per_s);
  }
}

void PrintJson(const Table& data, bool real, const Built& built, const Sweep& sweep,
               const std::vector<FilterFigure>& filters) {
  std::printf("{\"data\": \"%s\", \"rows\": %zu, \"dimension\": %zu", real ? "file" : "synthetic", data.rows(),
              data.dimension);
  for (const int at : {95, 99}) {
    const double ours = RateAt(sweep.ours, at / 100.0), peer = RateAt(sweep.peer, at / 100.0);
    std::printf(", \"qps_at_%d\": %.0f, \"hnswlib_qps_at_%d\": %.0f, \"qps_ratio_at_%d\": %.3f", at, ours, at, peer, at,
                Ratio(ours, peer));
  }
  std::printf(", \"build_s\": %.2f, \"hnswlib_build_s\": %.2f, \"build_ratio\": %.3f", built.our_seconds,
              built.peer_seconds, Ratio(built.our_seconds, built.peer_seconds));
  std::printf(", \"bytes_per_vector\": %.0f, \"default_recall\": %.4f, \"default_qps\": %.0f",
              built.ours->BytesPerVector(), sweep.chosen.recall, sweep.chosen.queries_per_s);
  for (const FilterFigure& f : filters) {
    std::printf(", \"filter_recall_at_%g\": %.4f", 100 * f.selectivity, f.recall);
  }
  std::printf(", \"kernels\": \"%s\"}\n", std::string(BestCodeKernels().name).c_str());
}

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) Fail(argument + " needs a value");
      return argv[++i];
    };
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--queries") {
      options.queries = value();
    } else if (argument == "--rows") {
      options.rows = std::strtoull(value().c_str(), nullptr, 10);
    } else if (argument == "--threads") {
      options.threads = std::max(1, std::atoi(value().c_str()));
    } else if (argument == "--ef-construction") {
      options.ef_construction = static_cast<Slot>(std::atoi(value().c_str()));
    } else if (argument == "--open") {
      options.open = value();
    } else if (argument == "--no-peer") {
      options.peer = false;
    } else if (argument.starts_with("--")) {
      Fail("unknown option " + argument);
    } else {
      options.data = argument;
    }
  }
  return options;
}

int Main(int argc, char** argv) {
  Options options = Parse(argc, argv);
  const bool have_default = Need(io::RealDisk().Exists(kDefaultData));
  if (options.data.empty() && have_default) options.data = kDefaultData;
  Table data = options.data.empty() ? Synthetic((options.rows > 0 ? options.rows : 100000) + 1000, 384)
                                    : ReadTable(options.data);
  Table queries;
  if (!options.queries.empty()) {
    queries = ReadTable(options.queries);
  } else {
    if (data.rows() < 2000) Fail("too few rows to hold queries out");
    const size_t first = data.rows() - 1000;
    queries = {data.dimension, {data.values.begin() + static_cast<long>(first * data.dimension), data.values.end()}};
    data.values.resize(first * data.dimension);
  }
  if (options.rows > 0 && options.rows < data.rows()) data.values.resize(options.rows * data.dimension);
  if (queries.dimension != data.dimension) Fail("queries and data differ in dimension");
  Normalise(data);
  Normalise(queries);

  const Truth truth = BruteForce(data, queries);
  const Built built = Build(data, options);
  const Sweep sweep = RunSweep(built, queries, truth);
  std::vector<FilterFigure> filters;
  for (const double selectivity : {0.001, 0.01, 0.1, 0.5, 0.9}) {
    filters.push_back(MeasureFilter(*built.ours, queries, selectivity));
  }
  if (!options.json) PrintTable(built, sweep, filters);
  if (!options.open.empty()) {
    std::fprintf(options.json ? stderr : stdout, "open %.3f s for %zu rows\n",
                 MeasureOpen(*built.ours, queries, options.open), data.rows());
  }
  if (options.json) PrintJson(data, !options.data.empty(), built, sweep, filters);
  return 0;
}

}  // namespace
}  // namespace rhizome::vector

int main(int argc, char** argv) { return rhizome::vector::Main(argc, argv); }
