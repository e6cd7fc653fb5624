#include "promql/arithmetic.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace rhizome::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kInsertionSortMax = 12;

constexpr uint64_t kDaySeconds = 86'400;
constexpr uint64_t kDaysPer400Years = 146'097, kDaysPer100Years = 36'524, kDaysPer4Years = 1'461;
// Seconds from 1 January of a year far back, where a cycle of 400 years begins, to 1970.
constexpr int64_t kZeroYear = -292'277'022'399;
constexpr uint64_t kEpochSeconds = 9'223'371'966'579'724'800ull + 62'135'596'800ull;

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int64_t WholeSeconds(double seconds) {
  if (!(seconds >= -9.223372036854775808e18 && seconds < 9.223372036854775808e18)) {
    return std::numeric_limits<int64_t>::min();
  }
  return static_cast<int64_t>(seconds);
}

}  // namespace

double Min(double a, double b) {
  if (a == -kInfinity || b == -kInfinity) return -kInfinity;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

double Max(double a, double b) {
  if (a == kInfinity || b == kInfinity) return kInfinity;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double Quantile(double phi, std::vector<double>& values) {
  if (values.empty() || std::isnan(phi)) return kNan;
  if (phi < 0) return -kInfinity;
  if (phi > 1) return kInfinity;
  // NaN first.
  std::sort(values.begin(), values.end(), [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const auto n = static_cast<double>(values.size());
  const double rank = phi * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<size_t>(lower)] * (1 - weight) + values[static_cast<size_t>(upper)] * weight;
}

Line FitLine(std::span<const int64_t> times_ms, std::span<const double> values, int64_t origin_ms) {
  CompensatedSum x_sum, y_sum, xy_sum, xx_sum;
  bool constant = true;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != values[0] && i > 0) constant = false;
    const double x = static_cast<double>(times_ms[i] - origin_ms) / 1e3;
    x_sum.Add(x);
    y_sum.Add(values[i]);
    xy_sum.Add(x * values[i]);
    xx_sum.Add(x * x);
  }
  if (constant) return std::isinf(values[0]) ? Line{kNan, kNan} : Line{0, values[0]};
  const auto n = static_cast<double>(values.size());
  const double x = x_sum.Total(), y = y_sum.Total();
  const double covariance = xy_sum.Total() - x * y / n;
  const double variance = xx_sum.Total() - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

CalendarTime CalendarOf(double seconds) {
  // Wraps around as the reference does, which shows only for times that no calendar has.
  const uint64_t absolute = static_cast<uint64_t>(WholeSeconds(seconds)) + kEpochSeconds;
  uint64_t days = absolute / kDaySeconds;
  const uint64_t in_day = absolute % kDaySeconds;
  CalendarTime out{};
  out.weekday = static_cast<int>((days + 1) % 7);  // the first day was a Monday
  out.hour = static_cast<int>(in_day / 3600);
  out.minute = static_cast<int>(in_day % 3600 / 60);

  const uint64_t eras = days / kDaysPer400Years;
  days %= kDaysPer400Years;
  const uint64_t centuries = std::min<uint64_t>(days / kDaysPer100Years, 3);
  days -= centuries * kDaysPer100Years;
  const uint64_t olympiads = days / kDaysPer4Years;
  days %= kDaysPer4Years;
  const uint64_t years = std::min<uint64_t>(days / 365, 3);
  days -= years * 365;
  out.year = kZeroYear + static_cast<int64_t>(400 * eras + 100 * centuries + 4 * olympiads + years);
  out.day_of_year = static_cast<int>(days) + 1;

  const int lengths[] = {31, IsLeap(out.year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int day = static_cast<int>(days), month = 0;
  while (day >= lengths[month]) day -= lengths[month++];
  out.month = month + 1;
  out.day = day + 1;
  out.days_in_month = lengths[month];
  return out;
}

std::vector<size_t> SortedOrder(std::span<const double> values, bool descending) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  if (order.size() <= kInsertionSortMax) {
    const auto before = [&](size_t a, size_t b) {
      return descending ? BeforeDescending(values[a], values[b]) : BeforeAscending(values[a], values[b]);
    };
    for (size_t i = 1; i < order.size(); ++i) {
      for (size_t j = i; j > 0 && before(order[j], order[j - 1]); --j) std::swap(order[j], order[j - 1]);
    }
    return order;
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (std::isnan(values[a]) || std::isnan(values[b])) return !std::isnan(values[a]) && std::isnan(values[b]);
    return descending ? values[a] > values[b] : values[a] < values[b];
  });
  return order;
}

}  // namespace rhizome::promql
