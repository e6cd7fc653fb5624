// Unary calls of 1 KiB both ways over loopback, by calls in flight: round trips per second, latency, CPU per call
// (client and server are one process, so both are counted). One line per row; --json prints one object.
//   rpc_bench [--json]
// The yardstick is the same bytes over a plain TCP connection with one blocking thread at each end, in the same run,
// rounds interleaved: what the kernel alone costs.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace rhizome::rpc {
namespace {

constexpr size_t kPayloadBytes = 1024;
constexpr int64_t kRoundNs = 700'000'000;
constexpr int kRounds = 4;

int64_t CpuNs() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000'000 +
         (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

struct Row {
  std::string name;
  int in_flight = 1;
  std::vector<int64_t> latencies_ns = {};
  int64_t elapsed_ns = 0;
  int64_t cpu_ns = 0;

  int64_t QuantileNs(double q) {
    if (latencies_ns.empty()) return 0;
    const auto at = latencies_ns.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(latencies_ns.size() - 1));
    std::nth_element(latencies_ns.begin(), at, latencies_ns.end());
    return *at;
  }
  double PerSecond() const { return static_cast<double>(latencies_ns.size()) * 1e9 / static_cast<double>(elapsed_ns); }
  double CpuUs() const { return static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(latencies_ns.size()); }
};

// Keeps `in_flight` calls going for one round: each answer starts the next call.
class Round {
 public:
  Round(Client& client, std::string address, bool labels) : client_(client), address_(std::move(address)) {
    if (!labels) return;
    options_.request_id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    options_.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  }
  void Run(Row& row) {
    const int64_t cpu_ns = CpuNs();
    begin_ns_ = SystemClock().MonotonicNs();
    {
      MutexLock lock(mutex_);
      running_ = row.in_flight;
    }
    for (int i = 0; i < row.in_flight; ++i) Next();
    MutexLock lock(mutex_);
    while (running_ > 0) idle_.Wait(mutex_);
    row.elapsed_ns += SystemClock().MonotonicNs() - begin_ns_;
    row.cpu_ns += CpuNs() - cpu_ns;
    row.latencies_ns.insert(row.latencies_ns.end(), latencies_ns_.begin(), latencies_ns_.end());
  }

 private:
  void Next() {
    const int64_t sent_ns = SystemClock().MonotonicNs();
    client_.Call(address_, std::string(kPayloadBytes, 'x'), options_, [this, sent_ns](Result<std::string> result) {
      CHECK(result.ok() && result->size() == kPayloadBytes);
      const int64_t now_ns = SystemClock().MonotonicNs();
      {
        MutexLock lock(mutex_);
        latencies_ns_.push_back(now_ns - sent_ns);
        if (now_ns - begin_ns_ > kRoundNs) {
          if (--running_ == 0) idle_.NotifyAll();
          return;
        }
      }
      Next();
    });
  }

  Client& client_;
  const std::string address_;
  CallOptions options_{.timeout_ms = 5000};
  int64_t begin_ns_ = 0;
  Mutex mutex_;
  CondVar idle_;
  int running_ GUARDED_BY(mutex_) = 0;
  std::vector<int64_t> latencies_ns_ GUARDED_BY(mutex_);
};

void Exactly(int fd, char* bytes, bool reading) {
  for (size_t done = 0; done < kPayloadBytes;) {
    const ssize_t moved =
        reading ? read(fd, bytes + done, kPayloadBytes - done) : write(fd, bytes + done, kPayloadBytes - done);
    if (moved <= 0) return;
    done += static_cast<size_t>(moved);
  }
}

// The two ends of a TCP connection over loopback.
std::pair<int, int> Connection() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(at);
  CHECK(bind(listener, reinterpret_cast<sockaddr*>(&at), length) == 0 && listen(listener, 1) == 0);
  CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length) == 0);
  const int near = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(near, reinterpret_cast<sockaddr*>(&at), length) == 0);
  const int far = accept(listener, nullptr, nullptr);
  close(listener);
  const int one = 1;
  for (const int fd : {near, far}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return {near, far};
}

void RunPlainTcp(Row& row) {
  const auto [near, far] = Connection();
  std::atomic<bool> stop = false;
  std::thread server([&, far_end = far] {
    char bytes[kPayloadBytes];
    while (!stop) {
      Exactly(far_end, bytes, true);
      Exactly(far_end, bytes, false);
    }
  });
  const int64_t cpu_ns = CpuNs();
  const int64_t begin_ns = SystemClock().MonotonicNs();
  int64_t now_ns = begin_ns;
  char bytes[kPayloadBytes] = {};
  while (now_ns - begin_ns < kRoundNs) {
    Exactly(near, bytes, false);
    Exactly(near, bytes, true);
    const int64_t end_ns = SystemClock().MonotonicNs();
    row.latencies_ns.push_back(end_ns - now_ns);
    now_ns = end_ns;
  }
  row.elapsed_ns += now_ns - begin_ns;
  row.cpu_ns += CpuNs() - cpu_ns;
  stop = true;
  shutdown(near, SHUT_RDWR);
  server.join();
  close(near);
  close(far);
}

void Print(std::vector<Row>& rows, bool json) {
  std::string objects;
  for (Row& row : rows) {
    if (json) {
      objects += fmt::format(
          R"({}{{"name":"{}","in_flight":{},"per_second":{:.0f},"p50_us":{:.1f},"p99_us":{:.1f},"cpu_us":{:.1f}}})",
          objects.empty() ? "" : ",", row.name, row.in_flight, row.PerSecond(),
          static_cast<double>(row.QuantileNs(.5)) / 1e3, static_cast<double>(row.QuantileNs(.99)) / 1e3, row.CpuUs());
    } else {
      fmt::print("{:<12} {:>3} in flight  {:>7.0f}/s  p50 {:>7.1f} us  p99 {:>7.1f} us  cpu {:>6.1f} us per call\n",
                 row.name, row.in_flight, row.PerSecond(), static_cast<double>(row.QuantileNs(.5)) / 1e3,
                 static_cast<double>(row.QuantileNs(.99)) / 1e3, row.CpuUs());
    }
  }
  if (json) fmt::print("{{\"payload_bytes\":{},\"rows\":[{}]}}\n", kPayloadBytes, objects);
}

int Main(bool json) {
  auto server = Server::Start({}, [](CallInfo, std::string request, Respond respond) { respond(std::move(request)); });
  auto client = Client::Create({});
  CHECK(server.ok() && client.ok());
  const std::string address = "127.0.0.1:" + std::to_string((*server)->port());
  std::vector<Row> rows = {{"plain tcp", 1}, {"rpc", 1}, {"rpc labelled", 1}, {"rpc", 32}, {"rpc labelled", 32}};
  Row warm{"", 1};
  Round(**client, address, false).Run(warm);
  for (int round = 0; round < kRounds; ++round) {
    RunPlainTcp(rows[0]);
    for (size_t i = 1; i < rows.size(); ++i) Round(**client, address, rows[i].name != "rpc").Run(rows[i]);
  }
  Print(rows, json);
  return 0;
}

}  // namespace
}  // namespace rhizome::rpc

int main(int argc, char** argv) { return rhizome::rpc::Main(argc > 1 && std::strcmp(argv[1], "--json") == 0); }
