#include "cluster/cluster_runtime.h"

#include <utility>

#include "base/clock.h"
#include "cluster/cluster_parts.h"
#include "format/coding.h"

namespace rhizome::cluster {

using fabric::Identity;

namespace {

constexpr std::string_view kMemberFile = "/MEMBER";
constexpr uint8_t kMemberFormat = 1;
constexpr int64_t kLoadIntervalNs = 100'000'000;
constexpr int64_t kTroublesIntervalNs = 500'000'000;
constexpr size_t kNameLengthMax = 64;

// Of the data directory: a second process with the same name is told apart, and a number that was given but not yet
// written down is found again.
struct Seat {
  Uuid directory;
  fabric::MemberNumber number = 0;  // 0: not given yet
};

std::string EncodeSeat(const Seat& seat) {
  std::string out;
  format::PutU8(out, kMemberFormat);
  out.append(reinterpret_cast<const char*>(seat.directory.bytes.data()), seat.directory.bytes.size());
  format::PutU32(out, seat.number);
  return out;
}

Result<Seat> DecodeSeat(std::string_view bytes) {
  format::Decoder in(bytes);
  Seat seat;
  uint8_t format = 0;
  std::string_view directory;
  if (!in.U8(format) || format != kMemberFormat || !in.Raw(directory, seat.directory.bytes.size()) ||
      !in.U32(seat.number)) {
    return in.Failure("file MEMBER");
  }
  RETURN_IF_ERROR(in.Finish("file MEMBER"));
  std::memcpy(seat.directory.bytes.data(), directory.data(), directory.size());
  return seat;
}

Status ValidateOptions(const ClusterOptions& options) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  if (options.name.empty() || options.name.size() > kNameLengthMax ||
      options.name.find_first_not_of(kAllowed) != std::string::npos) {
    return Status::InvalidArgument("name", "must be 1 to 64 of the characters A-Z a-z 0-9 _ -");
  }
  return Status::Ok();
}

// The number given to this directory by a start that ended before it was written down, if any.
Result<fabric::MemberNumber> FindNumber(coordination::Coordination& coordination, const Uuid& directory) {
  ASSIGN_OR_RETURN(const coordination::Listing listing, coordination.List(std::string(fabric::kRoot) + "members/"));
  for (const coordination::KeyValue& entry : listing.entries) {
    ASSIGN_OR_RETURN(const fabric::MemberRecord record, fabric::DecodeMember(entry.value));
    if (record.directory == directory) return record.number;
  }
  return fabric::MemberNumber{0};
}

}  // namespace

ClusterRuntime::ClusterRuntime(ClusterOptions options, ClusterPorts ports)
    : options_(std::move(options)), ports_(std::move(ports)), calls_(loop_), gate_(loop_) {}

ClusterRuntime::~ClusterRuntime() { Stop(0); }

Result<std::unique_ptr<ClusterRuntime>> ClusterRuntime::Start(ClusterOptions options, ClusterPorts ports) {
  RETURN_IF_ERROR(ValidateOptions(options));
  std::unique_ptr<ClusterRuntime> runtime(new ClusterRuntime(std::move(options), std::move(ports)));
  RETURN_IF_ERROR(runtime->Open());
  return runtime;
}

Status ClusterRuntime::Open() {
  truth_ = std::make_unique<PooledTruth>(loop_, ports_.coordination);
  if (ports_.node != nullptr) store_ = std::make_unique<NodeStore>(loop_, *ports_.node, options_.store);
  RETURN_IF_ERROR(OpenWire());
  ASSIGN_OR_RETURN(Identity identity, LoadIdentity());
  fabric::Ports ports{loop_, *network_, *truth_, store_.get(), SystemClock()};
  member_ = std::make_unique<fabric::Member>(ports, std::move(identity), options_.settings);
  RETURN_IF_ERROR(calls_.One<Status>([this]() -> Task<Status> {
    network_->Attach(*member_);
    return member_->Start();
  }));
  RETURN_IF_ERROR(KeepIdentity(member_->identity()));
  cluster_ = std::make_unique<Cluster>(ClusterParts{loop_, calls_, *member_, ports_.node, options_.defaults});
  return calls_.One<Status>([this]() -> Task<Status> {
    network_->Admit();
    if (store_ != nullptr) gate_.Start(ReportLoad());
    gate_.Start(NoteTroubles());
    return AtOnce(Status::Ok());
  });
}

Status ClusterRuntime::OpenWire() {
  rpc::ClientOptions client_options;
  client_options.tls = options_.tls;
  client_options.insecure = options_.insecure;
  ASSIGN_OR_RETURN(auto client, rpc::Client::Create(client_options));
  network_ = std::make_unique<RpcNetwork>(loop_, std::move(client), options_.slow_request_ms);
  if (ports_.node == nullptr) return Status::Ok();
  rpc::ServerOptions server_options;
  server_options.address = options_.listen;
  server_options.tls = options_.tls;
  server_options.insecure = options_.insecure;
  return network_->Serve(std::move(server_options)).Annotate("listening for members on " + options_.listen);
}

Result<Identity> ClusterRuntime::LoadIdentity() {
  Identity identity;
  identity.holds_data = ports_.node != nullptr;
  fabric::MemberRecord& record = identity.record;
  record.name = options_.name;
  record.http_address = options_.http_address;
  record.zone = options_.zone;
  record.capacity_bytes = options_.capacity_bytes;
  if (options_.waits_to_be_admitted) record.state = fabric::MemberState::kWaiting;
  if (!identity.holds_data) {
    record.directory = Uuid::Random();
    return identity;
  }
  record.rpc_address = options_.advertise;
  if (record.rpc_address.empty()) {
    const std::string host = options_.listen.substr(0, options_.listen.rfind(':'));
    record.rpc_address = host + ":" + std::to_string(network_->port());
  }
  const std::string path = ports_.data_dir + std::string(kMemberFile);
  ASSIGN_OR_RETURN(const bool exists, ports_.disk->Exists(path));
  Seat seat{Uuid::Random(), 0};
  if (exists) {
    ASSIGN_OR_RETURN(const std::string bytes, io::ReadWholeFile(*ports_.disk, path));
    ASSIGN_OR_RETURN(seat, DecodeSeat(bytes));
  }
  record.directory = seat.directory;
  record.number = seat.number;
  RETURN_IF_ERROR(KeepIdentity(identity));
  if (record.number == 0) {
    ASSIGN_OR_RETURN(record.number, FindNumber(ports_.coordination, record.directory));
  }
  return identity;
}

Status ClusterRuntime::KeepIdentity(const Identity& identity) {
  if (!identity.holds_data) return Status::Ok();
  return io::WriteFileAtomically(*ports_.disk, ports_.data_dir + std::string(kMemberFile),
                                 EncodeSeat({identity.record.directory, identity.record.number}));
}

// Others ask the less busy ones first.
Task<void> ClusterRuntime::ReportLoad() {
  while (co_await fabric::Sleep(loop_, kLoadIntervalNs)) member_->replica().SetLoad(store_->LoadPermille());
}

// Whoever asks a gateway or a node whether it can serve is told which members are not well; it can, as long as enough
// others are.
Task<void> ClusterRuntime::NoteTroubles() {
  do {
    std::vector<std::string> troubles;
    if (ports_.node != nullptr) {
      const std::string reason = ports_.node->ReadOnlyReason();
      member_->replica().SetReadOnly(!reason.empty());
      if (!reason.empty()) troubles.push_back("this node takes no writes into its replicas: " + reason);
    }
    for (const auto& [number, kept] : member_->directory().Now()->members) {
      if (kept.value.state == fabric::MemberState::kGone || number == member_->identity().record.number) continue;
      const fabric::PeerView peer = member_->peers().View(number);
      const std::string& name = kept.value.name;
      if (peer.suspect) troubles.push_back(name + " does not answer");
      if (!peer.suspect && peer.read_only) {
        troubles.push_back(name + " takes no writes into its replicas: its own /ready says why");
      }
      if (!peer.suspect && peer.slow) {
        troubles.push_back(name + " takes " + std::to_string(peer.write_us / 1'000) + " ms for a durable write");
      }
    }
    {
      const MutexLock lock(mutex_);
      troubles_ = std::move(troubles);
    }
  } while (co_await fabric::Sleep(loop_, kTroublesIntervalNs));
}

std::vector<std::string> ClusterRuntime::Troubles() const {
  const MutexLock lock(mutex_);
  return troubles_;
}

Task<Status> ClusterRuntime::EndOnLoop() {
  network_->CancelAll();
  truth_->CancelAll();
  if (store_ != nullptr) store_->CancelAll();
  co_await gate_.Drained();
  if (network_ != nullptr) co_await network_->Drained();
  if (member_ != nullptr) co_await member_->Stop();
  co_return Status::Ok();
}

void ClusterRuntime::Stop(int64_t drain_ms) {
  if (std::exchange(stopped_, true)) return;
  if (network_ != nullptr) network_->StopServing(drain_ms);
  loop_.BeginStop();
  // Whatever runs meets a port that says Cancelled, and ends.
  if (network_ != nullptr && truth_ != nullptr) (void)calls_.One<Status>([this] { return EndOnLoop(); });
  loop_.End();
  if (network_ != nullptr) network_->Close();
  store_.reset();
  truth_.reset();
}

}  // namespace rhizome::cluster
