#include "extract/aliases.h"

#include <algorithm>

#include "extract/lexicon.h"
#include "format/entity_name.h"

namespace rhizome::extract {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

TitleParts SplitTitle(std::string_view title) {
  title = Trimmed(title);
  if (!title.ends_with(')')) return {title, {}};
  const size_t open = title.rfind('(');
  if (open == std::string_view::npos || open == 0) return {title, {}};
  const std::string_view name = Trimmed(title.substr(0, open));
  if (name.empty()) return {title, {}};
  return {name, Trimmed(title.substr(open + 1, title.size() - open - 2))};
}

std::string WithoutInitials(std::string_view name) {
  std::string plain;
  size_t words = 0;
  bool dropped = false;
  for (size_t at = 0; at < name.size(); ++words) {
    const size_t end = std::min(name.find(' ', at), name.size());
    const std::string_view word = name.substr(at, end - at);
    const bool initial = (word.size() == 1 || (word.size() == 2 && word[1] == '.')) && word[0] >= 'A' && word[0] <= 'Z';
    if (words > 0 && initial && end < name.size()) {
      dropped = true;
    } else {
      if (!plain.empty()) plain += ' ';
      plain += word;
    }
    at = end + 1;
  }
  // "J. K. Rowling" without the K is nobody's name.
  const size_t first = std::min(name.find(' '), name.size());
  const bool initial_first = first <= 1 || (first == 2 && name[1] == '.');
  return dropped && !initial_first && plain.find(' ') != std::string::npos ? plain : std::string();
}

std::vector<std::string> TitleAliases(std::string_view title) {
  std::vector<std::string> aliases;
  const std::string key = format::EntityName(title);
  const auto add = [&](std::string_view alias) {
    const std::string alias_key = format::EntityName(alias);
    if (alias_key.size() < 2 || alias_key == key || aliases.size() >= 4) return;
    if (std::ranges::any_of(aliases, [&](const std::string& known) { return format::EntityName(known) == alias_key; }))
      return;
    aliases.emplace_back(alias);
  };
  std::string_view name = SplitTitle(title).name;
  add(name);
  if (const size_t comma = name.find(", "); comma != std::string_view::npos) {
    const std::string_view before = name.substr(0, comma);
    // "Leland, North Carolina", not "Crosby, Stills, Nash"
    if (name.find(", ", comma + 2) == std::string_view::npos && IsPlaceName(format::EntityName(name.substr(comma + 2))))
      add(before);
  }
  if (name.size() > 6 && (name.starts_with("The ") || name.starts_with("the "))) add(name.substr(4));
  if (const std::string plain = WithoutInitials(name); !plain.empty()) add(plain);
  return aliases;
}

}  // namespace rhizome::extract
