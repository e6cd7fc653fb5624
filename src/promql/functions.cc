#include "promql/functions.h"

#include <algorithm>

namespace rhizome::promql {
namespace {

constexpr ValueType kV = ValueType::kVector, kM = ValueType::kMatrix, kS = ValueType::kScalar, kT = ValueType::kString;

// Sorted by name.
constexpr Function kFunctions[] = {
    {FunctionId::kAbs, "abs", kV, {kV}},
    {FunctionId::kAbsent, "absent", kV, {kV}},
    {FunctionId::kAbsentOverTime, "absent_over_time", kV, {kM}},
    {FunctionId::kAcos, "acos", kV, {kV}},
    {FunctionId::kAcosh, "acosh", kV, {kV}},
    {FunctionId::kAsin, "asin", kV, {kV}},
    {FunctionId::kAsinh, "asinh", kV, {kV}},
    {FunctionId::kAtan, "atan", kV, {kV}},
    {FunctionId::kAtanh, "atanh", kV, {kV}},
    {FunctionId::kAvgOverTime, "avg_over_time", kV, {kM}},
    {FunctionId::kCeil, "ceil", kV, {kV}},
    {FunctionId::kChanges, "changes", kV, {kM}},
    {FunctionId::kClamp, "clamp", kV, {kV, kS, kS}},
    {FunctionId::kClampMax, "clamp_max", kV, {kV, kS}},
    {FunctionId::kClampMin, "clamp_min", kV, {kV, kS}},
    {FunctionId::kCos, "cos", kV, {kV}},
    {FunctionId::kCosh, "cosh", kV, {kV}},
    {FunctionId::kCountOverTime, "count_over_time", kV, {kM}},
    {FunctionId::kDayOfMonth, "day_of_month", kV, {kV}, 1},
    {FunctionId::kDayOfWeek, "day_of_week", kV, {kV}, 1},
    {FunctionId::kDayOfYear, "day_of_year", kV, {kV}, 1},
    {FunctionId::kDaysInMonth, "days_in_month", kV, {kV}, 1},
    {FunctionId::kDeg, "deg", kV, {kV}},
    {FunctionId::kDelta, "delta", kV, {kM}},
    {FunctionId::kDeriv, "deriv", kV, {kM}},
    {FunctionId::kExp, "exp", kV, {kV}},
    {FunctionId::kFloor, "floor", kV, {kV}},
    {FunctionId::kHistogramCount, "histogram_count", kV, {kV}},
    {FunctionId::kHistogramFraction, "histogram_fraction", kV, {kS, kS, kV}},
    {FunctionId::kHistogramQuantile, "histogram_quantile", kV, {kS, kV}},
    {FunctionId::kHistogramSum, "histogram_sum", kV, {kV}},
    {FunctionId::kHoltWinters, "holt_winters", kV, {kM, kS, kS}},
    {FunctionId::kHour, "hour", kV, {kV}, 1},
    {FunctionId::kIdelta, "idelta", kV, {kM}},
    {FunctionId::kIncrease, "increase", kV, {kM}},
    {FunctionId::kIrate, "irate", kV, {kM}},
    {FunctionId::kLabelJoin, "label_join", kV, {kV, kT, kT, kT}, kAnyNumber},
    {FunctionId::kLabelReplace, "label_replace", kV, {kV, kT, kT, kT, kT}},
    {FunctionId::kLastOverTime, "last_over_time", kV, {kM}},
    {FunctionId::kLn, "ln", kV, {kV}},
    {FunctionId::kLog10, "log10", kV, {kV}},
    {FunctionId::kLog2, "log2", kV, {kV}},
    {FunctionId::kMaxOverTime, "max_over_time", kV, {kM}},
    {FunctionId::kMinOverTime, "min_over_time", kV, {kM}},
    {FunctionId::kMinute, "minute", kV, {kV}, 1},
    {FunctionId::kMonth, "month", kV, {kV}, 1},
    {FunctionId::kPi, "pi", kS, {}},
    {FunctionId::kPredictLinear, "predict_linear", kV, {kM, kS}},
    {FunctionId::kPresentOverTime, "present_over_time", kV, {kM}},
    {FunctionId::kQuantileOverTime, "quantile_over_time", kV, {kS, kM}},
    {FunctionId::kRad, "rad", kV, {kV}},
    {FunctionId::kRate, "rate", kV, {kM}},
    {FunctionId::kResets, "resets", kV, {kM}},
    {FunctionId::kRound, "round", kV, {kV, kS}, 1},
    {FunctionId::kScalar, "scalar", kS, {kV}},
    {FunctionId::kSgn, "sgn", kV, {kV}},
    {FunctionId::kSin, "sin", kV, {kV}},
    {FunctionId::kSinh, "sinh", kV, {kV}},
    {FunctionId::kSort, "sort", kV, {kV}},
    {FunctionId::kSortDesc, "sort_desc", kV, {kV}},
    {FunctionId::kSqrt, "sqrt", kV, {kV}},
    {FunctionId::kStddevOverTime, "stddev_over_time", kV, {kM}},
    {FunctionId::kStdvarOverTime, "stdvar_over_time", kV, {kM}},
    {FunctionId::kSumOverTime, "sum_over_time", kV, {kM}},
    {FunctionId::kTan, "tan", kV, {kV}},
    {FunctionId::kTanh, "tanh", kV, {kV}},
    {FunctionId::kTime, "time", kS, {}},
    {FunctionId::kTimestamp, "timestamp", kV, {kV}},
    {FunctionId::kVector, "vector", kV, {kS}},
    {FunctionId::kYear, "year", kV, {kV}, 1},
};

}  // namespace

std::string_view NameOf(ValueType type) {
  static constexpr std::string_view kNames[] = {"none", "scalar", "string", "instant vector", "range vector"};
  return kNames[static_cast<size_t>(type)];
}

std::string_view NameOf(BinaryOp op) {
  static constexpr std::string_view kNames[] = {
      "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"};
  return kNames[static_cast<size_t>(op)];
}

int PrecedenceOf(BinaryOp op) {
  static constexpr int kPrecedence[] = {4, 4, 5, 5, 5, 6, 5, 3, 3, 3, 3, 3, 3, 2, 1, 2};
  return kPrecedence[static_cast<size_t>(op)];
}

std::string_view NameOf(AggregateOp op) {
  static constexpr std::string_view kNames[] = {"sum",    "avg",    "count", "min",     "max",          "group",
                                                "stddev", "stdvar", "topk",  "bottomk", "count_values", "quantile"};
  return kNames[static_cast<size_t>(op)];
}

const Function* FindFunction(std::string_view name) {
  const auto* const at = std::lower_bound(std::begin(kFunctions), std::end(kFunctions), name,
                                          [](const Function& f, std::string_view n) { return f.name < n; });
  return at != std::end(kFunctions) && at->name == name ? at : nullptr;
}

}  // namespace rhizome::promql
