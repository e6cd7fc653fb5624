#include "pipeline/parse_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <vector>

#include "base/utf8.h"
#include "pipeline/lines.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

namespace json = boost::json;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Result<json::value> ParseValue(std::string_view bytes, const ParseOptions& options) {
  RETURN_IF_ERROR(CheckText(bytes, "text"));
  json::parse_options limits;
  limits.max_depth = options.json_depth_max;
  json::parser parser({}, limits);
  json::error_code error;
  size_t read = 0;
  try {
    read = parser.write(bytes.data(), bytes.size(), error);
  } catch (const std::exception& e) {
    return Status::TooLarge("text", fmt::format("JSON cannot be held: {}", e.what()));
  }
  if (error == json::error::too_deep) {
    return Status::InvalidArgument("text", fmt::format("JSON nests deeper than {}", options.json_depth_max));
  }
  if (error == json::error::incomplete) return Status::InvalidArgument("text", "JSON ends in the middle of a value");
  if (error == json::error::extra_data) {
    return Status::InvalidArgument("text", fmt::format("not JSON at byte {}: more follows the value", read));
  }
  if (error) return Status::InvalidArgument("text", fmt::format("not JSON at byte {}: {}", read, error.message()));
  return parser.release();
}

// Two spaces a level; by recursion, which json_depth_max bounds.
void Print(const json::value& value, size_t indent, std::string& out) {
  const std::string margin(indent + 2, ' ');
  std::string_view separator = "\n";
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      out.append(separator).append(margin).append(json::serialize(json::string(key))).append(": ");
      Print(member, indent + 2, out);
      separator = ",\n";
    }
    out.append("\n").append(indent, ' ').append("}");
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    for (const json::value& element : *array) {
      out.append(separator).append(margin);
      Print(element, indent + 2, out);
      separator = ",\n";
    }
    out.append("\n").append(indent, ' ').append("]");
  } else {
    out += json::serialize(value);
  }
}

std::string Pretty(const json::value& value) {
  std::string out;
  Print(value, 0, out);
  return out;
}

// Moves the string under `key` out of `object`; "" when it is absent or null.
Result<std::string> TakeString(json::object& object, std::string_view key) {
  const auto at = object.find(key);
  if (at == object.end()) return std::string();
  if (!at->value().is_string() && !at->value().is_null()) {
    return Status::InvalidArgument(std::string(key), "must be a string");
  }
  std::string text = at->value().is_null() ? std::string() : std::string(std::string_view(at->value().get_string()));
  object.erase(at);
  return CleanText(text, key);
}

Result<std::string> TakeId(json::object& object) {
  const std::string_view key = object.contains("id") ? "id" : "_id";
  const auto at = object.find(key);
  if (at == object.end()) return std::string();
  std::string id;
  if (at->value().is_int64() || at->value().is_uint64()) {
    id = json::serialize(at->value());
  } else if (at->value().is_string()) {
    id = std::string_view(at->value().get_string());
  } else if (!at->value().is_null()) {
    return Status::InvalidArgument(std::string(key), "must be a string or an integer");
  }
  object.erase(at);
  RETURN_IF_ERROR(CheckText(id, key));
  return id;
}

// The fields of an object under "metadata" join the others; where both name one, the outer stands.
void FoldMetadata(json::object& object) {
  const auto at = object.find("metadata");
  if (at == object.end() || !at->value().is_object()) return;
  json::object inner = std::move(at->value().get_object());
  object.erase(at);
  for (auto& [key, value] : inner) object.emplace(key, std::move(value));
}

}  // namespace

Result<Document> DocumentFromObject(json::object object, std::string_view source, bool alone) {
  Document document;
  document.format = Format::kJson;
  document.source = source;
  std::string_view text_key;
  for (const std::string_view key : {"text", "content", "body", "description"}) {
    if (text_key.empty() && object.contains(key)) text_key = key;
  }
  if (text_key.empty()) document.text = Pretty(object);
  ASSIGN_OR_RETURN(document.id, TakeId(object));
  ASSIGN_OR_RETURN(document.title, TakeString(object, "title"));
  if (!text_key.empty()) {
    ASSIGN_OR_RETURN(document.text, TakeString(object, text_key));
  }
  FoldMetadata(object);
  document.metadata = std::move(object);
  if (document.id.empty() && !alone) document.id = DeriveRecordId(source, document.title, document.text);
  return document;
}

Status ParseJson(std::string_view bytes, std::string_view source, const ParseOptions& options,
                 const DocumentSink& sink) {
  if (bytes.size() > options.json_len_max) {
    return Status::TooLarge("text", fmt::format("a JSON file is read whole and may have {} bytes; JSON Lines may be of "
                                                "any size",
                                                options.json_len_max));
  }
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  ASSIGN_OR_RETURN(json::value value, ParseValue(bytes, options));
  if (value.is_object()) return sink(DocumentFromObject(std::move(value.get_object()), source, /*alone=*/true));
  bool all_objects = value.is_array() && !value.get_array().empty();
  if (all_objects) {
    for (const json::value& element : value.get_array()) all_objects = all_objects && element.is_object();
  }
  if (!all_objects) {
    Document document{.text = Pretty(value), .source = std::string(source), .format = Format::kJson};
    return sink(std::move(document));
  }
  for (size_t i = 0; i < value.get_array().size(); ++i) {
    Result<Document> document = DocumentFromObject(std::move(value.get_array()[i].get_object()), source, false);
    RETURN_IF_ERROR(sink(document.ok() ? std::move(document) : document.status().Annotate(fmt::format("[{}]", i))));
  }
  return Status::Ok();
}

Status ParseJsonLines(const ByteSource& bytes, std::string_view source, const ParseOptions& options,
                      const DocumentSink& sink) {
  LineReader lines(bytes, options.document_len_max);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<Line> line, lines.Next());
    if (!line.has_value()) return Status::Ok();
    std::string_view text = line->text;
    if (line->number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (!line->cut && TrimWhiteSpace(text).empty()) continue;
    const auto read = [&]() -> Result<Document> {
      if (line->cut) {
        return Status::TooLarge("text", fmt::format("longer than {} bytes", options.document_len_max));
      }
      ASSIGN_OR_RETURN(json::value value, ParseValue(text, options));
      if (!value.is_object()) return Status::InvalidArgument("text", "must be a JSON object");
      ASSIGN_OR_RETURN(Document document, DocumentFromObject(std::move(value.get_object()), source, false));
      document.format = Format::kJsonLines;
      return document;
    };
    Result<Document> document = read();
    RETURN_IF_ERROR(
        sink(document.ok() ? std::move(document) : document.status().Annotate(fmt::format("line {}", line->number))));
  }
}

}  // namespace rhizome::pipeline
