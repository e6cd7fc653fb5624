#include "format/yaml_tree.h"

#include <yaml.h>

#include <map>
#include <optional>

#include "base/utf8.h"

namespace rhizome::format {
namespace {

Status At(size_t line, std::string_view what) {
  return Status::InvalidArgument("yaml", "line " + std::to_string(line) + ": " + std::string(what));
}

std::string_view View(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : made_(yaml_parser_initialize(&parser_) == 1) {
    if (!made_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Parser() {
    Forget();
    if (made_) yaml_parser_delete(&parser_);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  Result<YamlPtr> Document() {
    if (!made_) return Status::ResourceExhausted("out of memory");
    RETURN_IF_ERROR(Next());  // the stream's start
    RETURN_IF_ERROR(Next());
    if (event_.type == YAML_STREAM_END_EVENT) return YamlPtr();
    RETURN_IF_ERROR(Next());
    ASSIGN_OR_RETURN(YamlPtr root, Node(1));
    RETURN_IF_ERROR(Next());  // the document's end
    RETURN_IF_ERROR(Next());
    if (event_.type != YAML_STREAM_END_EVENT) return At(line(), "a second document; one file holds one");
    return root;
  }

 private:
  size_t line() const { return event_.start_mark.line + 1; }

  void Forget() {
    if (has_event_) yaml_event_delete(&event_);
    has_event_ = false;
  }

  Status Next() {
    Forget();
    if (yaml_parser_parse(&parser_, &event_) != 1) {
      const char* const problem = parser_.problem == nullptr ? "not YAML" : parser_.problem;
      return At(parser_.problem_mark.line + 1, problem);
    }
    has_event_ = true;
    return Status::Ok();
  }

  Status CheckTag(const yaml_char_t* tag) const {
    const std::string_view name = View(tag);
    if (name.empty() || name == "!" || name == YAML_STR_TAG) return Status::Ok();
    return At(line(), "the tag " + std::string(name) + " is not known here");
  }

  Status Count(size_t nodes) {
    nodes_ += nodes;
    if (nodes_ <= kYamlNodesMax) return Status::Ok();
    return Status::TooLarge("yaml", "line " + std::to_string(line()) + ": more than the limit of " +
                                        std::to_string(kYamlNodesMax) + " nodes");
  }

  // The node whose event is at hand.
  Result<YamlPtr> Node(size_t depth) {
    if (depth > kYamlDepthMax) return At(line(), "nested too deep");
    switch (event_.type) {
      case YAML_ALIAS_EVENT: return Alias();
      case YAML_SCALAR_EVENT: return Text();
      case YAML_SEQUENCE_START_EVENT: return List(depth);
      case YAML_MAPPING_START_EVENT: return Map(depth);
      default: return At(line(), "a value is missing");
    }
  }

  Result<YamlPtr> Alias() {
    const auto found = anchors_.find(View(event_.data.alias.anchor));
    if (found == anchors_.end()) return At(line(), "an alias of nothing that came before and is complete");
    RETURN_IF_ERROR(Count(found->second->nodes));
    return found->second;
  }

  Result<YamlPtr> Text() {
    const auto& scalar = event_.data.scalar;
    RETURN_IF_ERROR(CheckTag(scalar.tag));
    auto node = std::make_shared<YamlNode>();
    node->line = line();
    node->nodes = 1 + scalar.length / kYamlBytesPerNode;
    RETURN_IF_ERROR(Count(node->nodes));
    node->text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    if (!IsUtf8(node->text)) return At(node->line, "not UTF-8");
    const bool nothing = node->text == "~" || node->text == "null" || node->text == "Null" || node->text == "NULL";
    if (scalar.style == YAML_PLAIN_SCALAR_STYLE && nothing) node->text.clear();
    return Anchored(View(scalar.anchor), std::move(node));
  }

  Result<YamlPtr> List(size_t depth) {
    RETURN_IF_ERROR(Count(1));
    RETURN_IF_ERROR(CheckTag(event_.data.sequence_start.tag));
    const std::string anchor(View(event_.data.sequence_start.anchor));
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlNode::Kind::kList;
    node->line = line();
    for (;;) {
      RETURN_IF_ERROR(Next());
      if (event_.type == YAML_SEQUENCE_END_EVENT) break;
      ASSIGN_OR_RETURN(YamlPtr item, Node(depth + 1));
      node->nodes += item->nodes;
      node->items.push_back(std::move(item));
    }
    return Anchored(anchor, std::move(node));
  }

  Result<YamlPtr> Map(size_t depth) {
    RETURN_IF_ERROR(Count(1));
    RETURN_IF_ERROR(CheckTag(event_.data.mapping_start.tag));
    const std::string anchor(View(event_.data.mapping_start.anchor));
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlNode::Kind::kMap;
    node->line = line();
    std::map<std::string, size_t, std::less<>> seen;
    for (;;) {
      RETURN_IF_ERROR(Next());
      if (event_.type == YAML_MAPPING_END_EVENT) break;
      const size_t key_line = line();
      ASSIGN_OR_RETURN(const YamlPtr key, Node(depth + 1));
      if (key->kind != YamlNode::Kind::kText) return At(key_line, "a key that is no text");
      if (!seen.emplace(key->text, key_line).second) return At(key_line, "the key \"" + key->text + "\" comes twice");
      RETURN_IF_ERROR(Next());
      ASSIGN_OR_RETURN(YamlPtr value, Node(depth + 1));
      node->nodes += 1 + value->nodes;
      node->members.emplace_back(key->text, std::move(value));
    }
    return Anchored(anchor, std::move(node));
  }

  YamlPtr Anchored(std::string_view anchor, YamlPtr node) {
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), node);
    return node;
  }

  yaml_parser_t parser_;
  yaml_event_t event_;
  bool has_event_ = false;
  const bool made_;
  size_t nodes_ = 0;
  std::map<std::string, YamlPtr, std::less<>> anchors_;
};

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return value.get();
  }
  return nullptr;
}

Result<YamlPtr> ParseYaml(std::string_view text) {
  if (text.size() > kYamlBytesMax) {
    return Status::TooLarge(
        "yaml", "line 1: has " + std::to_string(text.size()) + " bytes; the limit is " + std::to_string(kYamlBytesMax));
  }
  return Parser(text).Document();
}

}  // namespace rhizome::format
