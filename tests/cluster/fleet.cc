#include "fleet.h"

#include <fmt/format.h>
#include <sys/mount.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/clock.h"

namespace rhizome::chaos {
namespace {

constexpr uint16_t kHttpPort = 8000;
constexpr uint16_t kRpcPort = 7000;
constexpr int64_t kReadyMs = 60'000;

std::string ListOf(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

}  // namespace

int64_t NowMs() { return SystemClock().MonotonicNs() / 1'000'000; }
void SleepMs(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

Result<std::unique_ptr<Fleet>> Fleet::Start(FleetOptions options) {
  ASSIGN_OR_RETURN(PrivateNetwork network, PrivateNetwork::Make());
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options), std::move(network)));
  const Status status = fleet->StartAll();
  if (!status.ok()) return status.Annotate(fleet->Logs());
  return fleet;
}

Fleet::~Fleet() {
  gateways_.clear();
  nodes_.clear();
  if (!mounted_.empty()) (void)umount2(mounted_.c_str(), MNT_DETACH);  // goes with our namespace otherwise
}

Status Fleet::StartAll() {
  std::filesystem::create_directory(folder_.File("etcd"));
  coordination::EtcdServersOptions etcd;
  etcd.directory = folder_.File("etcd");
  etcd.members = 3;
  etcd.host = PrivateNetwork::coordination_address();
  ASSIGN_OR_RETURN(etcd_, coordination::EtcdServers::Start(etcd));
  for (size_t node = 0; node < options_.nodes; ++node) RETURN_IF_ERROR(AddNode().status());
  for (size_t gateway = 0; gateway < options_.gateways; ++gateway) {
    ASSIGN_OR_RETURN(auto machine, MakeMachine("gateway", fmt::format("g{}", gateway + 1)));
    machine->child->Start();
    gateways_.push_back(std::move(machine));
  }
  for (const auto& machine : nodes_) RETURN_IF_ERROR(AwaitAnswer(*machine, kReadyMs));
  for (const auto& machine : gateways_) RETURN_IF_ERROR(AwaitAnswer(*machine, kReadyMs));
  return AwaitWell();
}

Result<std::unique_ptr<Fleet::Machine>> Fleet::MakeMachine(const std::string& role, const std::string& name) {
  auto machine = std::make_unique<Machine>();
  machine->name = name;
  ASSIGN_OR_RETURN(machine->host, network_.AddHost());
  const std::string host = network_.address(machine->host);
  std::vector<std::string> command = {RHIZOME_PROGRAM,   role,
                                      "--node-name",     name,
                                      "--etcd",          ListOf(etcd_->addresses()),
                                      "--listen",        fmt::format("{}:{}", host, kHttpPort),
                                      "--rpc-listen",    fmt::format("{}:{}", host, kRpcPort),
                                      "--insecure-bind", "--insecure-rpc",
                                      "--embedder",      "none",
                                      "--lease-ms",      std::to_string(options_.lease_ms)};
  if (role == "node") {
    machine->data_dir = folder_.File(name);
    command.insert(command.end(), {"--data-dir", machine->data_dir});
    command.insert(command.end(), options_.node_flags.begin(), options_.node_flags.end());
  }
  machine->child = std::make_unique<Child>(command, folder_.File(name + ".log"), network_.network_of(machine->host));
  return machine;
}

Result<size_t> Fleet::AddNode() {
  const size_t node = nodes_.size();
  ASSIGN_OR_RETURN(auto machine, MakeMachine("node", fmt::format("n{}", node + 1)));
  if (node == 0 && options_.small_disk_mib > 0) {
    std::filesystem::create_directory(machine->data_dir);
    const std::string size = fmt::format("size={}m", options_.small_disk_mib);
    if (mount("small", machine->data_dir.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      return Status::Internal(std::string("cannot mount a small disk: ") + std::strerror(errno));
    }
    mounted_ = machine->data_dir;
  }
  machine->child->Start();
  nodes_.push_back(std::move(machine));
  return node;
}

std::vector<Endpoint> Fleet::gateways() const {
  std::vector<Endpoint> all;
  for (const auto& machine : gateways_) all.push_back({network_.address(machine->host), kHttpPort});
  return all;
}

Endpoint Fleet::http(size_t node) const { return {network_.address(nodes_[node]->host), kHttpPort}; }

size_t Fleet::Find(const std::string& name) const {
  for (size_t node = 0; node < nodes(); ++node) {
    if (nodes_[node]->name == name) return node;
  }
  return nodes();
}

std::string Fleet::rpc_address(size_t node) const {
  return fmt::format("{}:{}", network_.address(nodes_[node]->host), kRpcPort);
}

Status Fleet::HealAll() {
  RETURN_IF_ERROR(network_.Heal());
  for (size_t member = 0; member < etcd_->size(); ++member) {
    if (etcd_->running(member)) etcd_->Resume(member);
    if (!etcd_->running(member)) RETURN_IF_ERROR(etcd_->Spawn(member));
  }
  for (const auto* machines : {&nodes_, &gateways_}) {
    for (const auto& machine : *machines) {
      machine->child->Resume();
      machine->child->Start();
    }
  }
  for (size_t member = 0; member < etcd_->size(); ++member) RETURN_IF_ERROR(etcd_->AwaitReady(member, kReadyMs));
  return Status::Ok();
}

Status Fleet::AwaitAnswer(Machine& machine, int64_t timeout_ms) {
  Answer answer;
  const bool ready = Eventually(timeout_ms, [&] {
    answer = HttpSession({{network_.address(machine.host), kHttpPort}}, 0, 2'000).Call("GET", "/ready");
    return answer.good() || machine.child->Ended();
  });
  if (ready && answer.good()) return Status::Ok();
  return Status::Unavailable(machine.name + (ready ? " ended: " : " is not ready: ") + answer.ToString());
}

Status Fleet::AwaitReady(size_t node, int64_t timeout_ms) { return AwaitAnswer(*nodes_[node], timeout_ms); }

Result<boost::json::object> Fleet::Ask(std::string_view method, std::string_view target, std::string_view body) {
  Answer answer = HttpSession(gateways()).Call(method, target, body);
  if (answer.good()) return std::move(answer.body);
  return Status::Unavailable(fmt::format("{} {}: {}", method, target, answer.ToString()));
}

std::string Fleet::Health() {
  const auto health = Ask("GET", "/cluster/health");
  return health.ok() ? std::string(health->at("status").as_string()) : std::string();
}

bool Fleet::AllAnswer() {
  const auto status = Ask("GET", "/cluster/status");
  return status.ok() &&
         status->at("healthy_nodes").to_number<int64_t>() == status->at("total_nodes").to_number<int64_t>();
}

Status Fleet::AwaitWell(int64_t timeout_ms) {
  const bool well = Eventually(timeout_ms, [&] {
    if (Health() != "ok") return false;
    const auto sharding = Ask("GET", "/cluster/sharding");
    return sharding.ok() && sharding->at("moving").to_number<int64_t>() == 0 &&
           sharding->at("waiting").to_number<int64_t>() == 0;
  });
  if (well) return Status::Ok();
  const Answer health = HttpSession(gateways()).Call("GET", "/cluster/health");
  return Status::Unavailable("the cluster does not become well: " + health.ToString());
}

Status Fleet::CreateCollection(const std::string& name, uint32_t dimension, uint32_t shards, uint32_t factor) {
  return Ask("POST", "/collections",
             fmt::format(R"({{"name":"{}","dimension":{},"shards":{},"replication_factor":{}}})", name, dimension,
                         shards, factor))
      .status();
}

bool Fleet::IsListed(const std::string& node) {
  const auto status = Ask("GET", "/cluster/status");
  if (!status.ok()) return true;
  for (const boost::json::value& listed : status->at("nodes").as_array()) {
    if (listed.at("id").as_string() == node) return true;
  }
  return false;
}

std::string Fleet::Logs() const {
  std::string text;
  for (const auto* machines : {&nodes_, &gateways_}) {
    for (const auto& machine : *machines) text += "\n== " + machine->name + "\n" + machine->child->LogEnd();
  }
  return text;
}

}  // namespace rhizome::chaos
