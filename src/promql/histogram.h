// Quantiles from the buckets of a conventional histogram. Pure.
#pragma once

#include <vector>

namespace rhizome::promql {

struct Bucket {
  double upper_bound;
  double count;  // of all observations up to the bound
};

// The φ-quantile, linear inside a bucket. `buckets` ascend by bound and are not empty; equal bounds are added up and
// counts made monotonic. NaN without a bucket for +Inf, with fewer than two bounds, without observations and for NaN;
// -Inf and +Inf outside [0, 1]; the second highest bound in the highest bucket.
double BucketQuantile(double phi, std::vector<Bucket> buckets);

}  // namespace rhizome::promql
