// Traceparent: a request's place in a distributed trace (https://www.w3.org/TR/trace-context/, section 3.2):
//   00-<trace id, 32 hex>-<parent span id, 16 hex>-<flags, 2 hex>
// The trace id names the whole request on every node, the span id the step that made this one.
// Thread-safe: as a struct of numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rhizome {

struct Traceparent {
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};
  bool sampled = false;

  bool operator==(const Traceparent&) const = default;

  // Strict: lower-case hex only, no all-zero id, no version ff; version 00 has nothing after the flags, a later one
  // may have more after a dash, which is left unread.
  static std::optional<Traceparent> Parse(std::string_view text);
  // The start of a new trace, ids from the kernel's generator.
  static Traceparent Random(bool sampled);
  // The same trace, with a span id of its own: what a node sends on.
  Traceparent Child() const;
  // The trace id in one, for log lines; "" when it is none.
  static std::string_view TraceIdIn(std::string_view traceparent);
  // Version 00; other flags than "sampled" are not passed on.
  std::string ToString() const;
};

}  // namespace rhizome
