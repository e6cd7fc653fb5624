#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace rhizome::chaos {
namespace {

struct Figure {
  std::string fact, name, unit;
  double value = 0;
};

std::vector<Figure>& All() {
  static std::vector<Figure> all;
  return all;
}

}  // namespace

Extent& TheExtent() {
  static Extent extent;
  return extent;
}

void Note(const std::string& fact, const std::string& figure, double value, const std::string& unit) {
  All().push_back({fact, figure, unit, value});
  fmt::print("[   figure ] {}: {} {:.6g} {}\n", fact, figure, value, unit);
  std::fflush(stdout);
}

std::string FiguresTable() {
  std::string table;
  for (const Figure& figure : All()) {
    table += fmt::format("{:<36}{:<48}{:>12.6g} {}\n", figure.fact, figure.name, figure.value, figure.unit);
  }
  return table;
}

double PercentileMs(std::vector<int64_t> taken_ns, double share) {
  if (taken_ns.empty()) return 0;
  const auto at = taken_ns.begin() + static_cast<int64_t>(share * static_cast<double>(taken_ns.size() - 1));
  std::nth_element(taken_ns.begin(), at, taken_ns.end());
  return static_cast<double>(*at) * 1e-6;
}

}  // namespace rhizome::chaos
