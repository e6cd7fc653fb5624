// What members say to each other, and its bytes (docs/formats/peer_messages.md).
//
// One message is one request; its answer is the struct named Reply inside it. A peer is not trusted: decoders take any
// bytes, bound every length and count, and answer Corruption. Plain values, no locks.
//
// Requests about a shard carry the epoch of the placement the sender decided by; one that is not the receiver's own is
// refused with StaleEpoch and never carried out, so nobody decides by an owner set that is gone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "fabric/topology.h"
#include "format/point.h"
#include "format/register.h"

namespace rhizome::fabric {

inline constexpr uint32_t kKeysMax = 100'000;  // of one message

struct Target {
  ShardNumber shard = 0;
  uint64_t epoch = 0;
  bool operator==(const Target&) const = default;
};

// Which versions the replica holds of some registers, tombstones included; and, when the writer gave an idempotency
// key, what became of that request here.
struct VersionsRequest {
  Target target;
  std::vector<std::string> keys;
  std::string request;  // 16 bytes, or "" for none
  struct Reply {
    std::vector<Version> versions;   // one for each key; Version{}: never written
    std::vector<bool> tombstones;    // one for each key
    std::optional<Version> request;  // the version its operations got
    uint64_t content_hash = 0;       // of what that request held
  };
};

// Appends a batch that carries its versions, and answers once it is durable and applied. Repeating it is harmless.
struct ApplyRequest {
  Target target;
  std::string batch;  // format::EncodeBatch; of a shard of series a record
  struct Reply {};
};

struct ReadRequest {
  Target target;
  std::vector<std::string> keys;
  struct Reply {
    std::vector<std::optional<format::Operation>> registers;  // one for each key
  };
};

// A question in the engine's own words about several shards of this member.
struct QueryRequest {
  std::vector<Target> targets;
  std::string query;
  struct Reply {
    std::string answer;
  };
};

// Of registers with versions below; of series, of samples with times and deletions with stamps before its wall clock.
struct DigestRequest {
  Target target;
  uint32_t bits = 0;
  std::optional<Version> below;
  struct Reply {
    format::RangeDigest digest;
  };
};

struct InventoryRequest {
  Target target;
  uint32_t bits = 0;
  std::vector<uint32_t> leaves;
  std::string after;
  uint32_t limit = 0;
  struct Reply {
    format::InventoryPage page;
  };
};

// Forget tombstones below this version: every replica has confirmed what is below it.
struct CollectRequest {
  Target target;
  Version below;
  struct Reply {};
};

// "You took this write and that member did not: see that it gets it." Keys, not bytes: what is handed over is what the
// holder has when the other is back, which can only be newer.
struct HintRequest {
  Target target;
  MemberNumber missed = 0;
  std::vector<std::string> keys;
  struct Reply {};
};

// How far a member is with copying a shard it is to own; asked by the leader before it cuts over.
struct ProgressRequest {
  Target target;
  struct Reply {
    bool complete = false;  // has all that a majority of the old owners had at this epoch
    uint64_t copied = 0;    // registers so far
    uint64_t total = 0;     // as far as known
  };
};

// Liveness, load and news, both ways, every few hundred milliseconds and in front of real calls never.
struct PingRequest {
  MemberNumber from = 0;
  int64_t topology_revision = 0;
  uint32_t load_permille = 0;
  uint32_t write_us = 0;   // how long a durable write takes; 0: not known, or a member without data
  bool read_only = false;  // takes no writes: its disk is full or failed, or what it has is damaged
  struct Reply {
    int64_t topology_revision = 0;
    uint32_t load_permille = 0;
    int64_t wall_ms = 0;
    uint32_t write_us = 0;
    bool read_only = false;
  };
};

// How a member is, first-hand. For people's eyes: no decision about data depends on it.
struct StatusRequest {
  struct Shard {  // one replica on the member's disk
    ShardNumber shard = 0;
    uint64_t points = 0;
    uint64_t documents = 0;
    bool complete = false;  // has all it is to have; else `copied` of `total` registers so far, as far as known
    uint64_t copied = 0;
    uint64_t total = 0;
    std::string damage;   // why it cannot be used; "" when it can
    std::string refusal;  // why it takes no writes; "" when it does
  };
  struct Blocked {  // a shard the leader would change and cannot
    ShardNumber shard = 0;
    std::string reason;
  };
  struct Reply {
    uint32_t load_permille = 0;
    int64_t frozen_ms = -1;            // how long coordination has been out of its reach; -1: it is not
    uint64_t hints = 0;                // registers kept for members that are away
    uint64_t comparisons_waiting = 0;  // of replicas with those of co-owners
    uint64_t comparisons = 0;          // done since it started
    uint64_t repaired = 0;             // registers they brought
    bool leading = false;
    uint64_t changes_waiting = 0;  // of the leader: shards whose change waits for others to end
    std::vector<Blocked> blocked;  // of the leader
    std::vector<Shard> shards;
    uint32_t write_us = 0;               // as in pings
    std::vector<MemberNumber> suspects;  // members that it does not hear from
  };
};

// Compare every replica with every co-owner's now instead of at the next interval.
struct RepairRequest {
  struct Reply {
    uint64_t scheduled = 0;  // comparisons that wait now
  };
};

// What the replica remembers of clients' requests, for whoever copies it: registers carry their own only until they are
// overwritten.
struct RequestsRequest {
  Target target;
  std::string after;  // as of format::RequestPage
  uint32_t limit = 0;
  struct Reply {
    format::RequestPage page;
  };
};

// What the replica of a shard of series holds in some leaves of its digest, as records to be applied.
struct ScanRequest {
  Target target;
  uint32_t bits = 0;
  std::vector<uint32_t> leaves;  // ascending
  std::optional<Version> below;  // as of the digest
  std::string after;             // `next` of the page before; "": from the start
  struct Reply {
    std::vector<std::string> records;
    uint64_t items = 0;
    std::string next;  // "": the end; else greater than `after`
  };
};

// A hint for a shard of series: the record itself.
struct KeepRequest {
  Target target;
  MemberNumber missed = 0;
  std::string record;
  struct Reply {};
};

// What else this member does, in the words of who does it: the leader tells of rules.
struct DeskRequest {
  std::string question;
  struct Reply {
    std::string answer;
  };
};

// The order is the wire's: new ones go to the end.
using Request = std::variant<VersionsRequest, ApplyRequest, ReadRequest, QueryRequest, DigestRequest, InventoryRequest,
                             CollectRequest, HintRequest, ProgressRequest, PingRequest, StatusRequest, RepairRequest,
                             RequestsRequest, ScanRequest, KeepRequest, DeskRequest>;

std::string EncodeRequest(const Request& request);
Result<Request> DecodeRequest(std::string_view bytes);
// What an encoded request is, by its first bytes ("apply", "read", …), for log lines; "unknown" for any other bytes.
std::string_view RequestName(std::string_view message);
// Whether an encoded request is a ping, by its first bytes.
bool IsPing(std::string_view message);

std::string EncodeReply(const VersionsRequest::Reply& reply);
std::string EncodeReply(const ApplyRequest::Reply& reply);
std::string EncodeReply(const ReadRequest::Reply& reply);
std::string EncodeReply(const QueryRequest::Reply& reply);
std::string EncodeReply(const DigestRequest::Reply& reply);
std::string EncodeReply(const InventoryRequest::Reply& reply);
std::string EncodeReply(const CollectRequest::Reply& reply);
std::string EncodeReply(const HintRequest::Reply& reply);
std::string EncodeReply(const ProgressRequest::Reply& reply);
std::string EncodeReply(const PingRequest::Reply& reply);
std::string EncodeReply(const StatusRequest::Reply& reply);
std::string EncodeReply(const RepairRequest::Reply& reply);
std::string EncodeReply(const RequestsRequest::Reply& reply);
std::string EncodeReply(const ScanRequest::Reply& reply);
std::string EncodeReply(const KeepRequest::Reply& reply);
std::string EncodeReply(const DeskRequest::Reply& reply);

Status DecodeReply(std::string_view bytes, VersionsRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, ApplyRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, ReadRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, QueryRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, DigestRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, InventoryRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, CollectRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, HintRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, ProgressRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, PingRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, StatusRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, RepairRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, RequestsRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, ScanRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, KeepRequest::Reply& reply);
Status DecodeReply(std::string_view bytes, DeskRequest::Reply& reply);

// The refusal of a request with another epoch than the receiver's; `epoch` is the receiver's (0: it knows no such
// shard).
Status StaleEpoch(uint64_t epoch);
// Whether a status is such a refusal.
bool IsStaleEpoch(const Status& status);

}  // namespace rhizome::fabric
