// How soon a server that crashed answers again: from the start of `rhizome serve` to the first correct search.
//
//   ./dev bench restart [--vectors 500000] [--tail-mib 64] [--text] [--rounds 5] [--fresh] [--json]
//
// The data are the sentence embeddings of build/bench/vectors.fvecs, repeated with a little noise until there are
// enough. They are written, linked into the graph and checkpointed; then comes a log tail that no checkpoint covers,
// a quarter of it new versions of old points; then the process goes without closing anything. --text gives each point
// of the tail a few sentences besides its vector. The folder is kept and used again, which a killed server leaves as it
// was. Each round starts the server, asks for the vector of the tail's last point until that point is the answer,
// and kills it. Page cache: warm, and once cold where this process may drop it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "cluster/node.h"
#include "io/disk.h"
#include "server_process.h"

namespace {

using namespace rhizome;  // NOLINT: a program, not a header
using bench::Fail;
using bench::NowMs;
using bench::ServerProcess;
using format::Operation;
using format::PointId;

constexpr size_t kDimension = 384;
constexpr size_t kBatch = 500;
constexpr const char* kCollection = "bench";
constexpr const char* kVectorFile = "build/bench/vectors.fvecs";
constexpr const char* kSentenceFile = "build/bench/sentences.txt";
constexpr double kNoise = 0.01;  // per component; a component of a unit vector is about 0.05
constexpr double kAnswerTimeoutMs = 60'000;

struct Options {
  std::string server;
  size_t vectors = 500'000;
  size_t tail_mib = 64;
  size_t rounds = 5;
  bool text = false;
  bool fresh = false;
  bool json = false;
};

// Vector and text of any point of any version, always the same.
class Corpus {
 public:
  explicit Corpus(bool text) {
    const auto bytes = io::ReadWholeFile(io::RealDisk(), kVectorFile);
    if (!bytes.ok()) Fail(std::string(kVectorFile) + " is missing: ./dev bench restart makes it");
    constexpr size_t kRowBytes = 4 + kDimension * sizeof(float);
    if (bytes->empty() || bytes->size() % kRowBytes != 0) Fail(std::string(kVectorFile) + " has another dimension");
    rows_.resize(bytes->size() / kRowBytes * kDimension);
    for (size_t i = 0; i < rows_.size() / kDimension; ++i) {
      std::memcpy(&rows_[i * kDimension], bytes->data() + i * kRowBytes + 4, kDimension * sizeof(float));
    }
    if (!text) return;
    std::ifstream lines(kSentenceFile);
    for (std::string line; std::getline(lines, line);) sentences_.push_back(line);
    if (sentences_.empty()) Fail(std::string(kSentenceFile) + " is missing: tools/bench_sentences makes it");
  }

  std::vector<float> Vector(size_t number) const {
    const size_t count = rows_.size() / kDimension;
    const float* row = &rows_[number % count * kDimension];
    std::vector<float> vector(row, row + kDimension);
    if (number < count) return vector;
    std::mt19937 random(static_cast<uint32_t>(number));
    std::normal_distribution<double> noise(0, kNoise);
    for (float& value : vector) value += static_cast<float>(noise(random));
    return vector;
  }
  // About 350 bytes, as a short description has; empty without --text.
  std::string Text(size_t number) const {
    std::string text;
    for (size_t i = 0; i < 4 && !sentences_.empty(); ++i) {
      text.append(sentences_[(number * 4 + i) % sentences_.size()]).append(" ");
    }
    return text;
  }

 private:
  std::vector<float> rows_;
  std::vector<std::string> sentences_;
};

Operation Upsert(const Corpus& corpus, size_t id, size_t number, bool text) {
  format::Point point;
  point.id = PointId(uint64_t{id});
  point.vector = corpus.Vector(number);
  if (text) point.text = corpus.Text(number);
  point.payload = R"({"part":)" + std::to_string(id % 10) + R"(,"kind":"bench"})";
  return {{}, format::UpsertPoint{std::move(point)}};
}

void Must(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

void Progress(const char* what, size_t done, size_t total, double start_ms) {
  const double left_s = (NowMs() - start_ms) / 1000 * static_cast<double>(total - done) / static_cast<double>(done);
  std::fprintf(stderr, "\r%s %zu of %zu, %.0f s left    %s", what, done, total, left_s, done == total ? "\n" : "");
}

void WriteBase(cluster::Node& node, const Corpus& corpus, size_t vectors) {
  Must(node.CreateCollection({.name = kCollection, .dimension = kDimension}).status());
  double start_ms = NowMs();
  for (size_t done = 0; done < vectors;) {
    std::vector<Operation> batch;
    for (; batch.size() < kBatch && done < vectors; ++done) batch.push_back(Upsert(corpus, done, done, false));
    Must(node.Write(kCollection, std::move(batch)));
    Progress("written", done, vectors, start_ms);
  }
  start_ms = NowMs();
  for (uint64_t pending = 1; pending > 0;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    pending = node.Shards().at(0).pending_index;
    Progress("linked", vectors - pending, vectors, start_ms);
  }
  Must(node.Checkpoint());
}

// Every fourth operation is a new version of an old point. Returns how many operations it took.
size_t WriteTail(cluster::Node& node, const Corpus& corpus, const Options& options) {
  const auto logged = [&node] { return node.Stats().at("wal_payload_bytes_total"); };
  const double end = logged() + static_cast<double>(options.tail_mib << 20);
  size_t done = 0;
  while (logged() < end - (1 << 20)) {
    std::vector<Operation> batch;
    for (size_t i = 0; i < kBatch; ++i, ++done) {
      const size_t number = options.vectors + done;
      const size_t id = done % 4 == 3 ? done * 7919 % options.vectors : number;
      batch.push_back(Upsert(corpus, id, number, options.text));
    }
    Must(node.Write(kCollection, std::move(batch)));
  }
  return done;
}

// Runs in a process of its own, which goes without closing the node.
[[noreturn]] void Prepare(const Options& options, const std::string& folder) {
  const Corpus corpus(options.text);
  cluster::NodeOptions node_options{.data_dir = folder + "/data", .checkpoint_log_bytes = 1ULL << 40};
  auto node = cluster::Node::Open(io::RealDisk(), node_options);
  Must(node.status());
  WriteBase(**node, corpus, options.vectors);
  const size_t tail = WriteTail(**node, corpus, options);
  Must(io::WriteFileAtomically(io::RealDisk(), folder + "/prepared", std::to_string(tail)));
  _exit(0);
}

// The number of operations in the tail.
size_t PreparedTail(const Options& options, const std::string& folder) {
  if (options.fresh) std::filesystem::remove_all(folder);
  if (!std::filesystem::exists(folder + "/prepared")) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const pid_t child = fork();
    if (child == 0) Prepare(options, folder);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) Fail("the data could not be prepared");
  }
  size_t tail = 0;
  std::ifstream(folder + "/prepared") >> tail;
  return tail;
}

struct Round {
  double serving_s = 0;
  double cpu_s = 0;
  double rss_mib = 0;
};

// The last point of the tail that is not a new version of another.
struct Probe {
  std::string request;
  std::string answer;
};

Probe MakeProbe(const Options& options, size_t tail) {
  size_t last = tail - 1;
  while (last % 4 == 3) --last;
  const size_t number = options.vectors + last;
  const Corpus corpus(false);
  Probe probe{R"({"collection":"bench","top_k":1,"with_payload":false,"vector":[)", "\"id\":" + std::to_string(number)};
  char text[32];
  for (const float value : corpus.Vector(number)) {
    const int length = std::snprintf(text, sizeof(text), "%.9g,", static_cast<double>(value));
    probe.request.append(text, static_cast<size_t>(length));
  }
  probe.request.back() = ']';
  probe.request += "}";
  return probe;
}

Round Measure(const Options& options, const std::string& folder, const Probe& probe) {
  const double start_ms = NowMs();
  ServerProcess server(options.server, folder + "/data");
  while (NowMs() - start_ms < kAnswerTimeoutMs) {
    server.CheckAlive();
    gateway::TestClient client(server.port());
    const gateway::Reply reply = client.connected() ? client.Call("POST", "/search", probe.request) : gateway::Reply{};
    if (reply.status == 200) {
      if (reply.body.find(probe.answer) == std::string::npos) Fail("a wrong first answer: " + reply.body);
      const Round round{(NowMs() - start_ms) / 1000, server.CpuSeconds(), server.RssMib()};
      server.Kill();
      return round;
    }
    if (reply.status != 0 && reply.status != 503) Fail("search: " + std::to_string(reply.status) + " " + reply.body);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Fail("no answer in a minute");
}

// False where this process may not.
bool DropPageCache() {
  sync();
  std::ofstream file("/proc/sys/vm/drop_caches");
  file << "3" << std::flush;
  return file.good();
}

void Print(const Options& options, const Round& warm, const Round* cold) {
  const std::string cold_s = cold == nullptr ? "null" : std::to_string(cold->serving_s);
  if (options.json) {
    std::printf(
        "{\"vectors\": %zu, \"tail_mib\": %zu, \"tail_text\": %s, \"serving_s\": %.3f, \"serving_cpu_s\": %.3f, "
        "\"cold_serving_s\": %s, \"rss_mib\": %.0f, \"rounds\": %zu}\n",
        options.vectors, options.tail_mib, options.text ? "true" : "false", warm.serving_s, warm.cpu_s, cold_s.c_str(),
        warm.rss_mib, options.rounds);
    return;
  }
  std::printf("%zu vectors × %zu, a log tail of %zu MiB of %s\n", options.vectors, kDimension, options.tail_mib,
              options.text ? "vectors with text" : "vectors");
  std::printf("  first correct answer, warm  %.3f s (median of %zu; %.3f s of processor time, %.0f MiB resident)\n",
              warm.serving_s, options.rounds, warm.cpu_s, warm.rss_mib);
  if (cold != nullptr) std::printf("  first correct answer, cold  %.3f s\n", cold->serving_s);
  if (cold == nullptr) std::printf("  cold: not measured, this process may not drop the page cache\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.server = bench::BuiltServer();
  CLI::App app("Time from start to the first correct answer after a crash");
  app.add_option("--server", options.server, "The rhizome program to run");
  app.add_option("--vectors", options.vectors, "In the checkpoint")->check(CLI::Range(1000, 10'000'000));
  app.add_option("--tail-mib", options.tail_mib, "Log after the checkpoint")->check(CLI::Range(2, 1024));
  app.add_option("--rounds", options.rounds, "With a warm page cache")->check(CLI::Range(1, 100));
  app.add_flag("--text", options.text, "Points of the tail have text, too");
  app.add_flag("--fresh", options.fresh, "Prepare the data again");
  app.add_flag("--json", options.json, "One JSON object of figures");
  CLI11_PARSE(app, argc, argv);
  if (options.server.empty()) Fail("no rhizome program in the build: build it, or say --server");

  const std::string folder = "build/bench/restart-" + std::to_string(options.vectors) + "-" +
                             std::to_string(options.tail_mib) + (options.text ? "-text" : "");
  const size_t tail = PreparedTail(options, folder);
  const Probe probe = MakeProbe(options, tail);
  (void)Measure(options, folder, probe);  // warm
  std::vector<Round> rounds;
  for (size_t i = 0; i < options.rounds; ++i) rounds.push_back(Measure(options, folder, probe));
  std::sort(rounds.begin(), rounds.end(), [](const Round& a, const Round& b) { return a.serving_s < b.serving_s; });
  Round cold;
  const bool dropped = DropPageCache();
  if (dropped) cold = Measure(options, folder, probe);
  Print(options, rounds[rounds.size() / 2], dropped ? &cold : nullptr);
  return 0;
}
