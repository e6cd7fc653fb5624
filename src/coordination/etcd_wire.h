// What is said to etcd v3's JSON gateway, and how its answers are read. Pure functions; answers are untrusted bytes.
//
// The gateway writes 64-bit numbers as strings and leaves out every field that is zero or false: a transaction that
// failed says nothing of `succeeded`, a lease that has ended is kept alive without a TTL (etcd 3.4, api/v3). Keys on
// the wire are ours with a prefix before them. Errors: Corruption for an answer that etcd would not give.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordination/coordination.h"

namespace rhizome::coordination::etcd {

std::string EncodeTransaction(const Transaction& transaction, const std::string& key_prefix);
Result<Committed> DecodeCommitted(std::string_view body);

// One page of the keys that begin with `prefix`, of the moment `revision` (0: now), from `from` on ("": the first).
struct PageRequest {
  std::string prefix;
  std::string from;
  int64_t revision = 0;
  int64_t limit = 0;
};
struct Page {
  Listing listing;  // its revision is the store's at the answer, not that of a request for an older moment
  bool more = false;
};
std::string EncodePageRequest(const PageRequest& request, const std::string& key_prefix);
// Checks what the request asked for: keys under the prefix, rising, at most so many.
Result<Page> DecodePage(std::string_view body, const PageRequest& request, const std::string& key_prefix);

std::string EncodeGrant(int64_t ttl_ms);  // rounded up to whole seconds
std::string EncodeLease(LeaseId lease);   // for keep-alive and revoke
Result<LeaseId> DecodeGrant(std::string_view body);
// Milliseconds; NotFound for a lease that has ended.
Result<int64_t> DecodeKeepAlive(std::string_view body);

std::string EncodeWatch(const std::string& prefix, int64_t start_revision, const std::string& key_prefix);
// The newest revision that a watch's answers so far (one JSON object a line, the last perhaps not whole) give as a
// change or as the least that is still known; 0 while there is none. Corruption also when etcd ended the watch.
Result<int64_t> DecodeWatch(std::string_view body);

std::string EncodeCredentials(const std::string& user, const std::string& password);
// What to send along from then on.
Result<std::string> DecodeToken(std::string_view body);

// An answer that is an error: etcd's code (that of gRPC) and words.
struct Refusal {
  int code = 0;
  std::string message;
};
// nullopt when the body is no error of etcd's.
std::optional<Refusal> DecodeRefusal(std::string_view body);
// Whether etcd asks for another token: it forgot this one, or users and roles have changed since.
bool RefusesToken(const Refusal& refusal);

}  // namespace rhizome::coordination::etcd
