#include "gateway/target.h"

#include <algorithm>

#include "base/utf8.h"

namespace rhizome::gateway {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Result<std::string> DecodeSegment(std::string_view raw) {
  if (raw.empty()) return Status::InvalidArgument("path", "has an empty segment");
  auto decoded = PercentDecode(raw, false);
  if (!decoded.ok()) return Status::InvalidArgument("path", std::string(decoded.status().message()));
  const std::string& segment = *decoded;
  if (segment == "." || segment == "..") return Status::InvalidArgument("path", "must not contain . or .. segments");
  const bool hostile =
      std::any_of(segment.begin(), segment.end(), [](char c) { return c == '/' || c == '\\' || IsControl(c); });
  if (hostile) return Status::InvalidArgument("path", "must not contain /, \\ or control characters inside a segment");
  if (!IsUtf8(segment)) return Status::InvalidArgument("path", "is not valid UTF-8");
  return decoded;
}

Status ParsePath(std::string_view path, std::vector<std::string>& segments) {
  path.remove_prefix(1);  // the leading slash
  while (!path.empty()) {
    const size_t slash = path.find('/');
    ASSIGN_OR_RETURN(std::string segment, DecodeSegment(path.substr(0, slash)));
    segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) return Status::InvalidArgument("path", "must not end with /");
  }
  return Status::Ok();
}

// "http://host:port/path" becomes "/path" (RFC 9112 section 3.2.2).
std::string_view WithoutAuthority(std::string_view raw) {
  const std::string_view scheme = raw.substr(0, raw.find("://"));
  if (scheme.size() == raw.size() || (scheme != "http" && scheme != "https")) return raw;
  const std::string_view rest = raw.substr(scheme.size() + 3);
  const size_t path = rest.find_first_of("/?#");
  return path == std::string_view::npos ? std::string_view("/") : rest.substr(path);
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Status::InvalidArgument("", "has a % without two hexadecimal digits");
      decoded += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

Status ParseFields(std::string_view query, NamedValues& fields) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    auto name = PercentDecode(pair.substr(0, equals), true);
    auto value = PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name.ok() || !IsUtf8(*name)) return Status::InvalidArgument("query", "has a badly encoded name");
    if (!value.ok() || !IsUtf8(*value)) return Status::InvalidArgument("query." + *name, "is badly encoded");
    if (!name->ends_with("[]") && FindValue(fields, *name) != nullptr) {
      return Status::InvalidArgument("query." + *name, "is given twice");
    }
    if (fields.size() == kQueryFieldsMax) return Status::InvalidArgument("query", "has more than 64 fields");
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return Status::Ok();
}

Result<Target> ParseTarget(std::string_view raw) {
  if (raw.size() > kTargetLengthMax) return Status::InvalidArgument("path", "is longer than 8192 bytes");
  raw = WithoutAuthority(raw);
  if (raw.empty() || raw[0] != '/') return Status::InvalidArgument("path", "must begin with /");
  if (raw.find('#') != std::string_view::npos) return Status::InvalidArgument("path", "must not contain #");
  Target target;
  const size_t question = std::min(raw.find('?'), raw.size());
  RETURN_IF_ERROR(ParsePath(raw.substr(0, question), target.segments));
  RETURN_IF_ERROR(ParseFields(raw.substr(std::min(question + 1, raw.size())), target.query));
  return target;
}

bool IsCollectionName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace rhizome::gateway
