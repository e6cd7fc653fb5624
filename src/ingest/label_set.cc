#include "ingest/label_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/coding.h"

namespace rhizome::ingest {

Result<format::LabelsView> LabelSet::Finish(const Limits& limits) {
  size_t bytes = 0;
  for (const format::LabelPair& pair : pairs_) bytes += pair.name.size() + pair.value.size();
  if (bytes > 2 * limits.series_bytes_max) {  // not worth a copy that may be long
    return Status::InvalidArgument({}, fmt::format("its labels take more than {} bytes", limits.series_bytes_max));
  }
  std::sort(pairs_.begin(), pairs_.end());
  const auto twice =
      std::adjacent_find(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != pairs_.end()) {
    return Status::InvalidArgument({}, fmt::format("label {} is given twice", Shown(twice->name)));
  }
  bytes_.clear();
  for (const format::LabelPair& pair : pairs_) {
    if (pair.name.empty()) return Status::InvalidArgument({}, "a label without a name");
    if (pair.value.empty()) continue;
    format::PutBytes(bytes_, pair.name);
    format::PutBytes(bytes_, pair.value);
  }
  const auto labels = format::LabelsView::Trusted(bytes_);
  RETURN_IF_ERROR(CheckSeries(labels, limits));
  return labels;
}

}  // namespace rhizome::ingest
