#include "evolve_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <ctime>

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

std::string Text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}
int64_t Number(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  if (found == nullptr) return 0;
  if (found->is_int64()) return found->as_int64();
  return found->is_uint64() ? static_cast<int64_t>(found->as_uint64()) : 0;
}
double Real(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0;
}
const object& Inside(const object& from, std::string_view key) {
  static const object empty;
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->as_object() : empty;
}
template <typename Visit>
void ForEach(const object& from, std::string_view key, const Visit& visit) {
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return;
  for (const value& item : found->as_array()) {
    if (item.is_object()) visit(item.as_object());
  }
}

std::string Why(const object& change) {
  if (change.contains("other")) {
    const std::string reason = Text(change, "reason");
    return reason.empty() ? "cause: " + Text(change, "cause")
                          : fmt::format("{}, {:.2f}", reason, Real(change, "likeness"));
  }
  const object& score = Inside(change, "score");
  if (score.empty()) return Text(change, "before") + " before";
  return fmt::format("{:.0f} days, importance {:.2f}, strength {:.2f}", Real(score, "age_days"),
                     Real(score, "importance"), Real(score, "strength"));
}

std::string What(const object& change) {
  const std::string other = Text(change, "other");
  const std::string entity = Text(change, "entity");
  return (entity.empty() ? "(no longer named)" : entity) + (other.empty() ? "" : " = " + other);
}

}  // namespace

std::string PlanTable(const object& plan) {
  std::string text;
  uint64_t shown = 0;
  ForEach(plan, "changes", [&](const object& change) {
    text += fmt::format("{:8}  {:44}  {}\n", Text(change, "action"), What(change), Why(change));
    ++shown;
  });
  const object& counts = Inside(plan, "counts");
  int64_t all = 0;
  std::string summary;
  for (const char* action : {"merge", "split", "archive", "delete", "restore"}) {
    all += Number(counts, action);
    if (Number(counts, action) > 0) summary += fmt::format("{} to {}, ", Number(counts, action), action);
  }
  if (static_cast<int64_t>(shown) < all) text += fmt::format("... and {} more\n", all - static_cast<int64_t>(shown));
  if (Number(counts, "forget") > 0)
    summary += fmt::format("{} that nobody names to forget, ", Number(counts, "forget"));
  text += fmt::format("{}of {} entities\n", summary.empty() ? "nothing to do, " : summary, Number(plan, "entities"));
  if (!summary.empty()) text += "do it: rhizome evolve --plan " + Text(plan, "plan") + "\n";
  return text;
}

std::string AppliedText(const object& applied) {
  return fmt::format("{} changed, {} had changed since and were left alone, {} forgotten\n", Number(applied, "changed"),
                     Number(applied, "skipped"), Number(applied, "forgotten"));
}

std::string AuditTable(const object& page) {
  std::string text;
  ForEach(page, "events", [&](const object& event) {
    const auto at = static_cast<std::time_t>(Number(event, "at_ms") / 1000);
    text += fmt::format("{:%Y-%m-%d %H:%M:%S}  {:5}  {:8}  {:44}  {}\n    {}\n", fmt::gmtime(at), Text(event, "by"),
                        Text(event, "action"), What(event), Why(event), Text(event, "id"));
  });
  return text.empty() ? "nothing was done\n" : text;
}

}  // namespace rhizome::app
