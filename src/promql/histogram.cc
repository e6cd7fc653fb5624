#include "promql/histogram.h"

#include <cmath>
#include <limits>

namespace rhizome::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void AddUpEqualBounds(std::vector<Bucket>& buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
}

void MakeMonotonic(std::vector<Bucket>& buckets) {
  double highest = buckets[0].count;
  for (Bucket& bucket : buckets) {
    if (bucket.count > highest) {
      highest = bucket.count;
    } else if (bucket.count < highest) {
      bucket.count = highest;
    }
  }
}

// The first bucket but the last that reaches `rank`.
size_t BucketOf(const std::vector<Bucket>& buckets, double rank) {
  size_t low = 0, high = buckets.size() - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (buckets[middle].count >= rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

double BucketQuantile(double phi, std::vector<Bucket> buckets) {
  if (std::isnan(phi)) return kNan;
  if (phi < 0) return -kInfinity;
  if (phi > 1) return kInfinity;
  if (buckets.back().upper_bound != kInfinity) return kNan;
  AddUpEqualBounds(buckets);
  MakeMonotonic(buckets);
  if (buckets.size() < 2) return kNan;
  const double observations = buckets.back().count;
  if (observations == 0) return kNan;
  double rank = phi * observations;
  const size_t at = BucketOf(buckets, rank);
  if (at == buckets.size() - 1) return buckets[buckets.size() - 2].upper_bound;
  if (at == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double start = 0;
  double count = buckets[at].count;
  if (at > 0) {
    start = buckets[at - 1].upper_bound;
    count -= buckets[at - 1].count;
    rank -= buckets[at - 1].count;
  }
  return start + (buckets[at].upper_bound - start) * (rank / count);
}

}  // namespace rhizome::promql
