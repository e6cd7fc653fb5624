#include "metrics_client/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>

namespace rhizome::metrics_client {
namespace {

constexpr int64_t kSecondsMax = INT64_C(1'000'000'000);  // what is longer is as good as this

}  // namespace

std::optional<int64_t> RetryAfterMs(const std::string& header, int64_t now_ms) {
  const char* const end = header.data() + header.size();
  int64_t seconds = 0;
  const auto [rest, error] = std::from_chars(header.data(), end, seconds);
  if (error != std::errc::invalid_argument) {
    if (rest != end || header[0] == '-') return std::nullopt;
    if (error == std::errc::result_out_of_range) seconds = kSecondsMax;
    return std::min(seconds, kSecondsMax) * 1'000;
  }
  tm date{};
  const char* const parsed = strptime(header.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (parsed == nullptr || *parsed != '\0') return std::nullopt;
  return std::max<int64_t>(0, static_cast<int64_t>(timegm(&date)) * 1'000 - now_ms);
}

}  // namespace rhizome::metrics_client
