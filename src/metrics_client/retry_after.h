// RetryAfterMs: what a Retry-After header asks for (RFC 9110, section 10.2.3). Pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rhizome::metrics_client {

// Milliseconds from `now_ms`, of the wall clock, on; never negative. From seconds ("3") or a date in the form senders
// must use ("Sun, 06 Nov 1994 08:49:37 GMT"). Nothing for an empty header or one that is neither.
std::optional<int64_t> RetryAfterMs(const std::string& header, int64_t now_ms);

}  // namespace rhizome::metrics_client
