#include "promql/value.h"

#include <string_view>
#include <unordered_map>

namespace rhizome::promql {

Status MergeSameLabels(Columns& columns) {
  std::unordered_map<std::string_view, size_t> places;
  places.reserve(columns.size());
  size_t kept = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!HasAny(columns[i].values)) continue;
    if (kept != i) std::swap(columns[kept], columns[i]);
    Column& column = columns[kept];
    const auto [at, first] = places.try_emplace(column.labels.bytes(), kept);
    if (first) {
      ++kept;
      continue;
    }
    Column& other = columns[at->second];
    for (size_t step = 0; step < column.values.size(); ++step) {
      if (IsAbsent(column.values[step])) continue;
      if (!IsAbsent(other.values[step])) {
        return Status::FailedPrecondition("vector cannot contain metrics with the same labelset");
      }
      other.values[step] = column.values[step];
    }
  }
  columns.resize(kept);
  return Status::Ok();
}

}  // namespace rhizome::promql
