#include "process.h"

#include <fmt/format.h>

#include "fabric/planted.h"

namespace rhizome::sim {

using fabric::CallContext;

Process::Process(Ground& ground, Host& host)
    : ground_(ground),
      host_(host),
      loop_(ground.world, host.wall, Random::Of(ground.world.seed(), host.number << 20 | host.lives)),
      network_(ground.network, loop_, host.number),
      truth_(ground.truth, loop_, host.name),
      gate_(loop_) {
  if (!host.data) return;
  const auto stop = [this] { ground_.on_stop(host_.number, Status::IoError("the disk has failed")); };
  store_ = std::make_unique<SimStore>(ground.world, loop_,
                                      SimStore::Place{*host.disk, host.pace, ground.audit, host.name, stop},
                                      Random::Of(ground.world.seed(), host.number << 20 | host.lives | 1u << 19));
}

Process::~Process() { CHECK(!alive_); }

fabric::Identity Process::Seat() const {
  fabric::Identity identity;
  identity.holds_data = host_.data;
  identity.record.name = host_.name;
  identity.record.directory = host_.directory;
  identity.record.rpc_address = host_.name + ":1";
  identity.record.http_address = host_.name + ":2";
  identity.record.capacity_bytes = 1ull << 40;
  if (store_ != nullptr && !store_->identity().empty()) {
    identity.record.number = static_cast<uint32_t>(std::stoul(store_->identity()));
  } else if (Planted(fabric::Bug::kReuseMemberNumber)) {
    identity.record.number = host_.member;
  }
  return identity;
}

void Process::Start() {
  if (store_ != nullptr) {
    if (const Status recovered = store_->Recover(); !recovered.ok()) {
      return ground_.on_stop(host_.number, recovered.Annotate("recovering"));
    }
  }
  member_ = std::make_unique<fabric::Member>(fabric::Ports{loop_, network_, truth_, store_.get(), loop_}, Seat(),
                                             ground_.settings);
  gate_.Start(Serve(shared_from_this()));
}

Task<void> Process::Serve(std::shared_ptr<Process> self) {
  const Status started = co_await self->member_->Start();
  if (!self->alive_) co_return;
  Host& host = self->host_;
  Status seated = started;
  if (started.ok() && self->store_ != nullptr) {
    host.member = self->member_->identity().record.number;
    seated = self->store_->KeepIdentity(std::to_string(host.member));
  }
  if (!seated.ok()) {
    self->ground_.on_stop(host.number, seated.Annotate("starting"));
    co_return;
  }
  if (host.data) self->ground_.network.Listen(host.member, host.number, self);
  self->serving_ = true;
  self->ground_.world.Note("serves", fmt::format("{} as member {}", host.name, host.member));
}

void Process::Deliver(std::string message, CallContext context, std::function<void(Result<std::string>)> done) {
  if (!alive_ || !serving_) return;
  loop_.Post(
      [self = shared_from_this(), message = std::move(message), context = std::move(context), done = std::move(done)] {
        if (self->alive_) self->gate_.Start(Answer(self, message, context, done));
      });
}

Task<void> Process::Answer(std::shared_ptr<Process> self, std::string message, CallContext context,
                           std::function<void(Result<std::string>)> done) {
  Result<std::string> result = co_await self->member_->Handle(std::move(message), std::move(context));
  if (self->alive_) done(std::move(result));
}

Task<void> Process::End(Process& process, bool& ended) {
  co_await process.gate_.Drained();
  if (process.member_ != nullptr) co_await process.member_->Stop();
  ended = true;
}

void Process::Kill() {
  CHECK(alive_);
  alive_ = false;
  serving_ = false;
  if (host_.data && host_.member != 0) ground_.network.Listen(host_.member, host_.number, {});
  loop_.BeginStop();
  if (store_ != nullptr) store_->Abandon();
  loop_.Stop();
  bool ended = false;
  Spawn(End(*this, ended));
  loop_.Drain();
  if (ended) return;
  ground_.world.Fail(host_.name + ": coroutines are left after the loop has stopped");
  // They may still point here: better leaked than freed under them.
  static std::vector<std::shared_ptr<Process>> undead;
  undead.push_back(shared_from_this());
}

}  // namespace rhizome::sim
