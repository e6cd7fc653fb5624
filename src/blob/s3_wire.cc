#include "blob/s3_wire.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace rhizome::blob {
namespace {

constexpr size_t kListedMax = 10'000;
constexpr size_t kErrorCodeLenMax = 64;

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Walks tags and the text between them.
class XmlReader {
 public:
  explicit XmlReader(std::string_view xml) : rest_(xml) {}

  enum class Kind { kOpen, kClose, kEnd, kBad };
  struct Tag {
    Kind kind = Kind::kEnd;
    std::string_view name;
    std::string_view text_before;  // raw
  };

  Tag Next() {
    while (true) {
      const size_t from = rest_.find('<');
      if (from == std::string_view::npos) return {Kind::kEnd, {}, {}};
      const std::string_view text = rest_.substr(0, from);
      rest_.remove_prefix(from + 1);
      const size_t to = EndOfTag();
      if (rest_.starts_with('!') || to == std::string_view::npos) return {Kind::kBad, {}, {}};
      std::string_view tag = rest_.substr(0, to);
      rest_.remove_prefix(to + 1);
      if (tag.starts_with('?')) continue;  // a processing instruction
      const bool close = tag.starts_with('/');
      if (close) tag.remove_prefix(1);
      if (tag.ends_with('/')) return {Kind::kClose, Word(tag), {}};  // of an empty element its end is all there is
      return {close ? Kind::kClose : Kind::kOpen, Word(tag), text};
    }
  }

 private:
  // Of the '>' that closes the tag; one inside an attribute's quotes does not.
  size_t EndOfTag() const {
    char quote = 0;
    for (size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return i;
      }
    }
    return std::string_view::npos;
  }
  static std::string_view Word(std::string_view tag) { return tag.substr(0, tag.find_first_of(" \t\r\n/")); }

  std::string_view rest_;
};

// "#38" or "#x26"; below 128, since what S3 servers escape by number are quotes and control characters.
std::optional<char> NumberedCharacter(std::string_view entity) {
  if (!entity.starts_with('#')) return std::nullopt;
  entity.remove_prefix(1);
  const bool hexadecimal = entity.starts_with('x');
  if (hexadecimal) entity.remove_prefix(1);
  unsigned code = 0;
  const char* const end = entity.data() + entity.size();
  const auto [to, error] = std::from_chars(entity.data(), end, code, hexadecimal ? 16 : 10);
  if (error != std::errc() || to != end || code == 0 || code > 127) return std::nullopt;
  return static_cast<char>(code);
}

std::optional<std::string> Unescape(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  std::string out;
  while (!text.empty()) {
    const size_t mark = text.find('&');
    out += text.substr(0, mark);
    if (mark == std::string_view::npos) break;
    text.remove_prefix(mark + 1);
    const size_t end = text.find(';');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view entity = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto* known = std::find_if(std::begin(kEntities), std::end(kEntities),
                                     [entity](const auto& candidate) { return candidate.first == entity; });
    const std::optional<char> numbered = NumberedCharacter(entity);
    if (known == std::end(kEntities) && !numbered) return std::nullopt;
    out += numbered ? *numbered : known->second;
  }
  return out;
}

// Takes one <Contents> apart; false for what cannot be a listing's entry.
bool ReadEntry(XmlReader& reader, ObjectInfo& object) {
  bool key = false, size = false;
  while (true) {
    const XmlReader::Tag tag = reader.Next();
    if (tag.kind == XmlReader::Kind::kEnd || tag.kind == XmlReader::Kind::kBad) return false;
    if (tag.kind == XmlReader::Kind::kOpen) continue;
    if (tag.name == "Contents") return key && size;
    if (tag.name == "Key") {
      const auto plain = Unescape(tag.text_before);
      if (!plain) return false;
      object.name = *plain;
      key = true;
    } else if (tag.name == "Size") {
      const char* const end = tag.text_before.data() + tag.text_before.size();
      const auto [to, error] = std::from_chars(tag.text_before.data(), end, object.bytes);
      if (error != std::errc() || to != end) return false;
      size = true;
    }
  }
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';  // as forms do, and some servers with them
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

Result<S3Listing> ParseS3Listing(std::string_view xml) {
  const Status bad = Status::Corruption("the server's listing cannot be understood");
  XmlReader reader(xml);
  const XmlReader::Tag root = reader.Next();
  if (root.kind != XmlReader::Kind::kOpen || root.name != "ListBucketResult") return bad;
  S3Listing listing;
  bool told = false, encoded = false;
  while (true) {
    const XmlReader::Tag tag = reader.Next();
    if (tag.kind == XmlReader::Kind::kEnd || tag.kind == XmlReader::Kind::kBad) return bad;
    if (tag.kind == XmlReader::Kind::kClose && tag.name == "ListBucketResult") break;
    if (tag.kind == XmlReader::Kind::kClose && tag.name == "IsTruncated") {
      told = tag.text_before == "true" || tag.text_before == "false";
      listing.truncated = tag.text_before == "true";
    }
    // Some servers take no notice of what was asked for.
    if (tag.kind == XmlReader::Kind::kClose && tag.name == "EncodingType") encoded = tag.text_before == "url";
    if (tag.kind != XmlReader::Kind::kOpen || tag.name != "Contents") continue;
    ObjectInfo object;
    if (listing.objects.size() == kListedMax || !ReadEntry(reader, object)) return bad;
    listing.objects.push_back(std::move(object));
  }
  if (!told) return bad;
  for (ObjectInfo& object : listing.objects) {
    const auto decoded = encoded ? PercentDecode(object.name) : std::optional(object.name);
    if (!decoded) return bad;
    object.name = *decoded;
  }
  return listing;
}

std::string ParseS3ErrorCode(std::string_view xml) {
  XmlReader reader(xml);
  while (true) {
    const XmlReader::Tag tag = reader.Next();
    if (tag.kind == XmlReader::Kind::kEnd || tag.kind == XmlReader::Kind::kBad) return "";
    if (tag.kind != XmlReader::Kind::kClose || tag.name != "Code") continue;
    const bool plain = std::all_of(tag.text_before.begin(), tag.text_before.end(), IsAlphanumeric);
    return plain && tag.text_before.size() <= kErrorCodeLenMax ? std::string(tag.text_before) : "";
  }
}

}  // namespace rhizome::blob
