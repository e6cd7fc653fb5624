#include "metrics_load/load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "io/http_client.h"
#include "metrics_client/dictionary_names.h"

namespace rhizome::metrics_load {
namespace {

constexpr size_t kAnswerBytesMax = 1 << 20;
constexpr size_t kComplaintMax = 300;
constexpr int64_t kLeadMsMax = 900'000;  // of one connection's samples over another's
constexpr int64_t kPauseNs = 1'000'000;
constexpr int64_t kAfterFailureNs = 100'000'000;  // in a closed loop, so that a dead server is not asked all the time
constexpr int64_t kIntervalMs = 15'000;
constexpr int64_t kBackfillAgeMs = 30LL * 24 * 3'600'000;
constexpr int64_t kLiveIntervalMs = 50;
constexpr int64_t kLiveAgeMs = 540'000;

Status CheckOptions(const LoadOptions& options) {
  RETURN_IF_ERROR(io::CheckServerUrl(options.url, "url"));
  if (options.series == 0) return Status::InvalidArgument("series", "must be at least 1");
  if (options.connections == 0 || options.connections > options.series) {
    return Status::InvalidArgument("connections", "must be 1 to the number of series");
  }
  if (options.body.samples_per_series == 0) return Status::InvalidArgument("samples-per-series", "must be at least 1");
  if (options.body.samples_per_body < options.body.samples_per_series) {
    return Status::InvalidArgument("batch", "must be at least as many as samples-per-series");
  }
  if (options.seconds <= 0 && options.rounds == 0) {
    return Status::InvalidArgument("seconds", "must be positive where there are no rounds");
  }
  if (options.rate < 0) return Status::InvalidArgument("rate", "must not be negative");
  if (options.interval_ms < 0) return Status::InvalidArgument("interval-ms", "must not be negative");
  return Status::Ok();
}

// Fills in the times that are left open.
void SetTimes(LoadOptions& options, int64_t now_ms) {
  const bool live = options.interval_ms == 0 && options.start_ms == 0 && options.rounds == 0;
  if (live && options.rate > 0) {
    options.interval_ms =
        std::max<int64_t>(1, std::llround(static_cast<double>(options.series) * 1'000 / options.rate));
    options.start_ms = now_ms - options.interval_ms;
  } else if (live) {
    options.interval_ms = kLiveIntervalMs;
    options.start_ms = now_ms - kLiveAgeMs;
  }
  if (options.interval_ms == 0) options.interval_ms = kIntervalMs;
  if (options.start_ms != 0) return;
  const auto samples = static_cast<int64_t>(options.rounds * options.body.samples_per_series);
  options.start_ms = now_ms - (samples > 0 ? samples * options.interval_ms : kBackfillAgeMs);
}

// What the connections share.
struct Shared {
  const LoadOptions& options;
  const std::atomic<bool>& stop;
  const OnProgress& progress;
  Clock& clock;
  io::HttpClient http;
  metrics_client::DictionaryNames names;
  int64_t begin_ns = 0;
  std::vector<std::atomic<int64_t>> newest_ms;  // by connection; INT64_MAX when it has ended
  Mutex mutex;
  LoadReport report GUARDED_BY(mutex);

  Shared(const LoadOptions& load, const std::atomic<bool>& stop_flag, const OnProgress& on_progress, Clock& of)
      : options(load), stop(stop_flag), progress(on_progress), clock(of), newest_ms(load.connections) {}
};

class Connection {
 public:
  Connection(Shared& shared, uint32_t number, const WorkloadOptions& workload, uint64_t first, uint64_t count)
      : shared_(shared), number_(number), source_(shared.options.body, workload, first, count) {
    shared_.newest_ms[number] = workload.start_ms;
    exchange_.url = shared.options.url + TargetOf(shared.options.body.protocol);
    exchange_.headers = HeadersOf(shared.options.body.protocol);
    if (!shared.options.api_key.empty()) {
      exchange_.headers.push_back("Authorization: Bearer " + shared.options.api_key);
    }
    exchange_.timeout_ms = shared.options.timeout_ms;
    exchange_.response_bytes_max = kAnswerBytesMax;
  }

  void Run() {
    const LoadOptions& options = shared_.options;
    for (uint64_t sent = 0; MayGoOn();) {
      const uint64_t samples = source_.Next(body_);
      shared_.newest_ms[number_] = source_.newest_ms();
      int64_t due_ns = shared_.clock.MonotonicNs();
      if (options.rate > 0) {
        // Of all connections together, before this one's turn: bodies need not be of one size.
        const auto before = static_cast<double>(sent * options.connections + samples * number_);
        due_ns = shared_.begin_ns + static_cast<int64_t>(1e9 * before / options.rate);
        if (TimeIsOver(due_ns) || !WaitUntil(due_ns)) break;
      }
      Send(samples, due_ns);
      sent += samples;
    }
    shared_.newest_ms[number_] = INT64_MAX;
  }

 private:
  bool TimeIsOver(int64_t now_ns) const {
    const double seconds = shared_.options.seconds;
    return seconds > 0 && static_cast<double>(now_ns - shared_.begin_ns) >= seconds * 1e9;
  }

  // Waits for connections that are far behind.
  bool MayGoOn() {
    while (!shared_.stop) {
      if (TimeIsOver(shared_.clock.MonotonicNs())) return false;
      if (shared_.options.rounds > 0 && source_.rounds() >= shared_.options.rounds) return false;
      if (source_.newest_ms() > shared_.clock.WallMs() + shared_.options.interval_ms) {
        MutexLock lock(shared_.mutex);
        shared_.report.reached_now = true;
        return false;
      }
      int64_t least_ms = INT64_MAX;
      for (const auto& newest_ms : shared_.newest_ms) least_ms = std::min(least_ms, newest_ms.load());
      if (source_.newest_ms() <= least_ms + kLeadMsMax) return true;
      std::this_thread::sleep_for(std::chrono::nanoseconds(kPauseNs));
    }
    return false;
  }

  // False when the load was stopped meanwhile.
  bool WaitUntil(int64_t due_ns) const {
    constexpr int64_t kLookEveryNs = 100'000'000;
    for (;;) {
      const int64_t left_ns = due_ns - shared_.clock.MonotonicNs();
      if (shared_.stop) return false;
      if (left_ns <= 0) return true;
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left_ns, kLookEveryNs)));
    }
  }

  void Send(uint64_t samples, int64_t due_ns) {
    const Result<io::HttpAnswer> answer = Post();
    const int64_t latency_ns = shared_.clock.MonotonicNs() - due_ns;
    const bool kept = answer.ok() && answer->status >= 200 && answer->status <= 299;
    {
      MutexLock lock(shared_.mutex);
      if (kept) {
        shared_.report.latencies.Add(latency_ns);
        ++shared_.report.requests;
        shared_.report.samples += samples;
        shared_.report.body_bytes += exchange_.body.size();
      } else {
        NoteFailure(samples, answer);
      }
      if (shared_.progress) shared_.progress(kept ? samples : 0);
    }
    if (!kept && shared_.options.rate == 0) (void)WaitUntil(shared_.clock.MonotonicNs() + kAfterFailureNs);
  }

  // The next body.
  Result<io::HttpAnswer> Post() {
    if (shared_.options.body.protocol == Protocol::kNative) return shared_.names.Post(shared_.http, exchange_, body_);
    exchange_.body.swap(body_);
    return shared_.http.Post(exchange_);
  }

  void NoteFailure(uint64_t samples, const Result<io::HttpAnswer>& answer) REQUIRES(shared_.mutex) {
    LoadReport& report = shared_.report;
    report.failed_samples += samples;
    if (answer.ok()) {
      ++report.failures[std::to_string(answer->status)];
      if (report.complaint.empty()) report.complaint = answer->body.substr(0, kComplaintMax);
    } else {
      ++report.failures[answer.status().code() == Code::kDeadlineExceeded ? "timeout" : "connection"];
      if (report.complaint.empty()) report.complaint = answer.status().ToString();
    }
  }

  Shared& shared_;
  const uint32_t number_;
  BodySource source_;
  std::string body_;
  io::HttpExchange exchange_;
};

}  // namespace

Result<LoadReport> RunLoad(const LoadOptions& given, const std::atomic<bool>& stop, const OnProgress& progress,
                           Clock& clock) {
  RETURN_IF_ERROR(CheckOptions(given));
  LoadOptions options = given;
  while (options.url.ends_with('/')) options.url.pop_back();
  SetTimes(options, clock.WallMs());
  const WorkloadOptions workload{options.start_ms, options.interval_ms, options.full_precision, options.seed};
  Shared shared(options, stop, progress, clock);
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    const uint64_t first = options.series * i / options.connections;
    const uint64_t end = options.series * (i + 1) / options.connections;
    connections.push_back(std::make_unique<Connection>(shared, i, workload, first, end - first));
  }
  shared.begin_ns = clock.MonotonicNs();
  std::vector<std::thread> threads;
  for (const auto& connection : connections) threads.emplace_back([&connection] { connection->Run(); });
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(shared.mutex);
  shared.report.seconds = static_cast<double>(clock.MonotonicNs() - shared.begin_ns) / 1e9;
  return std::move(shared.report);
}

}  // namespace rhizome::metrics_load
