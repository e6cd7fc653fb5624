// Operators between scalars and vectors.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "promql/evaluator.h"
#include "promql/text.h"

namespace rhizome::promql {
namespace {

// {__name__="up", job="api"}: the name is a label like the others.
std::string Braced(format::LabelsView labels) {
  std::string out = "{";
  for (const format::LabelPair& pair : labels) {
    if (out.size() > 1) out += ", ";
    out.append(pair.name).append("=").append(Quote(pair.value));
  }
  return out + "}";
}

double Of(bool truth) { return truth ? 1 : 0; }

// Calls `f` with the operator as a function of two numbers: for comparisons whether they hold.
template <typename F>
auto WithOperator(BinaryOp op, F&& f) {
  switch (op) {
    case BinaryOp::kAdd: return f([](double a, double b) { return a + b; });
    case BinaryOp::kSub: return f([](double a, double b) { return a - b; });
    case BinaryOp::kMul: return f([](double a, double b) { return a * b; });
    case BinaryOp::kDiv: return f([](double a, double b) { return a / b; });
    case BinaryOp::kMod: return f([](double a, double b) { return std::fmod(a, b); });
    case BinaryOp::kPow: return f([](double a, double b) { return std::pow(a, b); });
    case BinaryOp::kAtan2: return f([](double a, double b) { return std::atan2(a, b); });
    case BinaryOp::kEqual: return f([](double a, double b) { return Of(a == b); });
    case BinaryOp::kNotEqual: return f([](double a, double b) { return Of(a != b); });
    case BinaryOp::kLess: return f([](double a, double b) { return Of(a < b); });
    case BinaryOp::kLessEqual: return f([](double a, double b) { return Of(a <= b); });
    case BinaryOp::kGreater: return f([](double a, double b) { return Of(a > b); });
    case BinaryOp::kGreaterEqual: return f([](double a, double b) { return Of(a >= b); });
    default: CHECK(false); return f([](double, double) { return 0.0; });
  }
}

// As Prometheus 2.42 has it, atan2 keeps the name.
bool DropsName(const Binary& binary) { return binary.op <= BinaryOp::kPow || binary.return_bool; }

// What makes series of two vectors belong together, as bytes.
class Signature {
 public:
  explicit Signature(const Matching& matching) : on_(matching.on), names_(matching.labels) {
    if (!on_) names_.emplace_back(format::kMetricNameLabel);
    std::sort(names_.begin(), names_.end());
  }
  const std::string& Of(format::LabelsView labels) {
    builder_.Reset(labels);
    (on_ ? builder_.Keep(names_) : builder_.Delete(names_)).BuildBytes(bytes_);
    return bytes_;
  }

 private:
  const bool on_;
  std::vector<std::string> names_;
  format::LabelsBuilder builder_;
  std::string bytes_;
};

// At which steps any column has a value.
std::vector<bool> AnyAt(const Columns& columns, size_t steps) {
  std::vector<bool> any(steps);
  for (const Column& column : columns) {
    for (size_t i = 0; i < steps; ++i) {
      if (!IsAbsent(column.values[i])) any[i] = true;
    }
  }
  return any;
}

// One match of two vectors. The "many" side is walked series by series; each has one partner at most at every step.
class Join {
 public:
  Join(const Binary& binary, const Columns& many, const Columns& one, size_t steps)
      : binary_(binary), matching_(binary.matching), many_(many), one_(one), steps_(steps), signature_(matching_) {}

  Result<Columns> Run();

 private:
  struct Group {
    std::vector<size_t> ones;
    std::vector<bool> taken;  // one-to-one: steps at which a left series has had its partner
  };
  Status Index();
  Status Match(const Column& many, Group& group);
  Status Put(const Column& many, size_t one, size_t step, double value);
  format::Labels ResultLabels(format::LabelsView many, format::LabelsView one);
  bool swapped() const { return matching_.cardinality == Cardinality::kOneToMany; }

  const Binary& binary_;
  const Matching& matching_;
  const Columns& many_;
  const Columns& one_;
  const size_t steps_;
  Signature signature_;
  std::unordered_map<std::string, Group> groups_;
  Columns out_;
  std::unordered_map<std::string, size_t> places_;  // in out_, by labels
  // The last result's place, per pair of series: the same pair comes at every step.
  size_t last_one_ = SIZE_MAX;
  size_t last_place_ = 0;
};

Status Join::Index() {
  const std::vector<bool> any = AnyAt(many_, steps_);
  for (size_t i = 0; i < one_.size(); ++i) {
    const std::string& key = signature_.Of(one_[i].labels);
    Group& group = groups_[key];
    for (const size_t other : group.ones) {
      for (size_t step = 0; step < steps_; ++step) {
        if (!any[step] || IsAbsent(one_[i].values[step]) || IsAbsent(one_[other].values[step])) continue;
        return Status::FailedPrecondition(
            "found duplicate series for the match group " + Braced(format::LabelsView::Trusted(key)) + " on the " +
            (swapped() ? "left" : "right") + " hand-side of the operation: [" + Braced(one_[i].labels) + ", " +
            Braced(one_[other].labels) +
            "];many-to-many matching not allowed: matching labels must be unique on one side");
      }
    }
    group.ones.push_back(i);
  }
  return Status::Ok();
}

format::Labels Join::ResultLabels(format::LabelsView many, format::LabelsView one) {
  format::LabelsBuilder builder(many);
  if (binary_.op <= BinaryOp::kPow) builder.Delete(format::kMetricNameLabel);
  if (matching_.cardinality == Cardinality::kOneToOne) {
    std::vector<std::string> names = matching_.labels;
    std::sort(names.begin(), names.end());
    matching_.on ? builder.Keep(names) : builder.Delete(names);
  }
  for (const std::string& name : matching_.include) builder.Set(name, one.Get(name));
  if (binary_.return_bool) builder.Delete(format::kMetricNameLabel);
  return builder.Build();
}

Status Join::Put(const Column& many, size_t one, size_t step, double value) {
  if (one != last_one_) {
    format::Labels labels = ResultLabels(many.labels, one_[one].labels);
    const auto [at, first] = places_.try_emplace(std::string(labels.bytes()), out_.size());
    if (first) out_.push_back({std::move(labels), std::vector<double>(steps_, kAbsent)});
    last_one_ = one;
    last_place_ = at->second;
  }
  double& place = out_[last_place_].values[step];
  if (!IsAbsent(place)) {
    return Status::FailedPrecondition(matching_.cardinality == Cardinality::kOneToOne
                                          ? "vector cannot contain metrics with the same labelset"
                                          : "multiple matches for labels: grouping labels must ensure unique matches");
  }
  place = value;
  return Status::Ok();
}

Status Join::Match(const Column& many, Group& group) {
  const bool one_to_one = matching_.cardinality == Cardinality::kOneToOne;
  if (one_to_one) group.taken.resize(steps_);
  last_one_ = SIZE_MAX;
  const bool comparison = IsComparison(binary_.op);
  return WithOperator(binary_.op, [&](auto op) -> Status {
    for (size_t step = 0; step < steps_; ++step) {
      if (IsAbsent(many.values[step])) continue;
      const auto partner =
          std::find_if(group.ones.begin(), group.ones.end(), [&](size_t i) { return !IsAbsent(one_[i].values[step]); });
      if (partner == group.ones.end()) continue;
      double left = many.values[step], right = one_[*partner].values[step];
      if (swapped()) std::swap(left, right);
      double value = op(left, right);
      if (comparison && !binary_.return_bool) {
        if (value == 0) continue;
        value = left;
      }
      if (one_to_one) {
        if (group.taken[step]) {
          return Status::FailedPrecondition(
              "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
        }
        group.taken[step] = true;
      }
      RETURN_IF_ERROR(Put(many, *partner, step, value));
    }
    return Status::Ok();
  });
}

Result<Columns> Join::Run() {
  RETURN_IF_ERROR(Index());
  for (const Column& many : many_) {
    const auto group = groups_.find(signature_.Of(many.labels));
    if (group != groups_.end()) RETURN_IF_ERROR(Match(many, group->second));
  }
  return std::move(out_);
}

// A column's values where the mask, for its group, says so.
Columns Masked(Columns columns, const std::vector<const std::vector<bool>*>& masks, bool wanted) {
  for (size_t i = 0; i < columns.size(); ++i) {
    for (size_t step = 0; step < columns[i].values.size(); ++step) {
      const bool set = masks[i] != nullptr && (*masks[i])[step];
      if (set != wanted) columns[i].values[step] = kAbsent;
    }
  }
  return columns;
}

}  // namespace

Result<Columns> Evaluator::EvalBinary(const Binary& binary, const Grid& grid) {
  const bool left = binary.left->type() == ValueType::kVector, right = binary.right->type() == ValueType::kVector;
  if (!left && !right) return ScalarScalar(binary, grid);
  if (!left || !right) return VectorScalar(binary, grid);
  return IsSetOperator(binary.op) ? SetOperation(binary, grid) : VectorVector(binary, grid);
}

Result<Columns> Evaluator::ScalarScalar(const Binary& binary, const Grid& grid) {
  ASSIGN_OR_RETURN(const std::vector<double> left, Scalar(*binary.left, grid));
  ASSIGN_OR_RETURN(const std::vector<double> right, Scalar(*binary.right, grid));
  return WithOperator(
      binary.op, [&](auto op) { return Constant(grid, [&](size_t step) { return op(left[step], right[step]); }); });
}

Result<Columns> Evaluator::VectorScalar(const Binary& binary, const Grid& grid) {
  const bool swap = binary.left->type() == ValueType::kScalar;
  ASSIGN_OR_RETURN(Columns columns, Eval(swap ? *binary.right : *binary.left, grid, {}));
  ASSIGN_OR_RETURN(const std::vector<double> scalar, Scalar(swap ? *binary.left : *binary.right, grid));
  const bool filter = IsComparison(binary.op) && !binary.return_bool;
  WithOperator(binary.op, [&](auto op) {
    for (Column& column : columns) {
      for (size_t step = 0; step < grid.count; ++step) {
        double& value = column.values[step];
        if (IsAbsent(value)) continue;
        const double result = swap ? op(scalar[step], value) : op(value, scalar[step]);
        if (!filter) {
          value = result;
        } else if (result == 0) {
          value = kAbsent;
        }
      }
    }
    return 0;
  });
  if (DropsName(binary)) DropNames(columns);
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::SetOperation(const Binary& binary, const Grid& grid) {
  ASSIGN_OR_RETURN(Columns left, Eval(*binary.left, grid, {}));
  ASSIGN_OR_RETURN(Columns right, Eval(*binary.right, grid, {}));
  // The side whose presence decides, and the one that it decides about.
  const bool is_or = binary.op == BinaryOp::kOr;
  const Columns& deciding = is_or ? left : right;
  Columns& decided = is_or ? right : left;
  Signature signature(binary.matching);
  std::unordered_map<std::string, std::vector<bool>> present;
  for (const Column& column : deciding) {
    std::vector<bool>& steps = present[signature.Of(column.labels)];
    steps.resize(grid.count);
    for (size_t i = 0; i < grid.count; ++i) {
      if (!IsAbsent(column.values[i])) steps[i] = true;
    }
  }
  std::vector<const std::vector<bool>*> masks;
  for (const Column& column : decided) {
    const auto at = present.find(signature.Of(column.labels));
    masks.push_back(at == present.end() ? nullptr : &at->second);
  }
  Columns columns = Masked(std::move(decided), masks, binary.op == BinaryOp::kAnd);
  if (is_or) {
    std::move(columns.begin(), columns.end(), std::back_inserter(left));
    columns = std::move(left);
  }
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

Result<Columns> Evaluator::VectorVector(const Binary& binary, const Grid& grid) {
  ASSIGN_OR_RETURN(const Columns left, Eval(*binary.left, grid, {}));
  ASSIGN_OR_RETURN(const Columns right, Eval(*binary.right, grid, {}));
  RETURN_IF_ERROR(budget_.Work((left.size() + right.size()) * grid.count));
  const bool swapped = binary.matching.cardinality == Cardinality::kOneToMany;
  ASSIGN_OR_RETURN(Columns columns, Join(binary, swapped ? right : left, swapped ? left : right, grid.count).Run());
  RETURN_IF_ERROR(MergeSameLabels(columns));
  return columns;
}

}  // namespace rhizome::promql
