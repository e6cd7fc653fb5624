#include "worker.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/json/array.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "client.h"
#include "memory/extract_stage.h"
#include "queue/kafka.h"
#include "server_parts.h"
#include "stop_signals.h"
#include "tasks_text.h"
#include "workers/worker.h"

namespace rhizome::app {
namespace {

namespace json = boost::json;

constexpr uint64_t kChunksPerRead = 256;
constexpr uint32_t kJobsPerBatch = 64;
constexpr auto kLookForServerEvery = std::chrono::milliseconds(500);

std::string Text(const json::object& from, std::string_view key) {
  const json::value* const found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

// A document's text from the server, by its public API. Any thread: each has a client of its own.
Result<std::optional<memory::DocumentText>> Read(const WorkerArguments& arguments, const std::string& collection,
                                                 const format::PointId& document) {
  thread_local Client client(arguments.server, arguments.api_key);
  const auto shown =
      client.Send("GET", "/documents/" + UrlEncoded(document.ToString()) + "?collection=" + UrlEncoded(collection));
  if (shown.status().code() == Code::kNotFound) {
    // Its collection may be gone, too, and that is another answer.
    RETURN_IF_ERROR(client.Send("GET", "/collections/" + UrlEncoded(collection)).status());
    return std::optional<memory::DocumentText>();
  }
  RETURN_IF_ERROR(shown.status());
  if (!shown->is_object()) return Status::Unavailable("the server does not answer like a Rhizome server");
  memory::DocumentText read;
  read.title = Text(shown->as_object(), "title");
  const json::value* const count = shown->as_object().if_contains("chunks");
  const auto chunks = count != nullptr && count->is_int64() ? static_cast<uint64_t>(count->as_int64()) : 0;
  for (uint64_t from = 0; from < chunks; from += kChunksPerRead) {
    json::array ids;
    for (uint64_t n = from; n < std::min(chunks, from + kChunksPerRead); ++n) {
      ids.emplace_back(format::PointId::OfChunk(document, static_cast<uint32_t>(n)).ToString());
    }
    ASSIGN_OR_RETURN(const json::value answer,
                     client.Post("/vectors/get", json::object{{"collection", collection}, {"ids", std::move(ids)}}));
    const json::value* const points = answer.is_object() ? answer.as_object().if_contains("points") : nullptr;
    if (points == nullptr || !points->is_array()) return Status::Unavailable("the server answers without points");
    for (const json::value& point : points->as_array()) {
      // One that is missing was changed a moment ago: the task of that change comes.
      read.Append(point.is_object() ? Text(point.as_object(), "text") : std::string());
    }
  }
  return std::optional<memory::DocumentText>(std::move(read));
}

std::atomic<bool> stopping{false};

// A server that is away is no fault of a document: waited for, or its jobs would end as dead letters.
Result<std::optional<memory::DocumentText>> ReadPatiently(const WorkerArguments& arguments,
                                                          const std::string& collection,
                                                          const format::PointId& document) {
  bool said = false;
  while (true) {
    auto read = Read(arguments, collection, document);
    if (read.status().code() != Code::kUnavailable || stopping) return read;
    if (!said) spdlog::warn("waiting for the server: {}", read.status().ToString());
    said = true;
    std::this_thread::sleep_for(kLookForServerEvery);
  }
}

Status CheckType(const WorkerArguments& arguments) {
  if (arguments.type == "extract") return Status::Ok();
  if (arguments.type == "embed") {
    return Status::InvalidArgument("type",
                                   "the server embeds documents before it acknowledges them: nothing waits in "
                                   "ingest.embed that a worker could do; 'extract' is a process of its own");
  }
  if (arguments.type == "graph") {
    return Status::InvalidArgument("type",
                                   "the server that owns the graph's shards writes what was extracted and runs "
                                   "that worker itself; 'extract' is a process of its own");
  }
  return Status::InvalidArgument("type",
                                 "the server answers questions itself: nothing waits in query.pending; "
                                 "'extract' is a process of its own");
}

Status Work(const WorkerArguments& arguments) {
  RETURN_IF_ERROR(CheckType(arguments));
  ASSIGN_OR_RETURN(const std::string brokers, KafkaBrokers(arguments.queue));
  if (brokers.empty()) {
    return Status::InvalidArgument("queue", "a worker stands on Kafka: an embedded queue belongs to its server alone");
  }
  StopSignals stop;
  InstallLogFormat(arguments.log_level);
  signal(SIGPIPE, SIG_IGN);
  workers::PipelineSettings settings;
  settings.prefix = arguments.queue_prefix;
  settings.retries_max = arguments.retries_max;
  settings.retry_base_ms = static_cast<int64_t>(arguments.retry_base_ms);
  queue::KafkaQueueOptions kafka;
  kafka.brokers = brokers;
  ASSIGN_OR_RETURN(const auto queue, queue::KafkaQueue::Open(kafka));
  if (const Status topics = workers::EnsureTopics(*queue, settings); !topics.ok()) return topics.Annotate("the queue");
  memory::Deriver deriver([&arguments](const std::string& collection, const format::PointId& document) {
    return ReadPatiently(arguments, collection, document);
  });
  workers::WorkerOptions options;
  options.stage = std::string(workers::kExtract);
  options.batch_max = kJobsPerBatch;
  options.metrics = &ProcessMetrics();
  std::vector<std::unique_ptr<workers::Worker>> workers;
  for (unsigned i = 0; i < arguments.threads; ++i) {
    ASSIGN_OR_RETURN(auto worker,
                     workers::Worker::Create(*queue, settings, options, [&deriver](std::span<const workers::Job> jobs) {
                       return memory::ExtractJobs(deriver, jobs);
                     }));
    workers.push_back(std::move(worker));
  }
  for (const auto& worker : workers) worker->Start();
  fmt::print("Rhizome works on {} of {} for {}; Ctrl-C stops it\n", workers::StageTopic(settings, options.stage),
             arguments.queue, arguments.server);
  std::fflush(stdout);
  stop.Wait(-1);
  spdlog::info("stopping");
  stopping = true;
  for (const auto& worker : workers) worker->Stop();
  return Status::Ok();
}

}  // namespace

void AddWorker(CLI::App& app, WorkerArguments& arguments) {
  CLI::App* worker = app.add_subcommand("worker", "Work for a server's pipeline in a process of its own, over Kafka");
  worker->add_option("-t,--type", arguments.type, "What it does; extract so far")
      ->required()
      ->check(CLI::IsMember({"embed", "extract", "graph", "query"}));
  worker->add_option("--queue", arguments.queue, "kafka://HOST:PORT,HOST:PORT, as the server has it")
      ->envname("RHIZOME_QUEUE")
      ->required();
  worker->add_option("--queue-prefix", arguments.queue_prefix, "As the server has it")->envname("RHIZOME_QUEUE_PREFIX");
  worker->add_option("-s,--server", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  worker->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  worker->add_option("--threads", arguments.threads, "Workers in this process")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  worker->add_option("--retries-max", arguments.retries_max, "As the server has it")
      ->envname("RHIZOME_RETRIES_MAX")
      ->check(CLI::Range(0, 16))
      ->capture_default_str();
  worker->add_option("--retry-base-ms", arguments.retry_base_ms, "As the server has it")
      ->envname("RHIZOME_RETRY_BASE_MS")
      ->check(CLI::Range(1, 86'400'000))
      ->capture_default_str();
  worker->add_option("--log-level", arguments.log_level, "Least severe line logged")->capture_default_str();
}

int RunWorker(const WorkerArguments& arguments) {
  const Status status = Work(arguments);
  if (status.ok()) return 0;
  fmt::print(stderr, "rhizome worker: {}\n", status.ToString());
  return 1;
}

}  // namespace rhizome::app
