#include "queue/queue.h"

#include <algorithm>
#include <map>

namespace rhizome::queue {

std::string_view Message::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

std::vector<Position> PositionsAfter(std::span<const Message> messages) {
  std::map<std::pair<std::string_view, uint32_t>, uint64_t> after;
  for (const Message& message : messages) {
    uint64_t& offset = after[{message.topic, message.partition}];
    offset = std::max(offset, message.offset + 1);
  }
  std::vector<Position> positions;
  positions.reserve(after.size());
  for (const auto& [place, offset] : after) positions.push_back({std::string(place.first), place.second, offset});
  return positions;
}

Status CheckName(std::string_view field, std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (name.empty() || name.size() > kNameBytesMax || !std::all_of(name.begin(), name.end(), allowed) || name == "." ||
      name == "..") {
    return Status::InvalidArgument(std::string(field), "a name is 1 to " + std::to_string(kNameBytesMax) +
                                                           " of A-Z a-z 0-9 . _ - and neither \".\" nor \"..\"");
  }
  return Status::Ok();
}

Status CheckOutgoing(const Outgoing& message) {
  if (message.key.size() > kKeyBytesMax) {
    return Status::TooLarge("key", "a key of " + std::to_string(message.key.size()) + " bytes, at most " +
                                       std::to_string(kKeyBytesMax) + " are allowed");
  }
  if (message.value.size() > kValueBytesMax) {
    return Status::TooLarge("value", "a message of " + std::to_string(message.value.size()) + " bytes, at most " +
                                         std::to_string(kValueBytesMax) + " are allowed");
  }
  size_t header_bytes = 0;
  for (const Header& header : message.headers) {
    if (header.name.empty()) return Status::InvalidArgument("headers", "a header needs a name");
    if (header.name.find('\0') != std::string::npos) {
      return Status::InvalidArgument("headers", "a header's name holds a zero byte");
    }
    header_bytes += header.name.size() + header.value.size();
  }
  if (message.headers.size() > kHeadersMax || header_bytes > kHeaderBytesMax) {
    return Status::TooLarge("headers", std::to_string(message.headers.size()) + " headers of " +
                                           std::to_string(header_bytes) + " bytes, at most " +
                                           std::to_string(kHeadersMax) + " of " + std::to_string(kHeaderBytesMax) +
                                           " are allowed");
  }
  return Status::Ok();
}

Status CheckNotes(std::span<const Position> positions) {
  for (const Position& position : positions) {
    if (position.note.size() > kNoteBytesMax) {
      return Status::TooLarge("note", "has " + std::to_string(position.note.size()) + " bytes; at most " +
                              std::to_string(kNoteBytesMax));
    }
  }
  return Status::Ok();
}

}  // namespace rhizome::queue
