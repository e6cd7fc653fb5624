#include "format/yaml.h"

#include <yaml.h>

#include "base/check.h"

namespace rhizome::format {
namespace {

constexpr size_t kDepthMax = 64;

Status Bad(size_t line, std::string_view why) {
  return Status::InvalidArgument("line " + std::to_string(line), std::string(why));
}

// An event, given back when it goes.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }

  Status Next(yaml_parser_t& parser) {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser, &event_) != 0) return Status::Ok();
    event_ = {};
    return Bad(parser.problem_mark.line + 1, parser.problem != nullptr ? parser.problem : "not YAML");
  }
  const yaml_event_t* operator->() const { return &event_; }
  size_t line() const { return event_.start_mark.line + 1; }

 private:
  yaml_event_t event_ = {};
};

std::string_view Text(const yaml_char_t* text, size_t length) { return {reinterpret_cast<const char*>(text), length}; }

class Reader {
 public:
  explicit Reader(std::string_view text) {
    CHECK(yaml_parser_initialize(&parser_) != 0);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  Result<Yaml> Document() {
    RETURN_IF_ERROR(event_.Next(parser_));  // the stream's start
    RETURN_IF_ERROR(event_.Next(parser_));
    Yaml root;
    if (event_->type == YAML_STREAM_END_EVENT) return root;
    RETURN_IF_ERROR(event_.Next(parser_));  // behind the document's start
    RETURN_IF_ERROR(Node(root, 0));
    RETURN_IF_ERROR(event_.Next(parser_));  // the document's end
    RETURN_IF_ERROR(event_.Next(parser_));
    if (event_->type != YAML_STREAM_END_EVENT) return Bad(event_.line(), "a second document");
    return root;
  }

 private:
  // The event at hand begins the node; afterwards it is the node's last.
  Status Node(Yaml& node, size_t depth) {
    node.line = event_.line();
    if (depth > kDepthMax) return Bad(node.line, "nested too deeply");
    switch (event_->type) {
      case YAML_ALIAS_EVENT: return Bad(node.line, "anchors and aliases are not supported");
      case YAML_SCALAR_EVENT:
        RETURN_IF_ERROR(CheckPlain(event_->data.scalar.anchor, event_->data.scalar.tag));
        node.text = Text(event_->data.scalar.value, event_->data.scalar.length);
        node.quoted = event_->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return Status::Ok();
      case YAML_SEQUENCE_START_EVENT:
        RETURN_IF_ERROR(CheckPlain(event_->data.sequence_start.anchor, event_->data.sequence_start.tag));
        return Sequence(node, depth);
      case YAML_MAPPING_START_EVENT:
        RETURN_IF_ERROR(CheckPlain(event_->data.mapping_start.anchor, event_->data.mapping_start.tag));
        return Mapping(node, depth);
      default: return Bad(node.line, "a node is missing");
    }
  }

  Status CheckPlain(const yaml_char_t* anchor, const yaml_char_t* tag) const {
    if (anchor != nullptr) return Bad(event_.line(), "anchors and aliases are not supported");
    if (tag != nullptr) return Bad(event_.line(), "tags are not supported");
    return Status::Ok();
  }

  Status Sequence(Yaml& node, size_t depth) {
    node.kind = Yaml::Kind::kSequence;
    for (;;) {
      RETURN_IF_ERROR(event_.Next(parser_));
      if (event_->type == YAML_SEQUENCE_END_EVENT) return Status::Ok();
      RETURN_IF_ERROR(Node(node.items.emplace_back(), depth + 1));
    }
  }

  Status Mapping(Yaml& node, size_t depth) {
    node.kind = Yaml::Kind::kMapping;
    for (;;) {
      RETURN_IF_ERROR(event_.Next(parser_));
      if (event_->type == YAML_MAPPING_END_EVENT) return Status::Ok();
      if (event_->type != YAML_SCALAR_EVENT) return Bad(event_.line(), "a key that is no word");
      RETURN_IF_ERROR(CheckPlain(event_->data.scalar.anchor, event_->data.scalar.tag));
      std::string key(Text(event_->data.scalar.value, event_->data.scalar.length));
      if (node.Find(key) != nullptr) return Bad(event_.line(), "key \"" + key + "\" is given twice");
      if (node.keys.size() == kMembersMax) return Bad(event_.line(), "too many keys");
      RETURN_IF_ERROR(event_.Next(parser_));
      node.keys.push_back(std::move(key));
      RETURN_IF_ERROR(Node(node.items.emplace_back(), depth + 1));
    }
  }

  static constexpr size_t kMembersMax = 1000;  // they are looked through one by one

  yaml_parser_t parser_ = {};
  Event event_;
};

}  // namespace

bool Yaml::is_null() const {
  return kind == Kind::kScalar && !quoted && (text.empty() || text == "null" || text == "~");
}

const Yaml* Yaml::Find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

Result<Yaml> Yaml::Parse(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Status::TooLarge("", std::to_string(text.size()) + " bytes of YAML, more than " + std::to_string(bytes_max));
  }
  return Reader(text).Document();
}

}  // namespace rhizome::format
