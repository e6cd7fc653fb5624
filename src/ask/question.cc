#include "ask/question.h"

#include <array>
#include <utility>

namespace rhizome::ask {
namespace {

constexpr std::array<std::pair<Mode, std::string_view>, 6> kNames{{{Mode::kAuto, "auto"},
                                                                   {Mode::kLocal, "local"},
                                                                   {Mode::kGlobal, "global"},
                                                                   {Mode::kHybrid, "hybrid"},
                                                                   {Mode::kMultiHop, "multi_hop"},
                                                                   {Mode::kVector, "vector"}}};

}  // namespace

std::string_view ModeName(Mode mode) {
  for (const auto& [known, name] : kNames) {
    if (known == mode) return name;
  }
  return "";
}

std::optional<Mode> ParseMode(std::string_view name) {
  for (const auto& [mode, known] : kNames) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

}  // namespace rhizome::ask
