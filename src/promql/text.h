// How PromQL writes numbers, durations and strings: the forms it reads and the one it prints of each. They are those of
// Prometheus 2.42, down to the digits, because labels are made of them (count_values) and queries are shown with them.
// Pure functions. Errors are InvalidArgument (field "query") with what is wrong; the position is the caller's to add.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::promql {

// Numbers as the lexer lets them through: decimal, 0x…, 0o…, 0b…, an octal with a leading zero, floats, Inf and NaN in
// any case.
Result<double> ParseNumber(std::string_view text);
// A float alone, as bucket bounds are written: optional sign, decimal or hexadecimal, Inf, Infinity, NaN in any case.
std::optional<double> ParseFloat(std::string_view text);
// The shortest digits that read back as `value`: "1.5", "1e+06", "+Inf", "NaN".
std::string FormatNumber(double value);
// The same digits without an exponent: "1000000".
std::string FormatPlain(double value);

// "1h30m", "5d", "100ms": units y w d h m s ms, each once, in this order. Above zero, within 292 years.
Result<int64_t> ParseDuration(std::string_view text);
// The inverse: years and weeks only where they divide exactly. `ms` is not negative.
std::string FormatDuration(int64_t ms);

// A time as RFC 3339 has it, in UTC: "2026-01-31T12:00:00Z", with ".25" where there are milliseconds.
std::string FormatInstant(int64_t time_ms);

// The bytes that a literal in ", ' or ` stands for.
Result<std::string> Unquote(std::string_view literal);
// `bytes` as a literal in ": printable UTF-8 as it is, everything else escaped.
std::string Quote(std::string_view bytes);

}  // namespace rhizome::promql
