#include "format/labels.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "format/coding.h"

namespace rhizome::format {
namespace {

// Which bytes may stand in a metric's name behind its first, by byte.
constexpr std::array<bool, 256> kMetricNameBytes = [] {
  std::array<bool, 256> may{};
  for (int c = 0; c < 256; ++c) {
    may[static_cast<size_t>(c)] =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
  }
  return may;
}();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A length that Check or a builder has seen.
size_t TrustedLength(std::string_view bytes, size_t& offset) {
  size_t length = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[offset++]);
    length |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}

// A string of less than 128 bytes of ASCII at `offset`, behind its length.
bool TakePlain(std::string_view bytes, size_t& offset, std::string_view& text) {
  if (offset >= bytes.size()) return false;
  const size_t length = static_cast<uint8_t>(bytes[offset++]);
  if (length >= 0x80 || length > bytes.size() - offset) return false;
  text = bytes.substr(offset, length);
  offset += length;
  return true;
}

// False also for sets that are canonical in ways not looked at here.
bool IsPlainCanonical(std::string_view bytes) {
  // One pass over all bytes for their high bits: lengths of one byte have none either.
  uint64_t high = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) high |= LoadFixed<uint64_t>(bytes.data() + i);
  for (; i < bytes.size(); ++i) high |= static_cast<uint8_t>(bytes[i]);
  if ((high & 0x8080808080808080) != 0) return false;
  std::string_view before, name, value;
  for (size_t offset = 0; offset < bytes.size(); before = name) {
    if (!TakePlain(bytes, offset, name) || !TakePlain(bytes, offset, value)) return false;
    if (name <= before || value.empty()) return false;
  }
  return true;
}

void AppendQuoted(std::string& out, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

bool IsMetricName(std::string_view name) {
  return !name.empty() && !IsDigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return kMetricNameBytes[static_cast<uint8_t>(c)]; });
}

bool IsLabelName(std::string_view name) { return IsMetricName(name) && name.find(':') == std::string_view::npos; }

void LabelsView::Iterator::Read() {
  length_ = 0;
  if (rest_.empty()) return;
  size_t offset = 0;
  const size_t name_length = TrustedLength(rest_, offset);
  pair_.name = rest_.substr(offset, name_length);
  offset += name_length;
  const size_t value_length = TrustedLength(rest_, offset);
  pair_.value = rest_.substr(offset, value_length);
  length_ = offset + value_length;
}

Result<LabelsView> LabelsView::Check(std::string_view bytes) {
  // What nearly all are, at the pace at which batches come in: lengths of one byte, and ASCII. Anything else, the
  // reason of a refusal included, is for the decoder.
  if (IsPlainCanonical(bytes)) return LabelsView(bytes);
  Decoder in(bytes);
  std::string_view before;
  while (in.remaining() > 0 && !in.failed()) {
    std::string_view name, value;
    if (!in.Bytes(name) || !in.Bytes(value)) break;
    // The first name is above the empty one, so this also refuses an empty name.
    if (name <= before || value.empty() || !IsUtf8(name) || !IsUtf8(value)) return in.Failure("labels");
    before = name;
  }
  RETURN_IF_ERROR(in.Finish("labels"));
  return LabelsView(bytes);
}

size_t LabelsView::size() const { return static_cast<size_t>(std::distance(begin(), end())); }

std::string_view LabelsView::Get(std::string_view name) const {
  for (const LabelPair& pair : *this) {
    if (pair.name == name) return pair.value;
    if (pair.name > name) break;
  }
  return {};
}

uint64_t LabelsView::Hash() const { return Checksum(bytes_); }

std::pair<uint64_t, uint64_t> LabelsView::Fingerprint() const { return ContentHash(bytes_); }

std::string LabelsView::ToString() const {
  std::string out(metric_name());
  bool any = false;
  for (const LabelPair& pair : *this) {
    if (pair.name == kMetricNameLabel) continue;
    out += any ? ", " : "{";
    out += pair.name;
    out += '=';
    AppendQuoted(out, pair.value);
    any = true;
  }
  if (any) out += '}';
  return any || !out.empty() ? out : "{}";
}

std::strong_ordering LabelsView::operator<=>(const LabelsView& other) const {
  Iterator a = begin(), b = other.begin();
  for (; a != end() && b != other.end(); ++a, ++b) {
    if (const auto order = *a <=> *b; order != 0) return order;
  }
  return (a != end()) <=> (b != other.end());
}

Labels::Labels(LabelsView view) {
  if (!view.empty()) bytes_ = std::make_shared<const std::string>(view.bytes());
}

Result<Labels> Labels::FromPairs(std::span<const LabelPair> pairs) {
  std::vector<LabelPair> sorted(pairs.begin(), pairs.end());
  std::sort(sorted.begin(), sorted.end());
  std::string bytes;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = sorted[i];
    if (name.empty()) return Status::InvalidArgument("labels", "a label without a name");
    if (i > 0 && name == sorted[i - 1].name) {
      return Status::InvalidArgument("labels", "label \"" + std::string(name) + "\" is given twice");
    }
    if (!IsUtf8(name) || !IsUtf8(value)) {
      return Status::InvalidArgument("labels", "label number " + std::to_string(i) + " is not UTF-8");
    }
    if (value.empty()) continue;
    PutBytes(bytes, name);
    PutBytes(bytes, value);
  }
  return Labels(LabelsView::Trusted(bytes));
}

void LabelsBuilder::Reset(LabelsView base) {
  pairs_.clear();
  for (const LabelPair& pair : base) pairs_.push_back(pair);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  CHECK(!name.empty());
  const auto at = std::lower_bound(pairs_.begin(), pairs_.end(), name,
                                   [](const LabelPair& pair, std::string_view wanted) { return pair.name < wanted; });
  const bool there = at != pairs_.end() && at->name == name;
  if (value.empty()) {
    if (there) pairs_.erase(at);
  } else if (there) {
    at->value = value;
  } else {
    pairs_.insert(at, {name, value});
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::span<const std::string> names) {
  std::erase_if(pairs_,
                [&](const LabelPair& pair) { return std::binary_search(names.begin(), names.end(), pair.name); });
  return *this;
}

LabelsBuilder& LabelsBuilder::Keep(std::span<const std::string> names) {
  std::erase_if(pairs_,
                [&](const LabelPair& pair) { return !std::binary_search(names.begin(), names.end(), pair.name); });
  return *this;
}

void LabelsBuilder::BuildBytes(std::string& out) const {
  out.clear();
  for (const LabelPair& pair : pairs_) {
    PutBytes(out, pair.name);
    PutBytes(out, pair.value);
  }
}

Labels LabelsBuilder::Build() const {
  std::string bytes;
  BuildBytes(bytes);
  return Labels(LabelsView::Trusted(bytes));
}

}  // namespace rhizome::format
