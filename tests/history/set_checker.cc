#include "history/set_checker.h"

namespace rhizome::history {

SetVerdict CheckSet(const std::map<std::string, Element>& elements, const std::map<std::string, uint64_t>& present) {
  SetVerdict verdict;
  const auto wrong = [&verdict](uint64_t& count, const std::string& key, const char* what) {
    if (++count == 1 && verdict.first.empty()) verdict.first = key + " " + what;
  };
  for (const auto& [key, element] : elements) {
    const auto found = present.find(key);
    const bool there = found != present.end();
    const bool never_removed = !element.removed || *element.removed == Outcome::kFailed;
    const bool surely_gone = element.added == Outcome::kFailed || (element.removed && *element.removed == Outcome::kOk);
    const bool surely_there = element.added == Outcome::kOk && never_removed;
    verdict.checked += surely_gone || surely_there;
    if (there && found->second != element.content) wrong(verdict.altered, key, "has another content");
    if (there && surely_gone) wrong(verdict.revived, key, "is there and must not be");
    if (!there && surely_there) wrong(verdict.lost, key, "was acknowledged and is not there");
  }
  for (const auto& [key, content] : present) {
    if (!elements.contains(key)) wrong(verdict.revived, key, "was never written");
  }
  return verdict;
}

}  // namespace rhizome::history
