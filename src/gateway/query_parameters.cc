#include "gateway/query_parameters.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace rhizome::gateway {

Result<Parameters> Parameters::Read(const Request& request, std::initializer_list<std::string_view> known) {
  std::string all;
  for (const std::string_view name : known) all.append(all.empty() ? "" : ", ").append(name);
  for (const auto& [key, value] : request.query) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Status::InvalidArgument("query." + key, "is not known here (known: " + all + ")");
    }
  }
  return Parameters(request.query);
}

std::optional<std::string> Parameters::Text(std::string_view name) const {
  const std::string* const value = FindValue(query_, name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(*value);
}

Result<std::optional<int64_t>> Parameters::Number(std::string_view name, int64_t least, int64_t most) const {
  const std::string* const value = FindValue(query_, name);
  if (value == nullptr) return std::optional<int64_t>();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || number < least || number > most) {
    return Status::InvalidArgument(
        "query." + std::string(name),
        "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return std::optional<int64_t>(number);
}

Status NamedAsQuery(const Status& status) {
  if (status.ok() || status.field().empty()) return status;
  return Status(status.code(), std::string(status.message()), "query." + std::string(status.field()));
}

// Where a page ended, as bytes of the engine's and as a client hands it back: base64url (RFC 4648, section 5).
std::string EncodePlace(const std::string& bytes) {
  std::string text = EncodeBase64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text.substr(0, text.find('='));
}

Result<std::string> DecodePlace(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  auto bytes = DecodeBase64(text);
  if (!bytes.ok()) return Status::InvalidArgument("query.after", "is not what a page gave as next");
  return bytes;
}

}  // namespace rhizome::gateway
