// LabelSet: the labels of one series as a sender gives them, in any order, made canonical and held to the limits.
//
// Keeps its memory from one series to the next. What it is given must outlive Finish. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/taken.h"

namespace rhizome::ingest {

class LabelSet {
 public:
  void Clear() { pairs_.clear(); }
  // A pair with an empty value is the same as none; but its name counts as given.
  void Add(std::string_view name, std::string_view value) { pairs_.push_back({name, value}); }
  size_t size() const { return pairs_.size(); }
  // The canonical set, valid until the next Finish. InvalidArgument, as CheckSeries, and for a name given twice.
  Result<format::LabelsView> Finish(const Limits& limits);

 private:
  std::vector<format::LabelPair> pairs_;
  std::string bytes_;
};

}  // namespace rhizome::ingest
