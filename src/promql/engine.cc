#include "promql/engine.h"

#include <algorithm>

#include "promql/parser.h"
#include "promql/plan.h"

namespace rhizome::promql {
namespace {

std::vector<ResultSeries> Present(Columns columns, const Grid& grid) {
  std::vector<ResultSeries> out;
  for (Column& column : columns) {
    ResultSeries series{std::move(column.labels), {}, {}};
    for (size_t step = 0; step < grid.count; ++step) {
      if (IsAbsent(column.values[step])) continue;
      series.times_ms.push_back(grid.at(step));
      series.values.push_back(column.values[step]);
    }
    if (!series.values.empty()) out.push_back(std::move(series));
  }
  return out;
}

QueryResult Text(const Expr& expr) {
  QueryResult result;
  result.type = ValueType::kString;
  result.text = WithoutParens(expr).As<StringLiteral>()->value;
  return result;
}

void Count(const Budget& budget, QueryResult& result) {
  result.series_read = budget.series();
  result.samples_read = budget.samples();
}

}  // namespace

Result<QueryResult> Engine::Instant(std::string_view query, int64_t time_ms, const QueryContext& context) const {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query));
  if (expr->type() == ValueType::kString) return Text(*expr);
  Plan(*expr, time_ms, time_ms);
  Budget budget(options_.limits, clock_, context.cancelled);
  Evaluator evaluator(context.source, options_, budget);
  QueryResult result;
  result.type = expr->type();
  if (result.type == ValueType::kMatrix) {
    ASSIGN_OR_RETURN(std::vector<RawSeries> raw, evaluator.Raw(*expr, time_ms));
    for (RawSeries& series : raw) {
      result.series.push_back({std::move(series.labels), std::move(series.times_ms), std::move(series.values)});
    }
  } else {
    const Grid grid{time_ms, 1, 1};
    ASSIGN_OR_RETURN(Columns columns, evaluator.Evaluate(*expr, grid));
    result.series = Present(std::move(columns), grid);
  }
  Count(budget, result);
  return result;
}

Result<QueryResult> Engine::Range(std::string_view query, int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                  const QueryContext& context) const {
  if (step_ms <= 0) return Status::InvalidArgument("step", "the step must be above zero");
  if (end_ms < start_ms) return Status::InvalidArgument("end", "the end must not be before the start");
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query));
  const ValueType type = expr->type();
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return Status::InvalidArgument("query", "invalid expression type \"" + std::string(NameOf(type)) +
                                                "\" for range query, must be Scalar or instant Vector");
  }
  Plan(*expr, start_ms, end_ms);
  Budget budget(options_.limits, clock_, context.cancelled);
  const Grid grid{start_ms, step_ms, static_cast<size_t>((end_ms - start_ms) / step_ms) + 1};
  RETURN_IF_ERROR(budget.Steps(grid.count));
  Evaluator evaluator(context.source, options_, budget);
  ASSIGN_OR_RETURN(Columns columns, evaluator.Evaluate(*expr, grid));
  QueryResult result;
  result.type = ValueType::kMatrix;
  result.series = Present(std::move(columns), grid);
  std::sort(result.series.begin(), result.series.end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
  Count(budget, result);
  return result;
}

}  // namespace rhizome::promql
