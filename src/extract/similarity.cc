#include "extract/similarity.h"

#include <algorithm>

#include "base/hash.h"
#include "base/utf8.h"

namespace rhizome::extract {
namespace {

std::vector<char32_t> CodePoints(std::string_view text) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (size_t at = 0; at < text.size();) points.push_back(NextCodePoint(text, at));
  return points;
}

double Jaro(const std::vector<char32_t>& a, const std::vector<char32_t>& b) {
  const size_t longer = std::max(a.size(), b.size());
  const size_t reach = longer < 4 ? 0 : longer / 2 - 1;
  std::vector<bool> b_taken(b.size(), false);
  std::vector<char32_t> matched;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t end = std::min(b.size(), i + reach + 1);
    for (size_t j = i > reach ? i - reach : 0; j < end; ++j) {
      if (b_taken[j] || a[i] != b[j]) continue;
      b_taken[j] = true;
      matched.push_back(a[i]);
      break;
    }
  }
  if (matched.empty()) return 0;
  size_t swapped = 0, at = 0;
  for (size_t j = 0; j < b.size(); ++j) {
    if (b_taken[j]) swapped += b[j] == matched[at++] ? 0 : 1;
  }
  const auto m = static_cast<double>(matched.size());
  return (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) +
          (m - static_cast<double>(swapped) / 2) / m) /
         3;
}

}  // namespace

double JaroWinkler(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  const auto first = CodePoints(a), second = CodePoints(b);
  const double jaro = Jaro(first, second);
  size_t prefix = 0;
  while (prefix < 4 && prefix < first.size() && prefix < second.size() && first[prefix] == second[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * .1 * (1 - jaro);
}

std::vector<std::string_view> NameWords(std::string_view key) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < key.size();) {
    const size_t end = std::min(key.find(' ', at), key.size());
    if (end > at) words.push_back(key.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::array<uint32_t, kMinHashes> MinHash(std::string_view key) {
  std::array<uint32_t, kMinHashes> minima;
  minima.fill(UINT32_MAX);
  std::string padded = "^" + std::string(key) + "$";
  std::vector<size_t> starts;
  for (size_t at = 0; at < padded.size();) {
    starts.push_back(at);
    (void)NextCodePoint(padded, at);
  }
  starts.push_back(padded.size());
  for (size_t i = 0; i + 3 < starts.size() || i == 0; ++i) {
    const size_t end = starts[std::min(i + 3, starts.size() - 1)];
    const uint64_t hash = Checksum(std::string_view(padded).substr(starts[i], end - starts[i]));
    // Two halves give a family of hashes (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
    const auto low = static_cast<uint32_t>(hash);
    const auto step = static_cast<uint32_t>(hash >> 32) | 1;
    for (uint32_t h = 0; h < kMinHashes; ++h) {
      uint32_t value = low + h * step;
      value ^= value >> 16;
      value *= 0x7feb352d;
      value ^= value >> 15;
      minima[h] = std::min(minima[h], value);
    }
  }
  return minima;
}

}  // namespace rhizome::extract
