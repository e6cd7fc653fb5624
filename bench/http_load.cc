// Load on the real server: vector search by keep-alive clients, closed loop and open loop, then idle connections.
//
//   ./dev bench http [--documents 60000] [--clients 200] [--seconds 10] [--idle 10000] [--rate R] [--json]
//
// Starts `rhizome serve` on a temporary folder, fills a collection of 384-dimensional vectors (a mixture of Gaussians),
// waits for the index, then measures. Closed loop: every client sends its next request when the last is answered.
// Open loop: requests are due at a fixed rate (0: 70 % of what the closed loop reached) and a latency counts from when
// its request was due, so that a stalled server cannot hide its queue (Tene, "How NOT to Measure Latency").
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "gateway/test_client.h"
#include "open_loop.h"
#include "search_load.h"
#include "server_process.h"

namespace {

using rhizome::bench::BuiltServer;
using rhizome::bench::Fail;
using rhizome::bench::Figures;
using rhizome::bench::Fill;
using rhizome::bench::kDimension;
using rhizome::bench::Load;
using rhizome::bench::RunLoad;
using rhizome::bench::SearchRequest;
using rhizome::bench::ServerProcess;
using rhizome::bench::Vectors;
using rhizome::gateway::TestClient;

struct Options {
  std::string server;
  size_t documents = 60'000;
  size_t clients = 200;
  double seconds = 10;
  double rate = 0;
  size_t idle = 10'000;
  bool json = false;
};

struct IdleFigures {
  size_t connections = 0;
  double rss_before_mib = 0;
  double rss_mib = 0;
  size_t unanswered = 0;
};

// Opens connections that each ask once and then keep still; all of them must still be served afterwards.
IdleFigures HoldIdle(const ServerProcess& server, size_t wanted) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, wanted + 1000);
  setrlimit(RLIMIT_NOFILE, &files);
  IdleFigures figures;
  figures.rss_before_mib = server.RssMib();
  std::vector<TestClient> clients;
  clients.reserve(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    clients.emplace_back(server.port());
    if (clients.back().connected() && clients.back().Call("GET", "/health").status == 200) ++figures.connections;
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));
  figures.rss_mib = server.RssMib();
  const std::string count = R"({"collection":"bench"})";
  for (TestClient& client : clients) {
    if (client.Call("POST", "/vectors/count", count).status != 200) ++figures.unanswered;
  }
  return figures;
}

void Print(const Options& options, const Figures& closed, const Figures& open, const IdleFigures& idle) {
  if (options.json) {
    std::printf(
        "{\"requests_per_s\":%.0f,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"errors\":%zu,"
        "\"open_requests_per_s\":%.0f,\"open_p50_ms\":%.3f,\"open_p95_ms\":%.3f,\"open_p99_ms\":%.3f,"
        "\"open_errors\":%zu,\"idle_connections\":%zu,\"idle_rss_mib\":%.1f,\"idle_growth_mib\":%.1f,"
        "\"idle_unanswered\":%zu,\"documents\":%zu,\"clients\":%zu}\n",
        closed.requests_per_s, closed.p50_ms, closed.p95_ms, closed.p99_ms, closed.errors, open.requests_per_s,
        open.p50_ms, open.p95_ms, open.p99_ms, open.errors, idle.connections, idle.rss_mib,
        idle.rss_mib - idle.rss_before_mib, idle.unanswered, options.documents, options.clients);
    return;
  }
  std::printf("vector search, top 10 of %zu × 384, %zu keep-alive clients\n", options.documents, options.clients);
  for (const auto& [name, figures] : {std::pair{"closed loop", closed}, std::pair{"open loop", open}}) {
    std::printf("  %-12s %8.0f requests/s   p50 %.2f ms   p95 %.2f ms   p99 %.2f ms   %zu errors\n", name,
                figures.requests_per_s, figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.errors);
  }
  std::printf("idle: %zu connections, server %.0f MiB (%.0f MiB more than without), %zu unanswered afterwards\n",
              idle.connections, idle.rss_mib, idle.rss_mib - idle.rss_before_mib, idle.unanswered);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.server = BuiltServer();
  CLI::App app("HTTP load on a real server");
  app.add_option("--server", options.server, "The rhizome program to run");
  app.add_option("--documents", options.documents, "Vectors in the collection")->check(CLI::Range(1, 10'000'000));
  app.add_option("--clients", options.clients, "Keep-alive clients")->check(CLI::Range(1, 10'000));
  app.add_option("--seconds", options.seconds, "Of each loop")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--rate", options.rate, "Open loop's requests/s; 0: 70 % of the closed loop's");
  app.add_option("--idle", options.idle, "Idle connections to hold")->check(CLI::Range(0, 60'000));
  app.add_flag("--json", options.json, "One JSON object of figures");
  CLI11_PARSE(app, argc, argv);
  if (options.server.empty()) Fail("no rhizome program in the build: build it, or say --server");
  signal(SIGPIPE, SIG_IGN);

  const rhizome::bench::TemporaryFolder folder;
  ServerProcess server(options.server, folder.path());
  server.WaitUntilReady();
  Vectors vectors;
  Fill(server.port(), options.documents, vectors);
  Load load{server.port(), {}, 0, 0, {}, 0};
  for (int i = 0; i < 1000; ++i) load.requests.push_back(SearchRequest(vectors.NextJson()));
  (void)RunLoad(load, options.clients, 1, 0);  // warm
  const Figures closed = RunLoad(load, options.clients, options.seconds, 0);
  const double rate = options.rate > 0 ? options.rate : std::max(1.0, closed.requests_per_s * 0.7);
  const Figures open = RunLoad(load, options.clients, options.seconds, rate);
  Print(options, closed, open, HoldIdle(server, options.idle));
  return 0;
}
