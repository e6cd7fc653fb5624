// Inflates gzip request bodies with bounds, so that a small body cannot become a large one unnoticed.
// Pure function; any bytes are safe input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::gateway {

struct InflateBounds {
  uint64_t bytes_max;
  uint64_t ratio_max;  // output bytes per input byte, once the output passes 64 KiB
};

// One gzip member (RFC 1952). TooLarge past a bound, InvalidArgument for anything that is not exactly gzip.
Result<std::string> InflateGzip(std::string_view compressed, const InflateBounds& bounds);

}  // namespace rhizome::gateway
