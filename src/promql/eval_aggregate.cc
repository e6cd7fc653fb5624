// Aggregations. Those that fold one value after the other stream their input; the others hold it.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "promql/arithmetic.h"
#include "promql/evaluator.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

// The group that a series belongs to, as the bytes of the group's labels.
class Grouping {
 public:
  // `extra`, not empty, is one more label that groups.
  explicit Grouping(const Aggregate& aggregate, std::string_view extra = {})
      : without_(aggregate.without), names_(aggregate.grouping) {
    if (without_) {
      names_.emplace_back(format::kMetricNameLabel);
    } else if (!extra.empty()) {
      names_.emplace_back(extra);
    }
    std::sort(names_.begin(), names_.end());
  }
  const std::string& Of(format::LabelsView labels) {
    // Pairs and names both ascend, and what stays of a canonical set is one.
    bytes_.clear();
    auto name = names_.begin();
    const char* from = labels.bytes().data();
    for (const format::LabelPair& pair : labels) {
      const char* const end = pair.value.data() + pair.value.size();
      while (name != names_.end() && *name < pair.name) ++name;
      const bool named = name != names_.end() && *name == pair.name;
      if (named != without_) bytes_.append(from, end);
      from = end;
      if (!without_ && name == names_.end()) break;
    }
    return bytes_;
  }
  // With one more label.
  const std::string& Of(format::LabelsView labels, std::string_view name, std::string_view value) {
    builder_.Reset(labels);
    builder_.Set(name, value);
    (without_ ? builder_.Delete(names_) : builder_.Keep(names_)).BuildBytes(bytes_);
    return bytes_;
  }

 private:
  const bool without_;
  std::vector<std::string> names_;
  format::LabelsBuilder builder_;
  std::string bytes_;
};

// Groups by their labels' bytes, in the order in which they came.
template <typename T>
class Groups {
 public:
  T& operator[](const std::string& bytes) {
    const auto [at, first] = places_.try_emplace(bytes, groups_.size());
    if (first) {
      groups_.emplace_back();
      groups_.back().labels = format::Labels(format::LabelsView::Trusted(bytes));
    }
    return groups_[at->second];
  }
  std::vector<T>& list() { return groups_; }

 private:
  std::vector<T> groups_;
  std::unordered_map<std::string, size_t> places_;
};

struct Folded {
  format::Labels labels;
  std::vector<double> values;  // absent where no series has come yet
  std::vector<double> means;   // of stddev and stdvar
  std::vector<double> counts;
};

bool IsDeviation(AggregateOp op) { return op == AggregateOp::kStddev || op == AggregateOp::kStdvar; }

void AddToMean(double& mean, double count, double value) {
  if (!KeepsInfiniteMean(mean, value)) mean += value / count - mean / count;
}

void FoldSeries(AggregateOp op, Folded& group, std::span<const double> values) {
  const auto each = [&](auto&& first, auto&& next) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (IsAbsent(values[i])) continue;
      double& place = group.values[i];
      if (IsAbsent(place)) {
        place = first(values[i], i);
      } else {
        next(place, values[i], i);
      }
    }
  };
  const auto same = [](double v, size_t) { return v; };
  const auto one = [](double, size_t) { return 1.0; };
  switch (op) {
    case AggregateOp::kSum: each(same, [](double& sum, double v, size_t) { sum += v; }); break;
    case AggregateOp::kCount: each(one, [](double& count, double, size_t) { ++count; }); break;
    case AggregateOp::kGroup: each(one, [](double&, double, size_t) {}); break;
    case AggregateOp::kMin:
      each(same, [](double& least, double v, size_t) { least = least > v || std::isnan(least) ? v : least; });
      break;
    case AggregateOp::kMax:
      each(same, [](double& most, double v, size_t) { most = most < v || std::isnan(most) ? v : most; });
      break;
    case AggregateOp::kAvg:
      each(
          [&](double v, size_t i) {
            group.counts[i] = 1;
            return v;
          },
          [&](double& mean, double v, size_t i) { AddToMean(mean, ++group.counts[i], v); });
      break;
    default:
      each(
          [&](double v, size_t i) {
            group.counts[i] = 1;
            group.means[i] = v;
            return 0.0;
          },
          [&](double& squares, double v, size_t i) {
            const double delta = v - group.means[i];
            group.means[i] += delta / ++group.counts[i];
            squares += delta * (v - group.means[i]);
          });
  }
}

// A heap as Go's container/heap keeps it: which of equal values stay, and their order, depends on its steps.
class Heap {
 public:
  Heap(std::vector<size_t>& items, const Columns& columns, size_t step, bool top)
      : items_(items), columns_(columns), step_(step), top_(top) {}

  double ValueAt(size_t i) const { return columns_[items_[i]].values[step_]; }
  void Push(size_t item) {
    items_.push_back(item);
    for (size_t j = items_.size() - 1; j > 0;) {
      const size_t parent = (j - 1) / 2;
      if (!Less(j, parent)) break;
      std::swap(items_[parent], items_[j]);
      j = parent;
    }
  }
  void Pop() {
    std::swap(items_.front(), items_.back());
    const size_t n = items_.size() - 1;
    for (size_t i = 0; 2 * i + 1 < n;) {
      size_t child = 2 * i + 1;
      if (child + 1 < n && Less(child + 1, child)) ++child;
      if (!Less(child, i)) break;
      std::swap(items_[i], items_[child]);
      i = child;
    }
    items_.pop_back();
  }

 private:
  bool Less(size_t a, size_t b) const {
    const double x = ValueAt(a), y = ValueAt(b);
    return std::isnan(x) || (top_ ? x < y : x > y);
  }

  std::vector<size_t>& items_;
  const Columns& columns_;
  const size_t step_;
  const bool top_;
};

// The k greatest (least) of `members` at a step, sorted.
std::vector<size_t> ExtremesAt(const Columns& columns, const std::vector<size_t>& members, size_t step, uint64_t k,
                               bool top) {
  std::vector<size_t> items;
  Heap heap(items, columns, step, top);
  for (const size_t member : members) {
    const double value = columns[member].values[step];
    if (IsAbsent(value)) continue;
    if (items.size() == k) {
      const double weakest = heap.ValueAt(0);
      if (!(std::isnan(weakest) || (top ? weakest < value : weakest > value))) continue;
      if (k == 1) {
        items[0] = member;
        continue;
      }
      heap.Pop();
    }
    heap.Push(member);
  }
  std::vector<double> values;
  for (size_t i = 0; i < items.size(); ++i) values.push_back(heap.ValueAt(i));
  std::vector<size_t> sorted;
  for (const size_t i : SortedOrder(values, top)) sorted.push_back(items[i]);
  return sorted;
}

struct Members {
  format::Labels labels;
  std::vector<size_t> columns;
};

Groups<Members> MembersOf(const Aggregate& aggregate, const Columns& columns) {
  Groups<Members> groups;
  Grouping grouping(aggregate);
  for (size_t i = 0; i < columns.size(); ++i) groups[grouping.Of(columns[i].labels)].columns.push_back(i);
  return groups;
}

}  // namespace

Result<Columns> Evaluator::EvalAggregate(const Aggregate& aggregate, const Grid& grid) {
  switch (aggregate.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk: return Extremes(aggregate, grid);
    case AggregateOp::kQuantile: return Quantiles(aggregate, grid);
    case AggregateOp::kCountValues: return CountValues(aggregate, grid);
    default: return Fold(aggregate, grid);
  }
}

Result<Columns> Evaluator::Fold(const Aggregate& aggregate, const Grid& grid) {
  const AggregateOp op = aggregate.op;
  Groups<Folded> groups;
  Grouping grouping(aggregate);
  RETURN_IF_ERROR(Stream(*aggregate.expr, grid, {"", &aggregate},
                         [&](format::LabelsView labels, std::span<double> values) -> Status {
                           Folded& group = groups[grouping.Of(labels)];
                           if (group.values.empty()) {
                             RETURN_IF_ERROR(budget_.Hold(3 * grid.count * sizeof(double)));
                             group.values = NoValues(grid);
                             if (op == AggregateOp::kAvg || IsDeviation(op)) group.counts.resize(grid.count);
                             if (IsDeviation(op)) group.means.resize(grid.count);
                           }
                           FoldSeries(op, group, values);
                           return Status::Ok();
                         }));
  Columns columns;
  for (Folded& group : groups.list()) {
    for (size_t i = 0; i < grid.count && IsDeviation(op); ++i) {
      double& value = group.values[i];
      if (IsAbsent(value)) continue;
      value /= group.counts[i];
      if (op == AggregateOp::kStddev) value = std::sqrt(value);
    }
    columns.push_back({std::move(group.labels), std::move(group.values)});
  }
  return columns;
}

Result<Columns> Evaluator::Quantiles(const Aggregate& aggregate, const Grid& grid) {
  ASSIGN_OR_RETURN(const std::vector<double> phi, Scalar(*aggregate.parameter, grid));
  ASSIGN_OR_RETURN(const Columns columns, Eval(*aggregate.expr, grid, {"", &aggregate}));
  Columns out;
  std::vector<double> values(grid.count), buffer;
  Groups<Members> groups = MembersOf(aggregate, columns);
  for (const Members& group : groups.list()) {
    RETURN_IF_ERROR(budget_.Work(group.columns.size() * grid.count));
    for (size_t step = 0; step < grid.count; ++step) {
      buffer.clear();
      for (const size_t i : group.columns) {
        if (!IsAbsent(columns[i].values[step])) buffer.push_back(columns[i].values[step]);
      }
      values[step] = buffer.empty() ? kAbsent : Quantile(phi[step], buffer);
    }
    RETURN_IF_ERROR(Keep(out, group.labels, values));
  }
  return out;
}

Result<Columns> Evaluator::Extremes(const Aggregate& aggregate, const Grid& grid) {
  ASSIGN_OR_RETURN(const std::vector<double> parameter, Scalar(*aggregate.parameter, grid));
  ASSIGN_OR_RETURN(const Columns columns, Eval(*aggregate.expr, grid, {"", &aggregate}));
  for (const double k : parameter) {
    if (k <= 9223372036854774784.0 && k >= -9223372036854775808.0) continue;
    return Status::FailedPrecondition("Scalar value " + FormatNumber(k) + " overflows int64");
  }
  const bool top = aggregate.op == AggregateOp::kTopk;
  Groups<Members> groups = MembersOf(aggregate, columns);
  Columns out;
  for (const Members& group : groups.list()) {
    RETURN_IF_ERROR(budget_.Work(group.columns.size() * grid.count));
    std::unordered_map<size_t, size_t> places;  // in out, by member
    for (size_t step = 0; step < grid.count; ++step) {
      const auto k = static_cast<int64_t>(parameter[step]);
      if (k < 1) continue;
      for (const size_t i : ExtremesAt(columns, group.columns, step, static_cast<uint64_t>(k), top)) {
        const auto [at, first] = places.try_emplace(i, out.size());
        if (first) RETURN_IF_ERROR(Keep(out, columns[i].labels, NoValues(grid)));
        out[at->second].values[step] = columns[i].values[step];
      }
    }
  }
  return out;
}

Result<Columns> Evaluator::CountValues(const Aggregate& aggregate, const Grid& grid) {
  const std::string& label = WithoutParens(*aggregate.parameter).As<StringLiteral>()->value;
  if (!format::IsLabelName(label)) return Status::FailedPrecondition("invalid label name " + Quote(label));
  ASSIGN_OR_RETURN(const Columns columns, Eval(*aggregate.expr, grid, {"", &aggregate}));
  Groups<Folded> groups;
  Grouping grouping(aggregate, label);
  // Step by step, so that groups come in the order of an instant's series.
  for (size_t step = 0; step < grid.count; ++step) {
    RETURN_IF_ERROR(budget_.Work(columns.size() * 16));
    for (const Column& column : columns) {
      if (IsAbsent(column.values[step])) continue;
      Folded& group = groups[grouping.Of(column.labels, label, FormatPlain(column.values[step]))];
      if (group.values.empty()) {
        RETURN_IF_ERROR(budget_.Hold(grid.count * sizeof(double)));
        group.values = NoValues(grid);
      }
      double& count = group.values[step];
      count = IsAbsent(count) ? 1 : count + 1;
    }
  }
  Columns out;
  for (Folded& group : groups.list()) out.push_back({std::move(group.labels), std::move(group.values)});
  return out;
}

}  // namespace rhizome::promql
