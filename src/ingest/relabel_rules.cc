#include "ingest/relabel_rules.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <re2/re2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"
#include "format/coding.h"
#include "ingest/number_text.h"
#include "ingest/taken.h"

namespace rhizome::ingest {
namespace {

using Kind = format::YamlNode::Kind;
using LabelMap = std::map<std::string, std::string, std::less<>>;

enum class Action {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase
};
constexpr std::array<std::string_view, 11> kActions = {"replace",   "keep",      "drop",     "keepequal",
                                                       "dropequal", "hashmod",   "labelmap", "labeldrop",
                                                       "labelkeep", "lowercase", "uppercase"};
constexpr std::array<std::string_view, 7> kFields = {"source_labels", "separator",   "target_label", "regex",
                                                     "modulus",       "replacement", "action"};
constexpr std::string_view kUsualSeparator = ";", kUsualRegex = "(.*)", kUsualReplacement = "$1";
constexpr size_t kRulesMax = 1000;

bool IsNothing(const format::YamlNode& yaml) { return yaml.kind == Kind::kText && yaml.text.empty(); }

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Text with references to groups: $1, ${1}, $name, ${name}, and $$ for a dollar. A reference to no group is empty, a
// dollar that refers to nothing stands for itself.
class Template {
 public:
  Template() = default;
  Template(std::string_view text, const RE2& regex) {
    std::string literal;
    for (size_t i = 0; i < text.size();) {
      size_t length = 0;
      const auto name = text[i] == '$' ? Reference(text.substr(i), length) : std::nullopt;
      if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '$') {
        literal += '$';
        i += 2;
      } else if (name) {
        parts_.push_back({std::exchange(literal, {}), GroupOf(*name, regex)});
        refers_ = true;
        i += length;
      } else {
        literal += text[i++];
      }
    }
    if (!literal.empty()) parts_.push_back({std::move(literal), kNoGroup});
  }

  bool refers() const { return refers_; }

  std::string Expand(const std::vector<re2::StringPiece>& groups) const {
    std::string out;
    for (const Part& part : parts_) {
      out += part.literal;
      if (part.group != kNoGroup && groups[part.group].data() != nullptr) {
        out.append(groups[part.group].data(), groups[part.group].size());
      }
    }
    return out;
  }

 private:
  static constexpr size_t kNoGroup = SIZE_MAX;
  struct Part {
    std::string literal;
    size_t group;  // behind it
  };

  static std::optional<std::string_view> Reference(std::string_view text, size_t& length) {
    const bool braced = text.size() > 1 && text[1] == '{';
    const size_t from = braced ? 2 : 1;
    size_t end = from;
    while (end < text.size() && IsWordByte(text[end])) ++end;
    if (end == from || (braced && (end == text.size() || text[end] != '}'))) return std::nullopt;
    length = braced ? end + 1 : end;
    return text.substr(from, end - from);
  }

  static size_t GroupOf(std::string_view name, const RE2& regex) {
    const auto groups = static_cast<size_t>(regex.NumberOfCapturingGroups());
    const bool plain = name == "0" || !name.starts_with('0');
    if (const auto number = WholeNumber<size_t>(name); number && plain) return *number <= groups ? *number : kNoGroup;
    const auto at = regex.NamedCapturingGroups().find(std::string(name));
    return at == regex.NamedCapturingGroups().end() ? kNoGroup : static_cast<size_t>(at->second);
  }

  std::vector<Part> parts_;
  bool refers_ = false;
};

// As many letters as before, each by its simple mapping.
std::string InCase(std::string_view text, bool upper) {
  std::string out;
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    const int32_t from = i;
    U8_NEXT(text.data(), i, size, c);
    if (c < 0) {
      out.append(text.substr(static_cast<size_t>(from), static_cast<size_t>(i - from)));
      continue;
    }
    char buffer[U8_MAX_LENGTH];
    int32_t length = 0;
    U8_APPEND_UNSAFE(buffer, length, upper ? u_toupper(c) : u_tolower(c));
    out.append(buffer, static_cast<size_t>(length));
  }
  return out;
}

// The last eight bytes of the MD5, as the number that Prometheus makes of them.
uint64_t HashOf(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_md5(), nullptr) == 1 && length == 16);
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = hash << 8 | digest[i];
  return hash;
}

void Set(LabelMap& labels, const std::string& name, std::string value) {
  if (value.empty()) {
    labels.erase(name);
  } else {
    labels[name] = std::move(value);
  }
}

}  // namespace

struct RelabelRules::Rule {
  Action action = Action::kReplace;
  std::vector<std::string> source_labels;
  std::string separator{kUsualSeparator};
  std::string target_label;
  std::string regex_text{kUsualRegex};
  std::string replacement_text{kUsualReplacement};
  uint64_t modulus = 0;
  std::unique_ptr<RE2> regex;
  Template target, replacement;

  bool Match(std::string_view text, std::vector<re2::StringPiece>& groups) const {
    groups.assign(static_cast<size_t>(regex->NumberOfCapturingGroups()) + 1, {});
    return regex->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::ANCHOR_BOTH, groups.data(),
                        static_cast<int>(groups.size()));
  }
  bool Matches(std::string_view text) const {
    return regex->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
  }

  // False drops the series.
  bool Apply(LabelMap& labels) const {
    std::string joined;
    for (size_t i = 0; i < source_labels.size(); ++i) {
      if (i > 0) joined += separator;
      if (const auto at = labels.find(source_labels[i]); at != labels.end()) joined += at->second;
    }
    switch (action) {
      case Action::kKeep: return Matches(joined);
      case Action::kDrop: return !Matches(joined);
      case Action::kKeepEqual: return ValueOf(labels, target_label) == joined;
      case Action::kDropEqual: return ValueOf(labels, target_label) != joined;
      case Action::kReplace: Replace(labels, joined); return true;
      case Action::kHashMod: Set(labels, target_label, std::to_string(HashOf(joined) % modulus)); return true;
      case Action::kLowercase: Set(labels, target_label, InCase(joined, false)); return true;
      case Action::kUppercase: Set(labels, target_label, InCase(joined, true)); return true;
      case Action::kLabelMap: MapNames(labels); return true;
      case Action::kLabelDrop:
        std::erase_if(labels, [this](const auto& label) { return Matches(label.first); });
        return true;
      case Action::kLabelKeep:
        std::erase_if(labels, [this](const auto& label) { return !Matches(label.first); });
        return true;
    }
    return true;
  }

 private:
  static std::string_view ValueOf(const LabelMap& labels, const std::string& name) {
    const auto at = labels.find(name);
    return at == labels.end() ? std::string_view() : std::string_view(at->second);
  }

  void Replace(LabelMap& labels, const std::string& joined) const {
    std::vector<re2::StringPiece> groups;
    if (!Match(joined, groups)) return;
    const std::string name = target.Expand(groups);
    if (format::IsLabelName(name)) Set(labels, name, replacement.Expand(groups));
  }

  void MapNames(LabelMap& labels) const {
    const LabelMap before = labels;
    std::vector<re2::StringPiece> groups;
    for (const auto& [name, value] : before) {
      if (!Match(name, groups)) continue;
      const std::string mapped = replacement.Expand(groups);
      if (!mapped.empty()) Set(labels, mapped, value);
    }
  }
};

namespace {

// Reads one rule and says what is wrong with it.
class RuleReader {
 public:
  RuleReader(const format::YamlNode& yaml, std::string where) : yaml_(yaml), where_(std::move(where)) {}

  Status Bad(std::string_view field, std::string why) const {
    const format::YamlNode* at = yaml_.Find(field);
    return Status::InvalidArgument(
        fmt::format("{}{}{} (line {})", where_, field.empty() ? "" : ".", field, (at == nullptr ? yaml_ : *at).line),
        std::move(why));
  }

  Status CheckFields() const {
    if (yaml_.kind != Kind::kMap) return Bad("", "a rule is a mapping, such as {action: drop, …}");
    for (const auto& [name, value] : yaml_.members) {
      if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) {
        return Bad(name, fmt::format("there is no such field; there are {}", fmt::join(kFields, ", ")));
      }
    }
    return Status::Ok();
  }

  // Leaves `text` as it is where the field is absent.
  Status Text(std::string_view field, std::string& text) const {
    const format::YamlNode* at = yaml_.Find(field);
    if (at == nullptr) return Status::Ok();
    if (at->kind != Kind::kText) return Bad(field, "a text is expected");
    text = at->text;
    return Status::Ok();
  }

  Status Names(std::string_view field, std::vector<std::string>& names) const {
    const format::YamlNode* at = yaml_.Find(field);
    if (at == nullptr || IsNothing(*at)) return Status::Ok();
    if (at->kind != Kind::kList) return Bad(field, "a list of label names is expected");
    for (const format::YamlPtr& item : at->items) {
      if (item->kind != Kind::kText || !format::IsLabelName(item->text)) {
        return Bad(field, fmt::format("{} is no label name", Shown(item->text)));
      }
      names.push_back(item->text);
    }
    return Status::Ok();
  }

  bool Has(std::string_view field) const { return yaml_.Find(field) != nullptr; }
  // Whether the field says something else than it would say by not being there.
  bool Differs(std::string_view field) const {
    const format::YamlNode* at = yaml_.Find(field);
    if (at == nullptr) return false;
    if (at->kind != Kind::kText) return !at->items.empty() || !at->members.empty();
    return at->text != (field == "separator"     ? kUsualSeparator
                        : field == "regex"       ? kUsualRegex
                        : field == "replacement" ? kUsualReplacement
                        : field == "modulus"     ? "0"
                                                 : "");
  }

 private:
  const format::YamlNode& yaml_;
  const std::string where_;
};

// What may be a label's name once its references are replaced.
bool MayBecomeLabelName(const std::string& text) {
  static const RE2 kShape(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return RE2::FullMatch(text, kShape);
}

Status CheckTarget(const RuleReader& in, Action action, const std::string& target) {
  switch (action) {
    case Action::kReplace:
      if (!MayBecomeLabelName(target)) return in.Bad("target_label", Shown(target) + " cannot become a label name");
      return Status::Ok();
    case Action::kHashMod:
    case Action::kLowercase:
    case Action::kUppercase:
    case Action::kKeepEqual:
    case Action::kDropEqual:
      if (!format::IsLabelName(target)) return in.Bad("target_label", Shown(target) + " is no label name");
      return Status::Ok();
    default: return Status::Ok();
  }
}

// Which fields an action must have, and may not have because it would not look at them.
Status CheckUse(const RuleReader& in, Action action) {
  const auto refuse = [&](std::initializer_list<std::string_view> fields) {
    for (const std::string_view field : fields) {
      if (in.Differs(field))
        return in.Bad(field, fmt::format("action {} has no use for it", kActions[static_cast<size_t>(action)]));
    }
    return Status::Ok();
  };
  const auto demand = [&](std::string_view field) {
    if (in.Has(field)) return Status::Ok();
    return in.Bad(field, fmt::format("action {} needs it", kActions[static_cast<size_t>(action)]));
  };
  switch (action) {
    case Action::kReplace: return demand("target_label");
    case Action::kHashMod: RETURN_IF_ERROR(demand("target_label")); return demand("modulus");
    case Action::kLowercase:
    case Action::kUppercase: RETURN_IF_ERROR(demand("target_label")); return refuse({"replacement"});
    case Action::kKeepEqual:
    case Action::kDropEqual:
      RETURN_IF_ERROR(demand("target_label"));
      return refuse({"regex", "modulus", "separator", "replacement"});
    case Action::kLabelDrop:
    case Action::kLabelKeep: return refuse({"source_labels", "target_label", "modulus", "separator", "replacement"});
    default: return Status::Ok();
  }
}

Status ReadAction(const RuleReader& in, Action& action) {
  std::string text = "replace";
  RETURN_IF_ERROR(in.Text("action", text));
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  const auto at = std::find(kActions.begin(), kActions.end(), text);
  if (at == kActions.end()) {
    return in.Bad("action", fmt::format("{} is none of {}", Shown(text), fmt::join(kActions, ", ")));
  }
  action = static_cast<Action>(at - kActions.begin());
  return Status::Ok();
}

}  // namespace

RelabelRules::RelabelRules() = default;
RelabelRules::~RelabelRules() = default;
RelabelRules::RelabelRules(RelabelRules&&) noexcept = default;
RelabelRules& RelabelRules::operator=(RelabelRules&&) noexcept = default;

Result<RelabelRules> RelabelRules::FromYaml(const format::YamlNode& rules, std::string_view field) {
  RelabelRules out;
  if (IsNothing(rules)) return out;
  if (rules.kind != Kind::kList || rules.items.size() > kRulesMax) {
    return Status::InvalidArgument(fmt::format("{} (line {})", field, rules.line),
                                   fmt::format("a list of at most {} rules is expected", kRulesMax));
  }
  for (size_t i = 0; i < rules.items.size(); ++i) {
    const RuleReader in(*rules.items[i], fmt::format("{}[{}]", field, i));
    auto rule = std::make_unique<Rule>();
    RETURN_IF_ERROR(in.CheckFields());
    RETURN_IF_ERROR(ReadAction(in, rule->action));
    RETURN_IF_ERROR(CheckUse(in, rule->action));
    RETURN_IF_ERROR(in.Names("source_labels", rule->source_labels));
    RETURN_IF_ERROR(in.Text("separator", rule->separator));
    RETURN_IF_ERROR(in.Text("target_label", rule->target_label));
    RETURN_IF_ERROR(in.Text("regex", rule->regex_text));
    RETURN_IF_ERROR(in.Text("replacement", rule->replacement_text));
    RETURN_IF_ERROR(CheckTarget(in, rule->action, rule->target_label));
    if (rule->action == Action::kLabelMap && !MayBecomeLabelName(rule->replacement_text)) {
      return in.Bad("replacement", Shown(rule->replacement_text) + " cannot become a label name");
    }
    std::string modulus = "0";
    RETURN_IF_ERROR(in.Text("modulus", modulus));
    const auto number = WholeNumber<uint64_t>(modulus);
    if (!number || (rule->action == Action::kHashMod && *number == 0)) {
      return in.Bad("modulus", Shown(modulus) + " is no whole number above 0");
    }
    rule->modulus = *number;
    rule->regex = std::make_unique<RE2>(rule->regex_text, RE2::Quiet);
    if (!rule->regex->ok()) return in.Bad("regex", rule->regex->error());
    rule->target = Template(rule->target_label, *rule->regex);
    rule->replacement = Template(rule->replacement_text, *rule->regex);
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

Result<RelabelRules> RelabelRules::Parse(std::string_view text) {
  ASSIGN_OR_RETURN(const format::YamlPtr yaml, format::ParseYaml(text));
  return yaml == nullptr ? RelabelRules() : FromYaml(*yaml, "relabel_configs");
}

bool RelabelRules::Apply(format::LabelsView labels, std::string& out) const {
  LabelMap map;
  for (const format::LabelPair& pair : labels) map.emplace_hint(map.end(), pair.name, pair.value);
  for (const auto& rule : rules_) {
    if (!rule->Apply(map)) return false;
  }
  out.clear();
  for (const auto& [name, value] : map) {
    format::PutBytes(out, name);
    format::PutBytes(out, value);
  }
  return true;
}

}  // namespace rhizome::ingest
