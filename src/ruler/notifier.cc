#include "ruler/notifier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <random>

#include "base/clock.h"
#include "promql/text.h"

namespace rhizome::ruler {
namespace {

namespace json = boost::json;

json::object ObjectOf(format::LabelsView labels) {
  json::object object;
  for (const format::LabelPair& pair : labels) object[pair.name] = pair.value;
  return object;
}

// Seconds; dates are not understood and count as none.
int64_t RetryAfterMs(const std::string& value) {
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  return whole ? std::min<int64_t>(seconds, 3'600) * 1'000 : 0;
}

}  // namespace

std::string EncodeAlerts(std::span<const OutgoingAlert> alerts) {
  json::array all;
  for (const OutgoingAlert& alert : alerts) {
    all.push_back(json::object{{"labels", ObjectOf(alert.labels)},
                               {"annotations", ObjectOf(alert.annotations)},
                               {"startsAt", promql::FormatInstant(alert.starts_ms)},
                               {"endsAt", promql::FormatInstant(alert.ends_ms)},
                               {"generatorURL", alert.generator_url}});
  }
  return json::serialize(all);
}

// One Alertmanager.
class Notifier::Target {
 public:
  Target(std::string address, const NotifierOptions& options, MetricRegistry& metrics)
      : address_(std::move(address)),
        options_(options),
        sent_(metrics.GetCounter("alerts_sent_total", "Alerts that an Alertmanager has taken.", Label())),
        refused_(metrics.GetCounter("alerts_refused_total", "Alerts that an Alertmanager refused for good.", Label())),
        dropped_(metrics.GetCounter("alerts_dropped_total", "Alerts given up because too many waited.", Label())),
        failures_(metrics.GetCounter("alerts_request_failures_total", "Requests to be sent again.", Label())),
        waiting_(metrics.GetGauge("alerts_waiting", "Alerts to be sent.", Label())),
        thread_([this] { Run(); }) {}

  ~Target() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.NotifyAll();
    thread_.join();
  }

  const std::string& address() const { return address_; }

  void Add(std::span<const OutgoingAlert> alerts) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      for (const OutgoingAlert& alert : alerts) {
        if (!pending_.insert_or_assign(alert.labels, alert).second) continue;
        order_.push_back(alert.labels);
        DropBeyond();
      }
      waiting_.Set(static_cast<double>(pending_.size()));
    }
    wake_.NotifyAll();
  }

 private:
  MetricLabels Label() const { return {{"alertmanager", address_}}; }

  void DropBeyond() REQUIRES(mutex_) {
    if (order_.size() <= options_.waiting_max) return;
    pending_.erase(order_.front());
    order_.pop_front();
    dropped_.Add();
  }

  // Waits for alerts; empty: it is time to end.
  std::vector<OutgoingAlert> Next() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!stopping_ && order_.empty()) wake_.Wait(mutex_);
    std::vector<OutgoingAlert> batch;
    while (!stopping_ && !order_.empty() && batch.size() < options_.batch_max) {
      const auto at = pending_.find(order_.front());
      batch.push_back(std::move(at->second));
      pending_.erase(at);
      order_.pop_front();
    }
    waiting_.Set(static_cast<double>(pending_.size()));
    return batch;
  }

  // In front again, but for those of which there is news.
  void PutBack(std::vector<OutgoingAlert> batch) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (auto alert = batch.rbegin(); alert != batch.rend(); ++alert) {
      const format::Labels labels = alert->labels;
      if (!pending_.emplace(labels, std::move(*alert)).second) continue;
      order_.push_front(labels);
      DropBeyond();
    }
    waiting_.Set(static_cast<double>(pending_.size()));
  }

  // False: it is time to end.
  bool Pause(int64_t ms) EXCLUDES(mutex_) {
    const int64_t until_ns = SystemClock().MonotonicNs() + ms * 1'000'000;
    MutexLock lock(mutex_);
    while (!stopping_) {
      const int64_t left_ms = (until_ns - SystemClock().MonotonicNs()) / 1'000'000;
      if (left_ms <= 0) return true;
      (void)wake_.WaitFor(mutex_, std::chrono::milliseconds(left_ms));
    }
    return false;
  }

  int64_t PauseMs(uint32_t failures) {
    int64_t step_ms = options_.backoff_ms;
    for (uint32_t i = 1; i < failures && step_ms < options_.backoff_max_ms; ++i) step_ms *= 2;
    return std::uniform_int_distribution<int64_t>(1, std::min(step_ms, options_.backoff_max_ms))(random_);
  }

  // Whether the batch is done with; if not, how long it wants to be left alone at least.
  bool Post(std::span<const OutgoingAlert> batch, int64_t& retry_after_ms) {
    const io::HttpExchange exchange{.url = address_,
                                    .headers = {"Content-Type: application/json"},
                                    .body = EncodeAlerts(batch),
                                    .timeout_ms = options_.timeout_ms,
                                    .response_bytes_max = 1 << 20};
    const auto answer = client_.Post(exchange);
    const auto count = static_cast<double>(batch.size());
    if (answer.ok() && answer->status / 100 == 2) {
      sent_.Add(count);
      return true;
    }
    const std::string what =
        answer.ok() ? fmt::format("{}: {}", answer->status, answer->body.substr(0, 300)) : answer.status().ToString();
    if (answer.ok() && answer->status < 500 && answer->status != 408 && answer->status != 429) {
      refused_.Add(count);
      spdlog::error("the Alertmanager {} refuses {} alerts: {}", address_, batch.size(), what);
      return true;
    }
    failures_.Add();
    if (answer.ok()) retry_after_ms = RetryAfterMs(answer->retry_after);
    Complain(what);
    return false;
  }

  // Once for each stretch of failures.
  void Complain(const std::string& what) {
    if (std::exchange(complained_, true)) return;
    spdlog::warn("the Alertmanager {} cannot be told of alerts, which is tried again: {}", address_, what);
  }

  void Run() {
    uint32_t failures = 0;
    for (;;) {
      std::vector<OutgoingAlert> batch = Next();
      if (batch.empty()) return;
      int64_t retry_after_ms = 0;
      if (Post(batch, retry_after_ms)) {
        failures = 0;
        complained_ = false;
        continue;
      }
      PutBack(std::move(batch));
      if (!Pause(std::max(PauseMs(++failures), retry_after_ms))) return;
    }
  }

  // Constant after construction.
  const std::string address_;
  const NotifierOptions options_;
  Counter sent_, refused_, dropped_, failures_;
  Gauge waiting_;
  // Of the thread.
  io::HttpClient client_;
  std::mt19937_64 random_{std::random_device{}()};
  bool complained_ = false;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<format::Labels, OutgoingAlert> pending_ GUARDED_BY(mutex_);
  std::deque<format::Labels> order_ GUARDED_BY(mutex_);  // the keys of pending_, the first to be sent first
  std::thread thread_;                                   // last, so that all else is there before it begins
};

Result<std::unique_ptr<Notifier>> Notifier::Start(NotifierOptions options, MetricRegistry& metrics) {
  for (std::string& url : options.urls) {
    RETURN_IF_ERROR(io::CheckServerUrl(url, "alertmanagers"));
    while (url.ends_with('/')) url.pop_back();
  }
  std::sort(options.urls.begin(), options.urls.end());
  options.urls.erase(std::unique(options.urls.begin(), options.urls.end()), options.urls.end());
  std::unique_ptr<Notifier> notifier(new Notifier);
  for (const std::string& url : options.urls) {
    notifier->targets_.push_back(std::make_unique<Target>(url + "/api/v2/alerts", options, metrics));
  }
  return notifier;
}

Notifier::~Notifier() = default;

void Notifier::Send(std::span<const OutgoingAlert> alerts) {
  if (alerts.empty()) return;
  for (const auto& target : targets_) target->Add(alerts);
}

std::vector<std::string> Notifier::addresses() const {
  std::vector<std::string> all;
  for (const auto& target : targets_) all.push_back(target->address());
  return all;
}

}  // namespace rhizome::ruler
