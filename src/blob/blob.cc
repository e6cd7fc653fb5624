#include "blob/blob.h"

#include <openssl/sha.h>

namespace rhizome::blob {
namespace {

constexpr size_t kNameLenMax = 512;
constexpr size_t kSegmentLenMax = 200;

bool IsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

bool IsSegment(std::string_view segment) {
  if (segment.empty() || segment.size() > kSegmentLenMax || !IsWord(segment[0])) return false;
  for (const char c : segment) {
    if (!IsWord(c) && c != '.' && c != '-') return false;
  }
  // What a write leaves behind when it is cut off.
  return !segment.ends_with(".new");
}

}  // namespace

Status CheckName(std::string_view name) {
  bool good = name.size() <= kNameLenMax;
  for (std::string_view rest = name; good;) {
    const size_t slash = rest.find('/');
    good = IsSegment(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (good) return Status::Ok();
  return Status::InvalidArgument("name", "segments of A-Z a-z 0-9 . _ - that begin with a letter, digit or _, by '/'");
}

Status CheckPrefix(std::string_view prefix) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  return prefix.empty() ? Status::Ok() : CheckName(prefix);
}

std::string ContentName(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  for (const unsigned char byte : digest) {
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

}  // namespace rhizome::blob
