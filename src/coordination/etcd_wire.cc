#include "coordination/etcd_wire.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/base64.h"

namespace rhizome::coordination::etcd {
namespace {

namespace json = boost::json;

constexpr int64_t kMsPerSecond = 1000;

Status Wrong(std::string_view what) { return Status::Corruption("etcd's answer " + std::string(what)); }

// The end of the range that holds exactly the keys beginning with `prefix`; a zero byte means "to the last key".
std::string RangeEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

// The first key of a range; etcd refuses an empty one.
std::string RangeBegin(const std::string& key) { return key.empty() ? std::string(1, '\0') : key; }

Result<json::object> ParseObject(std::string_view body) {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) return Wrong("is not a JSON object");
  return std::move(value.get_object());
}

// A 64-bit number, written as a string or as a number; 0 when it is left out.
Result<int64_t> Number(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return int64_t{0};
  int64_t number = -1;
  if (value->is_int64()) {
    number = value->get_int64();
  } else if (value->is_string()) {
    const std::string_view text = value->get_string();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = -1;
  }
  if (number < 0) return Wrong("has a bad number \"" + std::string(name) + "\"");
  return number;
}

Result<bool> Flag(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return Wrong("has a bad flag \"" + std::string(name) + "\"");
  return value->get_bool();
}

Result<std::string> Bytes(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return Wrong("has bad bytes \"" + std::string(name) + "\"");
  auto bytes = DecodeBase64(value->get_string());
  if (!bytes.ok()) return Wrong("has bad bytes \"" + std::string(name) + "\"");
  return bytes;
}

Result<int64_t> HeaderRevision(const json::object& answer) {
  const json::value* header = answer.if_contains("header");
  if (header == nullptr || !header->is_object()) return Wrong("has no header");
  ASSIGN_OR_RETURN(const int64_t revision, Number(header->get_object(), "revision"));
  if (revision == 0) return Wrong("has no revision");
  return revision;
}

json::object EncodeChange(const Change& change, const std::string& key_prefix) {
  const std::string key = EncodeBase64(key_prefix + change.key);
  if (!change.value) return json::object{{"request_delete_range", json::object{{"key", key}}}};
  json::object put = {{"key", key}, {"value", EncodeBase64(*change.value)}};
  if (change.lease != kNoLease) put["lease"] = std::to_string(change.lease);
  return json::object{{"request_put", std::move(put)}};
}

Result<KeyValue> DecodeEntry(const json::value& value, const std::string& key_prefix) {
  if (!value.is_object()) return Wrong("has an entry that is no object");
  const json::object& object = value.get_object();
  KeyValue entry;
  ASSIGN_OR_RETURN(const std::string key, Bytes(object, "key"));
  if (key.size() <= key_prefix.size() || !key.starts_with(key_prefix)) return Wrong("has a key that was not asked for");
  entry.key = key.substr(key_prefix.size());
  ASSIGN_OR_RETURN(entry.value, Bytes(object, "value"));
  ASSIGN_OR_RETURN(entry.create_revision, Number(object, "create_revision"));
  ASSIGN_OR_RETURN(entry.mod_revision, Number(object, "mod_revision"));
  ASSIGN_OR_RETURN(entry.lease, Number(object, "lease"));
  if (entry.create_revision < 1 || entry.mod_revision < entry.create_revision) return Wrong("has a key of no revision");
  return entry;
}

}  // namespace

std::string EncodeTransaction(const Transaction& transaction, const std::string& key_prefix) {
  json::array compare;
  for (const Expect& expect : transaction.expect) {
    compare.push_back(json::object{{"key", EncodeBase64(key_prefix + expect.key)},
                                   {"target", "MOD"},
                                   {"result", "EQUAL"},
                                   {"mod_revision", std::to_string(expect.mod_revision)}});
  }
  json::array success;
  for (const Change& change : transaction.changes) success.push_back(EncodeChange(change, key_prefix));
  if (success.empty()) {
    // Without any operation a member answers from its own, perhaps old, state; a read makes it ask the others.
    json::object range = {{"key", EncodeBase64(std::string(1, '\0'))}, {"count_only", true}};
    success.push_back(json::object{{"request_range", std::move(range)}});
  }
  return json::serialize(json::object{{"compare", std::move(compare)}, {"success", std::move(success)}});
}

Result<Committed> DecodeCommitted(std::string_view body) {
  ASSIGN_OR_RETURN(const json::object answer, ParseObject(body));
  Committed committed;
  ASSIGN_OR_RETURN(committed.revision, HeaderRevision(answer));
  ASSIGN_OR_RETURN(committed.succeeded, Flag(answer, "succeeded"));
  return committed;
}

std::string EncodePageRequest(const PageRequest& request, const std::string& key_prefix) {
  json::object range = {{"key", EncodeBase64(RangeBegin(key_prefix + std::max(request.prefix, request.from)))},
                        {"range_end", EncodeBase64(RangeEnd(key_prefix + request.prefix))},
                        {"limit", std::to_string(request.limit)}};
  if (request.revision > 0) range["revision"] = std::to_string(request.revision);
  return json::serialize(range);
}

Result<Page> DecodePage(std::string_view body, const PageRequest& request, const std::string& key_prefix) {
  ASSIGN_OR_RETURN(const json::object answer, ParseObject(body));
  Page page;
  ASSIGN_OR_RETURN(page.listing.revision, HeaderRevision(answer));
  ASSIGN_OR_RETURN(page.more, Flag(answer, "more"));
  const json::value* kvs = answer.if_contains("kvs");
  if (kvs == nullptr) return page.more ? Result<Page>(Wrong("has more keys but none")) : Result<Page>(page);
  if (!kvs->is_array()) return Wrong("has keys that are no list");
  if (kvs->get_array().size() > static_cast<size_t>(request.limit)) return Wrong("has more keys than asked for");
  std::vector<KeyValue>& entries = page.listing.entries;
  for (const json::value& value : kvs->get_array()) {
    ASSIGN_OR_RETURN(KeyValue entry, DecodeEntry(value, key_prefix));
    const bool rising = entries.empty() ? entry.key >= request.from : entry.key > entries.back().key;
    if (!rising || !entry.key.starts_with(request.prefix)) return Wrong("has a key that was not asked for");
    if (entry.mod_revision > page.listing.revision) return Wrong("has a key newer than itself");
    entries.push_back(std::move(entry));
  }
  if (page.more && entries.empty()) return Wrong("has more keys but none");
  return page;
}

std::string EncodeGrant(int64_t ttl_ms) {
  return json::serialize(json::object{{"TTL", std::to_string((ttl_ms + kMsPerSecond - 1) / kMsPerSecond)}});
}

std::string EncodeLease(LeaseId lease) { return json::serialize(json::object{{"ID", std::to_string(lease)}}); }

Result<LeaseId> DecodeGrant(std::string_view body) {
  ASSIGN_OR_RETURN(const json::object answer, ParseObject(body));
  ASSIGN_OR_RETURN(const LeaseId lease, Number(answer, "ID"));
  if (lease == kNoLease) return Wrong("names no lease");
  return lease;
}

Result<int64_t> DecodeKeepAlive(std::string_view body) {
  ASSIGN_OR_RETURN(const json::object answer, ParseObject(body));
  const json::value* result = answer.if_contains("result");
  if (result == nullptr || !result->is_object()) return Wrong("has no result");
  RETURN_IF_ERROR(HeaderRevision(result->get_object()).status());
  ASSIGN_OR_RETURN(const int64_t ttl_s, Number(result->get_object(), "TTL"));
  if (ttl_s > INT64_MAX / kMsPerSecond) return Wrong("has a bad number \"TTL\"");
  if (ttl_s == 0) return Status::NotFound("the lease has ended");
  return ttl_s * kMsPerSecond;
}

std::string EncodeWatch(const std::string& prefix, int64_t start_revision, const std::string& key_prefix) {
  json::object watch = {{"key", EncodeBase64(RangeBegin(key_prefix + prefix))},
                        {"range_end", EncodeBase64(RangeEnd(key_prefix + prefix))},
                        {"start_revision", std::to_string(start_revision)}};
  return json::serialize(json::object{{"create_request", std::move(watch)}});
}

Result<int64_t> DecodeWatch(std::string_view body) {
  int64_t newest = 0;
  for (size_t end = body.find('\n'); end != body.npos; body.remove_prefix(end + 1), end = body.find('\n')) {
    ASSIGN_OR_RETURN(const json::object line, ParseObject(body.substr(0, end)));
    const json::value* result = line.if_contains("result");
    if (result == nullptr || !result->is_object()) return Wrong("to a watch is an error");
    const json::object& answer = result->get_object();
    ASSIGN_OR_RETURN(const int64_t compacted, Number(answer, "compact_revision"));
    ASSIGN_OR_RETURN(const bool cancelled, Flag(answer, "canceled"));
    newest = std::max(newest, compacted);
    if (answer.contains("events")) {
      ASSIGN_OR_RETURN(const int64_t revision, HeaderRevision(answer));
      newest = std::max(newest, revision);
    }
    if (cancelled && newest == 0) return Wrong("to a watch is its end");
  }
  return newest;
}

std::string EncodeCredentials(const std::string& user, const std::string& password) {
  return json::serialize(json::object{{"name", user}, {"password", password}});
}

Result<std::string> DecodeToken(std::string_view body) {
  ASSIGN_OR_RETURN(const json::object answer, ParseObject(body));
  const json::value* token = answer.if_contains("token");
  const bool text = token != nullptr && token->is_string() && !token->get_string().empty();
  // It becomes a header: a line end in it would begin another.
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!text || !std::all_of(token->get_string().begin(), token->get_string().end(), printable)) {
    return Wrong("has no token");
  }
  return std::string(token->get_string());
}

bool RefusesToken(const Refusal& refusal) {
  return refusal.code == 16 || (refusal.code == 3 && refusal.message.find("auth store is old") != std::string::npos);
}

std::optional<Refusal> DecodeRefusal(std::string_view body) {
  // A refusal in a stream is wrapped once more, with the code under another name.
  auto answer = ParseObject(body);
  if (!answer.ok()) return std::nullopt;
  const json::value* error = answer->if_contains("error");
  if (error == nullptr) return std::nullopt;
  const bool wrapped = error->is_object();
  const json::object& object = wrapped ? error->get_object() : *answer;
  const auto code = Number(object, wrapped ? "grpc_code" : "code");
  const json::value* message = object.if_contains("message");
  if (!code.ok() || *code < 1 || *code > 16 || message == nullptr || !message->is_string()) return std::nullopt;
  return Refusal{static_cast<int>(*code), std::string(message->get_string())};
}

}  // namespace rhizome::coordination::etcd
