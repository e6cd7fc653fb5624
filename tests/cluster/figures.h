// What a run measured, for people: printed where it was found and as a table at the end; and how long and how large a
// run was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rhizome::chaos {

// ./test runs everything short; ./dev chaos everything large, and its storm for so many minutes.
struct Extent {
  bool full = false;
  double minutes = 1;
  uint64_t seed = 1;
};
Extent& TheExtent();

void Note(const std::string& fact, const std::string& figure, double value, const std::string& unit);
std::string FiguresTable();

// In milliseconds, of nanoseconds; 0 of nothing.
double PercentileMs(std::vector<int64_t> taken_ns, double share);

}  // namespace rhizome::chaos
