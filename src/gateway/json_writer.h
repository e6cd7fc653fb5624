// JsonWriter: answers as JSON text, written once from front to back. Commas are its business, nesting the caller's.
// Thread-safety: as a string.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace rhizome::gateway {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  // Names are ours: plain ASCII.
  JsonWriter& Key(std::string_view name);

  // Valid UTF-8; control characters, quotes and backslashes are escaped.
  JsonWriter& String(std::string_view text);
  JsonWriter& Integer(std::integral auto number) { return Plain(std::to_string(number)); }
  JsonWriter& Number(float number);  // shortest text that reads back as the same float; null unless finite
  JsonWriter& Number(double number);
  JsonWriter& Bool(bool value) { return Plain(value ? "true" : "false"); }
  JsonWriter& Null() { return Plain("null"); }
  // Text that is JSON already.
  JsonWriter& Raw(std::string_view json) { return Plain(json); }

  std::string Take() { return std::move(text_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  JsonWriter& Plain(std::string_view json);
  void Separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace rhizome::gateway
