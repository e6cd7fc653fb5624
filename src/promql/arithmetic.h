// The arithmetic that answers are compared by, bit for bit: sums with Neumaier's compensation, means that do not
// overflow, quantiles, least squares, minimum and maximum with NaN and signed zeros, orders with NaN, calendar fields.
// Each does in the same order what Prometheus 2.42 does. Pure.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace rhizome::promql {

// A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974.
struct CompensatedSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double total = sum + value;
    compensation += std::fabs(sum) >= std::fabs(value) ? (sum - total) + value : (value - total) + sum;
    sum = total;
  }
  double Total() const { return sum + compensation; }
  // An infinite sum has a NaN for compensation.
  double TotalOrInfinity() const { return std::isinf(sum) ? sum : Total(); }
};

// Whether an infinite mean stays as it is when `value` comes: everything but NaN and the other infinity.
inline bool KeepsInfiniteMean(double mean, double value) {
  if (!std::isinf(mean)) return false;
  return std::isinf(value) ? (mean > 0) == (value > 0) : !std::isnan(value);
}

// -Inf, then NaN, win (Min); +Inf, then NaN (Max). Zeros are ordered by sign.
double Min(double a, double b);
double Max(double a, double b);

// The φ-quantile with interpolation between neighbours; NaN for none and for NaN, -Inf below 0, +Inf above 1. Sorts.
double Quantile(double phi, std::vector<double>& values);

// slope, intercept of least squares; time in seconds after `origin_ms`.
struct Line {
  double slope = 0;
  double intercept = 0;
};
Line FitLine(std::span<const int64_t> times_ms, std::span<const double> values, int64_t origin_ms);

// Fields of a time in UTC. `seconds` is cut to whole ones; what no int64 holds gives the fields of its least value.
struct CalendarTime {
  int64_t year;
  int month;        // 1 … 12
  int day;          // 1 … 31
  int day_of_year;  // 1 … 366
  int weekday;      // 0 is Sunday
  int hour;
  int minute;
  int days_in_month;
};
CalendarTime CalendarOf(double seconds);

// "a before b" in ascending (descending) order with NaN last: in effect NaN is after all, itself included.
inline bool BeforeAscending(double a, double b) { return std::isnan(b) || b > a; }
inline bool BeforeDescending(double a, double b) { return std::isnan(b) || b < a; }

// The order of `values` under one of the two, as indices. Equal ones stay in their order; up to 12 values NaNs, which
// are each before the other, end up as an insertion sort leaves them.
std::vector<size_t> SortedOrder(std::span<const double> values, bool descending);

}  // namespace rhizome::promql
