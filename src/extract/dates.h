// Dates: what a text says about when. Expressions are English; ISO 8601 days and bare years work in any language.
//
// A moment is a half-open interval of milliseconds since 1970 UTC, as long as its precision: "1987" is all of that
// year. A time span adds how the text uses it: "from 1990 to 1995" and "since 1990" bound a state, "in 1987" is when
// something happened. Years from 1 to 2999 and before Christ; proleptic Gregorian. Impossible days ("February 30") are
// no dates. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "extract/tokens.h"

namespace rhizome::extract {

enum class Precision : uint8_t { kDay, kMonth, kYear, kDecade, kCentury };

struct Moment {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;  // exclusive
  Precision precision = Precision::kDay;

  bool operator==(const Moment&) const = default;
};

enum class TimeUse : uint8_t {
  kAt,       // "in 1987", "March 4, 1987": from and until are that moment's
  kBetween,  // "from 1990 to 1995", "1990–1995": until is the end of the later
  kSince,    // "since 1990": no until
  kUntil,    // "until 1995": no from
};

struct TimeSpan {
  uint32_t begin = 0;  // bytes
  uint32_t end = 0;
  uint32_t first = 0;  // tokens [first, last)
  uint32_t last = 0;
  TimeUse use = TimeUse::kAt;
  std::optional<int64_t> from_ms;
  std::optional<int64_t> until_ms;        // exclusive
  Precision precision = Precision::kDay;  // of the coarser end
};

// In the order of the text; none overlap.
std::vector<TimeSpan> FindTimes(const Tokenizer& tokens);

// "1987-03-04", "1987-03", "1987", "1980s", "century 20": equal for equal moments.
std::string MomentName(const Moment& moment);

}  // namespace rhizome::extract
