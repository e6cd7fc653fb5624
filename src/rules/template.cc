#include "rules/template.h"

#include <optional>

#include "promql/text.h"
#include "rules/template_functions.h"

namespace rhizome::rules {

struct Template::Node {
  enum class Kind { kValue, kLabel, kExternalLabel, kExternalUrl, kConstant, kCall };
  Kind kind = Kind::kConstant;
  std::string name;        // of a label or function
  TemplateValue constant;  // with kConstant
  TemplateFunction function = nullptr;
  std::vector<std::shared_ptr<const Node>> arguments;
};

namespace {

using Node = Template::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr int kDepthMax = 50;

Status Wrong(std::string message) { return Status::InvalidArgument("", std::move(message)); }

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Reads what stands between braces.
class ActionParser {
 public:
  explicit ActionParser(std::string_view text) : rest_(text) {}

  Result<NodePtr> Action() {
    ASSIGN_OR_RETURN(NodePtr node, Pipeline(0));
    SkipBlanks();
    if (!rest_.empty()) return Wrong("does not go on with \"" + std::string(rest_.substr(0, 20)) + "\"");
    return node;
  }

 private:
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }
  bool Eat(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string Name() {
    size_t length = 0;
    while (length < rest_.size() && IsNameByte(rest_[length])) ++length;
    const std::string name(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return name;
  }

  Result<NodePtr> Pipeline(int depth) {
    if (depth > kDepthMax) return Wrong("is nested too deep");
    ASSIGN_OR_RETURN(NodePtr node, Command(depth, nullptr));
    int pipes = 0;
    for (SkipBlanks(); Eat('|'); SkipBlanks()) {
      if (++pipes > kDepthMax) return Wrong("has too many pipes");
      SkipBlanks();
      ASSIGN_OR_RETURN(node, Command(depth, node));
    }
    return node;
  }

  // A value, or a function with its arguments; what comes through a pipe is the last of them.
  Result<NodePtr> Command(int depth, NodePtr piped) {
    SkipBlanks();
    const bool letter =
        !rest_.empty() && ((rest_[0] >= 'a' && rest_[0] <= 'z') || (rest_[0] >= 'A' && rest_[0] <= 'Z'));
    if (!letter) {
      if (piped != nullptr) return Wrong("a pipe leads to a function");
      return Operand(depth);
    }
    auto call = std::make_shared<Node>();
    call->kind = Node::Kind::kCall;
    call->name = Name();
    call->function = FindTemplateFunction(call->name);
    if (call->function == nullptr) return Wrong("\"" + call->name + "\" is not supported in templates");
    for (SkipBlanks(); !rest_.empty() && rest_[0] != '|' && rest_[0] != ')'; SkipBlanks()) {
      ASSIGN_OR_RETURN(NodePtr argument, Operand(depth));
      call->arguments.push_back(std::move(argument));
    }
    if (piped != nullptr) call->arguments.push_back(std::move(piped));
    return NodePtr(std::move(call));
  }

  Result<NodePtr> Operand(int depth) {
    if (Eat('(')) {
      ASSIGN_OR_RETURN(NodePtr node, Pipeline(depth + 1));
      SkipBlanks();
      if (!Eat(')')) return Wrong("a parenthesis is not closed");
      return node;
    }
    if (rest_.empty()) return Wrong("a value is missing");
    if (rest_[0] == '$' || rest_[0] == '.') return Variable();
    if (rest_[0] == '"' || rest_[0] == '`') return Text();
    return Number();
  }

  Result<NodePtr> Variable() {
    const bool dollar = Eat('$');
    if (!dollar) Eat('.');
    const std::string name = Name();
    auto node = std::make_shared<Node>();
    if (name == (dollar ? "value" : "Value")) {
      node->kind = Node::Kind::kValue;
      return NodePtr(std::move(node));
    }
    if (name == (dollar ? "externalURL" : "ExternalURL")) {
      node->kind = Node::Kind::kExternalUrl;
      return NodePtr(std::move(node));
    }
    const bool labels = name == (dollar ? "labels" : "Labels");
    if (!labels && name != (dollar ? "externalLabels" : "ExternalLabels")) {
      return Wrong("there is no \"" + std::string(dollar ? "$" : ".") + name + "\"");
    }
    node->kind = labels ? Node::Kind::kLabel : Node::Kind::kExternalLabel;
    if (!Eat('.')) return Wrong("which of the labels is not said");
    node->name = Name();
    if (!format::IsLabelName(node->name)) return Wrong("which of the labels is not said");
    return NodePtr(std::move(node));
  }

  static NodePtr Constant(TemplateValue value) {
    auto node = std::make_shared<Node>();
    node->constant = std::move(value);
    return node;
  }

  Result<NodePtr> Text() {
    const char quote = rest_[0];
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != quote) end += rest_[end] == '\\' && quote == '"' ? 2 : 1;
    if (end >= rest_.size()) return Wrong("a text is not closed");
    auto text = promql::Unquote(rest_.substr(0, end + 1));
    if (!text.ok()) return Wrong("a text is malformed");
    rest_.remove_prefix(end + 1);
    return Constant(std::move(*text));
  }

  Result<NodePtr> Number() {
    const size_t length = std::min(rest_.find_first_of(" \t\r\n|)"), rest_.size());
    const auto number = promql::ParseFloat(rest_.substr(0, length));
    if (!number) return Wrong("\"" + std::string(rest_.substr(0, length)) + "\" is no value");
    rest_.remove_prefix(length);
    return Constant(*number);
  }

  std::string_view rest_;
};

Result<TemplateValue> Evaluate(const Node& node, const TemplateData& data) {
  switch (node.kind) {
    case Node::Kind::kValue: return TemplateValue(data.value);
    case Node::Kind::kLabel: return TemplateValue(std::string(data.labels.Get(node.name)));
    case Node::Kind::kExternalUrl: return TemplateValue(std::string(data.external_url));
    case Node::Kind::kConstant: return node.constant;
    case Node::Kind::kExternalLabel:
      if (data.external_labels != nullptr) {
        for (const auto& [name, value] : *data.external_labels) {
          if (name == node.name) return TemplateValue(value);
        }
      }
      return TemplateValue(std::string());
    case Node::Kind::kCall: break;
  }
  std::vector<TemplateValue> arguments;
  for (const NodePtr& argument : node.arguments) {
    ASSIGN_OR_RETURN(TemplateValue value, Evaluate(*argument, data));
    arguments.push_back(std::move(value));
  }
  auto result = node.function(arguments);
  if (!result.ok()) return Wrong(node.name + ": " + std::string(result.status().message()));
  return result;
}

// Where the action that begins behind "{{" ends: at its "}}", which no text or comment hides.
std::optional<size_t> EndOfAction(std::string_view text) {
  const size_t first = text.find_first_not_of("- \t\r\n");
  if (first != std::string_view::npos && text.substr(first).starts_with("/*")) {
    const size_t close = text.find("*/", first + 2);
    if (close == std::string_view::npos) return std::nullopt;
    const size_t end = text.find("}}", close);
    return end == std::string_view::npos ? std::nullopt : std::optional(end);
  }
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == '\\' && quote == '"') {
        ++i;
      } else if (text[i] == quote) {
        quote = 0;
      }
    } else if (text[i] == '"' || text[i] == '`') {
      quote = text[i];
    } else if (text.substr(i).starts_with("}}")) {
      return i;
    }
  }
  return std::nullopt;
}

void TrimEnd(std::string& text) { text.erase(text.find_last_not_of(kBlanks) + 1); }

}  // namespace

Result<Template> Template::Parse(std::string_view text) {
  Template result;
  bool trim = false;  // what comes next, at its front
  for (;;) {
    const size_t open = std::min(text.find("{{"), text.size());
    std::string plain(text.substr(0, open));
    if (trim) plain.erase(0, plain.find_first_not_of(kBlanks));
    trim = false;
    text.remove_prefix(open);
    if (text.empty()) {
      if (!plain.empty()) result.parts_.emplace_back(std::move(plain));
      return result;
    }
    text.remove_prefix(2);
    const auto end = EndOfAction(text);
    if (!end) return Wrong("{{ is not closed");
    std::string_view action = text.substr(0, *end);
    text.remove_prefix(*end + 2);
    if (action.size() > 1 && action[0] == '-' && kBlanks.find(action[1]) != std::string_view::npos) {
      TrimEnd(plain);
      action.remove_prefix(1);
    }
    if (action.size() > 1 && action.back() == '-' &&
        kBlanks.find(action[action.size() - 2]) != std::string_view::npos) {
      trim = true;
      action.remove_suffix(1);
    }
    if (!plain.empty()) result.parts_.emplace_back(std::move(plain));
    action.remove_prefix(std::min(action.find_first_not_of(kBlanks), action.size()));
    if (action.starts_with("/*")) continue;
    ASSIGN_OR_RETURN(NodePtr node, ActionParser(action).Action());
    result.parts_.emplace_back(std::move(node));
  }
}

std::string Template::Expand(const TemplateData& data) const {
  std::string out;
  for (const Part& part : parts_) {
    if (const std::string* const plain = std::get_if<std::string>(&part)) {
      out += *plain;
      continue;
    }
    const auto value = Evaluate(*std::get<NodePtr>(part), data);
    if (!value.ok()) return "<error expanding template: " + std::string(value.status().message()) + ">";
    out += TextOf(*value);
  }
  return out;
}

}  // namespace rhizome::rules
