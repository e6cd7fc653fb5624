// What both ends of a call between nodes share: how a node proves its name, and the bounds on a message.
//
// A call carries opaque bytes one way and bytes or a Status the other; their meaning belongs to the floors above. The
// bytes on the wire are described in docs/formats/rpc.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rhizome::rpc {

// Each message in either direction, without what the wire adds to it.
inline constexpr size_t kMessageBytesMax = (64u << 20) + (64u << 10);
// Request ids and traceparents travel when they are printable ASCII of at most this length; others are left out.
inline constexpr size_t kLabelBytesMax = 128;
// No call may ask for more time.
inline constexpr int64_t kTimeoutMsMax = 10 * 60'000;

// PEM files. All three set: mutual TLS 1.2 or later, both sides verified against `ca_file`. All three empty: plain
// text. The files are read again every second, so a renewed certificate serves the next connection; write a new pair
// beside the old one and rename, the key first.
struct TlsOptions {
  std::string ca_file;
  std::string cert_file;  // names its node: the first DNS name, or the common name where there is none
  std::string key_file;

  bool enabled() const { return !ca_file.empty() || !cert_file.empty() || !key_file.empty(); }
};

// How long silence may last before the other side counts as dead: a ping goes out after this long, and its answer may
// take as long again, as may bytes that the other side's kernel does not acknowledge.
inline constexpr int64_t kKeepaliveMs = 800;

}  // namespace rhizome::rpc
