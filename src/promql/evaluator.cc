#include "promql/evaluator.h"

#include <algorithm>
#include <unordered_set>

#include "promql/fingerprint_set.h"
#include "promql/windows.h"

namespace rhizome::promql {
namespace {

uint64_t BytesOf(const Columns& columns) {
  uint64_t bytes = 0;
  for (const Column& column : columns) bytes += column.values.size() * sizeof(double) + sizeof(Column);
  return bytes;
}

// How far back from a step's time the selector's own time lies. With "@" it lies at one point, seen from the grid's
// start: only what is evaluated once has it.
int64_t OffsetOf(const TimeShift& shift, const Grid& grid) {
  return shift.offset_ms + (shift.at == TimeShift::At::kTime ? grid.start_ms - shift.at_ms : 0);
}

const TimeShift& ShiftOf(const Expr& range) {
  const MatrixSelector* const selector = range.As<MatrixSelector>();
  return selector != nullptr ? selector->vector.shift : range.As<Subquery>()->shift;
}

size_t RangeArgumentOf(const Call& call) {
  const auto& types = call.function->arguments;
  return static_cast<size_t>(std::find(types.begin(), types.end(), ValueType::kMatrix) - types.begin());
}

}  // namespace

format::LabelsView WithoutName(format::LabelsView labels, std::string& scratch) {
  // The name is nearly always the first label: then what is behind it is the rest of the set.
  if (const auto first = labels.begin(); first != labels.end() && first->name == format::kMetricNameLabel) {
    const char* const rest = first->value.data() + first->value.size();
    return format::LabelsView::Trusted(labels.bytes().substr(static_cast<size_t>(rest - labels.bytes().data())));
  }
  if (labels.metric_name().empty()) return labels;
  format::LabelsBuilder(labels).Delete(format::kMetricNameLabel).BuildBytes(scratch);
  return format::LabelsView::Trusted(scratch);
}

void DropNames(Columns& columns) {
  std::string scratch;
  for (Column& column : columns) {
    if (!column.labels.Get(format::kMetricNameLabel).empty()) {
      column.labels = format::Labels(WithoutName(column.labels, scratch));
    }
  }
}

Status RefuseSameLabels(const Columns& columns) {
  std::unordered_set<std::string_view> seen;
  for (const Column& column : columns) {
    if (!seen.insert(column.labels.bytes()).second) {
      return Status::FailedPrecondition("vector cannot contain metrics with the same labelset");
    }
  }
  return Status::Ok();
}

Status Evaluator::Keep(Columns& columns, format::LabelsView labels, std::span<const double> values) {
  RETURN_IF_ERROR(budget_.Hold(values.size() * sizeof(double) + sizeof(Column)));
  columns.push_back({format::Labels(labels), {values.begin(), values.end()}});
  return Status::Ok();
}

Columns Evaluator::Constant(const Grid& grid, const std::function<double(size_t step)>& value) {
  Columns columns(1);
  columns[0].values.resize(grid.count);
  for (size_t step = 0; step < grid.count; ++step) columns[0].values[step] = value(step);
  return columns;
}

Result<Columns> Evaluator::Eval(const Expr& expr, const Grid& grid, Above above) {
  RETURN_IF_ERROR(budget_.Work(grid.count));
  const uint64_t before = budget_.held_bytes();
  ASSIGN_OR_RETURN(Columns columns,
                   expr.once && grid.count > 1 ? EvalOnce(expr, grid, above) : Compute(expr, grid, above));
  // What the operands held is gone; the result is there.
  budget_.Release(budget_.held_bytes() - before);
  RETURN_IF_ERROR(budget_.Hold(BytesOf(columns)));
  return columns;
}

Result<Columns> Evaluator::EvalOnce(const Expr& expr, const Grid& grid, Above above) {
  ASSIGN_OR_RETURN(Columns columns, Compute(expr, {grid.start_ms, grid.step_ms, 1}, above));
  RETURN_IF_ERROR(budget_.Hold(columns.size() * grid.count * sizeof(double)));
  for (Column& column : columns) column.values.assign(grid.count, double{column.values[0]});
  return columns;
}

Result<Columns> Evaluator::Compute(const Expr& expr, const Grid& grid, Above above) {
  const auto streamed = [&]() -> Result<Columns> {
    Columns columns;
    RETURN_IF_ERROR(Stream(expr, grid, above, [&](format::LabelsView labels, std::span<double> values) {
      return Keep(columns, labels, values);
    }));
    return columns;
  };
  return std::visit(
      Overloaded{[&](const NumberLiteral& number) -> Result<Columns> {
                   return Constant(grid, [&](size_t) { return number.value; });
                 },
                 [&](const VectorSelector&) -> Result<Columns> { return streamed(); },
                 [&](const Paren& paren) -> Result<Columns> { return Eval(*paren.expr, grid, above); },
                 [&](const Unary& unary) -> Result<Columns> { return Negated(unary, grid, above); },
                 [&](const Binary& binary) -> Result<Columns> { return EvalBinary(binary, grid); },
                 [&](const Aggregate& aggregate) -> Result<Columns> { return EvalAggregate(aggregate, grid); },
                 [&](const Call& call) -> Result<Columns> {
                   const bool over_range = RangeArgumentOf(call) < kArgumentsMax;
                   if (!over_range) return EvalCall(call, grid);
                   return call.function->id == FunctionId::kAbsentOverTime ? AbsentOverTime(call, grid) : streamed();
                 },
                 [&](const auto&) -> Result<Columns> {
                   return Status::Internal("a range or a string where a vector should be");
                 }},
      expr.node);
}

Status Evaluator::Stream(const Expr& outer, const Grid& grid, Above above, const Sink& sink) {
  const Expr& expr = WithoutParens(outer);
  if (!expr.once || grid.count == 1) {
    if (const VectorSelector* selector = expr.As<VectorSelector>()) return StreamSelector(*selector, grid, above, sink);
    if (const Call* call = expr.As<Call>(); call != nullptr && call->function->id != FunctionId::kAbsentOverTime) {
      const size_t range = RangeArgumentOf(*call);
      if (range < kArgumentsMax) return StreamWindows(*call, range, grid, above, sink);
    }
  }
  ASSIGN_OR_RETURN(Columns columns, Eval(expr, grid, above));
  for (Column& column : columns) RETURN_IF_ERROR(sink(column.labels, column.values));
  return Status::Ok();
}

Result<std::vector<double>> Evaluator::Scalar(const Expr& expr, const Grid& grid) {
  ASSIGN_OR_RETURN(Columns columns, Eval(expr, grid, {}));
  CHECK(columns.size() == 1);
  return std::move(columns[0].values);
}

Result<Columns> Evaluator::Negated(const Unary& unary, const Grid& grid, Above above) {
  ASSIGN_OR_RETURN(Columns columns, Eval(*unary.expr, grid, above));
  if (!unary.negative) return columns;
  for (Column& column : columns) {
    for (double& value : column.values) {
      if (!IsAbsent(value)) value = -value;
    }
  }
  DropNames(columns);
  RETURN_IF_ERROR(RefuseSameLabels(columns));
  return columns;
}

SelectHints Evaluator::HintsFor(const TimeShift& shift, const Grid& grid, int64_t window_ms, Above above) const {
  SelectHints hints;
  hints.grid = grid;
  hints.offset_ms = OffsetOf(shift, grid);
  hints.window_ms = window_ms;
  hints.min_ms = grid.start_ms - hints.offset_ms - window_ms;
  hints.max_ms = (shift.at == TimeShift::At::kTime ? grid.start_ms : grid.last_ms()) - hints.offset_ms;
  hints.function = above.function;
  if (above.aggregate != nullptr) {
    hints.aggregation = NameOf(above.aggregate->op);
    hints.without = above.aggregate->without;
    hints.grouping = above.aggregate->grouping;
  }
  return hints;
}

Status Evaluator::Samples(const VectorSelector& selector, SelectHints hints, const SampleSink& sink) {
  ASSIGN_OR_RETURN(auto stream, source_.Select(selector.matchers, hints));
  SeriesSamples series;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, stream->Next(series));
    if (!more) return Status::Ok();
    const auto begin = std::lower_bound(series.times_ms.begin(), series.times_ms.end(), hints.min_ms);
    const auto end = std::upper_bound(begin, series.times_ms.end(), hints.max_ms);
    const auto first = static_cast<size_t>(begin - series.times_ms.begin());
    const auto count = static_cast<size_t>(end - begin);
    RETURN_IF_ERROR(budget_.Series(count));
    series.times_ms = series.times_ms.subspan(first, count);
    series.values = series.values.subspan(first, count);
    if (count > 0) RETURN_IF_ERROR(sink(series));
  }
}

Status Evaluator::StreamSelector(const VectorSelector& selector, const Grid& grid, Above above, const Sink& sink) {
  const SelectHints hints = HintsFor(selector.shift, grid, options_.lookback_ms, above);
  std::vector<double> values(grid.count);
  return Samples(selector, hints, [&](const SeriesSamples& series) -> Status {
    EvaluateInstants({series.times_ms, series.values}, {grid, hints.offset_ms, hints.window_ms}, values, nullptr);
    RETURN_IF_ERROR(budget_.Work(grid.count));
    return HasAny(values) ? sink(series.labels, values) : Status::Ok();
  });
}

Result<Grid> Evaluator::SubqueryGrid(const Subquery& subquery, const Grid& grid) const {
  const int64_t offset_ms = OffsetOf(subquery.shift, grid);
  const int64_t step_ms = subquery.step_ms != 0 ? subquery.step_ms : options_.default_step_ms;
  const int64_t first_ms = grid.start_ms - offset_ms - subquery.range_ms;
  const int64_t last_ms = grid.last_ms() - offset_ms;
  int64_t start_ms = first_ms / step_ms * step_ms;
  if (start_ms < first_ms) start_ms += step_ms;
  const auto count = last_ms < start_ms ? 0 : static_cast<uint64_t>((last_ms - start_ms) / step_ms) + 1;
  RETURN_IF_ERROR(budget_.Steps(count));
  return Grid{start_ms, step_ms, count};
}

Status Evaluator::RangeSamples(const Expr& outer, const Grid& grid, Above above, const SampleSink& sink) {
  const Expr& range = WithoutParens(outer);
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  const auto present = [&](const auto& time_of, std::span<const double> from) {
    times_ms.clear();
    values.clear();
    for (size_t i = 0; i < from.size(); ++i) {
      if (IsAbsent(from[i])) continue;
      times_ms.push_back(time_of(i));
      values.push_back(from[i]);
    }
  };
  if (const MatrixSelector* selector = range.As<MatrixSelector>()) {
    SelectHints hints = HintsFor(selector->vector.shift, grid, selector->range_ms, above);
    hints.range = true;
    return Samples(selector->vector, hints, [&](const SeriesSamples& series) -> Status {
      if (std::none_of(series.values.begin(), series.values.end(), IsAbsent)) return sink(series);
      present([&](size_t i) { return series.times_ms[i]; }, series.values);
      return values.empty() ? Status::Ok() : sink({series.labels, times_ms, values});
    });
  }
  const Subquery& subquery = *range.As<Subquery>();
  ASSIGN_OR_RETURN(const Grid inner, SubqueryGrid(subquery, grid));
  if (inner.count == 0) return Status::Ok();
  return Stream(*subquery.expr, inner, {}, [&](format::LabelsView labels, std::span<double> from) -> Status {
    present([&](size_t i) { return inner.at(i); }, from);
    return values.empty() ? Status::Ok() : sink({labels, times_ms, values});
  });
}

Status Evaluator::StreamWindows(const Call& call, size_t range_argument, const Grid& grid, Above above,
                                const Sink& sink) {
  std::vector<std::vector<double>> parameters;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    if (i == range_argument) continue;
    ASSIGN_OR_RETURN(std::vector<double> parameter, Scalar(*call.arguments[i], grid));
    parameters.push_back(std::move(parameter));
  }
  const Expr& range = WithoutParens(*call.arguments[range_argument]);
  const MatrixSelector* const selector = range.As<MatrixSelector>();
  const int64_t range_ms = selector != nullptr ? selector->range_ms : range.As<Subquery>()->range_ms;
  const Windows windows{grid, OffsetOf(ShiftOf(range), grid), range_ms};
  const bool keeps_name = call.function->id == FunctionId::kLastOverTime;
  // Under one name labels stay different without it.
  const bool may_collide = call.function->id != FunctionId::kAbsentOverTime && !keeps_name &&
                           (selector == nullptr || selector->vector.name.empty());
  FingerprintSet seen;
  std::vector<double> values(grid.count);
  std::string scratch;
  return RangeSamples(range, grid, {call.function->name, above.aggregate}, [&](const SeriesSamples& series) -> Status {
    RETURN_IF_ERROR(
        EvaluateWindows(call.function->id, {series.times_ms, series.values}, windows, parameters, values, &budget_));
    RETURN_IF_ERROR(budget_.Work(grid.count));
    if (!HasAny(values)) return Status::Ok();
    const format::LabelsView labels = keeps_name ? series.labels : WithoutName(series.labels, scratch);
    if (may_collide && !seen.Insert(labels.Fingerprint())) {
      return Status::FailedPrecondition("vector cannot contain metrics with the same labelset");
    }
    return sink(labels, values);
  });
}

Result<std::vector<RawSeries>> Evaluator::Raw(const Expr& expr, int64_t time_ms) {
  std::vector<RawSeries> out;
  RETURN_IF_ERROR(RangeSamples(expr, {time_ms, 1, 1}, {}, [&](const SeriesSamples& series) -> Status {
    RETURN_IF_ERROR(budget_.Hold(series.values.size() * (sizeof(double) + sizeof(int64_t)) + sizeof(RawSeries)));
    out.push_back({format::Labels(series.labels),
                   {series.times_ms.begin(), series.times_ms.end()},
                   {series.values.begin(), series.values.end()}});
    return Status::Ok();
  }));
  return out;
}

}  // namespace rhizome::promql
