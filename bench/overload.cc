// Twice the load that the real server can take, for half a minute, and what becomes of it.
//
//   ./dev bench overload [--documents 20000] [--factor 2] [--seconds 30] [--json]
//
// Starts `rhizome serve` on a temporary folder with a collection of 384-dimensional vectors and searches it exactly, so
// that a request costs the server much more than it costs this program. What 64 clients in a closed loop reach is its
// capacity. Then requests come at a fixed rate whatever becomes of the earlier ones, each on a connection of its own or
// one that is free again: half the capacity, the factor times it, half of it again. Latencies count from when a request
// was due. Meanwhile /health is asked ten times a second on new connections, and /metrics once.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <memory>

#include "search_load.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace rhizome::bench;  // NOLINT: the benchmark's own parts

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kClosedClients = 64;
constexpr size_t kConnectionsMax = 4'000;
constexpr double kClosedSeconds = 6;
constexpr double kQuietSeconds = 8;
constexpr double kRecoveryMaxSeconds = 40;

struct Options {
  std::string server;
  size_t documents = 20'000;
  double factor = 2;
  double seconds = 30;
  bool json = false;
};

struct Answer {
  double due_ms = 0;
  double latency_ms = 0;
  int status = 0;  // 0: the connection broke
};

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

// Sends requests at their times, each on a connection that is free.
class Generator {
 public:
  Generator(uint16_t port, std::vector<std::string> requests) : port_(port), requests_(std::move(requests)) {}

  std::vector<Answer> OpenLoop(double seconds, double rate) {
    const double start_ms = NowMs() + 20;
    asio::co_spawn(context_, Schedule(start_ms, seconds, rate), asio::detached);
    return Take();
  }

  std::vector<Answer> ClosedLoop(double seconds) {
    const double end_ms = NowMs() + seconds * 1e3;
    for (size_t i = 0; i < kClosedClients; ++i) asio::co_spawn(context_, Loop(end_ms), asio::detached);
    return Take();
  }
  size_t unsent() const { return unsent_; }

 private:
  struct Connection {
    explicit Connection(asio::io_context& context) : socket(context) {}
    tcp::socket socket;
    std::string buffer;
    bool open = false;
  };

  std::vector<Answer> Take() {
    context_.restart();
    context_.run();
    return std::exchange(answers_, {});
  }

  asio::awaitable<void> Schedule(double start_ms, double seconds, double rate) {
    asio::steady_timer timer(context_);
    const auto count = static_cast<size_t>(seconds * rate);
    for (size_t i = 0; i < count; ++i) {
      const double due_ms = start_ms + static_cast<double>(i) * 1e3 / rate;
      if (due_ms > NowMs()) {
        timer.expires_after(std::chrono::microseconds(static_cast<int64_t>((due_ms - NowMs()) * 1e3)));
        (void)co_await timer.async_wait(kAwait);
      }
      if (free_.empty() && connections_ == kConnectionsMax) {
        ++unsent_;
        continue;
      }
      asio::co_spawn(context_, One(due_ms), asio::detached);
    }
  }

  asio::awaitable<void> Loop(double end_ms) {
    while (NowMs() < end_ms) co_await One(NowMs());
  }

  asio::awaitable<void> One(double due_ms) {
    std::unique_ptr<Connection> connection;
    if (free_.empty()) {
      ++connections_;
      connection = std::make_unique<Connection>(context_);
    } else {
      connection = std::move(free_.back());
      free_.pop_back();
    }
    Answer answer{due_ms, 0, co_await Exchange(connection.get())};
    answer.latency_ms = NowMs() - due_ms;
    answers_.push_back(answer);
    if (answer.status != 0) {
      free_.push_back(std::move(connection));
    } else {
      --connections_;
    }
  }

  asio::awaitable<int> Exchange(Connection* connection) {
    tcp::socket& socket = connection->socket;
    if (!connection->open) {
      const auto [error] = co_await socket.async_connect({asio::ip::address_v4::loopback(), port_}, kAwait);
      if (error) co_return 0;
      socket.set_option(tcp::no_delay(true));
      connection->open = true;
    }
    const std::string& request = requests_[next_++ % requests_.size()];
    const auto [error, written] = co_await asio::async_write(socket, asio::buffer(request), kAwait);
    if (error) co_return 0;
    co_return co_await ReadAnswer(&socket, &connection->buffer);
  }

  asio::io_context context_{1};
  const uint16_t port_;
  const std::vector<std::string> requests_;
  std::deque<std::unique_ptr<Connection>> free_;
  size_t connections_ = 0;
  size_t next_ = 0;
  size_t unsent_ = 0;
  std::vector<Answer> answers_;
};

// Asks what must always be answered, on a thread of its own.
class Prober {
 public:
  explicit Prober(uint16_t port) : port_(port), thread_([this] { Run(); }) {}
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  size_t probes = 0;
  size_t failed = 0;
  double slowest_health_ms = 0;
  double slowest_metrics_ms = 0;

 private:
  void Probe(const char* target, double& slowest_ms) {
    const double start_ms = NowMs();
    rhizome::gateway::TestClient client(port_);
    ++probes;
    if (!client.connected() || client.Call("GET", target).status != 200) ++failed;
    slowest_ms = std::max(slowest_ms, NowMs() - start_ms);
  }
  void Run() {
    for (int i = 0; !stop_; ++i) {
      Probe("/health", slowest_health_ms);
      if (i % 10 == 0) Probe("/metrics", slowest_metrics_ms);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  const uint16_t port_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Phase {
  double seconds = 0;
  size_t accepted = 0;
  size_t refused = 0;
  size_t broken = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

Phase Judge(const std::vector<Answer>& answers, double seconds) {
  Phase phase;
  phase.seconds = seconds;
  std::vector<double> latencies;
  for (const Answer& answer : answers) {
    if (answer.status == 200) latencies.push_back(answer.latency_ms);
    phase.refused += answer.status == 503 || answer.status == 429 ? 1 : 0;
  }
  phase.accepted = latencies.size();
  phase.broken = answers.size() - phase.accepted - phase.refused;
  phase.p50_ms = Quantile(latencies, 0.5);
  phase.p99_ms = Quantile(latencies, 0.99);
  return phase;
}

// Seconds until a second begins in which nothing is refused and the 99th percentile is that of before, nearly.
double RecoverySeconds(std::vector<Answer> answers, const Phase& before) {
  std::sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) { return a.due_ms < b.due_ms; });
  const double start_ms = answers.empty() ? 0 : answers.front().due_ms;
  for (double from_ms = 0; from_ms < kRecoveryMaxSeconds * 1e3; from_ms += 250) {
    std::vector<Answer> second;
    for (const Answer& answer : answers) {
      const double at_ms = answer.due_ms - start_ms;
      if (at_ms >= from_ms && at_ms < from_ms + 1'000) second.push_back(answer);
    }
    const Phase phase = Judge(second, 1);
    const bool calm = phase.refused == 0 && phase.broken == 0 && phase.p99_ms <= 2 * before.p99_ms + 20;
    if (phase.accepted > 0 && calm) return from_ms / 1e3;
  }
  return kRecoveryMaxSeconds;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.server = BuiltServer();
  CLI::App app("Overload of a real server");
  app.add_option("--server", options.server, "The rhizome program to run");
  app.add_option("--documents", options.documents, "Vectors in the collection")->check(CLI::Range(100, 10'000'000));
  app.add_option("--factor", options.factor, "Times the capacity")->check(CLI::Range(1.0, 100.0));
  app.add_option("--seconds", options.seconds, "Of overload")->check(CLI::Range(1.0, 3600.0));
  app.add_flag("--json", options.json, "One JSON object of figures");
  CLI11_PARSE(app, argc, argv);
  if (options.server.empty()) Fail("no rhizome program in the build: build it, or say --server");
  signal(SIGPIPE, SIG_IGN);

  const TemporaryFolder folder;
  ServerProcess server(options.server, folder.path());
  server.WaitUntilReady();
  Vectors vectors;
  Fill(server.port(), options.documents, vectors);
  std::vector<std::string> requests;
  for (int i = 0; i < 500; ++i) requests.push_back(SearchRequest(vectors.NextJson(), true));
  Generator generator(server.port(), std::move(requests));
  (void)generator.ClosedLoop(2);  // warm
  const Phase closed = Judge(generator.ClosedLoop(kClosedSeconds), kClosedSeconds);
  double capacity = static_cast<double>(closed.accepted) / closed.seconds;
  Prober prober(server.port());
  const Phase before = Judge(generator.OpenLoop(kQuietSeconds, 0.5 * capacity), kQuietSeconds);
  const Phase over = Judge(generator.OpenLoop(options.seconds, options.factor * capacity), options.seconds);
  const double recovery_s = RecoverySeconds(generator.OpenLoop(kRecoveryMaxSeconds / 2, 0.5 * capacity), before);
  prober.Stop();
  server.CheckAlive();
  // What others do on this machine changes meanwhile: the capacity of before and after is that of the time between.
  const Phase again = Judge(generator.ClosedLoop(kClosedSeconds), kClosedSeconds);
  const double offered = options.factor * capacity;
  capacity = (capacity + static_cast<double>(again.accepted) / again.seconds) / 2;
  const double goodput_ratio = static_cast<double>(over.accepted) / over.seconds / capacity;
  if (options.json) {
    std::printf(
        "{\"goodput_ratio\":%.3f,\"recovery_s\":%.2f,\"accepted_p50_ms\":%.1f,\"accepted_p99_ms\":%.1f,"
        "\"before_p99_ms\":%.1f,\"closed_p99_ms\":%.1f,\"capacity_per_s\":%.0f,\"offered_per_s\":%.0f,\"seconds\":%.0f,"
        "\"accepted\":%zu,\"refused\":%zu,\"broken\":%zu,\"unsent\":%zu,\"probes\":%zu,\"probes_failed\":%zu,"
        "\"health_slowest_ms\":%.1f,\"metrics_slowest_ms\":%.1f}\n",
        goodput_ratio, recovery_s, over.p50_ms, over.p99_ms, before.p99_ms, closed.p99_ms, capacity, offered,
        options.seconds, over.accepted, over.refused, over.broken, generator.unsent(), prober.probes, prober.failed,
        prober.slowest_health_ms, prober.slowest_metrics_ms);
    return 0;
  }
  std::printf(
      "exact search, top 10 of %zu × 384; capacity %.0f requests/s (closed loop, 64 clients, before and after)\n",
      options.documents, capacity);
  std::printf("  half of it   p50 %.1f ms   p99 %.1f ms   %zu refused\n", before.p50_ms, before.p99_ms, before.refused);
  std::printf(
      "  %.1f × for %.0f s: %.0f %% of the capacity answered, p50 %.1f ms, p99 %.1f ms; %zu refused, %zu broken\n",
      options.factor, options.seconds, goodput_ratio * 100, over.p50_ms, over.p99_ms, over.refused, over.broken);
  std::printf(
      "  as before again after %.2f s; %zu of %zu probes of /health and /metrics failed; the slowest took %.1f and "
      "%.1f ms\n",
      recovery_s, prober.failed, prober.probes, prober.slowest_health_ms, prober.slowest_metrics_ms);
  return 0;
}
