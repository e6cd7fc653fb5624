// Aliases: other names that a name by itself implies. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rhizome::extract {

struct TitleParts {
  std::string_view name;            // the title without its disambiguation
  std::string_view disambiguation;  // "planet" of "Mercury (planet)"; empty when there is none
};
TitleParts SplitTitle(std::string_view title);

// Names a document's title also goes by: without "(planet)", without ", North Carolina", without "The", without middle
// initials. Never the title itself, nothing shorter than two bytes; at most four.
std::vector<std::string> TitleAliases(std::string_view title);

// "John A. Smith" -> "John Smith"; empty when there is no initial in the middle.
std::string WithoutInitials(std::string_view name);

}  // namespace rhizome::extract
