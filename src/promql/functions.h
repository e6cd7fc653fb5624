// The functions and operators that PromQL has: names, types of arguments and results, precedence. Constant tables;
// evaluation is elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rhizome::promql {

enum class ValueType : uint8_t { kNone, kScalar, kString, kVector, kMatrix };
// "scalar", "string", "instant vector", "range vector", "none": as error messages say it.
std::string_view NameOf(ValueType type);

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
};
std::string_view NameOf(BinaryOp op);
// 1 (or) … 6 (^); the higher binds the tighter. All associate to the left but ^.
int PrecedenceOf(BinaryOp op);
inline constexpr int kUnaryPrecedence = 5;  // as *
inline bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual; }
inline bool IsSetOperator(BinaryOp op) { return op >= BinaryOp::kAnd; }

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
};
std::string_view NameOf(AggregateOp op);
// Whether the aggregation takes a parameter before its vector.
inline bool HasParameter(AggregateOp op) { return op >= AggregateOp::kTopk; }

enum class FunctionId : uint8_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kExp,
  kFloor,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramSum,
  kHoltWinters,
  kHour,
  kIdelta,
  kIncrease,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMaxOverTime,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortDesc,
  kSqrt,
  kStddevOverTime,
  kStdvarOverTime,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kVector,
  kYear,
};

inline constexpr size_t kArgumentsMax = 5;
inline constexpr int kAnyNumber = -1;

struct Function {
  FunctionId id;
  std::string_view name;
  ValueType result;
  std::array<ValueType, kArgumentsMax> arguments;  // kNone after the last
  int optional = 0;  // how many of the last type may be left out or, kAnyNumber, how often it may come: 0 or more times

  size_t argument_count() const {
    size_t count = 0;
    while (count < kArgumentsMax && arguments[count] != ValueType::kNone) ++count;
    return count;
  }
};

// Null when there is none of this name.
const Function* FindFunction(std::string_view name);

}  // namespace rhizome::promql
