#include "promql/plan.h"

namespace rhizome::promql {
namespace {

// Whether a function's result depends on the time of the step even when its arguments do not.
bool DependsOnStep(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp: return true;
    default: return false;
  }
}

class Planner {
 public:
  Planner(int64_t start_ms, int64_t end_ms) : start_ms_(start_ms), end_ms_(end_ms) {}

  void Visit(Expr& expr) const {
    bool children_once = true;
    for (Expr* child : Children(expr)) {
      Visit(*child);
      children_once = children_once && child->once;
    }
    expr.once = std::visit(Overloaded{[&](VectorSelector& selector) { return Fix(selector.shift); },
                                      [&](MatrixSelector& selector) { return Fix(selector.vector.shift); },
                                      [&](Subquery& subquery) { return Fix(subquery.shift); },
                                      [&](Call& call) { return children_once && !DependsOnStep(call.function->id); },
                                      [&](auto&) { return children_once; }},
                           expr.node);
  }

 private:
  bool Fix(TimeShift& shift) const {
    if (shift.at == TimeShift::At::kStart || shift.at == TimeShift::At::kEnd) {
      shift.at_ms = shift.at == TimeShift::At::kStart ? start_ms_ : end_ms_;
      shift.at = TimeShift::At::kTime;
    }
    return shift.at == TimeShift::At::kTime;
  }

  const int64_t start_ms_;
  const int64_t end_ms_;
};

}  // namespace

void Plan(Expr& expr, int64_t start_ms, int64_t end_ms) { Planner(start_ms, end_ms).Visit(expr); }

}  // namespace rhizome::promql
