// Address: "host:port" or "[v6]:port", checked before it reaches gRPC, which would take "unix:", "xds:" and other
// schemes from the same string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::rpc {

struct Address {
  std::string host;  // without brackets
  uint16_t port = 0;
  bool is_v6 = false;
  bool is_name = false;      // to be resolved
  bool is_loopback = false;  // 127/8, ::1 or "localhost"

  // For listening: "127.0.0.1:80".
  std::string ToString() const;
  // For connecting: "ipv4:///127.0.0.1:80", which needs no resolver, or "dns:///node-1:80".
  std::string Target() const;
};

// InvalidArgument ("address") unless the host is an IP literal or a DNS name and the port a plain number.
Result<Address> ParseAddress(std::string_view text);

}  // namespace rhizome::rpc
