// label_replace and label_join.
#include <re2/re2.h>

#include <algorithm>

#include "promql/evaluator.h"

namespace rhizome::promql {
namespace {

const std::string& TextOf(const Expr& expr) { return WithoutParens(expr).As<StringLiteral>()->value; }

bool IsWordCharacter(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// $1, ${1}, $name, ${name} and $$ of a replacement, out of the groups that matched. A name is as long as it can be, one
// that no group has is empty, and a dollar that begins nothing stands for itself.
class Replacement {
 public:
  Replacement(const std::string& text, const re2::RE2& regex) : text_(text), names_(regex.NamedCapturingGroups()) {}

  std::string Expand(std::span<const re2::StringPiece> groups) const {
    std::string out;
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] != '$' || i + 1 == text_.size()) {
        out += text_[i];
      } else if (text_[i + 1] == '$') {
        out += '$';
        ++i;
      } else if (const auto [name, end] = NameAt(i + 1); end > 0) {
        AppendGroup(name, groups, out);
        i = end - 1;
      } else {
        out += '$';
      }
    }
    return out;
  }

 private:
  // A name and where it ends; 0 when there is none.
  std::pair<std::string_view, size_t> NameAt(size_t at) const {
    const bool braces = text_[at] == '{';
    const size_t start = at + (braces ? 1 : 0);
    size_t end = start;
    while (end < text_.size() && IsWordCharacter(text_[end])) ++end;
    if (end == start || (braces && (end == text_.size() || text_[end] != '}'))) return {{}, 0};
    return {std::string_view(text_).substr(start, end - start), end + (braces ? 1 : 0)};
  }

  void AppendGroup(std::string_view name, std::span<const re2::StringPiece> groups, std::string& out) const {
    size_t number = 0;
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      if (name.size() > 8 || (name.size() > 1 && name[0] == '0')) return;
      number = std::stoul(std::string(name));
    } else if (const auto at = names_.find(std::string(name)); at != names_.end()) {
      number = static_cast<size_t>(at->second);
    } else {
      return;
    }
    if (number < groups.size()) out.append(groups[number].data(), groups[number].size());
  }

  const std::string& text_;
  const std::map<std::string, int>& names_;
};

}  // namespace

Result<Columns> Evaluator::LabelReplace(const Call& call, const Grid& grid) {
  const std::string &target = TextOf(*call.arguments[1]), &replacement_text = TextOf(*call.arguments[2]),
                    &source = TextOf(*call.arguments[3]), &pattern = TextOf(*call.arguments[4]);
  ASSIGN_OR_RETURN(Columns columns, Eval(*call.arguments[0], grid, {}));
  const auto regex = format::CompileRegex(pattern);
  if (!regex.ok()) {
    return Status::FailedPrecondition("invalid regular expression in label_replace(): " + pattern);
  }
  if (!format::IsLabelName(target)) {
    return Status::FailedPrecondition("invalid destination label name in label_replace(): " + target);
  }
  const Replacement replacement(replacement_text, **regex);
  std::vector<re2::StringPiece> groups(static_cast<size_t>((*regex)->NumberOfCapturingGroups()) + 1);
  for (Column& column : columns) {
    const std::string_view value = source.empty() ? std::string_view() : column.labels.Get(source);
    const re2::StringPiece text(value.data(), value.size());
    if (!(*regex)->Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size()))) {
      continue;
    }
    const std::string result = replacement.Expand(groups);
    column.labels = format::LabelsBuilder(column.labels).Set(target, result).Build();
  }
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::LabelJoin(const Call& call, const Grid& grid) {
  const std::string &target = TextOf(*call.arguments[1]), &separator = TextOf(*call.arguments[2]);
  ASSIGN_OR_RETURN(Columns columns, Eval(*call.arguments[0], grid, {}));
  for (size_t i = 3; i < call.arguments.size(); ++i) {
    const std::string& source = TextOf(*call.arguments[i]);
    if (format::IsLabelName(source)) continue;
    return Status::FailedPrecondition("invalid source label name in label_join(): " + source);
  }
  if (!format::IsLabelName(target)) {
    return Status::FailedPrecondition("invalid destination label name in label_join(): " + target);
  }
  for (Column& column : columns) {
    std::string joined;
    for (size_t i = 3; i < call.arguments.size(); ++i) {
      if (i > 3) joined += separator;
      joined += column.labels.Get(TextOf(*call.arguments[i]));
    }
    column.labels = format::LabelsBuilder(column.labels).Set(target, joined).Build();
  }
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

}  // namespace rhizome::promql
