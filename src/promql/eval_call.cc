// Functions over instant vectors and scalars, and the two "absent" ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <unordered_map>

#include "promql/arithmetic.h"
#include "promql/evaluator.h"
#include "promql/histogram.h"
#include "promql/text.h"
#include "promql/windows.h"

namespace rhizome::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <typename F>
void Apply(Columns& columns, F&& f) {
  for (Column& column : columns) {
    for (size_t step = 0; step < column.values.size(); ++step) {
      if (!IsAbsent(column.values[step])) column.values[step] = f(column.values[step], step);
    }
  }
}

double Sign(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }

double FieldOf(FunctionId id, double seconds) {
  const CalendarTime time = CalendarOf(seconds);
  switch (id) {
    case FunctionId::kDaysInMonth: return time.days_in_month;
    case FunctionId::kDayOfMonth: return time.day;
    case FunctionId::kDayOfWeek: return time.weekday;
    case FunctionId::kDayOfYear: return time.day_of_year;
    case FunctionId::kHour: return time.hour;
    case FunctionId::kMinute: return time.minute;
    case FunctionId::kMonth: return time.month;
    default: return static_cast<double>(time.year);
  }
}

// The functions of one number; null for every other.
double (*PlainFunction(FunctionId id))(double) {
  switch (id) {
    case FunctionId::kAbs: return [](double v) { return std::fabs(v); };
    case FunctionId::kCeil: return [](double v) { return std::ceil(v); };
    case FunctionId::kFloor: return [](double v) { return std::floor(v); };
    case FunctionId::kExp: return [](double v) { return std::exp(v); };
    case FunctionId::kSqrt: return [](double v) { return std::sqrt(v); };
    case FunctionId::kLn: return [](double v) { return std::log(v); };
    case FunctionId::kLog2: return [](double v) { return std::log2(v); };
    case FunctionId::kLog10: return [](double v) { return std::log10(v); };
    case FunctionId::kSin: return [](double v) { return std::sin(v); };
    case FunctionId::kCos: return [](double v) { return std::cos(v); };
    case FunctionId::kTan: return [](double v) { return std::tan(v); };
    case FunctionId::kAsin: return [](double v) { return std::asin(v); };
    case FunctionId::kAcos: return [](double v) { return std::acos(v); };
    case FunctionId::kAtan: return [](double v) { return std::atan(v); };
    case FunctionId::kSinh: return [](double v) { return std::sinh(v); };
    case FunctionId::kCosh: return [](double v) { return std::cosh(v); };
    case FunctionId::kTanh: return [](double v) { return std::tanh(v); };
    case FunctionId::kAsinh: return [](double v) { return std::asinh(v); };
    case FunctionId::kAcosh: return [](double v) { return std::acosh(v); };
    case FunctionId::kAtanh: return [](double v) { return std::atanh(v); };
    case FunctionId::kRad: return [](double v) { return v * std::numbers::pi / 180; };
    case FunctionId::kDeg: return [](double v) { return v * 180 / std::numbers::pi; };
    case FunctionId::kSgn: return Sign;
    default: return nullptr;
  }
}

// The buckets of one histogram among columns, by ascending bound.
struct Histogram {
  format::Labels labels;
  std::vector<std::pair<double, const Column*>> buckets;
};

std::vector<Histogram> HistogramsOf(const Columns& columns) {
  std::vector<Histogram> histograms;
  std::unordered_map<std::string, size_t> places;
  std::string key, scratch;
  for (const Column& column : columns) {
    const auto bound = ParseFloat(column.labels.Get("le"));
    if (!bound) continue;
    format::LabelsBuilder(column.labels).Delete("le").BuildBytes(key);
    const auto [at, first] = places.try_emplace(key, histograms.size());
    if (first) {
      histograms.push_back({format::Labels(WithoutName(format::LabelsView::Trusted(key), scratch)), {}});
    }
    histograms[at->second].buckets.emplace_back(*bound, &column);
  }
  for (Histogram& histogram : histograms) {
    std::stable_sort(histogram.buckets.begin(), histogram.buckets.end(), [](const auto& a, const auto& b) {
      return std::isnan(a.first) ? !std::isnan(b.first) : a.first < b.first;
    });
  }
  return histograms;
}

}  // namespace

format::Labels LabelsOfAbsent(const Expr& outer) {
  const Expr& expr = WithoutParens(outer);
  const VectorSelector* selector = expr.As<VectorSelector>();
  if (const MatrixSelector* matrix = expr.As<MatrixSelector>()) selector = &matrix->vector;
  if (selector == nullptr) return {};
  format::LabelsBuilder labels;
  std::set<std::string_view> seen;
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.name() == format::kMetricNameLabel) continue;
    const bool only = matcher.kind() == MatchKind::kEqual && seen.insert(matcher.name()).second;
    labels.Set(matcher.name(), only ? std::string_view(matcher.value()) : std::string_view());
  }
  return labels.Build();
}

Result<Columns> Evaluator::EvalCall(const Call& call, const Grid& grid) {
  switch (call.function->id) {
    case FunctionId::kTime:
      return Constant(grid, [&](size_t step) { return static_cast<double>(grid.at(step)) / 1000; });
    case FunctionId::kPi: return Constant(grid, [](size_t) { return std::numbers::pi; });
    case FunctionId::kVector: return Eval(*call.arguments[0], grid, {});
    case FunctionId::kScalar: return ScalarOf(call, grid);
    case FunctionId::kAbsent: return Absent(call, grid);
    case FunctionId::kTimestamp: return Timestamp(call, grid);
    case FunctionId::kSort:
    case FunctionId::kSortDesc: return Sorted(call, grid);
    case FunctionId::kLabelReplace: return LabelReplace(call, grid);
    case FunctionId::kLabelJoin: return LabelJoin(call, grid);
    case FunctionId::kHistogramQuantile: return HistogramQuantile(call, grid);
    case FunctionId::kHistogramCount:
    case FunctionId::kHistogramSum:
    case FunctionId::kHistogramFraction: {
      // Of native histograms, and no source has any: what is asked for is evaluated, and has none.
      for (const ExprPtr& argument : call.arguments) {
        const auto ignored = Eval(*argument, grid, {});
        if (!ignored.ok()) return ignored.status();
      }
      return Columns{};
    }
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear: return CalendarField(call, grid);
    default: return Mapped(call, grid);
  }
}

Result<Columns> Evaluator::Mapped(const Call& call, const Grid& grid) {
  ASSIGN_OR_RETURN(Columns columns, Eval(*call.arguments[0], grid, {}));
  std::vector<std::vector<double>> p;
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    ASSIGN_OR_RETURN(std::vector<double> parameter, Scalar(*call.arguments[i], grid));
    p.push_back(std::move(parameter));
  }
  const FunctionId id = call.function->id;
  if (const auto plain = PlainFunction(id)) {
    Apply(columns, [&](double v, size_t) { return plain(v); });
  } else if (id == FunctionId::kClamp) {
    Apply(columns, [&](double v, size_t i) { return p[1][i] < p[0][i] ? kAbsent : Max(p[0][i], Min(p[1][i], v)); });
  } else if (id == FunctionId::kClampMax) {
    Apply(columns, [&](double v, size_t i) { return Min(p[0][i], v); });
  } else if (id == FunctionId::kClampMin) {
    Apply(columns, [&](double v, size_t i) { return Max(p[0][i], v); });
  } else {
    CHECK(id == FunctionId::kRound);
    Apply(columns, [&](double v, size_t i) {
      const double inverse = 1.0 / (p.empty() ? 1.0 : p[0][i]);
      return std::floor(v * inverse + 0.5) / inverse;
    });
  }
  DropNames(columns);
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::CalendarField(const Call& call, const Grid& grid) {
  const FunctionId id = call.function->id;
  if (call.arguments.empty()) {
    return Constant(grid, [&](size_t step) { return FieldOf(id, static_cast<double>(grid.at(step) / 1000)); });
  }
  ASSIGN_OR_RETURN(Columns columns, Eval(*call.arguments[0], grid, {}));
  Apply(columns, [&](double v, size_t) { return FieldOf(id, v); });
  DropNames(columns);
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::Timestamp(const Call& call, const Grid& grid) {
  const VectorSelector* const selector = WithoutParens(*call.arguments[0]).As<VectorSelector>();
  Columns columns;
  if (selector == nullptr) {
    ASSIGN_OR_RETURN(columns, Eval(*call.arguments[0], grid, {}));
    Apply(columns, [&](double, size_t step) { return static_cast<double>(grid.at(step)) / 1000; });
  } else {
    // Of the samples themselves. At a fixed time there is one for all steps.
    const bool fixed = selector->shift.at == TimeShift::At::kTime;
    const Grid own = fixed ? Grid{grid.start_ms, grid.step_ms, 1} : grid;
    const SelectHints hints = HintsFor(selector->shift, own, options_.lookback_ms, {call.function->name, nullptr});
    std::vector<double> values(own.count);
    std::vector<int64_t> times_ms(own.count);
    RETURN_IF_ERROR(Samples(*selector, hints, [&](const SeriesSamples& series) -> Status {
      EvaluateInstants({series.times_ms, series.values}, {own, hints.offset_ms, hints.window_ms}, values,
                       times_ms.data());
      if (!HasAny(values)) return Status::Ok();
      for (size_t i = 0; i < own.count; ++i) {
        if (!IsAbsent(values[i])) values[i] = static_cast<double>(times_ms[i]) / 1000;
      }
      return Keep(columns, series.labels, fixed ? std::vector<double>(grid.count, double{values[0]}) : values);
    }));
  }
  DropNames(columns);
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::Sorted(const Call& call, const Grid& grid) {
  ASSIGN_OR_RETURN(Columns columns, Eval(*call.arguments[0], grid, {}));
  if (grid.count != 1) return columns;  // a range's answer has one order of its own
  std::vector<double> values;
  for (const Column& column : columns) values.push_back(column.values[0]);
  Columns sorted;
  for (const size_t i : SortedOrder(values, call.function->id == FunctionId::kSortDesc)) {
    sorted.push_back(std::move(columns[i]));
  }
  return sorted;
}

Result<Columns> Evaluator::ScalarOf(const Call& call, const Grid& grid) {
  ASSIGN_OR_RETURN(const Columns columns, Eval(*call.arguments[0], grid, {}));
  return Constant(grid, [&](size_t step) {
    double only = kAbsent;
    for (const Column& column : columns) {
      if (IsAbsent(column.values[step])) continue;
      if (!IsAbsent(only)) return kNan;
      only = column.values[step];
    }
    return IsAbsent(only) ? kNan : only;
  });
}

Result<Columns> Evaluator::Absent(const Call& call, const Grid& grid) {
  std::vector<double> values(grid.count, 1);
  RETURN_IF_ERROR(Stream(*call.arguments[0], grid, {call.function->name, nullptr},
                         [&](format::LabelsView, std::span<double> present) {
                           for (size_t i = 0; i < grid.count; ++i) {
                             if (!IsAbsent(present[i])) values[i] = kAbsent;
                           }
                           return Status::Ok();
                         }));
  Columns columns;
  if (HasAny(values)) RETURN_IF_ERROR(Keep(columns, LabelsOfAbsent(*call.arguments[0]), values));
  return columns;
}

Result<Columns> Evaluator::AbsentOverTime(const Call& call, const Grid& grid) {
  std::vector<double> values(grid.count, 1);
  RETURN_IF_ERROR(
      StreamWindows(call, 0, grid, {call.function->name, nullptr}, [&](format::LabelsView, std::span<double> present) {
        for (size_t i = 0; i < grid.count; ++i) {
          if (!IsAbsent(present[i])) values[i] = kAbsent;
        }
        return Status::Ok();
      }));
  Columns columns;
  if (HasAny(values)) RETURN_IF_ERROR(Keep(columns, LabelsOfAbsent(*call.arguments[0]), values));
  return columns;
}

Result<Columns> Evaluator::HistogramQuantile(const Call& call, const Grid& grid) {
  ASSIGN_OR_RETURN(const std::vector<double> phi, Scalar(*call.arguments[0], grid));
  ASSIGN_OR_RETURN(const Columns columns, Eval(*call.arguments[1], grid, {}));
  Columns out;
  std::vector<Bucket> buckets;
  std::vector<double> values(grid.count);
  for (const Histogram& histogram : HistogramsOf(columns)) {
    RETURN_IF_ERROR(budget_.Work(grid.count * histogram.buckets.size()));
    for (size_t step = 0; step < grid.count; ++step) {
      buckets.clear();
      for (const auto& [bound, column] : histogram.buckets) {
        if (!IsAbsent(column->values[step])) buckets.push_back({bound, column->values[step]});
      }
      values[step] = buckets.empty() ? kAbsent : BucketQuantile(phi[step], buckets);
    }
    RETURN_IF_ERROR(Keep(out, histogram.labels, values));
  }
  RETURN_IF_ERROR(MergeSameLabels(out));
  return out;
}

}  // namespace rhizome::promql
