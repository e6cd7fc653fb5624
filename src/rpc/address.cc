#include "rpc/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace rhizome::rpc {
namespace {

constexpr size_t kNameBytesMax = 253;

Status Wrong(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("address", "'" + std::string(text.substr(0, kNameBytesMax)) +
                                                "' is not an address of a node: " + std::string(why));
}

bool IsName(std::string_view host) {
  if (host.empty() || host.size() > kNameBytesMax || host.front() == '-' || host.front() == '.') return false;
  bool letter = false;
  for (const char c : host) {
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alpha && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_') return false;
    letter |= alpha;
  }
  // Digits and dots alone are an IPv4 address gone wrong.
  return letter;
}

bool ParsePort(std::string_view text, uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<Address> ParseAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Wrong(text, "no port");
  Address address;
  if (!ParsePort(text.substr(colon + 1), address.port)) return Wrong(text, "the port is not a number up to 65535");
  std::string_view host = text.substr(0, colon);
  address.is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (address.is_v6) host = host.substr(1, host.size() - 2);
  address.host = host;
  // inet_pton reads up to a zero byte.
  if (host.find('\0') != std::string_view::npos) return Wrong(text, "the host has a zero byte");
  if (in6_addr v6; address.is_v6) {
    if (inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) return Wrong(text, "no IPv6 address in the brackets");
    address.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
  } else if (in_addr v4; inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    address.is_loopback = ntohl(v4.s_addr) >> 24 == 127;
  } else {
    if (!IsName(host)) return Wrong(text, "the host is neither an IP address nor a DNS name");
    address.is_name = true;
    address.is_loopback = host == "localhost";
  }
  return address;
}

std::string Address::ToString() const { return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port); }

std::string Address::Target() const { return (is_name ? "dns:///" : is_v6 ? "ipv6:///" : "ipv4:///") + ToString(); }

}  // namespace rhizome::rpc
