#include "gateway/json_writer.h"

#include <charconv>
#include <cmath>

namespace rhizome::gateway {
namespace {

template <typename T>
std::string Shortest(T number) {
  if (!std::isfinite(number)) return "null";
  char text[40];
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  return std::string(text, end);
}

}  // namespace

void JsonWriter::Separate() {
  if (needs_comma_) text_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  text_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  text_.append("\"").append(name).append("\":");
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Plain(std::string_view json) {
  Separate();
  text_.append(json);
  return *this;
}

JsonWriter& JsonWriter::Number(float number) { return Plain(Shortest(number)); }
JsonWriter& JsonWriter::Number(double number) { return Plain(Shortest(number)); }

JsonWriter& JsonWriter::String(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  Separate();
  text_ += '"';
  size_t plain_from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    text_.append(text, plain_from, i - plain_from);
    plain_from = i + 1;
    switch (byte) {
      case '"': text_ += "\\\""; break;
      case '\\': text_ += "\\\\"; break;
      case '\n': text_ += "\\n"; break;
      case '\r': text_ += "\\r"; break;
      case '\t': text_ += "\\t"; break;
      default: text_.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]}); break;
    }
  }
  text_.append(text, plain_from, std::string_view::npos);
  text_ += '"';
  return *this;
}

}  // namespace rhizome::gateway
