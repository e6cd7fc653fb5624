#include "serve.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <charconv>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/alone_operations.h"
#include "cluster/node.h"
#include "gateway/api.h"
#include "gateway/backend.h"
#include "gateway/server.h"
#include "io/disk.h"
#include "pipeline/http_embedder.h"
#include "pipeline/ingest.h"
#include "pipeline/minilm.h"

namespace rhizome::app {
namespace {

constexpr uint32_t kDrainMs = 10'000;

// "127.0.0.1:8000" or "[::1]:8000".
Status ParseListen(const std::string& listen, gateway::ServerOptions& options) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return Status::InvalidArgument("listen", "must be ADDRESS:PORT");
  const std::string port = listen.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return Status::InvalidArgument("listen", "'" + port + "' is not a port");
  }
  options.address = listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']')) {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  return Status::Ok();
}

Result<gateway::ServerOptions> ServerOptionsOf(const Config& config) {
  gateway::ServerOptions options;
  RETURN_IF_ERROR(ParseListen(config.listen, options));
  options.api_keys = config.api_keys;
  options.insecure_bind = config.insecure_bind;
  options.io_threads = static_cast<uint32_t>(config.io_threads);
  options.body_bytes_max = config.body_mib_max << 20;
  options.connections_max = static_cast<uint32_t>(config.connections_max);
  return options;
}

Result<std::unique_ptr<pipeline::Embedder>> OpenEmbedder(const Config& config) {
  if (config.embedder == "none") return std::unique_ptr<pipeline::Embedder>();
  if (config.embedder == "http") {
    pipeline::HttpEmbedderOptions options;
    options.base_url = config.embedder_url;
    options.model = config.embedder_model;
    options.api_key = config.embedder_api_key;
    options.dimension = static_cast<uint32_t>(config.embedder_dimension);
    ASSIGN_OR_RETURN(auto embedder, pipeline::HttpEmbedder::Open(std::move(options)));
    return std::unique_ptr<pipeline::Embedder>(std::move(embedder));
  }
  pipeline::MiniLmOptions options;
  options.model_dir = config.model_dir;
  options.precision = config.precision == "f32"    ? pipeline::Precision::kF32
                      : config.precision == "bf16" ? pipeline::Precision::kBf16
                                                   : pipeline::Precision::kAuto;
  ASSIGN_OR_RETURN(auto embedder, pipeline::MiniLm::Open(options));
  return std::unique_ptr<pipeline::Embedder>(std::move(embedder));
}

cluster::NodeOptions NodeOptionsOf(const Config& config) {
  cluster::NodeOptions options;
  options.data_dir = config.data_dir;
  options.checkpoint_log_bytes = config.checkpoint_log_mib << 20;
  options.index_threads = static_cast<uint32_t>(config.index_threads);
  return options;
}

// SIGINT and SIGTERM, taken as a file descriptor from before the first thread starts, so that none can be missed.
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
    fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
    CHECK(fd_ >= 0);
  }
  ~StopSignals() { close(fd_); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  void Wait() {
    signalfd_siginfo info;
    while (read(fd_, &info, sizeof(info)) < 0 && errno == EINTR) {
    }
  }

 private:
  int fd_;
};

}  // namespace

Status Serve(const Config& config) {
  StopSignals stop;
  InstallLogFormat(config.log_level);
  signal(SIGPIPE, SIG_IGN);
  const int64_t start_ns = SystemClock().MonotonicNs();
  ASSIGN_OR_RETURN(const gateway::ServerOptions server_options, ServerOptionsOf(config));

  // In the order of need; they go down the other way round.
  gateway::BackendSlot slot("the data is being recovered");
  gateway::ApiOptions api;
  api.default_collection = config.default_collection;
  api.version = RHIZOME_VERSION;
  ASSIGN_OR_RETURN(const auto embedder, OpenEmbedder(config));
  std::unique_ptr<cluster::Node> node;
  std::unique_ptr<cluster::AloneOperations> operations;
  std::unique_ptr<pipeline::Ingestor> ingestor;
  ASSIGN_OR_RETURN(const auto server,
                   gateway::Server::Start(server_options, gateway::ApiRoutes(api, slot, ProcessMetrics())));
  auto opened = cluster::Node::Open(io::RealDisk(), NodeOptionsOf(config));
  if (!opened.ok()) return opened.status().Annotate("opening " + config.data_dir);
  node = std::move(opened).value();
  ingestor = std::make_unique<pipeline::Ingestor>(*node, embedder.get());
  operations = std::make_unique<cluster::AloneOperations>(
      *node, cluster::NodeAddress{"alone", server_options.address, server->port()});
  slot.Publish({node.get(), ingestor.get(), embedder.get(), operations.get()});

  const double seconds = static_cast<double>(SystemClock().MonotonicNs() - start_ns) / 1e9;
  fmt::print("Rhizome is ready on http://{}:{} after {:.1f} s; data in {}; Ctrl-C stops it\n", server_options.address,
             server->port(), seconds, config.data_dir);
  std::fflush(stdout);
  if (const std::string reason = node->ReadOnlyReason(); !reason.empty()) {
    spdlog::error("serving reads only: {}. 'rhizome salvage --data-dir {}' recovers what is still good", reason,
                  config.data_dir);
  }
  stop.Wait();
  spdlog::info("stopping");
  server->Stop(kDrainMs);
  ingestor.reset();
  operations.reset();
  node.reset();
  return Status::Ok();
}

}  // namespace rhizome::app
