// Evaluator: one planned query over one source. Every expression becomes columns over a grid; selectors and functions
// over ranges are streamed series by series, so that an aggregation over them never holds what it sums up.
//
// Order: an instant query's columns come in the order Prometheus gives them (that of the first operand's series, sorted
// by label; groups in order of their first member; sort and topk by value). Belongs to one thread and one query.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "promql/ast.h"
#include "promql/budget.h"
#include "promql/source.h"
#include "promql/value.h"

namespace rhizome::promql {

struct EngineOptions {
  int64_t lookback_ms = 300'000;     // how old a sample an instant selector still sees
  int64_t default_step_ms = 60'000;  // of subqueries that name none
  Limits limits;
};

// Raw samples of one series, as a range selector alone gives them.
struct RawSeries {
  format::Labels labels;
  std::vector<int64_t> times_ms;
  std::vector<double> values;
};

class Evaluator {
 public:
  // All outlive it.
  Evaluator(SeriesSource& source, const EngineOptions& options, Budget& budget)
      : source_(source), options_(options), budget_(budget) {}

  // Of a scalar or an instant vector.
  Result<Columns> Evaluate(const Expr& expr, const Grid& grid) { return Eval(expr, grid, {}); }
  // Of a range selector or a subquery, at one time.
  Result<std::vector<RawSeries>> Raw(const Expr& expr, int64_t time_ms);

 private:
  // What stands directly over an expression; it ends up in the hints.
  struct Above {
    std::string_view function;
    const Aggregate* aggregate = nullptr;
  };
  using Sink = std::function<Status(format::LabelsView labels, std::span<double> values)>;
  using SampleSink = std::function<Status(const SeriesSamples& samples)>;

  // evaluator.cc
  Result<Columns> Eval(const Expr& expr, const Grid& grid, Above above);
  Result<Columns> EvalOnce(const Expr& expr, const Grid& grid, Above above);
  Result<Columns> Compute(const Expr& expr, const Grid& grid, Above above);
  // Gives each column to `sink`, which may change its values.
  Status Stream(const Expr& expr, const Grid& grid, Above above, const Sink& sink);
  Result<std::vector<double>> Scalar(const Expr& expr, const Grid& grid);
  Result<Columns> Negated(const Unary& unary, const Grid& grid, Above above);
  Status Samples(const VectorSelector& selector, SelectHints hints, const SampleSink& sink);
  SelectHints HintsFor(const TimeShift& shift, const Grid& grid, int64_t window_ms, Above above) const;
  Status StreamSelector(const VectorSelector& selector, const Grid& grid, Above above, const Sink& sink);
  Result<Grid> SubqueryGrid(const Subquery& subquery, const Grid& grid) const;
  // The series that a function over ranges walks: a selector's samples without stale markers, or a subquery's values.
  Status RangeSamples(const Expr& range, const Grid& grid, Above above, const SampleSink& sink);
  Columns Constant(const Grid& grid, const std::function<double(size_t step)>& value);
  Status Keep(Columns& columns, format::LabelsView labels, std::span<const double> values);
  std::vector<double> NoValues(const Grid& grid) const { return std::vector<double>(grid.count, kAbsent); }

  // eval_call.cc
  Result<Columns> EvalCall(const Call& call, const Grid& grid);
  Status StreamWindows(const Call& call, size_t range_argument, const Grid& grid, Above above, const Sink& sink);
  Result<Columns> AbsentOverTime(const Call& call, const Grid& grid);
  Result<Columns> Absent(const Call& call, const Grid& grid);
  Result<Columns> Mapped(const Call& call, const Grid& grid);
  Result<Columns> CalendarField(const Call& call, const Grid& grid);
  Result<Columns> Timestamp(const Call& call, const Grid& grid);
  Result<Columns> Sorted(const Call& call, const Grid& grid);
  Result<Columns> ScalarOf(const Call& call, const Grid& grid);
  Result<Columns> HistogramQuantile(const Call& call, const Grid& grid);

  // eval_labels.cc
  Result<Columns> LabelReplace(const Call& call, const Grid& grid);
  Result<Columns> LabelJoin(const Call& call, const Grid& grid);

  // eval_binary.cc
  Result<Columns> EvalBinary(const Binary& binary, const Grid& grid);
  Result<Columns> ScalarScalar(const Binary& binary, const Grid& grid);
  Result<Columns> VectorScalar(const Binary& binary, const Grid& grid);
  Result<Columns> SetOperation(const Binary& binary, const Grid& grid);
  Result<Columns> VectorVector(const Binary& binary, const Grid& grid);

  // eval_aggregate.cc
  Result<Columns> EvalAggregate(const Aggregate& aggregate, const Grid& grid);
  Result<Columns> Fold(const Aggregate& aggregate, const Grid& grid);
  Result<Columns> CountValues(const Aggregate& aggregate, const Grid& grid);
  Result<Columns> Quantiles(const Aggregate& aggregate, const Grid& grid);
  Result<Columns> Extremes(const Aggregate& aggregate, const Grid& grid);

  SeriesSource& source_;
  const EngineOptions& options_;
  Budget& budget_;
};

// The set without its metric name, built in `scratch`.
format::LabelsView WithoutName(format::LabelsView labels, std::string& scratch);
void DropNames(Columns& columns);
// FailedPrecondition when two columns have the same labels, at whatever steps.
Status RefuseSameLabels(const Columns& columns);
// A label that only one value satisfies has it: what absent() gives. Empty for what is no selector.
format::Labels LabelsOfAbsent(const Expr& expr);

}  // namespace rhizome::promql
