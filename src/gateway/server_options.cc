#include "gateway/server_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string_view>

namespace rhizome::gateway {
namespace {

constexpr size_t kApiKeyLengthMin = 16;

bool IsLoopback(const std::string& address, bool& valid) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    valid = true;
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  valid = inet_pton(AF_INET6, address.c_str(), &v6) == 1;
  return valid && IN6_IS_ADDR_LOOPBACK(&v6);
}

Status CheckLane(std::string_view name, const LaneOptions& lane) {
  if (lane.threads > 1024) return Status::InvalidArgument(std::string(name) + ".threads", "must be at most 1024");
  if (lane.queue_len_max < 1 || lane.queue_len_max > 1'000'000) {
    return Status::InvalidArgument(std::string(name) + ".queue_len_max", "must be between 1 and 1000000");
  }
  return Status::Ok();
}

Status CheckPositive(std::string_view name, uint64_t value) {
  return value > 0 ? Status::Ok() : Status::InvalidArgument(std::string(name), "must be above 0");
}

}  // namespace

Status ValidateServerOptions(const ServerOptions& options) {
  bool valid = false;
  const bool loopback = IsLoopback(options.address, valid);
  if (!valid) return Status::InvalidArgument("address", "must be an IP address, such as 127.0.0.1");
  for (const std::string& key : options.api_keys) {
    if (key.size() < kApiKeyLengthMin) {
      return Status::InvalidArgument("api_keys", "a key must have at least 16 characters; 32 random ones are better");
    }
  }
  if (!loopback && options.api_keys.empty() && !options.insecure_bind) {
    return Status::FailedPrecondition(
        "listening on " + options.address +
        " without an API key would let everybody on the network read and delete everything: set an API key, listen "
        "on 127.0.0.1, or say that this is meant with --insecure-bind");
  }
  RETURN_IF_ERROR(CheckLane("query_lane", options.query_lane));
  RETURN_IF_ERROR(CheckLane("write_lane", options.write_lane));
  RETURN_IF_ERROR(CheckLane("ingest_lane", options.ingest_lane));
  RETURN_IF_ERROR(CheckLane("admin_lane", options.admin_lane));
  RETURN_IF_ERROR(CheckPositive("connections_max", options.connections_max));
  RETURN_IF_ERROR(CheckPositive("body_bytes_max", options.body_bytes_max));
  RETURN_IF_ERROR(CheckPositive("transfer_bytes_per_s_min", options.transfer_bytes_per_s_min));
  RETURN_IF_ERROR(CheckPositive("request_timeout_ms", options.request_timeout_ms));
  if (options.header_bytes_max < 1024) return Status::InvalidArgument("header_bytes_max", "must be at least 1024");
  if (options.buffered_bytes_max < options.body_bytes_max) {
    return Status::InvalidArgument("buffered_bytes_max", "must hold at least one body (body_bytes_max)");
  }
  return Status::Ok();
}

}  // namespace rhizome::gateway
